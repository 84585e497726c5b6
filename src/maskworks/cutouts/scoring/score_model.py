"""The score model: coefficients in a dated file that says how they were found."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from maskworks.core.atomic import write_text_atomic
from maskworks.core.bounded import text_of
from maskworks.core.errors import UsageError
from maskworks.core.toml_text import parse_toml

Floats = NDArray[np.float64]

EvidenceName = Literal[
    "no-subject",
    "soft-edge",
    "transparent",
    "low-contrast",
    "touches-border",
    "several-subjects",
    "small-subject",
    "blurred",
    "fill-out-of-range",
]
EVIDENCE: tuple[EvidenceName, ...] = get_args(EvidenceName)
"""Every evidence that lowers a score, by the name its reason has."""

DEFAULT_FILE = Path(__file__).with_suffix(".toml")
"""Fitted on the confidence of the model `cutout`; `maskworks calibrate` fits it to another's."""

_NEAREST = 1e-4  # how near a score's logit goes to that of 0 and 1

Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Edge = tuple[Finite, Finite]
Value = str | int | float | date | tuple[str, ...]


def logit(chance: float | Floats, *, low: float = _NEAREST, high: float = 1 - _NEAREST) -> Floats:
    """Return the logarithm of the odds; `chance` is clipped to `low` and `high` first.

    Examples
    --------
    >>> logit(np.array([0.5, 0.9, 1.0])).round(2).tolist()
    [0.0, 2.2, 9.21]
    """
    inside = np.clip(np.asarray(chance, np.float64), low, high)
    odds: Floats = np.log(inside / (1 - inside))
    return odds


def chance(odds: float | Floats) -> Floats:
    """Return the probability that has this logarithm of its odds.

    Examples
    --------
    >>> chance(np.array([0.0, 2.2])).round(2).tolist()
    [0.5, 0.9]
    """
    found: Floats = 0.5 * (1 + np.tanh(0.5 * np.asarray(odds, np.float64)))
    return found


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limit(_Row):
    """What an evidence is compared with, and what it does to the odds beyond it.

    `above` and `below` are (limit, extreme): at the limit the evidence does nothing, from the
    extreme on it adds the whole of `weight` to the logarithm of the odds, between them in
    proportion. `weight` is 0 or negative: no reason raises a score.
    """

    above: Edge | None = None
    below: Edge | None = None
    weight: Annotated[Finite, Field(le=0)] = 0.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("give `above`, `below` or both, each as [limit, extreme]")
        if self.above is not None and not self.above[0] < self.above[1]:
            raise ValueError(f"the extreme of `above` must be more than its limit, {self.above}")
        if self.below is not None and not self.below[0] > self.below[1]:
            raise ValueError(f"the extreme of `below` must be less than its limit, {self.below}")
        return self

    def broken(self, value: float) -> float | None:
        """Return the limit that a value is beyond, None if it is within."""
        if self.above is not None and value > self.above[0]:
            return self.above[0]
        if self.below is not None and value < self.below[0]:
            return self.below[0]
        return None

    def excess(self, value: float) -> float:
        """Return how far beyond the limit a value is: 0 within, 1 from the extreme on.

        Examples
        --------
        >>> [Limit(above=(0.25, 0.75)).excess(value) for value in (0.25, 0.5, 0.9)]
        [0.0, 0.5, 1.0]
        """
        parts = [
            (value - edge[0]) / (edge[1] - edge[0])
            for edge in (self.above, self.below)
            if edge is not None
        ]
        return min(1.0, max(0.0, *parts)) if parts else 0.0


class Confidence(_Row):
    """How the model's own confidence becomes odds: intercept + slope * logit(confidence)."""

    intercept: Finite
    slope: Annotated[Finite, Field(ge=0)]
    clip: tuple[Annotated[float, Field(gt=0, lt=1)], Annotated[float, Field(gt=0, lt=1)]]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.clip[0] < self.clip[1]:
            raise ValueError(f"clip is [least, most], got {self.clip}")
        return self


