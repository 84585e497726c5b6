from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image as PilImage

from maskworks.apps.cli import main
from maskworks.core import encode_mask
from maskworks.core.errors import RecipeError
from maskworks.core.rle_coco import to_coco
from maskworks.train.labels.pictures import Pictures
from maskworks.train.labels.reading import load_set
from maskworks.train.labels.recipe import load_label_recipe
from maskworks.train.labels.row import row_of

CATEGORIES = [{"id": 4, "name": "disc", "isthing": 1}, {"id": 9, "name": "bar", "isthing": 1}]
SIZE = {"height": 40, "width": 60}


@pytest.fixture
def folder(tmp_path):
    """One picture with two touching discs, one of them a polygon, and a crowd of bars."""
    (tmp_path / "pictures").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    PilImage.fromarray(pixels).save(tmp_path / "pictures" / "a.jpg")
    inside = np.zeros((40, 60), bool)
    inside[5:15, 5:15] = True
    crowd = np.zeros((40, 60), bool)
    crowd[30:] = True
    annotations = [
        {"category_id": 4, "segmentation": to_coco(encode_mask(inside))},
        {"category_id": 4, "segmentation": [[15, 5, 25, 5, 25, 15, 15, 15]]},
        {"category_id": 9, "segmentation": to_coco(encode_mask(crowd)), "iscrowd": 1},
    ]
    write(tmp_path / "objects.json", [row | {"image_id": 1} for row in annotations])
    return tmp_path


def write(path, annotations, **more):
    images = [{"id": 1, "file_name": "a.jpg", **SIZE}]
    content = {"images": images, "annotations": annotations, "categories": CATEGORIES} | more
    path.write_text(json.dumps(content))
    return path


def recipe_of(recipe_file, classes, *, objects=False):
    path = recipe_file()
    text = path.read_text().replace('classes = ["ground", "disc", "bar"]', f"classes = {classes}")
    path.write_text(text.replace('task = "labels"', OBJECTS) if objects else text)
    return path


OBJECTS = 'task = "labels"\ntargets = "objects"'
WITH_BACKGROUND = '["background", "disc", "bar"]'


def test_objects_keep_their_numbers_and_crowds_have_no_truth(folder, recipe_file):
    recipe = load_label_recipe(recipe_of(recipe_file, WITH_BACKGROUND, objects=True))
    rule = Pictures(folder="pictures", format="coco", labels="objects.json")
    found = load_set(folder, recipe, rule)
    labels, objects = found.labels[0].numpy(), found.objects[0].numpy()
    assert np.unique(labels[5:15, 5:25]).tolist() == [1]
    assert np.unique(labels[30:]).tolist() == [3]
    assert np.unique(labels[16:30]).tolist() == [0]
    assert objects[10, 10] != objects[10, 20] != 0
    assert (objects[30:] == 0).all()
    depth = found.depth[0].numpy()
    assert depth[10, 10] > 200
    assert 0 < depth[10, 14] < 100


def coco_recipe(recipe_file, classes, more=""):
    path = recipe_of(recipe_file, classes)
    rows = f'folder = "pictures"\nformat = "coco"\nlabels = "objects.json"\n{more}'
    text = path.read_text().replace('folder = "train"', rows).replace('folder = "dev"', rows)
    path.write_text(text)
    return path


def test_what_is_not_annotated_is_background_though_no_class_is_called_so(folder, recipe_file):
    recipe = load_label_recipe(coco_recipe(recipe_file, '["disc", "bar"]'))
    assert recipe.class_names == ("background", "disc", "bar")
    assert row_of(recipe).classes == recipe.class_names
    labels = load_set(folder, recipe, recipe.train).labels[0].numpy()
    assert (labels[10, 10], labels[20, 20], labels[35, 35]) == (1, 0, 3)


def test_the_share_of_what_is_not_annotated_is_told(folder, recipe_file, capsys):
    path = coco_recipe(recipe_file, '["disc", "bar"]')
    assert main(["data", "check", str(folder), "--recipe", str(path)]) == 1
    said = capsys.readouterr().out
    labels = load_set(folder, load_label_recipe(path), load_label_recipe(path).train).labels[0]
    share = float((labels == 0).float().mean())
    assert f"train: {share:.1%} of the pixels are not annotated: background" in said


def test_a_taxonomy_without_background_is_not_taken_for_coco_in_silence(folder, recipe_file):
    path = coco_recipe(recipe_file, '["disc"]')
    text = path.read_text().replace('classes = ["disc"]', 'taxonomy = "camvid-11"')
    path.write_text(text)
    with pytest.raises(RecipeError, match="camvid-11 has no background"):
        load_label_recipe(path)


