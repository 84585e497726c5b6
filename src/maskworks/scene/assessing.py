"""Assess one clip or picture: sample frames, let each signal look, sum up."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskworks.core.errors import UnreadableError, UsageError
from maskworks.core.public import public
from maskworks.core.version import __version__
from maskworks.scene.faces import require_faces
from maskworks.scene.gathering import (
    Gathered,
    examine_clip,
    examine_picture,
    listen,
    read_lines,
    without_faces,
)
from maskworks.scene.options import SuitabilityOptions, times_of
from maskworks.scene.policy import SuitabilityPolicy, read_policy
from maskworks.scene.record import (
    STATEMENT,
    ContentContext,
    Finding,
    Region,
    SceneDescription,
    SignalRun,
    SuitabilityRecord,
)
from maskworks.scene.rollup import likelihood_of, roll_up
from maskworks.scene.signals.opening import open_signals
from maskworks.scene.signals.protocol import (
    Sighting,
    Signal,
)
from maskworks.scene.text.subtitles import find_subtitles
from maskworks.scene.topics import PARENT, PURPOSES, SOURCES, TOPICS, nearest

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif"})
CLIPS = frozenset(
    {
        ".mp4",
        ".mov",
        ".mkv",
        ".webm",
        ".avi",
        ".m4v",
        ".mpg",
        ".mpeg",
        ".ts",
        ".mxf",
        ".wmv",
        ".flv",
    }
)
_IDS = {topic.name: topic.iab_id for topic in TOPICS}


@dataclass(frozen=True, eq=False)
class SuitabilityResult:
    """A record, and a small JPEG of each frame that is evidence, by its index."""

    record: SuitabilityRecord
    pictures: dict[int, bytes]


@public
def assess_suitability(
    source: str | Path,
    options: SuitabilityOptions | None = None,
    *,
    progress: Callable[[float], None] | None = None,
) -> SuitabilityResult:
    """Look at a clip or picture for evidence of the sensitive topics; a person decides.

    Parameters
    ----------
    source : path
        Of a clip or a picture.
    options : SuitabilityOptions, optional
    progress : function, optional
        Is called with the seconds of the clip that were looked at.

    Returns
    -------
    SuitabilityResult
        The record, equal for equal inputs and options, and the frames of evidence.

    Raises
    ------
    UnreadableError
        If it is no clip or picture, or the subtitles named cannot be read.
    UsageError
        If the policy, terms, logos or classifier are wrong, or `[video]` is missing for a clip.

    Examples
    --------
    >>> import maskworks as mw
    >>> mw.assess_suitability("clip.mp4").record.categories[1].coverage  # doctest: +SKIP
    'text and sound only'
    """
    options = options or SuitabilityOptions()
    if not options.every_s > 0:
        raise UsageError(f"every_s is {options.every_s:g} seconds; give a number above 0")
    if options.blur_faces:
        require_faces()
    path = Path(source)
    policy = read_policy(options.policy)
    context = content_context(options.source, options.purpose)
    signals = open_signals(options.choices)
    run = Gathered()
    media = "picture" if path.suffix.lower() in PICTURES else "clip"
    if media == "picture":
        examine_picture(path, signals, run, options.limits)
    else:
        examine_clip(path, options.every_s, signals, run, limits=options.limits, progress=progress)
        read_lines(path, options.subtitles, signals, run)
        listen(path, signals, run)
    for signal in signals:
        if signal.info.why_not is None:
            run.sightings += [(signal, each) for each in signal.finish()]
    runs = tuple(_signal_run(signal, run, media) for signal in signals)
    findings, observations = _told(run, policy)
    shown = _shown_frames(findings, run, options)
    record = SuitabilityRecord(
        statement=STATEMENT,
        source=path.name,
        media="picture" if media == "picture" else "clip",
        width=run.size[1],
        height=run.size[0],
        duration_ms=run.end_ms,
        frames=len(run.times),
        frames_looked_at=tuple(run.sampled),
        shots_ms=tuple(run.shots),
        fingerprint=fingerprint_of(path, options, policy),
        version=__version__,
        options=options.to_strings(),
        context=context,
        policy=policy.used(),
        signals=runs,
        categories=roll_up(findings, runs, run.end_ms, context, policy),
        findings=findings,
        observations=observations,
        notes=tuple(dict.fromkeys(run.notes)),
    )
    return SuitabilityResult(record, shown)


def _shown_frames(
    findings: Sequence[Finding], run: Gathered, options: SuitabilityOptions
) -> dict[int, bytes]:
    """Return the frames that a finding cites, small, and blurred if that was asked for."""
    kept = {f.frame_index for f in findings if f.frame_index is not None and not f.hint}
    shown = {n: run.thumbnails[n] for n in sorted(kept & run.thumbnails.keys())}
    if options.blur_faces:
        shown, count = without_faces(shown)
        run.notes.append(
            f"faces: {count} found and blurred in {len(shown)} frames of evidence; one that was "
            "not found is not blurred"
        )
    return shown


def fingerprint_of(path: Path, options: SuitabilityOptions, policy: SuitabilityPolicy) -> str:
    """Return what tells whether a record still holds: file and subtitles as they are, options."""
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableError(
            str(path), "there is no such file", "name a clip or picture that is there"
        ) from error
    beside = None if path.suffix.lower() in PICTURES else find_subtitles(path)
    told = f"{options.digest(policy)} {times_of(None if beside is None else str(beside))}"
    settings = hashlib.sha256(told.encode()).hexdigest()[:16]
    return f"{status.st_size}-{status.st_mtime_ns}-{settings}"


def content_context(source: str | None, purpose: str | None) -> ContentContext:
    """Return what the content is, by name and id.

    Raises
    ------
    UsageError
        If there is no such source or purpose; the nearest is named.
    """
    a, b = _named(source, SOURCES, "--source"), _named(purpose, PURPOSES, "--purpose")
    return ContentContext(
        source=a,
        source_id=SOURCES[a] if a else None,
        purpose=b,
        purpose_id=PURPOSES[b] if b else None,
    )


def _named(given: str | None, known: dict[str, str], option: str) -> str | None:
    if given is None:
        return None
    for name, number in known.items():
        if given in (name, number):
            return name
    raise UsageError(f"{option}: there is no {given!r}; {nearest(given, known)}")


def _signal_run(signal: Signal, run: Gathered, media: str) -> SignalRun:
    info = signal.info
    looked = round(run.looked.get(info.name, 0.0))
    why = info.why_not
    if why is None and not looked:
        why = f"the {media} has none of its {info.takes}"
    return SignalRun(
        name=info.name,
        kind=info.kind,
        source=info.source,
        assessed=why is None,
        categories=info.topics,
        looked_at=looked,
        unit=info.takes,
        partial=info.partial,
        why_not=why,
    )


def _told(
    run: Gathered, policy: SuitabilityPolicy
) -> tuple[tuple[Finding, ...], tuple[SceneDescription, ...]]:
    """Turn sightings into findings and observations, in the order of their times."""
    ordered = sorted(run.sightings, key=lambda each: (each[1].time_ms, each[0].info.name))
    findings: list[Finding] = []
    observations: list[SceneDescription] = []
    for signal, seen in ordered:
        lasts = max(0, min(seen.duration_ms, run.end_ms - seen.time_ms))
        if seen.topic is None:
            observations.append(
                SceneDescription(
                    name=seen.label,
                    kind=signal.info.kind,
                    source=seen.source,
                    time_ms=seen.time_ms,
                    duration_ms=lasts,
                    frame_index=seen.frame_index,
                    amount=seen.confidence,
                )
            )
            continue
        iab_id = _IDS[seen.topic]
        box = seen.box
        findings.append(
            Finding(
                id=f"f{len(findings) + 1:05d}",
                category=seen.topic,
                iab_id=iab_id,
                parent=PARENT if iab_id else None,
                time_ms=seen.time_ms,
                duration_ms=lasts,
                frame_index=_shown(seen, run),
                pts=seen.pts,
                confidence=seen.confidence,
                calibrated=seen.calibrated,
                likelihood=likelihood_of(seen.confidence),
                hint=policy.is_hint(
                    signal.info.name,
                    seen.confidence,
                    weak=seen.hint,
                    narrow=signal.info.partial,
                ),
                kind=signal.info.kind,
                signal=signal.info.name,
                source=seen.source,
                region=box
                and Region(
                    top=box.top, left=box.left, bottom=box.bottom, right=box.right, rle=seen.rle
                ),
                label=seen.label,
                quote=seen.quote,
                context=seen.context,
                crop=None,
            )
        )
    return tuple(findings), tuple(observations)


def _shown(seen: Sighting, run: Gathered) -> int:
    if seen.frame_index is not None:
        return seen.frame_index
    return max(0, bisect_right(run.times, seen.time_ms) - 1)
