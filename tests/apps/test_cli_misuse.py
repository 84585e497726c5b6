"""What no command may do, whatever it is given: end in a traceback, or take what is no number."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskworks.apps.cli import main
from maskworks.core import bounded

ENDLESS = [
    ("cutout missing -o out", "--picture-seconds"),
    ("segment missing -o out --model otsu", "--picture-seconds"),
    ("suitability missing -o out", "--every"),
    ("run missing", "--picture-seconds"),
    ("serve --data data", "--deadline"),
    ("serve --data data", "--max-data-gb"),
    ("serve --data data", "--retention-days"),
    ("keys add shop --database keys.db", "--rate"),
    ("keys add shop --database keys.db", "--quota"),
    ("train missing.toml", "--minutes"),
    ("export missing", "--loss-at-most"),
]


@pytest.mark.parametrize(("words", "option"), ENDLESS, ids=lambda each: each.split()[0])
@pytest.mark.parametrize("value", ["inf", "1e999", "nan"])
def test_number_without_an_end_is_refused(words, option, value, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*words.split(), option, value]) == 2
    said = capsys.readouterr().err
    assert option in said
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_time_limit_of_centuries_is_none(tmp_path, draw_tiff, capsys):
    words = ["segment", str(draw_tiff), "-o", str(tmp_path / "out"), "--model", "otsu"]
    assert main([*words, "--picture-seconds", "1e300"]) == 0
    assert "1 ok" in capsys.readouterr().out


@pytest.fixture
def draw_tiff(tmp_path):
    import numpy as np
    from PIL import Image

    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[10:30, 10:30] = 255
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    return tmp_path / "a.tif"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(
            OverflowError("cannot convert"),
            "unexpected OverflowError: cannot convert; this is a fault of Maskworks: please "
            "report what `maskworks --debug models ...` prints",
            id="fault-of-ours",
        ),
        pytest.param(
            OSError(28, "No space left on device", "a.db"),
            "a.db: No space left on device; check the path, its rights and the disk",
            id="full-disk",
        ),
    ],
)
def test_what_nobody_expected_is_told_in_a_line(error, said, monkeypatch, capsys):
    def broken(_name):
        raise error

    monkeypatch.setitem(main.__globals__, "load", broken)
    assert main(["models", "list"]) == 1
    assert capsys.readouterr().err == f"maskworks: {said}\n"
    with pytest.raises(type(error)):
        main(["--debug", "models", "list"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cutout", "photos", "-o", ""], "argument 3 of cutout is empty, after -o"),
        (["segment", "", "-o", "out", "--model", "otsu"], "argument 1 of segment is empty, as"),
    ],
)
def test_empty_argument_is_not_this_folder(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a file without an end")
@pytest.mark.parametrize(
    "words",
    [
        "run /dev/zero",
        "train /dev/zero",
        "audit /dev/zero",
        "check photos --preset /dev/zero",
        "evaluate semantic --truth a --predictions b --taxonomy /dev/zero",
        "evaluate instances --truth /dev/zero --predictions /dev/zero",
        "segment photos -o out --model otsu --prompts /dev/zero",
        "exceptions suggest /dev/zero",
    ],
    ids=lambda words: words.replace("/dev/zero", "zero"),
)
def test_file_without_an_end_is_not_read_for_ever(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bounded, "MOST_BYTES", 1 << 20)
    assert main(words.split()) in (1, 2)
    said = capsys.readouterr().err
    assert "unexpected" not in said
    assert len(said) < 1000
