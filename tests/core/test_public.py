"""A wrong kind of argument is an error of ours, for every function at the top of the package."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

import maskworks as mw
from maskworks.core.public import public

FUNCTIONS = [name for name in mw.__all__ if inspect.isfunction(inspect.unwrap(getattr(mw, name)))]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("given", [object(), 3 + 4j], ids=["object", "complex"])
def test_no_public_function_answers_a_wrong_kind_with_an_error_of_python(name, given):
    function = getattr(mw, name)
    asked = inspect.signature(function).parameters.values()
    needed = [each for each in asked if each.default is each.empty]
    positional = [given for each in needed if each.kind is not each.KEYWORD_ONLY]
    named = {each.name: given for each in needed if each.kind is each.KEYWORD_ONLY}
    if not needed:
        pytest.skip("it can be called with nothing")
    with pytest.raises(mw.MaskworksError):
        list(function(*positional, **named))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(
            lambda: mw.compose("cut.png"),
            r"compose: cut must be Cutout, got str; `cutout\(source\)`",
            id="compose",
        ),
        pytest.param(
            lambda: mw.cutout("a.jpg", refinement="fine"),
            r'refinement must be RefineOptions, got str; write `RefineOptions\(method="fine"\)`',
            id="refinement",
        ),
        pytest.param(
            lambda: mw.cutout_many("a.jpg"),
            r"sources must be Iterable\[Source\], got str; put a single one into a list",
            id="one-picture",
        ),
        pytest.param(
            lambda: mw.cutout("a.jpg", min_confidence="0.5"),
            "min_confidence must be float, got str",
            id="text-for-a-number",
        ),
        pytest.param(lambda: mw.parse_colour(None), "must be str, got NoneType", id="colour"),
        pytest.param(lambda: mw.Box("1", 2, 3, 4), r"Box\(top, left, bottom, right\)", id="box"),
        pytest.param(lambda: mw.read_campaign("none.toml"), "none.toml", id="text-is-a-path"),
    ],
)
def test_message_says_what_is_asked_for_and_how_to_come_by_it(call, message):
    with pytest.raises(mw.MaskworksError, match=message):
        call()


@public
def asks(
    path: Path = Path(), rows: Sequence[int] = (), every: Iterable[str] = (), flag: bool = False
) -> tuple[object, ...]:
    return path, rows, every, flag


def test_text_becomes_a_path_and_an_array_is_a_sequence():
    assert asks("a/b")[0] == Path("a/b")
    rows = np.arange(3)
    assert asks(rows=rows)[1] is rows


@pytest.mark.parametrize(
    "given", [{"rows": "abc"}, {"rows": ["a"]}, {"every": "abc"}, {"flag": 1}, {"path": 1}]
)
def test_what_only_looks_alike_is_refused(given):
    with pytest.raises(mw.UsageError, match=f"asks: {next(iter(given))} must be"):
        asks(**given)


def test_missing_argument_is_told_by_python_itself():
    with pytest.raises(TypeError, match=r"make_trimap\(\) missing 2 required"):
        mw.make_trimap()
