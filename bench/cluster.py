"""The Ray backend beside the local one: the same rows, and what Ray takes on top.

make bench-ray      1,000 photos on a Ray of this machine's own, then the simulation

Both cut the same photos out, each in a process of its own. Rows and files must be equal but for
the seconds. Processor time is that of the process and all it starts, Ray's own among them, looked
up ten times a second: what a process does in its last tenth is not seen.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import photos
import scale

EVERY_S = 0.1
TARGET = 0.10
DISTINCT = 20
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


@dataclass(frozen=True)
class Spent:
    """What one run took, with all the processes it started; memory is the run's own process's."""

    seconds: float
    processor_s: float
    own_kb: tuple[int, ...]

    @property
    def growth(self) -> float:
        """The second half's memory by the first's."""
        half = len(self.own_kb) // 2
        return max(self.own_kb[half:]) / max(self.own_kb[:half])


def follow(command: Sequence[str]) -> Spent:
    """Run a command to its end and look at its processes.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails.
    """
    began, used, own = time.perf_counter(), dict[int, float](), list[int]()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        while process.poll() is None:
            for number, seconds in _tree(process.pid).items():
                used[number] = max(seconds, used.get(number, 0.0))
            own.append(_resident_kb(process.pid))
            time.sleep(EVERY_S)
        if process.returncode:
            said.seek(0)
            raise subprocess.CalledProcessError(process.returncode, command, said.read())
    return Spent(time.perf_counter() - began, sum(used.values()), tuple(own))


def _tree(root: int) -> dict[int, float]:
    """Return the processor seconds of a process and of all below it."""
    parents, seconds = dict[int, int](), dict[int, float]()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it ended between two looks
            continue
        number = int(path.parent.name)
        parents[number] = int(fields[1])
        seconds[number] = (int(fields[11]) + int(fields[12])) / _TICKS
    found = {root}
    while more := {n for n, parent in parents.items() if parent in found} - found:
        found |= more
    return {number: seconds[number] for number in found & seconds.keys()}


def _resident_kb(number: int) -> int:
    try:
        return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * _PAGE_KB
    except (OSError, IndexError):
        return 1


def rows_of(out: Path) -> list[dict[str, object]]:
    """Return a manifest without what the clock says and without its own folder."""
    text = (out / "manifest.jsonl").read_text().replace(str(out), "OUT")
    return [json.loads(line) | {"seconds": None} for line in text.splitlines()]


def files_of(out: Path) -> dict[str, bytes]:
    """Return what was written, by its path."""
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.png")}


def main(arguments: list[str]) -> int:
    """Measure, print, and say by the exit code whether all is as it should be."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--side", type=int, default=1000, help="of each photo, pixels")
    parser.add_argument("--threads", type=int, default=2, help="threads here, actors there")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="maskworks-ray-") as name:
        folder = Path(name)
        base = photos.make_photos(
            folder, min(DISTINCT, options.pictures), {"photo": (options.side, options.side)}
        )
        photos.repeat_photos(base["photo"], folder / "photos", options.pictures)
        command = [sys.executable, "-m", "maskworks.apps.cli", "cutout", str(folder / "photos")]
        command += ["-q", "--threads", str(options.threads), "-o"]
        here = follow([*command, str(folder / "here")])
        there = follow([*command, str(folder / "there"), "--backend", "ray"])
        equal = rows_of(folder / "here") == rows_of(folder / "there")
        equal = equal and files_of(folder / "here") == files_of(folder / "there")
        services = scale.services_of(folder / "here/manifest.jsonl")
    more = there.processor_s / here.processor_s - 1
    print(f"{options.pictures:,} photos of {options.side} px: rows and files equal: {equal}")
    print("| | by the clock | processor | own process, second half / first |\n|---|---|---|---|")
    for what, spent in (("local", here), ("ray", there)):
        print(
            f"| {what} | {spent.seconds:.1f} s | {spent.processor_s:.1f} s | {spent.growth:.2f} |"
        )
    start = "its start, some 20 s of processor, is in it"
    print(f"Ray takes {more:+.1%} of processor time ({start}; target at most {TARGET:.0%})\n")
    print(scale.tables(20_000, services, scale.Site()))
    return 0 if equal and more <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
