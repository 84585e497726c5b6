"""Every option of every command is given values that cannot be meant, and each is refused.

The options are read from the parsers, so that an option that is added later is tried too.
"""

from __future__ import annotations

import json
import typing
from functools import lru_cache

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main
from maskworks.apps.cli.main import COMMANDS, load


def leaves(command, words):
    for name, each in getattr(command, "commands", {}).items():
        yield from leaves(each, (*words, name))
    if not hasattr(command, "commands"):
        yield words, command


EVERY = dict(pair for name in COMMANDS for pair in leaves(load(name), (name,)))
NUMBERS = (int, float)

NEGATIVE = {"--mean": "none has one so far"}
"""Options of numbers that may be below 0, with the reason."""


def kind_of(option):
    """Return the type of an option's value, or of each if it may be repeated."""
    kind = option.type_descriptor.annotation
    inner = [each for each in typing.get_args(kind) if each is not type(None)]
    return inner[0] if typing.get_origin(kind) is list else kind


def options(*, flags=False):
    return [
        pytest.param(words, option, id=f"{' '.join(words)} {option.opts[0]}")
        for words, command in EVERY.items()
        for option in command.params
        if option.param_type_name == "option" and (flags or not getattr(option, "is_flag", False))
    ]


def choices_of(option):
    found = option.type_descriptor.choices
    return [str(getattr(each, "value", each)) for each in found] if found else []


def least(words, *, without=None):
    """Return words that satisfy the parser: a value for whatever must be given."""
    given = []
    for option in EVERY[words].params:
        if option.required and option is not without:
            value = "1" if kind_of(option) in NUMBERS else "missing"
            given += [value] if option.param_type_name == "argument" else [option.opts[0], value]
    return given


@pytest.fixture(autouse=True)
def _apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(main.__globals__, "load", lru_cache(maxsize=None)(load))


def refused(words, capsys, *parts):
    """Run a command and return what it says when it refuses to."""
    code = main(list(words))
    said = capsys.readouterr().err
    assert code == 2, said
    assert "Traceback" not in said
    assert "unexpected" not in said
    for part in parts:
        assert part in said
    return said


def numbers():
    return [param for param in options() if kind_of(param.values[1]) in NUMBERS]


@pytest.mark.parametrize(("words", "option"), numbers())
def test_what_is_no_number_is_refused(words, option, tmp_path, capsys):
    name = option.opts[0]
    values = ["nan", "inf", "-inf", "1e999", "abc", "1,5", "0x10", ""]
    if kind_of(option) is int:
        values += ["1.5", "9" * 30]
    if option.min is not None:
        values.append(str(option.min - 1))
    elif name not in NEGATIVE:
        values.append("-1")
    if option.max is not None:
        values.append(str(option.max + 1))
    for value in values:
        said = refused((*words, *least(words, without=option), name, value), capsys, name)
        assert value in said or kind_of(option) is float
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "option"), [param for param in options() if choices_of(param.values[1])]
)
def test_what_is_none_of_the_choices_is_refused(words, option, capsys):
    for value in ("nonsense", "", " "):
        given = (*words, *least(words, without=option), option.opts[0], value)
        said = refused(given, capsys, option.opts[0].lstrip("-"))
        assert not value.strip() or choices_of(option)[-1] in said


@pytest.mark.parametrize(("words", "option"), options(flags=True))
def test_what_is_given_twice_is_refused_or_counts_once(words, option, tmp_path, capsys):
    name = option.opts[0]
    if option.multiple or (option.is_flag and not option.secondary_opts):
        return  # all count, or the second says the same
    value = choices_of(option)[:1] or ["1"]
    twice = (name, option.secondary_opts[0]) if option.is_flag else 2 * (name, *value)
    refused((*words, *least(words, without=option), *twice), capsys, name, "is given 2 times")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "option"),
    [param for param in options() if param.values[1].opts[0] in ("--json", "--html", "--csv")],
)
def test_a_report_replaces_no_file_of_another_kind(words, option, tmp_path, capsys):
    """Nor what is read, nor a folder."""
    photo, report = tmp_path / "a.png", tmp_path / f"read.{option.opts[0].lstrip('-')}"
    (tmp_path / "folder").mkdir()
    for path in (photo, report):
        path.write_bytes(b"as it was")
    base = least(words)
    refused((*words, *base, option.opts[0], str(photo)), capsys, "exists and is no")
    refused((*words, *base, option.opts[0], "folder"), capsys, "is a folder; name the file")
    if "missing" in base:
        base[base.index("missing")] = str(report)
        refused((*words, *base, option.opts[0], str(report)), capsys, "is what is read")
    assert photo.read_bytes() == report.read_bytes() == b"as it was"


# ------------------------------------------------- files and names that are not there

