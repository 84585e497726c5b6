"""Campaign folders and a PostgreSQL of its own for the tests of the studio.

The cluster lies in a temporary folder, listens on a socket in it and nowhere else, and is
stopped at the end. Without PostgreSQL's programs its tests are skipped, unless
MASKWORKS_TEST_POSTGRES=required, as in CI: then they fail.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import create_engine, text

NUMBERS = itertools.count()

CAMPAIGN = """\
[campaign]
name = "spring-skincare"
currency = "USD"

[input]
folder = "photos"
model = "cutout"

[[concept]]
name = "marble"
match = "lifestyle/**"
backgrounds = ["bg/marble-a.png", "bg/marble-b.png", "#f4f1ec"]

[output]
preset = "shopify"
shadow = "soft"

[quality]
deliver_at = 0.85
spot_check = 0.05

[exceptions]
file = "exceptions.csv"

[cost]
manual = 22.00
automated = 3.40
baseline = 22.00
"""

EXCEPTIONS = "rule,pattern,reason\ntag,clear packaging,see-through is cut by hand\n"


@dataclass(frozen=True)
class Folder:
    """A campaign's folder and its file."""

    path: Path

    @property
    def file(self) -> Path:
        return self.path / "campaign.toml"

    def picture(self, *names: str) -> Path:
        """Write tiny pictures; return the last one's path."""
        path = self.path
        for name in names:
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shade = sum(map(ord, name)) % 256  # no two backgrounds alike
            Image.new("RGB", (4, 3), (shade, len(name), 0)).save(path)
        return path

    def write(self, text: str, name: str = "campaign.toml") -> Path:
        """Write a text file below the folder."""
        (self.path / name).write_text(text, encoding="utf-8")
        return self.path / name

    def change(self, old: str, new: str) -> Path:
        """Replace a part of the campaign file that must be there."""
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        return self.write(text.replace(old, new))


@pytest.fixture
def campaign_folder(tmp_path) -> Folder:
    """The campaign of the manual: one concept, three backgrounds, two pictures, a rule."""
    folder = Folder(tmp_path / "spring")
    folder.picture("bg/marble-a.png", "bg/marble-b.png")
    folder.picture("photos/lifestyle/a.jpg", "photos/lifestyle/day 2/b.jpg")
    folder.write(EXCEPTIONS, "exceptions.csv")
    folder.write(CAMPAIGN)
    return folder


def _programs() -> Path | None:
    found = shutil.which("initdb")
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    candidates = [*reversed(folders), *([Path(found).parent] if found else [])]
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


def _as_somebody() -> list[str]:
    """Return what goes before a command so that root, whom PostgreSQL refuses, does not run it."""
    if os.getuid() != 0:
        return []
    name = "postgres" if any(user.pw_name == "postgres" for user in pwd.getpwall()) else "nobody"
    user = pwd.getpwnam(name)
    setpriv = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [*setpriv, "--"]


class Cluster:
    """A running PostgreSQL."""

    def __init__(self, folder: Path, programs: Path):
        self.folder, self.programs, self.before = folder, programs, _as_somebody()
        self.data = folder / "data"

    def run(self, program: str, *arguments: str) -> None:
        command = [*self.before, str(self.programs / program), *arguments]
        log = self.folder / f"{program}.log"
        with log.open("a") as stream:  # not a pipe: the server would keep it open
            done = subprocess.run(
                command, stdout=stream, stderr=stream, cwd="/", check=False, timeout=60
            )
        assert done.returncode == 0, log.read_text()

    def start(self) -> None:
        options = ["-A", "trust", "-U", "maskworks", "-E", "UTF8", "--no-sync", "--locale=C"]
        self.run("initdb", "-D", str(self.data), *options)
        settings = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off"
        self.run("pg_ctl", "start", "-w", "-D", str(self.data), "-o", settings)

    def stop(self) -> None:
        self.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self.data))

    def make(self) -> str:
        """Make an empty schema with a user of its own, which lands in it, and return its URL."""
        name = f"test{next(NUMBERS)}"
        socket = f"{self.folder}/.s.PGSQL.5432"
        admin = create_engine(f"postgresql+pg8000://maskworks@/postgres?unix_sock={socket}")
        try:
            with admin.begin() as connection:
                connection.execute(text(f"CREATE ROLE {name} LOGIN"))
                connection.execute(text(f"CREATE SCHEMA AUTHORIZATION {name}"))
        finally:
            admin.dispose()
        return f"postgresql://{name}@/postgres?host={self.folder}"


@pytest.fixture(scope="session")
def cluster():
    programs = _programs()
    if programs is None:
        why = "PostgreSQL's initdb was not found (Debian: apt-get install postgresql)"
        if os.environ.get("MASKWORKS_TEST_POSTGRES") == "required":
            pytest.fail(why)
        pytest.skip(why)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="maskworks-", dir=memory))  # a socket's path is short
    try:
        if os.getuid() == 0:
            user = pwd.getpwuid(int(_as_somebody()[1].partition("=")[2]))
            os.chown(folder, user.pw_uid, user.pw_gid)
        running = Cluster(folder, programs)
        running.start()
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
