"""What many workers would do: a discrete-event simulation fed with measured service times.

python bench/scale.py [--manifest out/manifest.jsonl] [--photos 200000] [--campaign]
python bench/scale.py --check out/manifest.jsonl --workers 2 --wall SECONDS

A worker asks the head for a photo, takes it in hand in PostgreSQL (a campaign), fetches it,
computes as long as one of the measured photos took, sends the result, and records it. The head,
the database, the line of the object store and the listing serve in the order of asking. `--check`
holds the model against a run that was measured. Prices are inputs with a date: read them anew.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

WORKERS = (1, 2, 10, 30, 100, 300, 1000)
MEASURED_S = (0.233, 0.280, 0.292, 0.305, 0.321, 0.322, 0.333, 0.351, 0.358, 0.358, 0.436, 0.462)
"""Processor seconds of `maskworks cutout`, defaults, one thread, on six photos of 1.5 to 4.4 MP,
twice: 2026-11-30, with seven others on the same core, whose cost is in it."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """What lies between workers and pictures; seconds, bytes, bytes a second.

    `database_s` is what one photo costs the server of a campaign (take, record, trail), of which
    it serves `database_lines` at once; 0 is no campaign.
    """

    page_s: float = 0.12
    page_keys: int = 1000
    head_s: float = 0.0015
    latency_s: float = 0.03
    bytes_in: float = 1.5e6
    bytes_out: float = 2.5e6
    machine_bytes_s: float = 150e6
    cores_a_machine: int = 8
    store_bytes_s: float = 12.5e9
    database_s: float = 0.0
    database_lines: int = 8


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """List prices in US dollars, without discounts, on the day they were read."""

    name: str
    read: str
    core_hour: float
    get_1000: float
    put_1000: float


CLOUDS = (
    Cloud(
        name="AWS us-east-1: c5.2xlarge on demand, S3 standard", read="2026-11-30, from pages "
        "stored before", core_hour=0.34 / 8, get_1000=0.0004, put_1000=0.005,
    ),
    Cloud(
        name="Google us-central1: e2-standard-8 on demand, Cloud Storage standard",
        read="2026-11-30, storage from pages stored before; machines remembered, of 2025",
        core_hour=0.268 / 8, get_1000=0.0004, put_1000=0.005,
    ),
)  # fmt: skip


@dataclass
class Queue:
    """Something that serves `lines` at once, in the order of asking."""

    lines: int = 1
    busy_s: float = 0.0
    free: list[float] = field(default_factory=list)

    def serve(self, now: float, seconds: float) -> float:
        """Return when a request that comes now is done."""
        if seconds == 0:
            return now
        self.free = self.free or [0.0] * self.lines
        begun = max(now, heapq.heappop(self.free))
        heapq.heappush(self.free, begun + seconds)
        self.busy_s += seconds
        return begun + seconds


@dataclass(frozen=True)
class Outcome:
    """What a simulated run gave; `busy` is the share of the time each part was in use."""

    workers: int
    photos: int
    seconds: float
    busy: dict[str, float]

    @property
    def hourly(self) -> float:
        """Photos an hour."""
        return self.photos / self.seconds * 3600

    @property
    def bound(self) -> str:
        """What is busiest."""
        return max(self.busy, key=lambda name: self.busy[name])


def simulate(workers: int, photos: int, services: Sequence[float], site: Site) -> Outcome:
    """Let so many workers do so many photos; the same every time.

    Parameters
    ----------
    workers : one a core
    photos : how many
    services : measured seconds of one core for a photo; each is drawn with equal chance
    site : what lies between
    """
    dice = random.Random(photos)
    head, database = Queue(), Queue(site.database_lines)
    store = Queue()
    machines = [Queue() for _ in range(-(-workers // site.cores_a_machine))]
    events: list[tuple[float, int, int]] = [(0.0, worker, 0) for worker in range(workers)]
    given, computed, end = 0, 0.0, 0.0
    while events:
        now, worker, step = heapq.heappop(events)
        line = machines[worker // site.cores_a_machine]
        if step == 0:  # ask for a photo, which must have been listed
            if given == photos:
                continue
            listed = (given // site.page_keys + 1) * site.page_s
            given += 1
            then = head.serve(max(now, listed), site.head_s)
        elif step in (1, 5):  # take in hand; record
            then = database.serve(now, site.database_s / 2)
        elif step in (2, 4):  # fetch; send
            size = site.bytes_in if step == 2 else site.bytes_out
            then = line.serve(
                store.serve(now, size / site.store_bytes_s), size / site.machine_bytes_s
            )
            then += site.latency_s if size else 0.0
        else:
            seconds = dice.choice(services)
            computed += seconds
            then = now + seconds
        if step == 5:
            end = max(end, then)
        heapq.heappush(events, (then, worker, (step + 1) % 6))
    pages = -(-photos // site.page_keys) * site.page_s
    busy = {
        "cores": computed / (workers * end),
        "head": head.busy_s / end,
        "database": database.busy_s / (site.database_lines * end),
        "store's line": store.busy_s / end,
        "machines' lines": sum(one.busy_s for one in machines) / (len(machines) * end),
        "listing": pages / end,
    }
    return Outcome(workers, photos, end, busy)


def services_of(manifest: Path) -> list[float]:
    """Return the seconds of each picture that a manifest tells of.

    Raises
    ------
    ValueError
        If it tells of none.
    """
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    found = [sum(s for s in row["seconds"].values() if s) for row in rows if row["output"]]
    if not found:
        raise ValueError(f"{manifest} has no picture with an output")
    return found


def cost(cloud: Cloud, hourly_a_core: float) -> float:
    """Return US dollars for 1,000 photos: cores, one GET, one PUT, its share of the listing."""
    return 1000 / hourly_a_core * cloud.core_hour + cloud.get_1000 + cloud.put_1000 * (1 + 1e-3)


def tables(photos: int, services: Sequence[float], site: Site) -> str:
    """Return the tables of docs/scale.md."""
    rows = [simulate(n, min(photos, 2000 * n), services, site) for n in WORKERS]
    one = rows[0].hourly
    lines = ["| workers | photos an hour | of one worker | busiest | cores | head | database |"]
    lines.append("|---|---|---|---|---|---|---|")
    for row in rows:
        shares = " | ".join(f"{row.busy[name]:.0%}" for name in ("cores", "head", "database"))
        of_one = row.hourly / one / row.workers
        lines.append(
            f"| {row.workers:,} | {row.hourly:,.0f} | {of_one:.0%} | {row.bound} | {shares} |"
        )
    lines += ["", "| prices | read | 1,000 photos | 8 million |", "|---|---|---|---|"]
    for cloud in CLOUDS:
        each = cost(cloud, one)
        lines.append(f"| {cloud.name} | {cloud.read} | ${each:.4f} | ${each * 8000:,.0f} |")
    mean = statistics.fmean(services)
    head = f"{mean * 1000:.0f} ms of a core a photo, {3600 / mean:,.0f} an hour at the most"
    return "\n".join([f"{len(services)} measured photos: {head}.", "", *lines])


def main(arguments: list[str]) -> int:
    """Print the tables, or hold the model against a measured run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--manifest", type=Path, help="of a measured run, for its seconds")
    parser.add_argument("--photos", type=int, default=200_000)
    parser.add_argument("--campaign", action="store_true", help="with PostgreSQL, 6 ms a photo")
    parser.add_argument("--check", type=Path, help="manifest of a run that was timed")
    parser.add_argument("--workers", type=int, default=2, help="of that run")
    parser.add_argument("--wall", type=float, help="how long its pictures took, seconds")
    options = parser.parse_args(arguments)
    if options.check:
        found = services_of(options.check)
        here = Site(page_s=0, head_s=0, latency_s=0, bytes_in=0, bytes_out=0)
        told = simulate(options.workers, len(found), found, here).seconds
        off = told / options.wall - 1
        print(f"{len(found)} pictures, {options.workers} workers: {told:.1f} s simulated, "
              f"{options.wall:.1f} s measured, {off:+.1%}")  # fmt: skip
        return 0 if abs(off) <= 0.1 else 1
    services = services_of(options.manifest) if options.manifest else list(MEASURED_S)
    site = Site(database_s=0.006 if options.campaign else 0.0)
    print(tables(options.photos, services, site))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
