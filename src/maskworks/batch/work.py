"""What goes down the line: a piece of work, and the row that says what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskworks.core.errors import MaskworksError

Status = Literal["ok", "review", "no-subject", "failed"]
"""`review` is a file that a person should see first; `failed` has an error."""

STATUSES: tuple[Status, ...] = ("ok", "review", "no-subject", "failed")


class ExistsError(MaskworksError):
    """An output that is there already and may not be replaced without being asked."""

    code = "exists"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return (
            f"{self.path}: exists already and is not replaced without being asked; give "
            "`--overwrite` to replace it, `--resume` to go on with an earlier run, "
            "or another folder"
        )


@dataclass(frozen=True, kw_only=True)
class Work:
    """One input and where its output goes; both paths are absolute.

    `shown` is the path as the user wrote it; `error` is what is wrong before it was tried.
    `may_replace` allows to replace an existing output; `replaces_own` says that an earlier
    run made that output from this input. For a stream, `content` is what was read and
    `deliver` takes what is written; the paths are then "-".
    """

    source: Path
    shown: str
    output: Path
    error: MaskworksError | None = None
    may_replace: bool = False
    replaces_own: bool = False
    content: bytes | None = None
    deliver: Callable[[bytes], None] | None = None


@dataclass(frozen=True)
class Seconds:
    """How long each step took, seconds; None for a step that was not reached."""

    read: float | None = None
    segment: float | None = None
    refine: float | None = None
    write: float | None = None


@dataclass(frozen=True)
class Fault:
    """Why an item failed: a word for machines and a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True)
class Fingerprint:
    """Fingerprint of the input and settings a result was made from, for resuming.

    `bytes` and `modified_ns` are the input's size and time of change, `settings` is a digest
    of the model and every option that changes the output.
    """

    bytes: int
    modified_ns: int
    settings: str


@dataclass(frozen=True, kw_only=True)
class ManifestRow:
    """One line of the manifest.

    `output` is None if no file was written; `confidence` is None if the model has none;
    `width` and `height` are pixels of the upright picture, None if it could not be read.
    `refined` says how the edge was made (see `maskworks.refine.Refined`), `soft_interior` which
    share of the subject is see-through; None if it did not come to that. `raw_confidence` is
    what the network said where a fit has calibrated the confidence; `calibration` names that fit.
    `score` is the probability that the cut-out is good, None where nothing was measured, and
    `reasons` are sentences on what speaks against it. `notes` are sentences on what was damaged or
    assumed when the picture was read. Of a clip, `frames` and `shots` count, and `steadiness` is
    the median warp error of its mattes.
    """

    source: str
    output: str | None
    status: Status
    model: str
    confidence: float | None = None
    refined: str | None = None
    soft_interior: float | None = None
    width: int | None = None
    height: int | None = None
    seconds: Seconds = Seconds()
    error: Fault | None = None
    fingerprint: Fingerprint | None = None
    raw_confidence: float | None = None
    calibration: str | None = None
    score: float | None = None
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    frames: int | None = None
    shots: int | None = None
    steadiness: float | None = None
