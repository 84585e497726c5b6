"""Public functions look at the kinds of what they are given, so that a mistake is told as one."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin

import numpy as np

from maskworks.core.errors import UsageError

Given = ParamSpec("Given")
Returned = TypeVar("Returned")

WAYS = {
    "Cutout": "`cutout(source)` or `refine_mask(image, mask)` gives one",
    "CampaignFile": "`read_campaign(path)` reads one",
    "Campaign": "`run_campaign(path)` has entered one",
    "CutoutRequest": "write `CutoutRequest(inputs=[...], output=...)`",
    "Image": "`Image(array)` of uint8 (H, W, 3) in RGB, or `read_picture(path).image`",
    "IngestContext": "write `IngestContext(...)`",
    "LabelRequest": "write `LabelRequest(inputs=[...], output=...)`",
    "Matte": "`Matte.of(array)` takes bool, 0 and 255, or float in [0, 1]",
    "Model": "give the name of one, or what `load_model(name)` gives",
    "OutputRules": "`find_preset(name).rules` has those of a preset",
    "Path": "give a pathlib.Path or the path as text",
    "RefineOptions": 'write `RefineOptions(method="fine")`',
    "Segmenter": "give the name of a model, or what `load_segmenter(name)` gives",
    "ServerSettings": "write `ServerSettings(port=7000)`",
    "Store": "`open_store(path)` opens one",
    "Taxonomy": "`load_taxonomy(name or path)` gives one",
    "Iterable": "put a single one into a list",
    "Sequence": "put a single one into a list",
}
"""How a caller comes by what is asked for."""

_NUMBERS: dict[object, tuple[type, ...]] = {
    float: (int, float, np.integer, np.floating),
    int: (int, np.integer),
    complex: (int, float, complex, np.number),
}


def public(function: Callable[Given, Returned]) -> Callable[Given, Returned]:
    """Return the function with a look at each argument: whether it is what is annotated.

    Text becomes a path where a path is annotated, and an array passes for a sequence; what cannot
    be judged from the annotation passes too.

    Raises
    ------
    UsageError
        When it is called: which argument, what was given, what is asked for, how to come by it.

    Examples
    --------
    >>> @public
    ... def half(number: float) -> float:
    ...     return number / 2
    >>> half(3)
    1.5
    >>> half("3")
    Traceback (most recent call last):
    maskworks.core.errors.UsageError: half: number must be float, got str; see help(half)
    """
    signature = inspect.signature(function)

    @wraps(function)
    def looked_at(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError:
            return function(*args, **kwargs)  # Python says which one is missing
        for name, value in given.arguments.items():
            annotation = signature.parameters[name].annotation
            asked = _meant(annotation, function) if isinstance(annotation, str) else annotation
            if isinstance(value, str) and not _fits(value, asked) and _fits(Path(), asked):
                given.arguments[name] = Path(value)
            elif not _fits(value, asked):
                words = annotation if isinstance(annotation, str) else annotation.__name__
                way = next((WAYS[kind] for kind in _kinds(words) if kind in WAYS), None)
                raise UsageError(
                    f"{function.__name__}: {name} must be {words}, got {type(value).__name__}; "
                    f"{way or f'see help({function.__name__})'}"
                )
        return function(*given.args, **given.kwargs)

    return looked_at


@lru_cache(maxsize=1024)
def _meant(annotation: str, function: Callable[..., Any]) -> object:
    """Return what an annotation stands for; its names where it is imported for types alone."""
    known = function.__globals__
    try:
        found: object = eval(annotation, known)  # noqa: S307 - our own source
    except (NameError, AttributeError, TypeError):
        names = frozenset(_kinds(annotation))
        plain = "[" not in annotation and not any(isinstance(known.get(n), str) for n in names)
        return _Names(names) if plain else Any
    return Any if isinstance(found, str) else found


class _Names:
    """Classes by name: one of these."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def has(self, value: object) -> bool:
        """Say whether a value is of one of them."""
        if isinstance(value, Path) and "Path" in self.names:
            return True
        if value is None:
            return "None" in self.names
        return any(kind.__name__ in self.names for kind in type(value).__mro__)


def _kinds(annotation: str) -> list[str]:
    """Return the classes of an annotation up to its first brackets."""
    parts = annotation.split("[", maxsplit=1)[0].split("|")
    return [part.strip().rpartition(".")[2] for part in parts]


def _fits(value: object, asked: Any) -> bool:  # noqa: ANN401
    if asked is Any or asked is inspect.Parameter.empty or isinstance(asked, TypeVar):
        return True
    if isinstance(asked, _Names):
        return asked.has(value)
    if get_origin(asked) in (Union, types.UnionType):
        return any(_fits(value, each) for each in get_args(asked))
    if get_origin(asked) is Literal:
        return isinstance(value, type(get_args(asked)[0]))  # which word it is, the function says
    kind = get_origin(asked) or asked
    if kind in (Sequence, Iterable):
        return _is_row(value, kind, *get_args(asked))
    return value is None if kind is None else _is_a(value, kind)


def _is_row(value: object, kind: type, item: object = Any) -> bool:
    """Say whether a value is a sequence or an iterable, and its first item what is asked for."""
    if isinstance(value, np.ndarray):
        return not isinstance(item, type) or item in _NUMBERS
    if not isinstance(value, kind) or isinstance(value, str | bytes | Mapping):
        return False
    return not isinstance(value, list | tuple) or not value or _fits(value[0], item)


def _is_a(value: object, kind: object) -> bool:
    if not isinstance(kind, type):
        return True
    if kind in _NUMBERS:
        return isinstance(value, _NUMBERS[kind]) and not isinstance(value, bool | np.bool_)
    try:
        return isinstance(value, (bool, np.bool_) if kind is bool else kind)
    except TypeError:  # a protocol that is not for this
        return True
