"""Subtitles inside a clip: each stream of text as cues; those that are pictures are told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from maskworks.core.errors import UnreadableError
from maskworks.video.library import pyav

_TAGS = re.compile(r"\{[^}]*\}|<[^>]*>")
_FIELDS_BEFORE_TEXT = 8
"""Of a line of ASS as FFmpeg's decoders give it: ReadOrder, Layer, Style, ..., Effect."""


@dataclass(frozen=True)
class EmbeddedCue:
    """One subtitle: start and end in milliseconds, its text, the stream and its language."""

    start_ms: int
    end_ms: int
    text: str
    stream: int
    language: str | None


def embedded_cues(source: Path) -> tuple[list[EmbeddedCue], tuple[str, ...]]:
    """Return the cues of every text subtitle stream, and notes on what could not be read.

    Raises
    ------
    UnreadableError
        If the file cannot be opened.
    UsageError
        If the extra `[video]` is not installed.
    """
    av = pyav()
    cues: list[EmbeddedCue] = []
    notes: list[str] = []
    try:
        with av.open(f"file:{source}", options={"protocol_whitelist": "file"}) as container:
            for stream in container.streams.subtitles:
                container.seek(0)
                language = stream.metadata.get("language")
                for packet in container.demux(stream):
                    if packet.pts is None or not packet.size or packet.time_base is None:
                        continue
                    start = round(1000 * packet.pts * packet.time_base)
                    lasts = round(1000 * (packet.duration or 0) * packet.time_base)
                    for rect in packet.decode():
                        said = getattr(rect, "ass", None)
                        if said:
                            text = _plain(said if isinstance(said, bytes) else said.encode())
                            cues.append(
                                EmbeddedCue(start, start + lasts, text, stream.index, language)
                            )
                        else:
                            notes.append(
                                f"subtitle stream {stream.index} is made of pictures: not read"
                            )
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise UnreadableError(
            str(source), "its subtitles cannot be read", "give them with --subtitles FILE"
        ) from error
    return [cue for cue in cues if cue.text], tuple(dict.fromkeys(notes))


def _plain(ass: bytes) -> str:
    parts = ass.decode("utf-8", "replace").split(",", _FIELDS_BEFORE_TEXT)
    return _TAGS.sub("", parts[-1]).replace("\\N", "\n").replace("\\n", "\n").strip()
