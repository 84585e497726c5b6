"""What is known of a site: each photo's measures, and what they come to; pydantic models."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from maskworks.scene.record import Region

SITE_SCHEMA: Literal["maskworks-site-1"] = "maskworks-site-1"

SITE_STATEMENT = (
    "A score that supplements a person's judgement. It says what the photos show, how far that may "
    "be off, and what was not looked at. People are counted; nobody is sorted by sex, age, skin or "
    "dress. A person decides."
)

SiteVerdictWord = Literal["accept", "exclude", "override"]
SITE_VERDICT_WORDS: tuple[SiteVerdictWord, ...] = get_args(SiteVerdictWord)
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SiteText(_Part):
    """A line read in a photo, and the words in it that say something.

    `places` are kinds of places ("school"), `brands` names of brands.
    """

    text: str
    score: Share
    region: Region
    places: tuple[str, ...] = ()
    place_words: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()


class SiteLogo(_Part):
    """A logo found in a photo: how many features agree on one placing, and where."""

    brand: str
    file: str
    inliers: Count
    region: Region


class SiteExclusion(_Part):
    """What rules a site out, with its proof: a photo and a word, or the venue."""

    rule: str
    proof: str
    source: str
    photo: str | None = None
    region: Region | None = None


class PhotoRecord(_Part):
    """What one photo shows.

    `shares` of the photo by class of `scene-17`; `windows` the share of the facade; `clutter` the
    area of text and signs that are no brand of one's own; `occlusion` of the screen's polygon.
    `left_out` says why a photo does not count, if so.
    """

    photo: str
    width: Count
    height: Count
    at: str | None = None
    hour: Annotated[int, Field(ge=0, le=23)] | None = None
    shares: dict[str, float]
    people: Count
    vehicles: Count
    windows: Share | None
    retail_words: tuple[str, ...]
    text_regions: Count
    clutter: Share | None
    own_brand: Count | None
    competitors: Count | None
    occlusion: Share | None
    light: Share
    sharpness: float
    sky: Literal["clear", "overcast", "bright"] | None = None
    texts: tuple[SiteText, ...] = ()
    logos: tuple[SiteLogo, ...] = ()
    difference_hash: str = ""  # 64-bit difference hash, 16 hexadecimal digits
    left_out: str | None = None
    shown: str | None = None


class Passers(_Part):
    """Who passed in a clip, by track: each is counted once; low and high as `maskworks track`."""

    kind: str
    counted: Count
    low: Count
    high: Count
    seconds: float


class Estimate(_Part):
    """A mean over photos with its interval, 95 %."""

    mean: float
    low: float
    high: float


class HourCount(_Part):
    """People and vehicles in a photo of one hour of the day."""

    hour: int
    photos: Count
    people: Estimate
    vehicles: Estimate


class SiteDecision(_Part):
    """What a person said of a site; the score stays as it was, this stands beside it."""

    site: str
    verdict: SiteVerdictWord
    reviewer: str
    reason: str = ""
    score: Annotated[float, Field(ge=0, le=100)] | None = None
    at: str


class SiteRecord(_Part):
    """Everything that was seen at one site."""

    schema_name: Literal["maskworks-site-1"] = SITE_SCHEMA
    statement: str = SITE_STATEMENT
    id: str
    name: str
    venue: int | None
    lat: float | None
    lon: float | None
    audience: float | None
    hours: tuple[tuple[int, int], ...]
    fingerprint: str
    version: str
    network: str
    counter: str
    reader: str
    photos: tuple[PhotoRecord, ...]
    passers: tuple[Passers, ...] = ()
    notes: tuple[str, ...] = ()
