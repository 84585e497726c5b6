from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image as PilImage

from maskworks.apps.cli import main


@pytest.fixture
def folder(tmp_path, data):
    """A copy of the drawn scenes that a test may spoil."""
    for split in ("train", "dev"):
        (tmp_path / "set" / split).mkdir(parents=True)
        for path in (data / split).iterdir():
            (tmp_path / "set" / split / path.name).write_bytes(path.read_bytes())
    return tmp_path / "set"


def check(folder, *more: str) -> int:
    return main(["data", "check", str(folder), *(more or ("--classes", "3"))])


def test_good_data_have_nothing_to_mend_and_their_balance_is_exact(folder, tmp_path, capsys):
    found = tmp_path / "found.json"
    assert check(folder, "--classes", "3", "--json", str(found)) == 0
    said = capsys.readouterr().out
    assert "nothing to mend" in said
    record = json.loads(found.read_text())
    ids = np.stack([np.asarray(PilImage.open(p)) for p in (folder / "dev").glob("*.png")])
    dev = record["splits"]["dev"]
    assert dev["pixels"] == [int((ids == c).sum()) for c in range(3)]
    assert dev["pixels_without_label"] == int((ids == 255).sum())
    assert dev["sizes"] == {"64x48": 3}


def repaint(path, value):
    ids = np.asarray(PilImage.open(path)).copy()
    ids[ids == 2] = value
    PilImage.fromarray(ids).save(path)


def turn(folder):
    picture = PilImage.open(folder / "train" / "train0.webp").convert("RGB")
    exif = PilImage.Exif()
    exif[0x0112] = 6
    picture.save(folder / "train" / "train0.webp", exif=exif)


SPOILS = {
    "unknown id": (lambda f: repaint(f / "dev" / "dev1.png", 9), "id 9 is of no class"),
    "empty class": (
        lambda f: [repaint(path, 0) for path in (f / "dev").glob("*.png")],
        "class 2 is in no picture",
    ),
    "size": (
        lambda f: PilImage.new("L", (64, 40)).save(f / "train" / "train2.png"),
        "is 64x40, its picture 64x48",
    ),
    "turned": (turn, r"train0.webp: its EXIF says to turn it (orientation 6)"),
    "broken": (lambda f: (f / "dev" / "dev0.webp").write_bytes(b"x"), "dev0.webp: cannot be used"),
    "in two splits": (
        lambda f: [
            (f / "dev" / f"new.{end}").write_bytes((f / "train" / f"train3.{end}").read_bytes())
            for end in ("png", "webp")
        ],
        "dev/new and train/train3 look the same",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), SPOILS.values(), ids=SPOILS)
def test_what_would_break_a_training_is_named_and_the_exit_code_is_1(
    folder, capsys, spoil, message
):
    spoil(folder)
    assert check(folder) == 1
    assert message in capsys.readouterr().out


def test_a_copy_that_was_saved_anew_is_still_found(folder, capsys):
    cells = np.random.default_rng(4).integers(0, 255, (9, 12, 3), np.uint8)
    photo = PilImage.fromarray(cells).resize((320, 240), PilImage.Resampling.BICUBIC)
    ids = PilImage.fromarray(np.tile(np.arange(3, dtype=np.uint8), (240, 107))[:, :320].copy())
    photo.save(folder / "train" / "first.webp")
    ids.save(folder / "train" / "first.png")
    photo.resize((160, 120)).save(folder / "dev" / "again.jpg", quality=80)
    ids.resize((160, 120), PilImage.Resampling.NEAREST).save(folder / "dev" / "again.png")
    assert check(folder) == 1
    assert "dev/again and train/first look the same" in capsys.readouterr().out


def test_a_recipe_says_what_to_check(data, recipe_file, capsys):
    assert check(data, "--recipe", str(recipe_file())) == 0
    assert "bar" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--ignore", "3"), "say which classes there are"),
        (("--classes", "3", "--taxonomy", "voc-21"), "say which classes there are"),
        (("--taxonomy", "nothing"), "there is no taxonomy 'nothing'"),
    ],
)
def test_wrong_use_is_explained(folder, capsys, options, message):
    assert check(folder, *options) == 2
    assert message in capsys.readouterr().err


def test_pages_that_share_nothing_but_their_white_are_no_duplicates(folder, capsys):
    for name, split, rows in (("one", "train", slice(60, 90)), ("other", "dev", slice(200, 225))):
        page = np.full((240, 320), 240, np.uint8)
        page[rows] = 90
        PilImage.fromarray(page).save(folder / split / f"{name}.webp", lossless=True)
        ids = np.tile(np.arange(3, dtype=np.uint8), (240, 107))[:, :320]
        PilImage.fromarray(ids).save(folder / split / f"{name}.png")
    assert check(folder) == 0
    assert "nothing to mend" in capsys.readouterr().out


def test_drawn_pictures_are_written_and_checked(tmp_path, capsys):
    folder = tmp_path / "pages" / "train"
    assert main(["data", "draw", "pages", "-o", str(folder), "--count", "3", "--seed", "4"]) == 0
    assert "0 background, 1 text, 2 picture" in capsys.readouterr().out
    names = sorted(path.name for path in folder.iterdir())
    assert names[:2] == ["pages-4-00000.png", "pages-4-00000.webp"]
    assert check(tmp_path / "pages", "--classes", "3") == 0
    assert main(["data", "draw", "cats", "-o", str(folder)]) == 2
    assert "nothing to draw called 'cats'; choose pages" in capsys.readouterr().err
