"""A correction of a model's confidence, kept beside its row and used from then on.

``MASKWORKS_HOME/confidence.toml`` holds one table a model: its fit, which file of weights it was
fitted for, and how much it gained. The row of a model carries it as `calibration`.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from maskworks.core.atomic import write_text_atomic
from maskworks.core.errors import ModelError, OutputError
from maskworks.core.toml_text import parse_toml
from maskworks.models.settings import home

FILE = "confidence.toml"

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_EDGE = 1e-6


class ConfidenceFit(BaseModel):
    """How a confidence is calibrated.

    `method` "isotonic" joins the knots (`raw`, `reached`) by straight lines, level beyond the
    ends; "temperature" divides the log-odds by `temperature`. `sha256` is that of the weights.
    `error_before` and `error_after` are expected calibration errors, the latter of pictures
    that took no part in their own fit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["isotonic", "temperature"]
    raw: tuple[Share, ...] = ()
    reached: tuple[Share, ...] = ()
    temperature: Annotated[float, Field(gt=0)] = 1.0
    sha256: str
    fitted_on: date
    pictures: Annotated[int, Field(ge=1)]
    error_before: Share
    error_after: Share

    @model_validator(mode="after")
    def _rises(self) -> Self:
        pairs = list(zip(self.raw, self.raw[1:], strict=False))
        pairs += zip(self.reached, self.reached[1:], strict=False)
        if len(self.raw) != len(self.reached) or any(a > b for a, b in pairs):
            raise ValueError("raw and reached are as many, and rise")
        if (self.method == "isotonic") != bool(self.raw):
            raise ValueError("isotonic has knots, temperature none")
        return self

    @property
    def label(self) -> str:
        """What a manifest says of it.

        Examples
        --------
        >>> shown = ConfidenceFit(method="temperature", temperature=2, sha256="0", pictures=40,
        ...                       fitted_on="2026-11-21", error_before=0.1, error_after=0.02)
        >>> shown.label, round(shown.apply(0.8), 4)
        ('temperature of 2026-11-21, 40 pictures', 0.6667)
        """
        return f"{self.method} of {self.fitted_on}, {self.pictures} pictures"

    def apply(self, confidence: float) -> float:
        """Return what a confidence in [0, 1] becomes; the order of two is never turned round."""
        if self.method == "temperature":
            inside = min(max(confidence, _EDGE), 1 - _EDGE)
            odds = math.log(inside / (1 - inside)) / self.temperature
            return 1 / (1 + math.exp(-odds))
        after = bisect_right(self.raw, confidence)
        if after == 0:
            return self.reached[0]
        if after == len(self.raw):
            return self.reached[-1]
        (a, b), (low, high) = self.raw[after - 1 : after + 1], self.reached[after - 1 : after + 1]
        return low + (high - low) * (confidence - a) / (b - a)


def read_fits(path: Path | None = None) -> dict[str, ConfidenceFit]:
    """Return every fit by the name of its model; none if there is no file.

    Raises
    ------
    ModelError
        If the file is damaged.
    """
    path = home() / FILE if path is None else path
    if not path.is_file():
        return {}
    try:
        tables = parse_toml(path.read_text(encoding="utf-8"))
        return {name: ConfidenceFit.model_validate(table) for name, table in tables.items()}
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ModelError(f"{path}: {where}: {first['msg']}; correct it or delete it") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); correct it or delete it") from error


def keep_fit(name: str, fit: ConfidenceFit | None) -> Path:
    """Keep a fit for a model instead of an earlier one; None takes it away.

    Raises
    ------
    OutputError
        If it cannot be written.
    ModelError
        If the file is damaged.
    """
    path = home() / FILE
    fits = {each: other for each, other in read_fits(path).items() if each != name}
    if fit is not None:
        fits[name] = fit
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(path, f"cannot be written ({error})", "set MASKWORKS_HOME") from error
    head = "# Corrections of confidences by `maskworks evaluate calibration --store`.\n"
    write_text_atomic(path, "\n".join([head, *(_table(n, each) for n, each in fits.items())]))
    return path


def _table(name: str, fit: ConfidenceFit) -> str:
    rows = fit.model_dump(mode="json", exclude_defaults=True)
    lines = [f"{key} = {json.dumps(value)}" for key, value in rows.items()]
    return "\n".join([f"[{json.dumps(name)}]", *lines, ""])