class Logistic(_Row):
    """Recalibration by two numbers: logit -> intercept + slope * logit."""

    method: Literal["logistic"] = "logistic"
    intercept: Finite
    slope: Annotated[Finite, Field(gt=0)]

    def apply(self, scores: Floats) -> Floats:
        """Return the recalibrated scores."""
        return chance(self.intercept + self.slope * logit(scores))


class Isotonic(_Row):
    """Recalibration by a curve that never falls: straight lines between the given points."""

    method: Literal["isotonic"] = "isotonic"
    scores: Annotated[tuple[Share, ...], Field(min_length=2)]
    chances: Annotated[tuple[Share, ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if len(self.scores) != len(self.chances):
            raise ValueError("scores and chances must be equally many")
        if min(np.diff(self.scores)) <= 0 or min(np.diff(self.chances)) < 0:
            raise ValueError("scores must rise and chances must not fall")
        return self

    def apply(self, scores: Floats) -> Floats:
        """Return the recalibrated scores."""
        found: Floats = np.interp(scores, self.scores, self.chances)
        return found


Recalibration = Annotated[Logistic | Isotonic, Field(discriminator="method")]


class ScoreModel(_Row):
    """One version of the score.

    Parameters
    ----------
    version : int, >= 1
    good_iou : float
        The score is the probability that the cut-out's IoU with the truth reaches this.
    confidence, evidence : the coefficients
    recalibration : applied to the score, one after the other; see
        `maskworks.studio.calibration.calibrate`
    fit, metrics : how and on what the coefficients were found, and what they are worth
    """

    version: Annotated[int, Field(ge=1)]
    fitted_on: date
    good_iou: Share
    confidence: Confidence
    evidence: Mapping[EvidenceName, Limit]
    recalibration: tuple[Recalibration, ...] = ()
    fit: Mapping[str, Value] = Field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, Value]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in EVIDENCE if name not in self.evidence]
        if missing:
            raise ValueError(f"evidence lacks {', '.join(missing)}")
        return self

    def recalibrated(self, score: float) -> float:
        """Return a score after every recalibration."""
        found = np.array([score], np.float64)
        for step in self.recalibration:
            found = step.apply(found)
        return float(found[0])


def digest_of(path: Path) -> str:
    """Return the sha256 of a score file: two scores can be compared if it is the same.

    Raises
    ------
    UsageError
        If the file cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error


def load_score_model(path: Path = DEFAULT_FILE) -> ScoreModel:
    """Read a score model; by default the one that comes with Maskworks.

    Raises
    ------
    UsageError
        If the file cannot be read or a field is wrong; the message names both.

    Examples
    --------
    >>> load_score_model().good_iou
    0.85
    """
    try:
        return _parsed(text_of(path))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}); name a score model") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(f"{path}: {place}: {first['msg']}; correct it") from error


@lru_cache(maxsize=8)
def _parsed(text: str) -> ScoreModel:
    return ScoreModel.model_validate(parse_toml(text))


def write_score_model(model: ScoreModel, path: Path, *, heading: str = "") -> None:
    """Write a score model as TOML, whole or not at all; `heading` becomes its comment.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    write_text_atomic(path, to_toml(model, heading=heading))


def to_toml(model: ScoreModel, *, heading: str = "") -> str:
    """Return a score model as TOML that `load_score_model` reads back as it is."""
    fields = model.model_dump(exclude_none=True)
    lines = [f"# {line}".rstrip() for line in heading.splitlines()]
    lines += [f"{key} = {_toml(fields[key])}" for key in ("version", "fitted_on", "good_iou")]
    lines += _table("[confidence]", fields["confidence"])
    for name in EVIDENCE:
        lines += _table(f"[evidence.{name}]", fields["evidence"][name])
    for step in fields["recalibration"]:
        lines += _table("[[recalibration]]", step)
    lines += _table("[fit]", fields["fit"])
    for name, row in fields["metrics"].items():
        lines += _table(f"[metrics.{_toml(name)}]", row)
    return "\n".join(lines) + "\n"


def _table(head: str, fields: Mapping[str, object]) -> list[str]:
    return ["", head, *(f"{key} = {_toml(value)}" for key, value in fields.items())]


def _toml(value: object) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return value.isoformat() if isinstance(value, date) else repr(value)
