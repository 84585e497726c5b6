"""What is measured. Each section returns rows; nothing here prints a verdict.

Competitors take turns (A B C A B C ...), so that a machine whose speed drifts
drifts for all of them, and figures are medians.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import median

import campaign
import edges
import memory
import numpy as np
import panoptic
import photos
import video_clip
from peer import FailedRunError, Peer, clean_environment

from maskworks.core.values import UNKNOWN

HERE = Path(__file__).resolve().parent
MASKWORKS = str(Path(sys.executable).parent / "maskworks")
MEBI = 1024  # kB in a MiB


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How much to measure, and where to put what that takes."""

    out: Path
    threads: int
    repeats: int
    photos: int  # of each size
    sizes: dict[str, tuple[int, int]]
    network_runs: int
    many_pictures: int
    portraits: int = 3
    campaign_pictures: int = 500
    clip_frames: int = 250


FEW = 60
"""Pictures of the campaigns with the slowest and the quickest settings."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the report."""

    what: str
    value: float
    unit: str
    target: float | None = None
    at_most: bool = True  # else: at least
    note: str = ""

    @property
    def verdict(self) -> str:
        """Return "pass", "MISS", or "" where there is no target."""
        if self.target is None:
            return ""
        fine = self.value <= self.target if self.at_most else self.value >= self.target
        return "pass" if fine else "MISS"


