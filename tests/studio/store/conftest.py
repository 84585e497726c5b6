"""Every test of the store runs on SQLite and on a PostgreSQL of its own.

The cluster lies in a temporary folder, listens on a socket in it and nowhere else, and is
stopped at the end. Without PostgreSQL's programs its tests are skipped, unless
MASKWORKS_TEST_POSTGRES=required, as in CI: then they fail.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from maskworks.studio.store import NewItem, add, hold, open_campaign, open_store

HERE = Path(__file__).parent
NUMBERS = itertools.count()


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


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """An SQLite file with our tables, to be copied: quicker than making them each time."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    open_store(path).close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request, tmp_path):
    """Where a database without any table is, or may be made."""
    if request.param == "sqlite":
        return str(tmp_path / "campaign.db")
    return request.getfixturevalue("cluster").make()


@pytest.fixture(scope="session")
def shared(cluster):
    """A PostgreSQL database that all tests use, each with a campaign of its own."""
    return cluster.make()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path, template):
    """Where a database is to work with."""
    if request.param == "sqlite":
        return str(shutil.copy(template, tmp_path / "campaign.db"))
    return request.getfixturevalue("shared")


@pytest.fixture
def store(database):
    with open_store(database) as opened:
        yield opened


@pytest.fixture
def campaign(store):
    return open_campaign(store, f"spring {next(NUMBERS)}", currency="USD", settings="first")


@pytest.fixture
def worker(store, campaign):
    with hold(store, campaign) as held:
        yield held


@pytest.fixture
def picture():
    """A function that makes the row of a picture: `picture("a.jpg", content="other")`."""

    def made(source="a.jpg", content="", settings="first", sku=None, tags=(), concept=None):
        digest = hashlib.sha256((content or source).encode()).hexdigest()
        return NewItem(
            source=source, content=digest, settings=settings, sku=sku, tags=tags, concept=concept
        )

    return made


@pytest.fixture
def pictures(store, worker, picture):
    """Four pictures that wait."""
    names = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    add(store, worker, [picture(name) for name in names])
    return names


class Nursery:
    """Real processes; `start` returns the number of a new one."""

    def __init__(self, process):
        self.process = process

    def start(self, do, database, campaign, log):
        order = {"do": do, "database": database, "campaign": campaign, "log": str(log)}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture(scope="session")
def nursery():
    command = [sys.executable, str(HERE / "nursery.py")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        yield Nursery(process)
        process.stdin.close()
        process.wait(timeout=30)
