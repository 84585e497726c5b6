from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from maskworks.core.errors import UsageError
from maskworks.evaluate.pairing import pair_files


@pytest.fixture
def folders(tmp_path):
    """Three folders: truth, predictions, trimaps."""
    made = tuple(tmp_path / name for name in ("truth", "predictions", "trimaps"))
    for folder in made:
        folder.mkdir()
    return made


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def grey(path):
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(path)


def colours(path):
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(path)


def test_pictures_meet_by_path_and_stem_whatever_the_suffix(folders):
    truth, predictions, trimaps = folders
    touch(truth, "b.png", "a/b.png", "a/b.c.TIF")
    touch(predictions, "b.webp", "a/b.jpg", "a/b.c.png")
    touch(trimaps, "a/b.png", "a/b.c.png", "b.bmp", "more.png", "a/more.png")
    pairing = pair_files(*folders)
    assert [pair.name for pair in pairing.pairs] == ["a/b", "a/b.c", "b"]
    first = pairing.pairs[0]
    assert (first.truth, first.prediction) == (truth / "a/b.png", predictions / "a/b.jpg")
    assert first.trimap == trimaps / "a/b.png"
    assert (pairing.problems, pairing.spare) == ((), 2)


def test_without_trimaps_a_pair_has_none(folders):
    truth, predictions, _ = folders
    touch(truth, "a.png")
    touch(predictions, "a.png")
    assert pair_files(truth, predictions).pairs[0].trimap is None


def test_whatever_lacks_its_counterpart_is_named(folders):
    truth, predictions, trimaps = folders
    touch(truth, "both.png", "only-truth.png", "no-trimap.png")
    touch(predictions, "both.png", "only-prediction.png", "no-trimap.png")
    touch(trimaps, "both.png", "only-truth.png", "only-prediction.png")
    pairing = pair_files(*folders)
    assert [pair.name for pair in pairing.pairs] == ["both"]
    assert [name for name, _ in pairing.problems] == ["no-trimap", "only-prediction", "only-truth"]
    told = [str(error) for _, error in pairing.problems]
    assert told[0].startswith(f"no-trimap: its trimap is missing; add {trimaps / 'no-trimap'}.png")
    assert "its truth is missing" in told[1]
    assert "its prediction is missing" in told[2]


def test_hidden_and_other_files_are_left_out(folders):
    truth, predictions, _ = folders
    touch(truth, "a.png", ".b.png", ".cache/c.png", "notes.txt")
    touch(predictions, "a.png", "manifest.jsonl", "a.onnx")
    pairing = pair_files(truth, predictions)
    assert [pair.name for pair in pairing.pairs] == ["a"]
    assert pairing.problems == ()


def test_a_folder_inside_another_is_not_walked_with_it(tmp_path):
    touch(tmp_path, "a.png", "out/a.png", "out/trimaps/a.png", "more/b.png")
    touch(tmp_path / "out", "more/b.png")
    touch(tmp_path / "out/trimaps", "more/b.png")
    pairing = pair_files(tmp_path, tmp_path / "out", tmp_path / "out/trimaps")
    assert [pair.name for pair in pairing.pairs] == ["a", "more/b"]
    assert pairing.problems == ()


def test_a_link_that_leads_back_is_followed_once(folders):
    truth, predictions, _ = folders
    touch(truth, "a/b.png")
    touch(predictions, "a/b.png")
    (truth / "a" / "again").symlink_to(truth)
    assert [pair.name for pair in pair_files(truth, predictions).pairs] == ["a/b"]


def test_a_photo_beside_its_matte_is_passed_over(folders):
    truth, predictions, _ = folders
    colours(truth / "shoe.jpg")
    grey(truth / "shoe.png")
    touch(predictions, "shoe.png")
    (pair,) = pair_files(truth, predictions).pairs
    assert pair.truth == truth / "shoe.png"


@pytest.mark.parametrize(
    ("write", "said"),
    [
        pytest.param(grey, r"\(shoe.bmp, shoe.png\) and 2 of them is grey", id="two"),
        pytest.param(colours, "and none of them is grey", id="none"),
    ],
)
def test_two_of_one_name_are_a_problem_of_that_name(folders, write, said):
    truth, predictions, _ = folders
    for suffix in ("png", "bmp"):
        write(truth / f"shoe.{suffix}")
    touch(truth, "cup.png")
    touch(predictions, "shoe.png", "cup.png")
    pairing = pair_files(truth, predictions)
    assert [pair.name for pair in pairing.pairs] == ["cup"]
    ((name, error),) = pairing.problems
    assert name == "shoe"
    with pytest.raises(type(error), match=said):
        raise error


def test_unreadable_files_of_one_name_are_a_problem_too(folders):
    truth, predictions, _ = folders
    touch(truth, "shoe.png", "shoe.jpg")
    touch(predictions, "shoe.png")
    pairing = pair_files(truth, predictions)
    assert pairing.pairs == ()
    assert "none of them is grey" in str(pairing.problems[0][1])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param(("truth", "nowhere"), "--predictions .*there is no such folder", id="missing"),
        pytest.param(("truth/a.png", "predictions"), "--truth .*is a file", id="file"),
        pytest.param(("truth", "truth"), "--truth and --predictions are the same", id="same"),
        pytest.param(("truth", "link"), "--truth and --predictions are the same", id="link"),
        pytest.param(
            ("truth", "predictions", "predictions"),
            "--predictions and --trimaps are the same folder",
            id="same-trimaps",
        ),
        pytest.param(("empty", "predictions"), "--truth .*no picture in it; name", id="empty"),
        pytest.param(
            ("truth", "texts"), r"--predictions .*no picture in it \(2 other files\)", id="texts"
        ),
        pytest.param(("truth", "predictions", "empty"), "--trimaps .*no picture", id="trimaps"),
    ],
)
def test_folders_that_cannot_be_meant_are_refused(tmp_path, names, message):
    touch(tmp_path, "truth/a.png", "predictions/a.png", "texts/a.txt", "texts/b.md")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "truth")
    with pytest.raises(UsageError, match=message):
        pair_files(*(tmp_path / name for name in names))
