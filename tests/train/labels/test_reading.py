from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as PilImage

from maskworks.core.errors import RecipeError
from maskworks.train.labels.finding import find_pairs, places_of_ids, read_ids
from maskworks.train.labels.pictures import Pictures
from maskworks.train.labels.reading import load_set
from maskworks.train.labels.recipe import load_label_recipe


def grey(path, value, size=(6, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    PilImage.fromarray(np.full(size[::-1], value, np.uint8)).save(path)


def photo(path, size=(6, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    PilImage.new("RGB", size, (9, 8, 7)).save(path)


def test_png_labels_lie_beside_the_pictures_or_in_their_own_folder(tmp_path):
    photo(tmp_path / "a" / "one.jpg")
    grey(tmp_path / "a" / "one.png", 0)
    photo(tmp_path / "b" / "two.png")
    grey(tmp_path / "ids" / "two.png", 1)
    beside = find_pairs(tmp_path, Pictures(folder="a"))
    apart = find_pairs(tmp_path, Pictures(folder="b", labels="ids"))
    assert [(p.name, p.labels.parent.name) for p in (*beside, *apart)] == [
        ("one", "a"),
        ("two", "ids"),
    ]


def test_the_layouts_of_public_data_sets_are_found(tmp_path):
    photo(tmp_path / "voc/JPEGImages/x.jpg")
    grey(tmp_path / "voc/SegmentationClass/x.png", 3)
    (tmp_path / "voc/ImageSets/Segmentation").mkdir(parents=True)
    (tmp_path / "voc/ImageSets/Segmentation/val.txt").write_text("x\n")
    photo(tmp_path / "city/leftImg8bit/val/bonn/b_1_leftImg8bit.png")
    grey(tmp_path / "city/gtFine/val/bonn/b_1_gtFine_labelIds.png", 7)
    photo(tmp_path / "ade/images/training/y.jpg")
    grey(tmp_path / "ade/annotations/training/y.png", 1)
    found = [
        find_pairs(tmp_path, Pictures(folder=folder, format=form, split=split))[0].name
        for folder, form, split in (
            ("voc", "voc", "val"),
            ("city", "cityscapes", "val"),
            ("ade", "ade20k", "training"),
        )
    ]
    assert found == ["x", "b_1", "y"]


def test_ids_of_data_sets_become_places_of_classes(recipe_file):
    path = recipe_file()
    plain = path.read_text()
    taken = []
    for taxonomy, form, ids in (
        ("cityscapes-19", "cityscapes", (7, 26, 0)),  # road, car, unlabelled
        ("ade20k-150", "ade20k", (1, 150, 0)),
        ("voc-21", "voc", (0, 15, 255)),
    ):
        path.write_text(
            plain.replace('classes = ["ground", "disc", "bar"]', f'taxonomy = "{taxonomy}"')
        )
        rule = Pictures(folder="x", format=form, split="train")
        table = places_of_ids(load_label_recipe(path), rule, path.parent)
        taken.append([int(table[each]) for each in ids])
    assert taken == [[0, 13, 19], [0, 149, 150], [0, 15, 21]]


def test_a_palette_picture_counts_by_its_places(tmp_path):
    picture = PilImage.new("P", (2, 2))
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.putdata([0, 2, 1, 1])
    picture.save(tmp_path / "p.png")
    assert read_ids(tmp_path / "p.png").tolist() == [[0, 2], [1, 1]]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "train0.png").unlink(), r"train0\.png: is missing: the labels of train0"),
        (lambda f: grey(f / "train0.png", 7, (64, 48)), r"has the ids 7, which are no class"),
        (lambda f: grey(f / "train0.png", 1, (64, 40)), r"is 64x40, its picture train0.webp 64x48"),
        (lambda f: photo(f / "train0.png", (64, 48)), "is in colours"),
        (lambda f: (f / "train0.png").write_bytes(b"no"), r"train0\.png: cannot be read"),
        (lambda f: (f / "train0.webp").write_bytes(b"no"), r"train0\.webp"),
    ],
    ids=["no labels", "unknown id", "size", "colour", "broken labels", "broken picture"],
)
def test_labels_that_do_not_fit_are_named(data, recipe_file, tmp_path, spoil, message):
    folder = tmp_path / "train"
    folder.mkdir()
    for path in (data / "train").glob("train0.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    recipe = load_label_recipe(recipe_file())
    spoil(folder)
    with pytest.raises(RecipeError, match=message):
        load_set(tmp_path, recipe, recipe.train)


@pytest.mark.parametrize(
    ("folder", "message"), [("none", "no such folder"), ("empty", "has no labelled pictures")]
)
def test_a_split_without_pictures_is_refused(tmp_path, folder, message):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError, match=message):
        find_pairs(tmp_path, Pictures(folder=folder))


def test_a_limit_spreads_over_the_names_and_large_pictures_are_shrunk(data, recipe_file):
    recipe = load_label_recipe(recipe_file())
    rule = recipe.train.model_copy(update={"limit": 2, "long_side": 32})
    found = load_set(data, recipe, rule)
    assert found.names == ("train0", "train3")
    assert found.pixels[0].shape == (3, 24, 32)
    assert set(found.labels[0].unique().tolist()) <= {0, 1, 2, 3}