@dataclass(frozen=True)
class Contender:
    """A command line to time, and what it must leave behind."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    out: Path | None = None  # removed before each run
    files: int = 0  # that must lie in `out` afterwards


def run_once(contender: Contender) -> float:
    """Run it as a process of its own; return the wall seconds."""
    if contender.out is not None:
        shutil.rmtree(contender.out, ignore_errors=True)
        contender.out.mkdir(parents=True)
    start = time.perf_counter()
    done = subprocess.run(
        contender.command, env=contender.environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    written = 0
    if contender.out is not None:
        written = sum(1 for path in contender.out.rglob("*.png") if path.stat().st_size)
    if done.returncode or written != contender.files:
        message = (
            f"{' '.join(contender.command)}: exit code {done.returncode}, {written} of "
            f"{contender.files} pictures written\n{done.stdout[-500:]}{done.stderr[-1500:]}"
        )
        raise FailedRunError(message)
    return seconds


def take_turns(contenders: list[Contender], repeats: int) -> dict[str, float]:
    """Time each `repeats` times in turn; return the median seconds by name."""
    seconds: dict[str, list[float]] = {c.name: [] for c in contenders}
    for turn in range(repeats):
        for contender in contenders:
            seconds[contender.name].append(run_once(contender))
            last = seconds[contender.name][-1]
            print(f"    {contender.name}: {last:.2f} s ({turn + 1}/{repeats})", flush=True)
    return {name: median(values) for name, values in seconds.items()}


def _ours(name: str, arguments: tuple[str, ...], out: Path | None, files: int) -> Contender:
    return Contender(name, (MASKWORKS, *arguments), clean_environment(), out, files)


def _cutout(source: Path, target: Path, threads: int, *others: str) -> tuple[str, ...]:
    """Cut out as a user does who sets nothing: edges refined; `others` are named in the row."""
    # rembg writes a file for every picture; without the option we would not.
    settings = ("--threads", str(threads), "--write-no-subject", *others)
    return ("cutout", str(source), "-o", str(target), *settings)


# ------------------------------------------------------------------ (a) the network alone


def measure_network(settings: Settings, peer: Peer | None) -> list[Row]:
    """Time one forward pass of each network, in turn, each in a process of its own."""
    threads = str(settings.threads)
    worker = str(HERE / "network_worker.py")
    command = [sys.executable, worker, "ours", "cutout", threads]
    commands = {"cutout": (command, clean_environment())}
    if peer:
        command = [peer.program("python"), worker, "rembg", "u2netp", threads]
        commands["u2netp"] = (command, peer.environment(settings.threads))
    workers = {
        name: subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name, (command, environment) in commands.items()
    }
    try:
        for process in workers.values():
            _answer(process)
        seconds: dict[str, list[float]] = {name: [] for name in workers}
        for _ in range(settings.network_runs):
            for name, process in workers.items():
                time.sleep(0.05)  # let the other's threads stop spinning
                process.stdin.write("\n")
                process.stdin.flush()
                seconds[name].append(float(_answer(process)))
    finally:
        for process in workers.values():
            process.stdin.close()
            process.wait(timeout=30)
            process.stdout.close()
    ms = {name: 1000 * median(values) for name, values in seconds.items()}
    rows = [Row(what=f"{name}, one picture", value=ms[name], unit="ms") for name in ms]
    if peer:
        ratio = ms["cutout"] / ms["u2netp"]
        rows.append(Row(what="cutout / u2netp at 320 px", value=ratio, unit="x", target=0.35))
    return rows


def _answer(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline()
    if not line:
        message = f"{process.args} ended with exit code {process.wait()}"
        raise FailedRunError(message)
    return line


# ------------------------------------------------------------------ (b) folders

WAYS: dict[str, tuple[str, ...]] = {
    "cutout": (),  # the defaults
    "cutout, edges off": ("--refine", "off"),  # as rembg without its -a: no matting
}
"""What is timed on folders, by the name it gets there: only the defaults go without."""

FASTER = {"u2netp": 5.0, "u2net": 10.0}
"""How many times as fast as rembg with this network the defaults are to be, at every size."""


def measure_folders(settings: Settings, peer: Peer | None) -> list[Row]:
    """Pictures per second from a folder of photos to PNG files, start of the program included."""
    folders = photos.make_photos(settings.out / "photos", settings.photos, settings.sizes)
    rows = []
    for name, folder in folders.items():
        print(f"  {name}", flush=True)
        count = len(list(folder.glob("*.jpg")))
        contenders = []
        for who, others in WAYS.items():
            out = settings.out / f"cut-{who.replace(' ', '-')}"
            arguments = _cutout(folder, out, settings.threads, *others)
            contenders.append(_ours(who, arguments, out, count))
        for their in peer.models if peer else ():
            out = settings.out / f"cut-rembg-{their}"
            command = (peer.program("rembg"), "p", "-m", their, str(folder), str(out))
            environment = peer.environment(settings.threads)
            contenders.append(Contender(f"rembg {their}", command, environment, out, count))
        seconds = take_turns(contenders, settings.repeats)
        rows += [
            Row(what=f"{name}: {who}", value=count / s, unit="pictures/s")
            for who, s in seconds.items()
        ]
        rows += [
            Row(
                what=f"{name}: {who} against rembg {their}",
                value=seconds[f"rembg {their}"] / seconds[who],
                unit="x as fast",
                target=FASTER[their] if who == "cutout" else None,
                at_most=False,
            )
            for who in WAYS
            for their in (peer.models if peer else ())
        ]
    return rows


# ------------------------------------------------------------------ (c) start


def measure_start(settings: Settings, peer: Peer | None) -> list[Row]:
    """Time a new process to its first cut-out, and to its help."""
    first_size = dict(list(settings.sizes.items())[:1])
    folders = photos.make_photos(settings.out / "photos", settings.photos, first_size)
    source = min(folders[next(iter(first_size))].glob("*.jpg"))
    out = settings.out / "first"
    first = [
        _ours(
            "maskworks cutout",
            _cutout(source, out / "first.png", settings.threads),
            out,
            1,
        )
    ]
    helps = [_ours("maskworks --help", ("--help",), None, 0)]
    if peer:
        environment = peer.environment(settings.threads)
        command = (peer.program("rembg"), "i", "-m", "u2netp", str(source))
        target = settings.out / "first-rembg"
        contender = Contender(
            "rembg i", (*command, str(target / "first.png")), environment, target, 1
        )
        first.append(contender)
        helps.append(Contender("rembg --help", (peer.program("rembg"), "--help"), environment))
    # Its own limit counts beside the ratio: nobody waits for help.
    limits = {"maskworks --help": 0.4}
    rows = []
    for contenders, at_most in ((first, 0.5), (helps, 1 / 8)):
        take_turns(contenders, 1)  # fills the caches of either side
        seconds = take_turns(contenders, max(settings.repeats, 5))
        rows += [
            Row(what=name, value=s, unit="s", target=limits.get(name))
            for name, s in seconds.items()
        ]
        if peer:
            ours, theirs = (seconds[c.name] for c in contenders)
            what = f"{contenders[0].name} / {contenders[1].name}"
            rows.append(Row(what=what, value=ours / theirs, unit="x", target=at_most))
    return rows


# ------------------------------------------------------------------ (d) thousands of pictures


EIGHT_THOUSAND = 8000
TARGET_8000_S = 4200.0  # an hour and ten minutes


def measure_many(settings: Settings, _peer: Peer | None) -> list[Row]:
    """Follow one run with default settings over many pictures of all sizes.

    What 8,000 take is extrapolated: start included, so that it is rather too long.
    """
    folders = photos.make_photos(settings.out / "photos", settings.photos, settings.sizes)
    count = settings.many_pictures
    folder = photos.repeat_photos(folders["mixed"], settings.out / f"photos/many{count}", count)
    out = settings.out / "cut-many"
    shutil.rmtree(out, ignore_errors=True)
    arguments = _cutout(folder, out, settings.threads)
    trace = memory.follow([MASKWORKS, *arguments], clean_environment())
    written = len(list(out.rglob("*.png")))
    shutil.rmtree(out, ignore_errors=True)
    if trace.exit_code or written != count:
        message = f"exit code {trace.exit_code}, {written} of {count} pictures written"
        raise FailedRunError(message)
    early, late = trace.peak_between(0.1, 0.5), trace.peak_between(0.5, 1.0)
    seconds = trace.seconds * EIGHT_THOUSAND / count
    return [
        Row(what=f"{count} pictures", value=trace.seconds, unit="s"),
        Row(
            what="8,000 pictures, by extrapolation",
            value=seconds,
            unit="s",
            target=TARGET_8000_S,
        ),
        Row(what=f"peak over {count} pictures", value=trace.peak / MEBI, unit="MiB", target=700.0),
        Row(
            what="peak of the second half / of the first",
            value=late / early,
            unit="x",
            target=1.1,
            note="flat: memory does not grow with the number of pictures",
        ),
    ]


# ------------------------------------------------------------------ (e) edges


def measure_edges(settings: Settings, peer: Peer | None) -> list[Row]:
    """Compare refined edges with the truth, with rembg's and with pymatting's."""
    if not edges.DATA.exists():
        message = f"no data at {edges.DATA}: edges are measured against true mattes"
        raise FailedRunError(message)
    rows = _against_unrefined()
    folder = settings.out / "edges"
    for number in range(settings.portraits):
        rows += _four_megapixels(edges.make_case(folder, "4mp", number), settings, peer)
        rows += _twelve_megapixels(edges.make_case(folder, "12mp", number), settings, peer)
    return _by_median(rows)


def _against_unrefined() -> list[Row]:
    rows = []
    whose = (("dev", edges.real_people), ("drawn", edges.drawn_people))
    for (name, people), method in product(whose, ("fast", "fine")):
        found = edges.against_unrefined(people(), method)
        told = method == "fine"
        rows += [
            Row(what=f"{name} people: SAD in the band, unrefined", value=found["before"], unit="k"),
            Row(
                what=f"{name} people: SAD in the band, {method} / unrefined",
                value=found["after"] / found["before"],
                unit="x",
                target=0.75 if told else None,
            ),
            Row(
                what=f"{name} people: boundary IoU, {method} - unrefined",
                value=found["biou_after"] - found["biou_before"],
                unit="",
                target=0.03 if told else None,
                at_most=False,
                note=f"{found['biou_before']:.3f} to {found['biou_after']:.3f}",
            ),
        ]
    return rows


def _four_megapixels(case: Path, settings: Settings, peer: Peer | None) -> list[Row]:
    before, after = edges.halo(case)
    rows = [
        Row(
            what="4 MP: colour error over red, green and blue, our colours / the photo's",
            value=after / before,
            unit="x",
            target=0.5,
        )
    ]
    if peer:
        ours = edges.work("solver", case, peer, settings.threads)
        theirs = edges.work("pymatting", case, peer, settings.threads)
        with np.load(case) as stored:
            band = stored["trimap"] == UNKNOWN
        apart = float(np.abs(ours.alpha - theirs.alpha)[band].mean())
        rows += [
            Row(what="4 MP: alpha apart from pymatting's", value=apart, unit="", target=0.01),
            Row(
                what="4 MP: closed form against pymatting",
                value=theirs.seconds / ours.seconds,
                unit="x as fast",
                target=10.0,
                at_most=False,
                note=f"{band.mean():.1%} unknown",
            ),
        ]
    return rows


def _twelve_megapixels(case: Path, settings: Settings, peer: Peer | None) -> list[Row]:
    took = {kind: edges.work(kind, case, peer, settings.threads) for kind in ("fast", "fine")}
    with np.load(case) as stored:
        truth, matte, band = stored["truth"], stored["matte"], stored["trimap"] == UNKNOWN
    fine = took["fine"]
    rows = [
        Row(what="12 MP: fast", value=took["fast"].seconds, unit="s", target=0.25),
        Row(what="12 MP: fine", value=fine.seconds, unit="s", target=2.5),
        Row(what="12 MP: fine, peak memory", value=fine.peak_mib, unit="MiB", target=954.0),
        Row(
            what="12 MP: SAD in the band, fine / unrefined",
            value=edges.sad(fine.alpha, truth, band) / edges.sad(matte, truth, band),
            unit="x",
        ),
    ]
    if peer:
        theirs = edges.work("rembg", case, peer, settings.threads)
        everywhere = np.ones_like(band)
        rows += [
            Row(
                what="12 MP: SAD of the whole picture, fine / rembg -a",
                value=edges.sad(fine.alpha, truth, everywhere)
                / edges.sad(theirs.alpha, truth, everywhere),
                unit="x",
                target=1.0,
            ),
            Row(
                what="12 MP: fine against rembg -a",
                value=theirs.seconds / fine.seconds,
                unit="x as fast",
                target=15.0,
                at_most=False,
            ),
            Row(
                what="12 MP: peak memory, fine / rembg -a",
                value=fine.peak_mib / theirs.peak_mib,
                unit="x",
                target=0.2,
            ),
        ]
    return rows


def _by_median(rows: list[Row]) -> list[Row]:
    """Merge rows of the same name, one a portrait, into their median."""
    names = list(dict.fromkeys(row.what for row in rows))
    groups = [[row for row in rows if row.what == name] for name in names]
    return [replace(group[-1], value=median(row.value for row in group)) for group in groups]


Section = Callable[[Settings, Peer | None], list[Row]]
# ------------------------------------------------------------------ (f) a campaign


def measure_campaign(settings: Settings, _peer: Peer | None) -> list[Row]:
    """Run whole campaigns, and their parts alone; follow their memory.

    A large one as it is by default, and a small one with the finest edges.
    """
    count = settings.campaign_pictures
    rows: list[Row] = []
    for refine, pictures in (("auto", count), ("fine", min(count, FEW))):
        try:
            found = campaign.measure(
                settings.out / "campaign",
                pictures,
                model="cutout",
                refine=refine,
                threads=settings.threads,
            )
        except campaign.CampaignRunError as error:
            raise FailedRunError(str(error)) from error
        shutil.rmtree(settings.out / "campaign")
        rows += _campaign_rows(found, "" if refine == "auto" else f"{refine}: ")
    return rows


def _campaign_rows(found: campaign.Figures, way: str) -> list[Row]:
    return [
        Row(what=f"{way}{found.count} pictures", value=found.whole.seconds, unit="s"),
        Row(what=f"{way}decode, cut-out, edges, encode", value=found.alone.seconds, unit="s"),
        Row(what=f"{way}decode, cut-out, encode", value=found.plain.seconds, unit="s"),
        Row(
            what=f"{way}campaign / decode, cut-out, edges, encode",
            value=1 + found.overhead,
            unit="x",
            target=1.15,
            note=f"by processor time {1 + found.work:.2f}",
        ),
        Row(what=f"{way}peak", value=found.peak_kb / MEBI, unit="MiB", target=954.0),
        Row(
            what=f"{way}peak of the second half / of the first",
            value=found.late_kb / found.early_kb,
            unit="x",
            target=1.1,
        ),
    ]


# ------------------------------------------------------------------ (g) panoptic quality


def measure_panoptic(settings: Settings, _peer: Peer | None) -> list[Row]:
    """Count matches in panoptic pictures, against two plain ways; see `panoptic`."""
    rows: list[Row] = []
    for name, size in panoptic.SIZES.items():
        try:
            speed = panoptic.measure(size, settings.repeats)
        except AssertionError as error:
            raise FailedRunError(str(error)) from error
        rows += [
            Row(what=name, value=1000 * speed.ours, unit="ms"),
            Row(
                what=f"{name}: segment by segment / maskworks",
                value=speed.by_segment / speed.ours,
                unit="x",
                target=panoptic.TARGET,
                at_most=False,
            ),
            Row(
                what=f"{name}: pairs of ids / maskworks",
                value=speed.by_pairs / speed.ours,
                unit="x",
                note="as the COCO panoptic API counts",
            ),
        ]
    return rows


# ------------------------------------------------------------------ (h) clips


def measure_video(settings: Settings, peer: Peer | None) -> list[Row]:
    """Frames a second of ten seconds of 720p to VP9 with alpha, against frame by frame."""
    frames, single = settings.clip_frames, max(3, settings.clip_frames // 10)
    clip, pictures = video_clip.make_clip(settings.out / "video", frames, single)
    out = settings.out / "video-cut"
    threads = ("--threads", str(settings.threads))
    arguments = ("video", str(clip), "-o", str(out), "--format", "webm", *threads)
    counts = {"maskworks video": frames, "frame by frame": single}
    contenders = [
        _ours("maskworks video", arguments, out, 0),
        _ours("frame by frame", _cutout(pictures, out, settings.threads), out, single),
    ]
    if peer:
        command = (peer.program("rembg"), "p", "-m", "u2netp", str(pictures), str(out))
        environment = peer.environment(settings.threads)
        contenders.append(Contender("rembg u2netp", command, environment, out, single))
        counts["rembg u2netp"] = single
    seconds = take_turns(contenders, 1)
    rates = {name: counts[name] / took for name, took in seconds.items()}
    rows = [Row(what=name, value=rate, unit="frames/s") for name, rate in rates.items()]
    against = "rembg u2netp" if peer else "frame by frame"
    ratio = rates["maskworks video"] / rates[against]
    goal = 5.0 if peer else None
    what = f"maskworks video against {against}"
    return [*rows, Row(what=what, value=ratio, unit="x as fast", target=goal, at_most=False)]


SECTIONS: dict[str, tuple[str, Section]] = {
    "network": ("The network alone", measure_network),
    "folders": ("A folder of photos to PNG", measure_folders),
    "start": ("Start of the program", measure_start),
    "many": ("Many pictures with default settings: time of 8,000, memory", measure_many),
    "edges": ("Edges", measure_edges),
    "campaign": ("A campaign, from folder to deliverables", measure_campaign),
    "video": ("A clip of ten seconds, 720p, to VP9 with alpha", measure_video),
    "panoptic": ("Panoptic quality of a picture", measure_panoptic),
}
