"""Subtitle files: SRT, WebVTT, ASS and what else pysubs2 reads, in whatever encoding they came.

pysubs2 (MIT) reads the formats; the encoding is told here, since a file rarely says it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from maskworks.core.errors import UnreadableError, UsageError

ENDINGS = (".srt", ".vtt", ".ass", ".ssa", ".sub")
_TAGS = re.compile(r"\{[^}]*\}|<[^>]*>")
_MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class Cue:
    """What is said: start and end in milliseconds, the text, and from where it was read."""

    start_ms: int
    end_ms: int
    text: str
    source: str


def read_subtitles(path: Path) -> tuple[list[Cue], tuple[str, ...]]:
    """Read a subtitle file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Cue
        In the order of their start; empty texts are left out.
    tuple of str
        Notes: the encoding if it is not UTF-8, cues that overlap, cues that end before they start.

    Raises
    ------
    UnreadableError
        If it is not there, empty, or no subtitle file.
    UsageError
        If the extra `[scene]` is not installed.
    """
    try:
        import pysubs2
    except ImportError as error:
        raise UsageError("subtitles need the extra: pip install 'maskworks[scene]'") from error
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:
        reason = "is larger than subtitles are" if path.is_file() else "there is no such file"
        raise UnreadableError(str(path), reason, "name a file such as clip.srt")
    text, encoding = decoded(path.read_bytes())
    try:
        events = pysubs2.SSAFile.from_string(text).events
    except Exception as error:  # its readers raise what they like
        raise UnreadableError(
            str(path), f"is no subtitle file that can be read ({error})", "export it as SRT"
        ) from error
    cues, turned = [], 0
    for event in events:
        said = _TAGS.sub("", event.text).replace("\\N", "\n").replace("\\n", "\n").strip()
        if event.is_comment or not said:
            continue
        turned += event.end < event.start
        start = max(0, event.start)
        cues.append(Cue(start, max(start, event.end), said, f"subtitles {path.name}"))
    cues.sort(key=lambda cue: (cue.start_ms, cue.end_ms))
    if not cues:
        raise UnreadableError(str(path), "holds no subtitle", "export it as SRT")
    notes = [] if encoding == "utf-8" else [f"{path.name}: read as {encoding}"]
    overlapping = sum(b.start_ms < a.end_ms for a, b in pairwise(cues))
    if overlapping:
        notes.append(f"{path.name}: {overlapping} cues begin before the one before them ended")
    if turned:
        notes.append(f"{path.name}: {turned} cues end before they begin: taken as a moment")
    return cues, tuple(notes)


def decoded(data: bytes) -> tuple[str, str]:
    r"""Return the text of bytes and the encoding it was read in.

    A byte order mark decides; then UTF-8 if it is valid; UTF-16 without a mark by its zeros; else
    Windows-1252, in which any byte can be read.

    Examples
    --------
    >>> decoded("Scheiße".encode("cp1252"))
    ('Scheiße', 'cp1252')
    >>> decoded("coño".encode("utf-16-le"))
    ('coño', 'utf-16-le')
    """
    for mark, name in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode("utf-8-sig" if name == "utf-8" else name, "replace"), name
    if data and len(data) % 2 == 0:
        even, odd = data[::2].count(0), data[1::2].count(0)
        if max(even, odd) > 0.3 * (len(data) // 2):
            name = "utf-16-le" if odd > even else "utf-16-be"
            return data.decode(name, "replace"), name
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace"), "cp1252"


def find_subtitles(clip: Path) -> Path | None:
    """Return the subtitle file beside a clip: clip.srt or clip.en.srt, the first by name."""
    for ending in ENDINGS:
        exact = clip.with_suffix(ending)
        if exact.is_file():
            return exact
        named = sorted(
            p
            for p in clip.parent.iterdir()
            if p.suffix.lower() == ending and p.name.startswith(f"{clip.stem}.")
        )
        if named:
            return named[0]
    return None