@pytest.mark.parametrize(
    "mask", [[[5, 5, 9, 5]], [], [[1, 1, 2, 2, 3, "x"]], [[900, 900, 920, 900, 920, 920]]]
)
def test_masks_that_are_none_are_named_or_left_out(folder, recipe_file, mask):
    def spoil(content):
        content["annotations"][0]["segmentation"] = mask

    spoilt(folder, spoil)
    recipe = load_label_recipe(recipe_of(recipe_file, WITH_BACKGROUND))
    rule = Pictures(folder="pictures", format="coco", labels="objects.json")
    with pytest.raises(
        RecipeError, match=r"(three points or more|beside the picture).*damaged = 'ignore'"
    ):
        load_set(folder, recipe, rule)
    kept = rule.model_copy(update={"damaged": "ignore"})
    assert load_set(folder, recipe, kept).labels[0].shape == (40, 60)


def test_uncovered_pixels_have_no_truth_where_the_recipe_says_so(folder, recipe_file):
    path = coco_recipe(recipe_file, '["disc", "bar"]', 'uncovered = "ignore"')
    recipe = load_label_recipe(path)
    rule = recipe.train
    labels = load_set(folder, recipe, rule).labels[0].numpy()
    assert (labels[10, 10], labels[20, 20], labels[35, 35]) == (0, 2, 2)


def test_panoptic_files_are_read_with_their_png(folder, recipe_file):
    ids = np.zeros((40, 60), np.int32)
    ids[:20], ids[20:30] = 300, 70000
    png = np.stack([ids % 256, ids // 256 % 256, ids // 65536], 2).astype(np.uint8)
    (folder / "panoptic").mkdir()
    PilImage.fromarray(png).save(folder / "panoptic" / "a.png")
    segments = [{"id": 300, "category_id": 9}, {"id": 70000, "category_id": 4}]
    row = {"image_id": 1, "file_name": "a.png", "segments_info": segments}
    write(folder / "panoptic.json", [row])
    recipe = load_label_recipe(recipe_of(recipe_file, WITH_BACKGROUND))
    rule = Pictures(folder="pictures", format="coco-panoptic", labels="panoptic.json")
    labels = load_set(folder, recipe, rule).labels[0].numpy()
    assert [int(labels[row, 5]) for row in (3, 25, 35)] == [2, 1, 3]


def test_the_check_reads_coco_too(folder, recipe_file, capsys):
    path = recipe_of(recipe_file, WITH_BACKGROUND)
    rows = 'folder = "pictures"\nformat = "coco"\nlabels = "objects.json"'
    text = path.read_text().replace('folder = "train"', rows).replace('folder = "dev"', rows)
    path.write_text(text)
    assert main(["data", "check", str(folder), "--recipe", str(path)]) == 1
    said = capsys.readouterr().out
    assert "class bar is in no picture" in said
    assert "train/a and dev/a look the same" in said


def spoilt(folder, spoil):
    path = folder / "objects.json"
    content = json.loads(path.read_text())
    spoil(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("spoil", "classes", "message"),
    [
        pytest.param(
            lambda c: None, '["background", "disc"]',
            "has categories that are no class of the recipe: bar", id="unknown category",
        ),
        pytest.param(
            lambda c: None, '["background", "disc", "bar", "tree"]',
            "has no category called tree", id="class without category",
        ),
        pytest.param(
            lambda c: c["annotations"][0].update(image_id=7), WITH_BACKGROUND,
            "an annotation is of image 7, which is not listed", id="unknown picture",
        ),
        pytest.param(
            lambda c: c.pop("categories"), WITH_BACKGROUND,
            "has not the lists images, annotations, categories", id="no categories",
        ),
        pytest.param(
            lambda c: c["annotations"][0].update(segmentation={"size": [9, 9], "counts": [81]}),
            WITH_BACKGROUND, r"a\.jpg: a mask is \(9, 9\)", id="size",
        ),
        pytest.param(
            lambda c: c["images"][0].update(file_name="b.jpg"), WITH_BACKGROUND,
            r"b\.jpg: is missing: objects\.json lists it", id="missing picture",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(folder, recipe_file, spoil, classes, message):
    spoilt(folder, spoil)
    recipe = load_label_recipe(recipe_of(recipe_file, classes))
    rule = Pictures(folder="pictures", format="coco", labels="objects.json")
    with pytest.raises(RecipeError, match=message):
        load_set(folder, recipe, rule)


def test_others_may_be_left_without_a_label(folder, recipe_file):
    recipe = load_label_recipe(recipe_of(recipe_file, '["background", "disc"]'))
    rule = Pictures(folder="pictures", format="coco", labels="objects.json", others="ignore")
    labels = load_set(folder, recipe, rule).labels[0].numpy()
    assert np.unique(labels).tolist() == [0, 1, 2]
