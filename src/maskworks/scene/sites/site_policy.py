"""The policy of a campaign for sites: what is good, how much it weighs, what rules a site out."""

from __future__ import annotations

import hashlib
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from maskworks.core.errors import UsageError
from maskworks.core.toml_text import parse_toml
from maskworks.scene.sites.venues import Venue, venue_of
from maskworks.scene.sites.words import PLACES
from maskworks.scene.topics import nearest

OWN_SITE_POLICY = Path(__file__).parents[1] / "policies" / "sites.toml"

MeasureName = Literal[
    "people",
    "vehicles",
    "retail_words",
    "windows",
    "openness",
    "green",
    "buildings",
    "road",
    "pavement",
    "clutter",
    "own_brand",
    "competitors",
    "occlusion",
    "light",
]
MEASURES: tuple[MeasureName, ...] = get_args(MeasureName)
VENUE_FIT = "venue_fit"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Annotated[str, Field(min_length=1)]
    checked: date


class MeasureRule(_Row):
    """How one measure counts: 0 at `low`, 1 at `high`, a straight line between."""

    name: MeasureName
    weight: Annotated[float, Field(ge=0)]
    low: float
    high: float

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.low == self.high:
            message = f"{self.name}: low and high are both {self.low:g}; they must differ"
            raise ValueError(message)
        return self

    def worth(self, value: float) -> float:
        """Return what a value is worth, 0 to 1."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


class VenueFit(_Row):
    """How well some venues suit some categories, 0 to 1."""

    categories: tuple[int, ...] = ()
    venues: tuple[int, ...]
    fit: Annotated[float, Field(ge=0, le=1)]


class Exclusion(_Row):
    """What rules a site out for some categories: its venue, or a kind of place a sign names."""

    name: str
    categories: tuple[int, ...] = ()
    venues: tuple[int, ...] = ()
    places: tuple[str, ...] = ()


class SitePolicy(BaseModel):
    """A campaign's policy for sites."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    date: date
    category: int | None = None
    fit_weight: Annotated[float, Field(ge=0)] = 2.0
    measures: Annotated[tuple[MeasureRule, ...], Field(min_length=1)]
    fits: tuple[VenueFit, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    sha256: str = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        names = [each.name for each in self.measures]
        if len(set(names)) < len(names):
            message = f"a measure stands there twice, among {', '.join(names)}"
            raise ValueError(message)
        if not any(each.weight for each in self.measures):
            message = "every weight is 0; give one measure some"
            raise ValueError(message)
        venues = [v for fit in self.fits for v in fit.venues]
        venues += [v for rule in self.exclusions for v in rule.venues]
        strange = next((v for v in venues if venue_of(v) is None), None)
        if strange is not None:
            message = f"venue {strange} is not in OpenOOH 1.2"
            raise ValueError(message)
        return self

    def fit_of(self, venue: int | None) -> float | None:
        """Return how well a venue suits the category, None if no row says."""
        for each in self.fits:
            if self._is_about(each.categories) and _is_below(venue, each.venues):
                return each.fit
        return None

    def excluded_by_venue(self, venue: int | None) -> tuple[Exclusion, ...]:
        """Return the exclusions that a venue meets."""
        return tuple(
            each
            for each in self.exclusions
            if self._is_about(each.categories) and _is_below(venue, each.venues)
        )

    def excluded_by_place(self, place: str) -> tuple[Exclusion, ...]:
        """Return the exclusions that a kind of place meets."""
        return tuple(
            each
            for each in self.exclusions
            if self._is_about(each.categories) and place in each.places
        )

    def _is_about(self, categories: tuple[int, ...]) -> bool:
        return not categories or self.category in categories


def _is_below(number: int | None, venues: tuple[int, ...]) -> bool:
    venue: Venue | None = None if number is None else venue_of(number)
    return venue is not None and not set(venue.above).isdisjoint(venues)


def read_site_policy(path: Path | None = None) -> SitePolicy:
    """Read a policy for sites; by default the one that comes with the package.

    Raises
    ------
    UsageError
        If it cannot be read or breaks a rule; the message names the key.
    """
    path = path or OWN_SITE_POLICY
    try:
        data = path.read_bytes()
        rows = parse_toml(data.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as TOML in UTF-8: {error}") from error
    for key, names, known in (("measures", "name", MEASURES), ("exclusions", "places", PLACES)):
        for row in rows.get(key, ()) if isinstance(rows.get(key, ()), list) else ():
            given = row.get(names, ()) if isinstance(row, dict) else ()
            for each in given if isinstance(given, list) else [given] if given else []:
                if each not in known:
                    raise UsageError(
                        f"{path}: {key}: there is no {each!r}; {nearest(str(each), known)}"
                    )
    try:
        return SitePolicy.model_validate({**rows, "sha256": hashlib.sha256(data).hexdigest()})
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {at}: {first['msg']}; see docs/sites.md") from error
