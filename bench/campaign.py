"""A whole campaign against its parts: `maskworks run` and decode, cut-out, encode alone.

Several times on its way the campaign stands still and the parts are timed: on a machine that
others use too, two figures of different quarters of an hour cannot be compared.

make bench-8000      8,000 photos, written to docs/benchmarks.md (hours, 30 GB of disk)

What stands below the line `KEPT` of the page was measured and written apart from it, and stays.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import memory
from campaign_pictures import DISTINCT, make_campaign
from peer import clean_environment

from maskworks.studio.store import counts, database_beside, list_campaigns, open_store

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MASKWORKS = str(Path(sys.executable).parent / "maskworks")
ROUNDS = 5
"""So often the parts are timed, evenly over the campaign."""

KEPT = "<!-- kept when the rest is written anew -->"


class CampaignRunError(Exception):
    """A run that did not do what it was timed for."""


@dataclass(frozen=True)
class Spent:
    """Time by the clock, and of all processors together."""

    seconds: float
    processor_s: float

    def times(self, factor: float) -> Spent:
        """Return the time of so many times the work."""
        return Spent(self.seconds * factor, self.processor_s * factor)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What was measured, for all photos.

    `alone` is decode, network, edges and encode (PSD and TIFF too), a mean of so many `rounds`;
    `plain` the same without the edges.
    """

    count: int
    model: str
    refine: str
    threads: int
    rounds: int
    whole: Spent
    alone: Spent
    plain: Spent
    peak_kb: int  # of 1024 bytes
    early_kb: int
    late_kb: int
    routes: dict[str, int]
    megabytes: float

    @property
    def overhead(self) -> float:
        """What a campaign adds to decode, cut-out with its edges, and encode; a share."""
        return self.whole.seconds / self.alone.seconds - 1

    @property
    def work(self) -> float:
        """The same by processor time, which depends less on what else runs; a share."""
        return self.whole.processor_s / self.alone.processor_s - 1


def measure(folder: Path, count: int, *, model: str, refine: str, threads: int) -> Figures:
    """Run a campaign of `count` photos, and its parts in between."""
    shutil.rmtree(folder, ignore_errors=True)
    file = make_campaign(folder, count, model=model, refine=refine)
    parts = _Parts(file, count, refine, threads)
    trace, whole = _run(file, threads, parts)
    report = json.loads((folder / "bench-out/report.json").read_text())
    if report["items"] != count or report["routes"]["failed"]:
        message = f"{count} photos went in; the report says {report['routes']}"
        raise CampaignRunError(message)
    written = sum(path.stat().st_size for path in (folder / "bench-out").rglob("*.*"))
    alone = parts.mean()
    return Figures(
        count=count,
        model=model,
        refine=refine,
        threads=threads,
        rounds=parts.rounds,
        whole=whole,
        alone=alone,
        plain=_alone(file, DISTINCT, "off", threads).times(count),
        peak_kb=trace.peak,
        early_kb=trace.peak_between(0.1, 0.5),
        late_kb=trace.peak_between(0.5, 1.0),
        routes=report["routes"],
        megabytes=written / 1e6,
    )


class _Parts:
    """The parts of a campaign, timed whenever another fifth of it is half done."""

    def __init__(self, file: Path, count: int, method: str, threads: int) -> None:
        self._file, self._count, self._method, self._threads = file, count, method, threads
        self._database = database_beside(file)
        self._looked = 0.0
        self._found: list[Spent] = []
        self.processor_s = 0.0

    def due(self) -> bool:
        """Say whether it is time for the next round."""
        if time.monotonic() - self._looked < 1 or len(self._found) == ROUNDS:
            return False
        self._looked = time.monotonic()
        return self._done() >= max(2, (len(self._found) + 0.5) / ROUNDS * self._count)

    def time(self) -> None:
        """Time one round."""
        before = _processor_s()
        found = _alone(self._file, DISTINCT, self._method, self._threads)
        self._found.append(found.times(self._count))
        self.processor_s += _processor_s() - before

    @property
    def rounds(self) -> int:
        """How often they were timed."""
        return len(self._found)

    def mean(self) -> Spent:
        """Return the mean of the rounds, for all photos."""
        if not self._found:
            self.time()  # a campaign of a few pictures is over before the first round
        return Spent(
            statistics.fmean(found.seconds for found in self._found),
            statistics.fmean(found.processor_s for found in self._found),
        )

    def _done(self) -> int:
        if not self._database.exists():
            return 0
        with open_store(self._database, create=False) as store:
            return sum(counts(store, one).done for one in list_campaigns(store))


