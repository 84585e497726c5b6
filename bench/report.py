"""The benchmark's report as a page."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from sections import SECTIONS, Row, Settings


def write_report(path: Path, results: dict[str, list[Row]], settings: Settings) -> None:
    """Write one table per section, targets beside the figures."""
    sizes = ", ".join(f"{w} x {h}" for h, w in settings.sizes.values())
    lines = [
        "# Benchmark",
        "",
        (
            f"Written by `make bench` on {dt.datetime.now(tz=dt.UTC):%Y-%m-%d} in one run: "
            "same pictures, same threads, competitors in turn, medians."
        ),
        "",
        f"- machine: {os.cpu_count()} cores, {_processor()}, Python {platform.python_version()}",
        (
            f"- maskworks {version('maskworks')} at commit {_commit()}, "
            f"onnxruntime {version('onnxruntime')}; rembg and its pins: [rembg.txt](rembg.txt)"
        ),
        (
            f"- {settings.threads} threads each; {settings.photos} JPEG photos of each size "
            f"({sizes}), {settings.repeats} turns"
        ),
        (
            "- u2netp is the published network, exported by our own code for rembg; a network is "
            "timed at the size it is used at"
        ),
        "",
    ]
    for name, rows in results.items():
        lines += [f"## {SECTIONS[name][0]}", "", "| | measured | target | |", "|---|---|---|---|"]
        lines += [_line(row) for row in rows]
        lines.append("")
    path.write_text("\n".join(lines))


def _line(row: Row) -> str:
    target = ""
    if row.target is not None:
        target = f"{'at most' if row.at_most else 'at least'} {row.target:.3g}"
    what = f"{row.what} ({row.note})" if row.note else row.what
    return f"| {what} | {_figure(row.value)} {row.unit} | {target} | {row.verdict} |"


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown processor"


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
