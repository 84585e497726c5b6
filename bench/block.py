"""Tables that a measurement writes into a page, between two comments that name it."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
from pathlib import Path


def put_block(page: Path, name: str, lines: list[str]) -> None:
    """Replace what lies between ``<!-- NAME -->`` and ``<!-- /NAME -->`` on a page.

    Raises
    ------
    SystemExit
        If the page has no such place.
    """
    text = page.read_text()
    begin, end = (rf"<!-- {mark}{re.escape(name)} -->" for mark in ("", "/"))
    pattern = re.compile(rf"({begin}\n).*?({end})", re.DOTALL)
    if not pattern.search(text):
        message = f"{page} has no place for it: write <!-- {name} --> and <!-- /{name} --> there"
        raise SystemExit(message)
    body = "\n".join(["", *lines, "", ""])
    page.write_text(pattern.sub(lambda found: found[1] + body + found[2], text))


def machine() -> str:
    """Say what was measured on, and when."""
    today = f"{dt.datetime.now(tz=dt.UTC):%Y-%m-%d}"
    return f"{today}, {os.cpu_count()} cores ({processor()}), Python {platform.python_version()}"


def processor() -> str:
    """Return the processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown processor"
