"""Small campaigns that really run, in this process and in others."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskworks.models import load_model
from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.run.filing import out_of
from maskworks.studio.run.run import CampaignRun, RunListener, run_opened
from maskworks.studio.store import Filter, counts, list_campaigns, list_items, open_store

HERE = Path(__file__).parent
SIDE = 64
CURRENT = Filter()
CAMPAIGN = """\
[campaign]
name = "small"
currency = "USD"

[input]
folder = "photos"
model = "cutout"

[[concept]]
name = "marble"
match = "life/**"
backgrounds = ["bg/wall.png", "#f4f1ec"]

[[concept]]
name = "plain"
backgrounds = ["white"]

[output]
format = "png"

[quality]
deliver_at = 0.0
spot_check = 0.0

[exceptions]
file = "exceptions.csv"

[cost]
manual = 22.00
automated = 3.40
review = 0.50
"""


@dataclass
class Told:
    """What a run has said."""

    started: list = field(default_factory=list)
    done: list = field(default_factory=list)

    @property
    def sources(self):
        return sorted(one.source for one in self.done)


@dataclass(frozen=True)
class Small:
    """A campaign of tiny pictures in a folder of its own; `database` is beside it by default."""

    path: Path
    database: str | None = None

    @property
    def file(self):
        return self.path / "campaign.toml"

    @property
    def options(self):
        """What the command needs to find the database."""
        return ("--database", self.database) if self.database else ()

    @property
    def out(self):
        return out_of(read_campaign(self.file))

    def draw(self, name, colour=(200, 30, 40), side=SIDE):
        """Draw a disc on a light ground; another colour is another content."""
        rows, columns = np.mgrid[0:side, 0:side]
        inside = np.hypot(rows - side / 2, columns - side / 2) < side * 0.3
        pixels = np.full((side, side, 3), 240, np.uint8)
        pixels[inside] = colour
        path = self.path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        return path

    def write(self, name, text):
        (self.path / name).write_text(text, encoding="utf-8")

    def change(self, old, new):
        """Replace a part of the campaign file that must be there."""
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        self.write("campaign.toml", text.replace(old, new))

    def run(self, *, stop=None, stop_after=None):
        """Run it here; return what was told and how it ended."""
        told = Told()
        stop = stop or threading.Event()

        def done(one):
            told.done.append(one)
            if stop_after is not None and len(told.done) >= stop_after:
                stop.set()

        with self.store() as store:
            work = CampaignRun(file=read_campaign(self.file), store=store, stop=stop, threads=1)
            return told, run_opened(work, RunListener(started=told.started.append, done=done))

    def store(self):
        return open_store(self.database or self.path / "campaign.db")

    def routes(self):
        """Return the route of every current picture."""
        return {item.source: item.route for item in self.items()}

    def items(self, only=CURRENT):
        with self.store() as store:
            return list_items(store, list_campaigns(store)[0], only)

    def counts(self):
        with self.store() as store:
            return counts(store, list_campaigns(store)[0])

    def files(self, *folders):
        """Return every file below these folders of the outputs, relative to them."""
        return sorted(
            path.relative_to(self.out).as_posix()
            for folder in folders
            for path in (self.out / folder).rglob("*")
            if path.is_file()
        )

    def delivered(self):
        """Return deliverables.csv as rows."""
        with (self.out / "deliverables.csv").open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def check_whole(self):
        """Assert that the list, the folder and the hashes agree, and that nothing is half."""
        rows = self.delivered()
        assert sorted(row["path"] for row in rows) == self.files("deliver")
        for row in rows:
            data = (self.out / row["path"]).read_bytes()
            assert hashlib.sha256(data).hexdigest() == row["sha256"]
        assert not [path for path in self.out.rglob("*") if path.name.endswith(".tmp")]


@pytest.fixture(scope="session")
def loader():
    """The real `load_model`, which opens a model only once for all these tests."""
    return cache(load_model)


@pytest.fixture
def small(tmp_path, loader, monkeypatch):
    """Five pictures: two of a concept with two backgrounds, an exception, one is corrupt."""
    monkeypatch.setattr("maskworks.models.load_model", loader)
    made = Small(tmp_path / "small")
    (made.path / "bg").mkdir(parents=True)
    Image.new("RGB", (200, 200), (120, 130, 140)).save(made.path / "bg/wall.png")
    made.draw("life/a.png")
    made.draw("life/b.png", (20, 60, 160))
    made.draw("c.png", (30, 120, 40))
    made.draw("glass.png", (90, 90, 200))
    (made.path / "photos/broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    made.write("exceptions.csv", "rule,pattern,reason\nglob,glass*,see-through is cut by hand\n")
    made.write("campaign.toml", CAMPAIGN)
    return made


class Runners:
    """Real processes that run a campaign; `start` returns the number of a new one."""

    def __init__(self, process):
        self.process = process

    def start(self, campaign, log, *options):
        order = {"campaign": str(campaign), "log": str(log), "options": options}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture(scope="session")
def runners():
    command = [sys.executable, str(HERE / "runner.py")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        yield Runners(process)
        process.stdin.close()
        process.wait(timeout=30)
