"""Starts real processes quickly: it has imported everything, and forks one for each line.

A line is JSON: what to do, and where. The number of the new process is printed.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import alembic.command  # noqa: F401 - imported before the first fork
import pg8000  # noqa: F401

from maskworks.studio.store import (
    Added,
    NewItem,
    Outcome,
    Output,
    add,
    claim,
    finish,
    hold,
    open_campaign,
    open_store,
    release,
)

PICTURES = 60


def main() -> None:
    """Fork until the input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            try:
                DO[order["do"]](order["database"], order["campaign"], Path(order["log"]))
            except KeyboardInterrupt:
                os._exit(0)
            finally:
                os._exit(1)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def say(log: Path, word: object) -> None:
    """Append a word to the log; what was said outlives kill -9."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{word}\n".encode())
    os.close(descriptor)


def sit(database: str, name: str, log: Path) -> None:
    """Hold the campaign with two items in hand until SIGINT."""
    with open_store(database) as store:
        campaign = open_campaign(store, name, currency="USD", settings="first")
        with hold(store, campaign) as worker:
            add(store, worker, [found("a", "1"), found("b", "1")])
            claim(store, worker, 2)
            say(log, "held")
            time.sleep(60)


def queue(database: str, name: str, log: Path) -> None:
    """Hold the campaign for a moment, when it is free."""
    with open_store(database) as store:
        campaign = open_campaign(store, name, currency="USD", settings="first")
        with hold(store, campaign, wait_s=60):
            say(log, "in")
            time.sleep(0.02)
            say(log, "out")


def work(database: str, name: str, log: Path) -> None:
    """Run the campaign again and again, as if somebody always edited a third of the pictures."""
    while True:
        run(database, name, log, os.urandom(4).hex())


def run(database: str, name: str, log: Path, version: str) -> Added:
    """Do one run to its end, and say each item's number once it is recorded."""
    with open_store(database) as store:
        campaign = open_campaign(store, name, currency="USD", settings="first")
        with hold(store, campaign) as worker:
            release(store, worker)
            names = range(PICTURES)
            added = add(store, worker, [found(n, "0" if n % 3 else version) for n in names])
            while items := claim(store, worker, 3):
                for item in items:
                    made = Output(
                        path=f"out/{item.source}", sha256=item.content, width=1, height=1, bytes=1
                    )
                    finish(store, item, Outcome(route="deliver", outputs=(made,)))
                    say(log, item.id)
            return added


def found(name: object, version: str) -> NewItem:
    """Return a picture of that name and content."""
    content = hashlib.sha256(f"{name} {version}".encode()).hexdigest()
    return NewItem(source=f"{name}.jpg", content=content, settings="first")


DO = {"sit": sit, "queue": queue, "work": work}

if __name__ == "__main__":
    main()
