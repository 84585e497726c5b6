"""The commands on one bad day: databases damaged or read-only, and a picture that never ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys

import hostile_pictures as hostile
import pytest
from hostile_databases import HARMS

from maskworks.apps.cli import main
from maskworks.core import apart
from maskworks.studio.store import open_store

CAMPAIGN = """\
[campaign]
name = "spring"
[input]
folder = "in"
model = "bright"
refine = "off"
[[concept]]
name = "plain"
backgrounds = ["white"]
[quality]
deliver_at = 0.0
spot_check = 0.0
"""

COMMANDS = {
    "run": ["run", "campaign.toml"],
    "review": ["review", "list", "campaign.toml"],
    "report": ["report", "campaign.toml"],
    "audit": ["audit", "campaign.toml"],
    "verify": ["audit", "campaign.toml", "--verify"],
    "keys": ["keys", "list", "--database", "campaign.db"],
    "serve": ["serve", "--port", "0", "--data", "data", "--model", "bright",
              "--database", "campaign.db"],
}  # fmt: skip


@pytest.fixture
def campaign(tmp_path, photos, home, monkeypatch):
    """Three good pictures in a campaign whose folder is the current one."""
    for number in range(3):
        photos.write(f"{number}.png", level=200 + number)
    (tmp_path / "campaign.toml").write_text(CAMPAIGN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """A database with tables and keys in it, and nothing in its log."""
    path = tmp_path_factory.mktemp("used") / "campaign.db"
    open_store(path).close()
    assert main(["keys", "add", "shop", "--database", str(path)]) == 0
    return path


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("harm", HARMS)
def test_damaged_database_is_told_by_every_command_and_stays_as_it_is(campaign, used, capsys, harm):
    path = campaign / "campaign.db"
    shutil.copy(used, path)
    HARMS[harm](path)
    before, there = path.read_bytes(), names(campaign)
    for name, words in COMMANDS.items():
        capsys.readouterr()
        code = main(words)
        said = capsys.readouterr().err
        assert code == 1, (name, said)
        assert said.count("\n") == 1, (name, said)
        assert "campaign.db: " in said, name
        assert "bring back a copy of it" in said, name
        assert path.read_bytes() == before, name
        assert there <= names(campaign), name


def test_trail_and_report_of_a_read_only_disk(campaign, tmp_path_factory):
    """As root obeys no rights of files, it is made to; where that cannot be, it is no root."""
    words = [sys.executable, "-m", "maskworks.apps.cli"]
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("root may write everywhere, and there is no setpriv here")
        words = ["setpriv", "--bounding-set=-dac_override", *words]
    assert main(["run", "campaign.toml"]) == 0
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    there = names(campaign)
    database = campaign / "campaign.db"
    before = database.read_bytes()

    def call(*arguments):
        return subprocess.run(
            [*words, *arguments], capture_output=True, text=True, check=False, timeout=120
        )

    database.chmod(0o444)
    campaign.chmod(0o555)
    try:
        verified = call("audit", "campaign.toml", "--verify")
        reported = call("report", "campaign.toml", "-o", str(elsewhere))
        again = call("run", "campaign.toml")
        campaign.chmod(0o755)  # the file alone
        alone = call("run", "campaign.toml")
    finally:
        campaign.chmod(0o755)
        database.chmod(0o644)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert "each as it was written" in verified.stdout
    assert reported.returncode == 0, reported.stderr
    assert (elsewhere / "report.html").is_file()
    for refused in (again, alone):
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
        assert "campaign.db: " in refused.stderr
        assert "writ" in refused.stderr, "it says that it may not write, or where it might"
    assert database.read_bytes() == before
    assert there <= names(campaign)
    assert main(["run", "campaign.toml"]) == 0


@pytest.fixture
def stuck(monkeypatch):
    """Have the decoder of ``slow.tif`` stop, as one that never comes back would."""
    ask = apart.Helper.ask

    def stopped(helper, head, *parts, most_bytes):
        if str(head["name"]).endswith("slow.tif"):
            os.kill(helper._process.pid, signal.SIGSTOP)
        return ask(helper, head, *parts, most_bytes=most_bytes)

    monkeypatch.setattr(apart.Helper, "ask", stopped)
    monkeypatch.setattr("maskworks.studio.report.thumbnails._SECONDS", 0.5)


@pytest.mark.parametrize("command", ["run", "cutout"])
def test_picture_that_never_ends_costs_itself_alone(campaign, photos, capsys, stuck, command):
    (photos.folder / "slow.tif").write_bytes(hostile.written("TIFF"))
    words = (
        ["run", "campaign.toml"]
        if command == "run"
        else ["cutout", "in", "-o", "out", "--model", "bright"]
    )
    assert main([*words, "--picture-seconds", "8"]) == 1
    said = capsys.readouterr()
    assert "slow.tif: takes longer than 8 s" in said.out + said.err
    if command == "run":
        assert len(list((campaign / "spring-out/deliver").rglob("*.jpg"))) == 3
    else:
        rows = [
            json.loads(line) for line in (campaign / "out/manifest.jsonl").read_text().splitlines()
        ]
        assert sorted(row["status"] for row in rows) == ["failed", "ok", "ok", "ok"]
