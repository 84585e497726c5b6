"""A campaign: what a producer writes into campaign.toml, as frozen values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from maskworks.refine.refinement import Method
from maskworks.studio.cost import CURRENCIES, Rates
from maskworks.studio.output.presets import Output
from maskworks.studio.output.rules import OutputRules

DEFAULT_CONCEPT = "default"
"""What a picture's concept is called if no [[concept]] matches it and that is allowed."""

_NOT_IN_PICTURES = {"preset", "as_of", "advice"}
"""Fields of the output rules that change no pixel: names, and how a breach is told."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _number(value: Any) -> Any:  # noqa: ANN401 - whatever the file says
    """Refuse `true`, which Python counts as 1."""
    if isinstance(value, bool):
        raise ValueError("must be a number from 0 to 1")  # noqa: TRY004 - pydantic's way
    return value


def _currency(code: str) -> str:
    if code in CURRENCIES:
        return code
    near = get_close_matches(code.upper(), sorted(CURRENCIES), n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(f"must be a code of ISO 4217 such as USD or EUR{hint}")


Share = Annotated[float, BeforeValidator(_number), Field(ge=0, le=1, allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[^\W_][\w .-]{0,63}$")]
"""Letters, digits, space, dot, dash and underscore: it becomes a part of file names."""


class About(_Part):
    """[campaign]: its name and the ISO 4217 code of its money."""

    name: Name
    currency: Annotated[str, AfterValidator(_currency)] = "USD"


class InputRules(_Part):
    """[input]: where the pictures are, and the model that cuts them out.

    `folder` is a folder, with everything below it, or a CSV file with the columns file, sku,
    tags and concept; relative to the campaign file. `refine` says how edges are made, as
    `maskworks cutout --refine`. `several_per_sku` allows a CSV in which several pictures have
    one SKU.
    """

    folder: Annotated[str, Field(min_length=1)]
    model: str = "cutout"
    refine: Method = "auto"
    several_per_sku: bool = False


class Approved(_Part):
    """An approved background: a colour, or a picture with the point that stays in the frame.

    `focus` is [across, down], each from 0 to 1 from the upper left: what is cut off where the
    picture's shape is not that of the output is cut off far from there. By default the middle.
    """

    file: Annotated[str, Field(min_length=1)]
    focus: tuple[Share, Share] | None = None


def _approved(given: Any) -> Any:  # noqa: ANN401 - whatever the file says
    """Let a text stand for a table with nothing but the file."""
    if isinstance(given, str):
        return {"file": given}
    if isinstance(given, dict | Approved):
        return given
    raise ValueError('must be a colour, a picture, or {file = "bg/wall.jpg", focus = [0.3, 0.5]}')


class Concept(_Part):
    """[[concept]]: pictures that share a look, and the backgrounds approved for it.

    `match` is a pattern for paths below the input folder (`patterns.path_matches`); without
    it the concept takes every picture that no other one matches. `backgrounds` are colours and
    pictures, relative to the campaign file (see `Approved`); each makes one deliverable of every
    picture. With none the output's own background is used.
    """

    name: Name
    match: Annotated[str, Field(min_length=1)] | None = None
    backgrounds: tuple[Annotated[Approved, BeforeValidator(_approved)], ...] = ()


class QualityRules(_Part):
    """[quality]: the least score that is delivered without a person, and the spot check.

    `spot_check` is the share of the delivered that a person sees all the same. `score_file` is
    what `maskworks calibrate` has written, relative to the campaign file; by default the score
    is the one that comes with the model.
    """

    deliver_at: Share = 0.85
    spot_check: Share = 0.05
    score_file: Annotated[str, Field(min_length=1)] | None = None


class ExceptionFile(_Part):
    """[exceptions]: the CSV file with the rules, relative to the campaign file."""

    file: Annotated[str, Field(min_length=1)]


class Campaign(_Part):
    """A whole campaign.toml; paths are as they were written.

    Without [cost] the ledger stays empty; without [exceptions] every picture is tried.
    """

    campaign: About
    input: InputRules
    concept: tuple[Concept, ...] = ()
    output: Output = OutputRules()
    quality: QualityRules = QualityRules()
    exceptions: ExceptionFile | None = None
    cost: Rates | None = None

    @model_validator(mode="after")
    def _concepts_are_apart(self) -> Self:
        names = [concept.name.casefold() for concept in self.concept]
        twice = [
            concept.name for concept in self.concept if names.count(concept.name.casefold()) > 1
        ]
        if twice:
            raise ValueError(f"concept: two are named {twice[0]!r}; rename one of them")
        rest = [concept for concept in self.concept if concept.match is None]
        if len(rest) > 1:
            raise ValueError(
                f"concept: {rest[0].name!r} and {rest[1].name!r} have no match, so both would take "
                "every picture; give one of them a match"
            )
        if any(c.name == DEFAULT_CONCEPT and c.match is not None for c in self.concept):
            raise ValueError(
                f"concept: {DEFAULT_CONCEPT!r} is the concept of pictures that match no other, so "
                "it has no match; rename it or leave match out"
            )
        return self


def pictures_hash(
    campaign: Campaign, concept: str, backgrounds: Mapping[str, str], extra: Mapping[str, str]
) -> str:
    """Return a digest of everything that changes the pictures of one concept.

    It is the sha256 of canonical JSON (keys sorted, no spaces, ASCII) with the model, the
    output rules as they are in force (a preset resolved, so that a new rule of the market
    place counts and a new date alone does not), the concept's name, the digests of its
    backgrounds by variant, and `extra`. What changes no pixel is left out: the campaign's
    name, money, thresholds, exceptions, the spelling of paths, other concepts.

    Parameters
    ----------
    concept : str
        Its name: part of the deliverables' names.
    backgrounds : digest of each background's content, by variant
    extra : what else counts, such as the checksum of the model's weights

    Returns
    -------
    64 hexadecimal digits
    """
    settings = {
        "model": campaign.input.model,
        "refine": campaign.input.refine,
        "output": _in_pictures(campaign.output),
        "concept": concept,
        "backgrounds": dict(backgrounds),
        "extra": dict(extra),
    }
    return canonical_hash(settings)


def _in_pictures(rules: OutputRules) -> dict[str, Any]:
    """Return the rules that change a picture; what older campaigns did not know, if it is used."""
    fields = rules.model_dump(mode="json", exclude=_NOT_IN_PICTURES)
    if fields["provenance"] == "none":
        del fields["provenance"]
    return fields


def routing_hash(campaign: Campaign, rules: str, *, scorer: str = "") -> str:
    """Return a digest of what changes a picture's route and price, but not the picture.

    Thresholds, the spot check, the content of the exception list (`rules`) and of the score
    file (`scorer`), the advice among the output rules, the rates and the currency.
    """
    return canonical_hash(
        {
            "quality": campaign.quality.model_dump(mode="json", exclude={"score_file"}),
            "score": scorer,
            "advice": list(campaign.output.advice),
            "exceptions": rules,
            "cost": campaign.cost.model_dump(mode="json") if campaign.cost else None,
            "currency": campaign.campaign.currency,
        }
    )


def canonical_hash(values: Mapping[str, Any]) -> str:
    """Return the sha256 of values as canonical JSON: keys sorted, no spaces, ASCII.

    Examples
    --------
    >>> canonical_hash({"b": 1, "a": 2}) == canonical_hash({"a": 2, "b": 1})
    True
    """
    written = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(written.encode()).hexdigest()
