"""Runs campaigns in real processes: it has imported everything, and forks one for each line.

A line is JSON: the campaign's file, and where its words go. The number of the new process is
printed; the last word of a process that ends by itself is ``exit CODE``.
"""

from __future__ import annotations

import json
import os
import signal
import sys

import cv2  # imported before the first fork, and not used
import onnxruntime  # noqa: F401
import scipy.ndimage  # noqa: F401

import maskworks.apps.cli.run
import maskworks.batch.memory
import maskworks.studio.run.reporting
import maskworks.studio.run.run
import maskworks.studio.store.adding
import maskworks.studio.store.migrations  # noqa: F401
from maskworks.apps.cli import main


def serve() -> None:
    """Fork until the input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            run(order)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def run(order: dict[str, str]) -> None:
    """Run one campaign and end the process."""
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    cv2.setNumThreads(1)
    code = 99
    try:
        code = main(["run", order["campaign"], "--threads", "1", *order["options"]])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(log, f"exit {code}\n".encode())
        os._exit(code)


if __name__ == "__main__":
    serve()
