"""Mistakes in a campaign file, in a producer's words."""

from __future__ import annotations

import json
import types
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from maskworks.studio.campaign.toml_lines import Place

_MOST_SHOWN = 60


@dataclass(frozen=True)
class Mistake:
    """Where in the file, and what a person should read."""

    place: Place
    text: str


def mistakes_of(error: ValidationError, model: type[BaseModel]) -> list[Mistake]:
    """Translate what pydantic found into sentences, each with its place in the file.

    Parameters
    ----------
    error : ValidationError
        Raised by `model`.
    model : type
        Whose fields are the keys that exist.
    """
    return [_mistake(found, model) for found in error.errors()]


def _mistake(found: Any, model: type[BaseModel]) -> Mistake:  # noqa: ANN401 - pydantic's ErrorDetails
    place: Place = tuple(found["loc"])
    kind, message, given = found["type"], str(found["msg"]), found["input"]
    if kind == "value_error":
        message = message.removeprefix("Value error, ")
        return _own(place, message, given)
    if kind == "extra_forbidden":
        return Mistake(place, _unknown(place, model))
    if kind == "missing":
        return Mistake(place, _missing(place))
    if kind == "tuple_type" and place == ("concept",):
        return Mistake(place, "concept: is one table; write [[concept]], in double brackets")
    if kind in ("model_type", "model_attributes_type") and len(place) == 1:
        return Mistake(place, f"{place[0]}: is {_shown(given)}; write a table, [{place[0]}]")
    if kind == "string_pattern_mismatch":
        message = (
            "must begin with a letter or digit and hold letters, digits, space, dot, dash and "
            "underscore only, at most 64"
        )
    rule = message.replace("Input should be", "must be").replace("String should", "must")
    return Mistake(place, f"{place_text(place)}: is {_shown(given)}; it {_lower(rule)}")


def _own(place: Place, message: str, given: object) -> Mistake:
    """Translate what a validator of ours says; some name a key below their place."""
    key, colon, rest = message.partition(": ")
    if colon and key.isidentifier():
        deeper = (*place, key)
        return Mistake(deeper, f"{place_text(deeper)}: {rest}")
    if message.startswith("must"):
        return Mistake(place, f"{place_text(place)}: is {_shown(given)}; it {message}")
    return Mistake(place, f"{place_text(place)}: {message}")


def _unknown(place: Place, model: type[BaseModel]) -> str:
    known = _fields_at(place[:-1], model)
    near = get_close_matches(str(place[-1]), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    kind = "table" if len(place) == 1 else "key"
    return f"{place_text(place)}: there is no such {kind}; {hint}"


def _missing(place: Place) -> str:
    if len(place) == 1:
        return f"[{place[0]}]: is missing; add this table (`maskworks init` writes an example)"
    return f"{place_text(place)}: is missing; add `{place[-1]} = ...`"


def _fields_at(place: Place, model: type[BaseModel]) -> list[str]:
    """Return the keys that exist at a place."""
    here: type[BaseModel] | None = model
    for step in place:
        if isinstance(step, str) and here is not None:
            field = here.model_fields.get(step)
            here = _model_in(field.annotation) if field else None
    return list(here.model_fields) if here is not None else []


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any annotation
    """Return the model that an annotation is about: itself, or in a tuple, Optional, Annotated."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Annotated, Union, types.UnionType, tuple):
        found = (_model_in(part) for part in get_args(annotation))
        return next((model for model in found if model is not None), None)
    return None


def place_text(place: Place) -> str:
    """Return a place as people write it; lists are counted from 1.

    Examples
    --------
    >>> place_text(("concept", 0, "backgrounds", 2))
    'concept 1, backgrounds 3'
    >>> place_text(("quality", "deliver_at"))
    'quality.deliver_at'
    """
    written = ""
    after_number = False
    for step in place:
        if isinstance(step, int):
            written += f" {step + 1}"
            after_number = True
        else:
            written += f"{', ' if after_number else '.' if written else ''}{step}"
            after_number = False
    return written


def _shown(value: object) -> str:
    """Return a value as TOML writes it, cut short."""
    if isinstance(value, bool | str | int | float | list | dict):
        written = json.dumps(value, ensure_ascii=False, default=str)
    else:
        written = str(value)
    return written if len(written) <= _MOST_SHOWN else f"{written[:_MOST_SHOWN]}…"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