def _run(file: Path, threads: int, parts: _Parts) -> tuple[memory.Trace, Spent]:
    command = [MASKWORKS, "run", str(file), "--threads", str(threads)]
    before = _processor_s()
    trace = memory.follow(command, clean_environment(), due=parts.due, aside=parts.time)
    spent = Spent(trace.seconds, _processor_s() - before - parts.processor_s)
    if trace.exit_code:
        message = f"{' '.join(command)}: exit code {trace.exit_code}"
        raise CampaignRunError(message)
    return trace, spent


def _processor_s() -> float:
    """Return what the programs that were run so far took of all processors."""
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def _alone(file: Path, count: int, method: str, threads: int) -> Spent:
    """Return what the parts took for one photo."""
    command = [sys.executable, str(HERE / "campaign_worker.py"), str(file), str(count), method]
    done = subprocess.run(
        [*command, str(threads)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CampaignRunError(done.stderr[-1500:])
    photos, seconds, processor_s = map(float, done.stdout.split())
    return Spent(seconds, processor_s).times(1 / photos)


def page(found: Figures) -> str:
    """Return docs/benchmarks.md."""
    made, whole = sum(found.routes.values()), found.whole.seconds
    rows = [
        ("photos, 1 to 6 megapixels", f"{found.count:,}"),
        ("routes", ", ".join(f"{number:,} {route}" for route, number in found.routes.items())),
        ("files written", f"{found.megabytes / 1000:,.1f} GB"),
        ("time", f"{_clock(whole)}, {made / whole * 3600:,.0f} photos an hour"),
        ("decode, cut-out with its edges, and encode alone", _clock(found.alone.seconds)),
        ("what the campaign adds to that", f"{found.overhead:.1%} (target: at most 15 %)"),
        ("the same by processor time", f"{found.work:.1%}"),
        ("decode, network and encode alone, no edges", _clock(found.plain.seconds)),
        ("memory at most", f"{found.peak_kb * 1.024e-3:,.0f} MB (target: below 1,000 MB)"),
        ("second half / first half", f"{found.late_kb / found.early_kb:.3f}"),
    ]
    text = [
        f"Written by `make bench-8000` on {dt.datetime.now(tz=dt.UTC):%Y-%m-%d}: maskworks",
        f"{version('maskworks')}, {found.threads} threads, a machine with {os.cpu_count()} cores.",
        f"The model is `{found.model}`, edges are made with `{found.refine}`.",
        "Each photo becomes a JPEG on white by the preset `amazon-main`; one in twenty is hard,",
        "and goes to review with a PSD and a TIFF.",
        f"The photos are {min(DISTINCT, found.count)} different ones under {found.count:,} names.",
        "Encoding is that of all these.",
        f"The parts are timed with as many threads, {found.rounds} times while the campaign",
        f"stands still, on {min(DISTINCT, found.count)} of the photos, and scaled up.",
    ]
    return "\n".join(
        [
            "# Benchmarks",
            "",
            f"## A campaign of {found.count:,} photos",
            "",
            " ".join(text),
            "",
            "| | measured |",
            "|---|---|",
            *(f"| {what} | {value} |" for what, value in rows),
            "",
            "`make bench` runs 500 of them, beside its other figures, into `bench/baseline.md`.",
            "",
        ]
    )


def write(path: Path, text: str) -> None:
    """Write the page, and keep what stands below `KEPT`."""
    before = path.read_text() if path.exists() else ""
    _, line, rest = before.partition(KEPT)
    path.write_text(text + (f"\n{line}{rest}" if line else ""))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def main(arguments: list[str]) -> int:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=8000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", default="cutout")
    parser.add_argument("--refine", default="auto", choices=["off", "fast", "fine", "auto"])
    parser.add_argument("--write", type=Path, help="the page; default: print it")
    parser.add_argument("--keep", action="store_true", help="leave the outputs on the disk")
    options = parser.parse_args(arguments)
    folder = ROOT / "bench/out" / f"campaign-{options.pictures}"
    found = measure(
        folder,
        options.pictures,
        model=options.model,
        refine=options.refine,
        threads=options.threads,
    )
    if not options.keep:
        shutil.rmtree(folder)
    if options.write:
        write(options.write, page(found))
    else:
        print(page(found))
    return 0 if found.overhead <= 0.15 and found.peak_kb * 1.024e-3 < 1000 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
