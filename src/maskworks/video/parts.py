"""Parts of a clip that are done: what a killed run leaves, and the next one goes on from.

A part is a shot, or so many frames of a long one. `state.jsonl` has a first line that says what
the parts were made from, then one line a part, written once its file is whole.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from maskworks.batch.work import Fingerprint, Status
from maskworks.core.errors import OutputError
from maskworks.video.encoding import explained

FOLDER = ".maskworks-parts"


@dataclass(frozen=True, kw_only=True)
class FrameRow:
    """What is said of one frame.

    `asked` says whether the network saw it, or flow carried its matte; `covered` is the share of
    the frame at alpha >= 0.5; `warp_error` how much the matte changes beyond what moved, a
    share of the subject's area, None for the first frame of a shot.
    """

    frame: int
    time_s: float
    shot: int
    status: Status
    confidence: float | None
    asked: bool
    covered: float
    warp_error: float | None


@dataclass(frozen=True, kw_only=True)
class Thumbnail:
    """A small picture of a doubtful frame, as a JPEG in base64."""

    frame: int
    jpeg: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part: its file, the time stamps and rows of its frames, and what the next one needs."""

    file: str | None
    pts: tuple[int, ...]
    rows: tuple[FrameRow, ...]
    thumbnails: tuple[Thumbnail, ...] = ()
    carry: dict[str, Any] = field(default_factory=dict)
    size: tuple[int, int]
    seconds: dict[str, float] = field(default_factory=dict)


class PartStore:
    """The folder with the parts of one clip.

    Parameters
    ----------
    output : the file that they become
    made_from : Fingerprint
        Parts made from anything else are thrown away.
    resume : bool
        Keep what is there.
    """

    def __init__(self, output: Path, made_from: Fingerprint, *, resume: bool) -> None:
        self.folder = output.parent / FOLDER / output.name
        self._state = self.folder / "state.jsonl"
        self.notes: list[str] = []
        self.parts: list[Part] = self._read(made_from) if resume else []
        if self.parts:
            self._rewrite(made_from)
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._state.write_text(_header(made_from), encoding="utf-8")
        except OSError as error:
            raise explained(error, self.folder) from error

    @property
    def frames(self) -> int:
        """How many frames are done."""
        return sum(len(part.rows) for part in self.parts)

    def path(self, part: Part) -> Path:
        """Return the file of a part."""
        return self.folder / (part.file or "")

    def next_path(self, suffix: str) -> Path:
        """Return where the next part is written."""
        return self.folder / f"part-{len(self.parts):05d}{suffix}"

    def note(self, sentence: str) -> None:
        """Keep a sentence for the clip's row."""
        self.notes.append(sentence)

    def add(self, part: Part) -> None:
        """Note a part whose file is whole."""
        self.parts.append(part)
        try:
            with self._state.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(asdict(part)) + "\n")
        except OSError as error:
            raise explained(error, self._state) from error

    def remove(self) -> None:
        """Throw the parts away: the output is whole."""
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.folder.parent.rmdir()
        except OSError:  # those of another clip are in it
            return

    def _read(self, made_from: Fingerprint) -> list[Part]:
        try:
            lines = self._state.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return []
        if not lines or lines[0] + "\n" != _header(made_from):
            return []
        found: list[Part] = []
        for line in lines[1:]:
            try:
                part = _part(json.loads(line))
            except (ValueError, TypeError, KeyError):  # cut off while it was written
                break
            if part.file is not None and not (self.folder / part.file).is_file():
                break
            found.append(part)
        return found

    def _rewrite(self, made_from: Fingerprint) -> None:
        lines = [json.dumps(asdict(part)) + "\n" for part in self.parts]
        try:
            self._state.write_text(_header(made_from) + "".join(lines), encoding="utf-8")
        except OSError as error:
            raise OutputError(self._state, f"cannot be written ({error})", "check it") from error


def _header(made_from: Fingerprint) -> str:
    return json.dumps({"made_from": asdict(made_from)}) + "\n"


def _part(found: dict[str, Any]) -> Part:
    return Part(
        file=found["file"],
        pts=tuple(found["pts"]),
        rows=tuple(FrameRow(**row) for row in found["rows"]),
        thumbnails=tuple(Thumbnail(**each) for each in found["thumbnails"]),
        carry=found["carry"],
        size=(found["size"][0], found["size"][1]),
        seconds=found["seconds"],
    )


@dataclass(frozen=True, kw_only=True)
class ClipResult:
    """What became of one clip, for its row, its report and its time line."""

    source: Path
    output: Path
    rate: Fraction
    time_base: Fraction
    parts: tuple[Part, ...]
    notes: tuple[str, ...]
    model: str
    format: str

    @property
    def rows(self) -> tuple[FrameRow, ...]:
        """The rows of all frames."""
        return tuple(row for part in self.parts for row in part.rows)

    @property
    def shots(self) -> tuple[tuple[int, int], ...]:
        """The first frame of each shot, and the one behind its last."""
        starts: dict[int, int] = {}
        for row in self.rows:
            starts.setdefault(row.shot, row.frame)
        ends = [*list(starts.values())[1:], self.rows[-1].frame + 1]
        return tuple(zip(starts.values(), ends, strict=True))