BASES = {
    ("cutout",): "photos -o out --model plain",
    ("segment",): "photos -o out --model otsu",
    ("check",): "photos --preset shopify",
    ("suitability",): "photos -o out --no-ocr",
    ("demo",): "-o out",
    ("evaluate", "semantic"): "--truth ids --predictions ids2 --classes 2",
    ("evaluate", "instances"): "--truth coco.json --predictions found.json",
    ("evaluate", "saliency"): "--truth masks --predictions masks2",
    ("evaluate", "video"): "--truth masks --predictions masks2",
    ("evaluate", "fairness"): "--truth masks --predictions masks2 --property size",
    ("evaluate", "calibration"): "--manifest rows.json --truth masks --fit isotonic",
    ("evaluate", "threshold"): "--manifest rows.json --truth masks --target-precision 0.5",
    ("evaluate", "mattes"): "--truth masks --predictions masks2",
    ("evaluate", "tracks"): "--truth tracks.txt --predictions tracks.txt",
    ("init",): "photos",
    ("models", "pull"): "plain",
    ("data", "check"): "ids",
    ("data", "import"): "photos -o out",
    ("export",): "photos",
}
"""Words with which a command would do its work on the files that `drawn` writes."""

WRITTEN = {"--output", "-o", "--json", "--html", "--csv", "--database"}
SAID = {"--source", "--purpose", "--language", "--address", "--classes", "--colours"}
"""Options that name what is made, or that say something in words."""


@pytest.fixture
def drawn(tmp_path, photos, home):
    for name in ("a", "b"):
        photos.write(f"{name}.png")
    (tmp_path / "in").rename(tmp_path / "photos")
    inside = np.zeros((60, 80), np.uint8)
    inside[10:40, 10:50] = 1
    for folder, white in (("masks", 255), ("masks2", 255), ("ids", 1), ("ids2", 1)):
        (tmp_path / folder).mkdir()
        for name in ("a", "b"):
            Image.fromarray(inside * white).save(tmp_path / folder / f"{name}.png")
    box = {"image_id": 1, "category_id": 1, "segmentation": [[0, 0, 9, 0, 9, 9]], "iscrowd": 0}
    coco = {
        "images": [{"id": 1, "height": 60, "width": 80, "file_name": "a.png"}],
        "categories": [{"id": 1, "name": "cup", "isthing": 1}],
        "annotations": [box | {"id": 1, "area": 40, "bbox": [0, 0, 9, 9]}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    (tmp_path / "found.json").write_text(json.dumps([box | {"score": 0.9}]))
    rows = [{"name": name, "confidence": 0.9, "iou": 0.9} for name in ("a", "b")]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    (tmp_path / "tracks.txt").write_text("1,1,10,10,20,20,1,1,1\n")


def reads(words, option):
    written = option.opts[0] in WRITTEN | SAID
    makes = option.opts[0] == "--manifest" and words[0] != "evaluate"
    return words in BASES and not (written or makes or choices_of(option) or option.multiple)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        param
        for param in options()
        if kind_of(param.values[1]) not in NUMBERS and reads(*param.values)
    ],
)
@pytest.mark.parametrize("value", ["no-such/x", "x" * 5000], ids=["missing", "long"])
def test_what_is_not_there_is_named(words, option, value, drawn, capsys):
    name, given = option.opts[0], BASES[words].split()
    if name in given:
        given[given.index(name) + 1] = value
    else:
        given += [name, value]
    code = main([*words, *given])
    out, err = capsys.readouterr()
    assert code in (1, 2), out
    assert "Traceback" not in err
    assert "unexpected" not in err
    assert name.lstrip("-") in err or value[:40] in err


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ("segment photos -o out --model grabcut --box 5,5,1,1", "TOP,LEFT,BOTTOM,RIGHT, in pixels"),
        ("segment photos -o out --model grabcut --box-xyxy 5,5,1,1", "X1,Y1,X2,Y2 (left, top, "),
        ("segment photos -o out --model grabcut --point 5", "ROW,COLUMN or ROW,COLUMN,out, pixels"),
        ("segment photos -o out --model grabcut --point-xy 5", "X,Y or X,Y,out, pixels"),
        ("segment photos -o out --model otsu --bands 1,2", "red, green and blue, counted from 1"),
        ("segment photos -o out --model otsu --bands 0", "red, green and blue, counted from 1"),
        ("segment photos -o out --model otsu --window 40", "a centre and a width above 0"),
        ("cutout photos -o out --background 5,5", "such as white, #f4f1ec or 244,241,236"),
        ("models import coco.json --name n --input-size 0x0", "HEIGHTxWIDTH in pixels"),
        ("cutout photos -o out --metrics no-such", "write PORT, or HOST:PORT"),
    ],
    ids=lambda each: " ".join(each.split()[-2:]) if " --" in each else "",
)
def test_what_takes_numbers_says_their_order_and_what_was_found(words, order, drawn, capsys):
    given = words.split()
    said = refused(given, capsys, order, given[-1])
    assert given[-2] in said or given[0] == "models"
