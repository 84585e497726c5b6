"""One clip of a run: read, matted, finished and written part by part; the answer is a row."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from maskworks.batch.resuming import fingerprint
from maskworks.batch.running import Draft, attempt
from maskworks.batch.work import ManifestRow, Seconds, Status, Work
from maskworks.batch.writing import prepare_output
from maskworks.core.errors import UnreadableError
from maskworks.core.reading import Details, Limits
from maskworks.core.values import Image, Pixels
from maskworks.core.writing import Encoding, encode, write_atomic
from maskworks.cutouts.judging import covered, judge
from maskworks.models import Model
from maskworks.models.families.saliency import input_size
from maskworks.video.ahead import ahead
from maskworks.video.doubt import usual_error
from maskworks.video.encoding import Rendered
from maskworks.video.formats import STORE, ClipFormat
from maskworks.video.joining import Joined, join
from maskworks.video.keyed import Disagreement, KeyMasks, propagate, replayed
from maskworks.video.open_part import OpenPart, StepClock
from maskworks.video.parts import ClipResult, PartStore
from maskworks.video.pngs import PngFolder
from maskworks.video.reading import Clip, ClipFacts, open_clip
from maskworks.video.rendering import ClipRenderOptions, Finisher
from maskworks.video.reporting import write_report
from maskworks.video.steadying import MattedFrame, Seen, Steady, matted

T = TypeVar("T")

WARM_FRAMES = 8
"""So many frames before the first are matted again where a run goes on within a shot."""

_DIGITS = 4


@dataclass(frozen=True)
class ClipProgress:
    """How far one clip is: `done` of `total` frames, None if that is not known."""

    shown: str
    done: int
    total: int | None
    seconds: float

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.done / max(self.seconds, 1e-6)

    @property
    def left_s(self) -> float | None:
        """Seconds left, None if that is not known."""
        return None if self.total is None else max(0, self.total - self.done) / max(self.rate, 1e-6)


Tell = Callable[[ClipProgress], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class VideoJob:
    """All that is the same for every clip of a run; `settings` is a digest of it."""

    model: Model
    form: ClipFormat
    render: ClipRenderOptions
    steady: Steady = "quick"
    keys: KeyMasks | None = None
    min_confidence: float = 0.0
    limits: Limits = field(default_factory=Limits)
    resume: bool = False
    report: bool = True
    settings: str = ""
    debug: bool = False


class StoppedError(Exception):
    """The run was asked to stop; parts that are done stay."""


def do_clip(work: Work, job: VideoJob, stop: threading.Event, tell: Tell) -> ManifestRow | None:
    """Cut the subject out of one clip; None if the run was stopped in its midst."""
    draft = _draft(work, job)
    stopped = False

    def do() -> ManifestRow:
        nonlocal stopped
        try:
            return _cut_clip(work, job, draft, stop, tell)
        except StoppedError:
            stopped = True
            return draft.row

    row = attempt(work, draft, do, debug=job.debug)
    return None if stopped else row


def cut_clip(work: Work, job: VideoJob, stop: threading.Event, tell: Tell) -> ManifestRow:
    """Cut the subject out of one clip.

    Raises
    ------
    MaskworksError
        If it cannot be read or written.
    StoppedError
        If `stop` was set.
    """
    return _cut_clip(work, job, _draft(work, job), stop, tell)


def _draft(work: Work, job: VideoJob) -> Draft:
    model = job.model.spec.name
    return Draft(ManifestRow(source=str(work.source), output=None, status="failed", model=model))


def _cut_clip(
    work: Work, job: VideoJob, draft: Draft, stop: threading.Event, tell: Tell
) -> ManifestRow:
    if not work.source.is_file():
        with open_clip(work.source, job.limits):  # says what is wrong with it
            pass
        raise UnreadableError(work.shown, "is not a file", "name a clip")
    made_from = fingerprint(work.source, job.settings)
    draft.row = replace(draft.row, fingerprint=made_from)
    prepare_output(work.output, may_replace=work.may_replace)
    clock = StepClock()
    with open_clip(work.source, job.limits) as clip:
        facts = clip.facts
        draft.row = replace(draft.row, width=facts.width, height=facts.height)
        store = PartStore(work.output, made_from, resume=job.resume)
        _do_parts(clip, job, store, work, clock, lambda done: _go_on(stop, tell, work, facts, done))
        notes = [*clip.notes(), *store.notes]
    rows = [row for part in store.parts for row in part.rows]
    if not rows:
        raise UnreadableError(work.shown, "holds no frame that can be decoded", "export it again")
    began = time.perf_counter()
    if job.form.name == "png":
        PngFolder(work.output).finish()
    else:
        notes += join(work.output, job.form, _joined(store, facts))
    clock.add("write", time.perf_counter() - began)
    result = ClipResult(
        source=work.source,
        output=work.output,
        rate=facts.rate,
        time_base=facts.time_base,
        parts=tuple(store.parts),
        notes=tuple(dict.fromkeys(notes)),
        model=job.model.spec.name,
        format=job.form.name,
    )
    if job.report:
        write_report(result)
    store.remove()
    return _summed_up(draft, result, job)


def _go_on(
    stop: threading.Event, tell: Tell, work: Work, facts: ClipFacts, done: tuple[int, float]
) -> None:
    tell(ClipProgress(work.shown, done[0], facts.frames, done[1]))
    if stop.is_set():
        raise StoppedError


def _do_parts(
    clip: Clip,
    job: VideoJob,
    store: PartStore,
    work: Work,
    clock: StepClock,
    go_on: Callable[[tuple[int, float]], None],
) -> None:
    """Do what of the clip is not done yet, a part at a time."""
    facts = clip.facts
    size = input_size((facts.height, facts.width), job.model.spec.input)
    first = store.frames
    last_row = store.parts[-1].rows[-1] if store.parts else None
    begins = 0
    if last_row is not None:
        begins = next(
            row.frame for part in store.parts for row in part.rows if row.shot == last_row.shot
        )
    warm = max(begins, first - WARM_FRAMES)
    carry = store.parts[-1].carry if store.parts else None
    finisher = Finisher(job.render, seen_px=max(size), rate=float(facts.rate), carry=carry)
    frames = ahead(clock.timed(clip.frames(first=warm), "read"))

    way = matted(
        frames,
        (lambda pixels: _see(pixels, job)) if job.keys is None else _unasked,
        size,
        steady=job.steady if job.keys is None else "off",
        first_shot=last_row.shot if last_row is not None else 0,
    )
    asked: int | None = None
    if job.keys is not None:
        way, asked = _keyed(way, job, store, work, size, go_on)
    began, done = time.perf_counter(), 0
    form = job.form if job.form.joins or job.form.name == "png" else STORE
    opened: OpenPart | None = None
    with closing(frames), closing(ahead(_finished(way, finisher, clock, first))) as ready:
        try:
            for frame, rendered, carried in ready:
                if opened is not None and (frame.begins or opened.full):
                    opened.close(store, clock)
                    opened = None
                if opened is None:
                    path = None if job.form.name == "png" else store.next_path(form.part_suffix)
                    opened = OpenPart(path or work.output, form, rendered, facts.rate)
                if frame.frame.index == asked:
                    _write_frame(asked_path(work.output, asked), frame)
                started = time.perf_counter()
                opened.add(frame, rendered, carried)
                clock.add("write", time.perf_counter() - started)
                done += 1
                go_on((done, time.perf_counter() - began))
            if opened is not None:
                opened.close(store, clock)
                opened = None
        finally:
            if opened is not None:
                opened.drop()


def _finished(
    frames: Iterator[MattedFrame], finisher: Finisher, clock: StepClock, first: int
) -> Iterator[tuple[MattedFrame, Rendered, dict[str, object]]]:
    for frame in clock.timed(frames, "segment"):
        if frame.frame.index < first:  # seen again only so that averages have a past
            continue
        began = time.perf_counter()
        rendered = finisher.finish(frame)
        clock.add("refine", time.perf_counter() - began)
        yield frame, rendered, finisher.carry


def _see(pixels: Pixels, job: VideoJob) -> Seen:
    found = job.model.predict(Image(pixels))
    status, confidence = judge(
        found.confidence, found.presence, covered(found.matte), min_confidence=job.min_confidence
    )
    alpha = found.matte.alpha if status != "no-subject" else np.zeros_like(found.matte.alpha)
    return Seen(alpha, status, confidence)


def _keyed(
    way: Iterator[MattedFrame],
    job: VideoJob,
    store: PartStore,
    work: Work,
    size: tuple[int, int],
    go_on: Callable[[tuple[int, float]], None],
) -> tuple[Iterator[MattedFrame], int | None]:
    """Return the frames with the mattes that keys bring, and the frame to ask for next."""
    began = time.perf_counter()
    found = propagate(
        work.source,
        job.keys or KeyMasks({}),
        lambda pixels: _see(pixels, job),
        size,
        limits=job.limits,
        tell=lambda done: go_on((done, time.perf_counter() - began)),
    )
    best = found.next_asked
    if best is not None:
        store.note(_asking(work.output, best))
    return replayed(way, found), None if best is None else best.frame


def asked_path(output: Path, frame: int) -> Path:
    """Return where the frame that is asked for lies: beside the output, under its name."""
    return output.with_name(f"{output.name}.ask-{frame:05d}.png")


def _asking(output: Path, best: Disagreement) -> str:
    return (
        f"a mask of frame {best.frame} would help most (left and right differ by "
        f"{best.share:.2f}): draw it on {asked_path(output, best.frame).name}"
    )


def _write_frame(path: Path, frame: MattedFrame) -> None:
    image = Image(frame.frame.pixels)
    write_atomic(path, encode(image, None, Encoding(format="png"), Details(format="clip")))


def _unasked(pixels: Pixels) -> Seen:
    """Answer for a network that was asked before, when the keys were carried."""
    return Seen(np.zeros(pixels.shape[:2], np.float32), "ok", None)


def _joined(store: PartStore, facts: ClipFacts) -> Joined:
    return Joined(
        parts=[store.path(part) for part in store.parts],
        pts=[pts for part in store.parts for pts in part.pts],
        time_base=facts.time_base,
        rate=facts.rate,
        size=store.parts[0].size,
        source=facts.path,
    )


def _summed_up(draft: Draft, result: ClipResult, job: VideoJob) -> ManifestRow:
    """Return the row of a clip: its status is that of most of its frames."""
    rows = result.rows
    seen = [row for row in rows if row.status != "no-subject"]
    confidences = [row.confidence for row in seen if row.confidence is not None]
    mean = float(np.mean(confidences)) if confidences else None
    status: Status = "ok"
    if not seen:
        status = "no-subject"
    elif mean is not None and mean < job.min_confidence:
        status = "review"
    totals: dict[str, float] = {}
    for part in result.parts:
        for step, took in part.seconds.items():
            totals[step] = round(totals.get(step, 0.0) + took, _DIGITS)
    return replace(
        draft.row,
        output=str(result.output),
        status=status,
        confidence=_rounded(mean),
        refined=job.render.refinement.method,
        seconds=Seconds(**totals),
        notes=result.notes,
        frames=len(rows),
        shots=len(result.shots),
        steadiness=round(usual_error(rows), _DIGITS),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
