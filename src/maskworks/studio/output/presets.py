"""Presets: what marketplaces and ad platforms ask of a picture, dated, with their sources."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from maskworks.core.bounded import text_of
from maskworks.core.errors import UsageError
from maskworks.core.public import public
from maskworks.core.toml_text import parse_toml
from maskworks.models.spec import StrictRow
from maskworks.studio.output.rules import OutputRules

ROWS = Path(__file__).with_name("preset_rows")
"""One TOML file a preset, named after it."""

Evidence = Literal["official", "official and secondary", "secondary", "own"]
Text = Annotated[str, StringConstraints(min_length=1)]


class Change(StrictRow):
    """Rules that replace single fields from a day on."""

    valid_from: date
    source: Text
    rules: dict[str, Any] = Field(min_length=1)


class Preset(StrictRow):
    """One file of ``preset_rows``.

    `evidence` says where the numbers come from: "official" is the owner's own page,
    "secondary" is other people's pages about it, "own" is our choice. `checked_on` is the day
    the sources were read. `changes` are rules with a later date, oldest first.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    title: Text
    source: tuple[Text, ...]
    evidence: Evidence
    checked_on: date
    notes: tuple[Text, ...] = ()
    rules: dict[str, Any]
    changes: tuple[Change, ...] = ()

    @model_validator(mode="after")
    def _holds_on_every_day(self) -> Self:
        days = [change.valid_from for change in self.changes]
        if days != sorted(set(days)):
            raise ValueError("changes must be in the order of valid_from, no two on one day")
        for day in (date.min, *days):
            self.rules_on(day)
        return self

    def fields_on(self, day: date) -> dict[str, Any]:
        """Return the fields that the preset sets, as they hold on a day."""
        fields = dict(self.rules)
        for change in self.changes:
            if change.valid_from <= day:
                fields |= change.rules
        return {**fields, "preset": self.name, "as_of": day.isoformat()}

    def rules_on(self, day: date) -> OutputRules:
        """Return the rules that hold on a day."""
        return OutputRules.model_validate(self.fields_on(day))


@lru_cache(maxsize=1)
@public
def load_presets() -> tuple[Preset, ...]:
    """Read every preset of the package, in the order of their names.

    Examples
    --------
    >>> [preset.name for preset in load_presets()][:3]
    ['amazon-main', 'ebay', 'etsy']
    """
    return tuple(read_preset(path) for path in sorted(ROWS.glob("*.toml")))


def read_preset(path: Path) -> Preset:
    """Read one preset file.

    Raises
    ------
    UsageError
        If it cannot be read or a field is wrong; the message names the field.
    """
    try:
        table = parse_toml(text_of(path))
        return Preset.model_validate({"name": path.stem, **table})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}); correct it") from error
    except ValidationError as error:
        raise UsageError(f"{path}: {_first(error)}; correct it") from error


@public
def find_preset(name: str) -> Preset:
    """Return the preset of this name, or the one in the file of this path.

    Raises
    ------
    UsageError
        If there is none, with the names there are.

    Examples
    --------
    >>> find_preset("amazon-main").rules_on(date(2026, 11, 21)).fill_min
    0.85
    """
    if name.endswith(".toml"):
        return read_preset(Path(name))
    for preset in load_presets():
        if preset.name == name:
            return preset
    known = ", ".join(preset.name for preset in load_presets())
    raise UsageError(
        f"no preset is named {name!r}; choose one of {known}, or give the path of your own .toml"
    )


def rules_from(fields: dict[str, Any], *, today: date) -> OutputRules:
    """Return the rules that a table means: the preset it names, with its own fields on top.

    Parameters
    ----------
    fields : dict
        Fields of `OutputRules`; `preset` is a name (or a path), `as_of` a day.
    today : date
        The day whose rules are taken if the table names none.

    Raises
    ------
    UsageError
        If there is no such preset or a field is wrong.

    Examples
    --------
    >>> table = {"preset": "google-merchant", "align": "bottom"}
    >>> rules_from(table, today=date(2026, 12, 1)).min_side
    250
    >>> rules_from(table, today=date(2027, 2, 1)).min_side
    500
    """
    try:
        return OutputRules.model_validate(_merged(fields, today))
    except ValidationError as error:
        raise UsageError(f"output: {_first(error)}; correct it") from error
    except ValueError as error:
        raise UsageError(f"output: {error}") from error


def _with_preset(given: object, info: ValidationInfo) -> object:
    """Put the fields of the preset that a table names beneath the table's own."""
    if not isinstance(given, dict):
        return given
    today = (info.context or {}).get("today") or date.today()  # noqa: DTZ011 - a local calendar
    return _merged(given, today)


Output = Annotated[OutputRules, BeforeValidator(_with_preset)]
"""The type of a campaign's ``[output]``: `OutputRules` in which `preset` is resolved.

The day is the table's own `as_of`, else ``context={"today": date}`` of the validation, else
today's date.
"""


def _merged(given: dict[str, Any], today: date) -> dict[str, Any]:
    day = given.get("as_of", today)
    if isinstance(day, str):
        try:
            day = date.fromisoformat(day)
        except ValueError as error:
            raise ValueError(f"as_of: {day!r} is no date; write 2027-01-31") from error
    fields = {key: value for key, value in given.items() if key != "as_of"}
    if not given.get("preset"):
        return fields
    try:
        preset = find_preset(str(given["preset"]))
    except UsageError as error:
        raise ValueError(f"preset: {error}") from error
    fields.pop("preset")
    return {**preset.fields_on(day), **fields}


def _first(error: ValidationError) -> str:
    found = error.errors()[0]
    where = ".".join(str(part) for part in found["loc"])
    text = found["msg"].removeprefix("Value error, ")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{where}: {text}{more}" if where else f"{text}{more}"
