from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as PilImage

from maskworks.apps.cli.main import main
from maskworks.core.errors import RecipeError
from maskworks.train.labels.presence import presence_notes
from maskworks.train.labels.recipe import load_label_recipe
from maskworks.train.labels.run import load_splits
from maskworks.train.labels.scoring import score
from maskworks.train.labels.views import Splits


@pytest.fixture
def folder(tmp_path, draw_scene):
    """Write scenes whose labels are changed by a function of the ids; return the folder."""

    def write(change, *, kinds=("train", "dev")):
        for first, split in enumerate(("train", "dev")):
            (tmp_path / split).mkdir(exist_ok=True)
            for number in range(2):
                pixels, ids = draw_scene(100 * first + number)
                ids[ids == 255] = 0
                stem = tmp_path / split / f"{split}{number}"
                PilImage.fromarray(pixels).save(stem.with_suffix(".webp"), lossless=True)
                changed = change(ids) if split in kinds else ids
                PilImage.fromarray(changed.astype(np.uint8)).save(stem.with_suffix(".png"))
        return tmp_path

    return write


def two(recipe_file, more=""):
    path = recipe_file()
    text = path.read_text().replace('["ground", "disc", "bar"]', '["ground", "thing"]')
    for split in ("train", "dev"):
        text = text.replace(f'folder = "{split}"', f'folder = "{split}"\n{more}')
    path.write_text(text)
    return path


def notes(path, data):
    recipe = load_label_recipe(path)
    return presence_notes(path, recipe, data, load_splits(path, recipe, data))


def test_masks_of_255_are_not_learnt_from_as_ids(folder, recipe_file):
    data = folder(lambda ids: (ids > 0) * 255)
    with pytest.raises(RecipeError, match=r"train0\.png: holds 0 and 255 alone.*binary = true"):
        notes(two(recipe_file), data)


@pytest.mark.parametrize("inside", [1, 255])
def test_masks_that_the_recipe_calls_so_have_two_classes(folder, recipe_file, inside, draw_scene):
    data = folder(lambda ids: (ids > 0) * inside)
    path = two(recipe_file, "binary = true")
    assert notes(path, data) == []
    recipe = load_label_recipe(path)
    labels = load_splits(path, recipe, data).train.labels[0].numpy()
    ids = draw_scene(0)[1]
    assert np.array_equal(labels, (ids > 0) & (ids < 255))


@pytest.mark.parametrize("split", ["train", "dev"])
def test_a_split_of_one_class_alone_is_refused(folder, recipe_file, split):
    data = folder(lambda ids: ids * 0, kinds=(split,))
    path = two(recipe_file)
    text = path.read_text().replace('["ground", "thing"]', '["ground", "disc", "bar"]')
    path.write_text(text)
    with pytest.raises(RecipeError, match=f"{split} shows one class alone .* no pixel of disc"):
        notes(path, data)


def test_a_class_that_a_split_lacks_is_told_with_the_score(folder, recipe_file):
    data = folder(lambda ids: np.where(ids == 2, 0, ids), kinds=("dev",))
    path = recipe_file()
    recipe = load_label_recipe(path)
    splits = load_splits(path, recipe, data)
    assert presence_notes(path, recipe, data, splits) == [
        "dev has no pixel of 1 of 3 classes, which is in no dev score: bar"
    ]

    def network(batch):
        logits = np.zeros((1, 3, *batch.shape[2:]), np.float32)
        logits[:, 0] = 1
        return (logits,)

    assert score(network, splits.dev, recipe).over == " over 2 of 3 classes"
    assert score(network, splits.train, recipe).over == ""


def test_most_pixels_without_a_label_are_told(folder, recipe_file):
    def change(ids):
        ids[:40] = 255
        return ids

    data = folder(change, kinds=("train",))
    path = recipe_file()
    recipe = load_label_recipe(path)
    splits = load_splits(path, recipe, data)
    found = presence_notes(path, recipe, data, Splits(splits.train, splits.dev))
    assert found[-1] == "83.3% of the pixels of train have no label and count nowhere"


def test_the_check_calls_masks_masks(folder, capsys):
    data = folder(lambda ids: (ids > 0) * 255)
    assert main(["data", "check", str(data), "--classes", "2"]) == 1
    assert "all labels hold 0 and 255 alone, as masks do" in capsys.readouterr().out
    assert main(["data", "check", str(data), "--classes", "2", "--binary"]) == 0


def test_ids_in_two_bits_are_read_as_they_are(folder, recipe_file):
    data = folder(lambda ids: ids)
    for path in data.glob("*/*.png"):
        PilImage.open(path).save(path, bits=2)
    assert notes(recipe_file(), data) == []
