"""Every test of the store runs on SQLite and on a PostgreSQL of its own."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maskworks.studio.store import NewItem, add, hold, open_campaign, open_store

HERE = Path(__file__).parent
NUMBERS = itertools.count()


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
