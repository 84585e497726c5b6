from __future__ import annotations

from pathlib import Path

import pytest

from maskworks.core.errors import RecipeError
from maskworks.train.labels.recipe import load_label_recipe

SHIPPED = sorted(
    path
    for path in (Path(__file__).parents[3] / "recipes").glob("*.toml")
    if 'task = "labels"' in path.read_text()
)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_recipe_is_valid_and_named_like_its_file(path):
    assert load_label_recipe(path).name == path.stem


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("lr = 1e-2", "lr = 1e-2\nspeed = 3", "speed: Extra inputs are not permitted"),
        ("lovasz = 1.0", "lovasz = 1.0\ntversky = 1", r"losses\.tversky: Extra inputs"),
        ("lr = 1e-2", "lr = 0", "lr: Input should be greater than 0"),
        ("share = 1", "share = 0.5", r"shares add up to 0\.5, make them add up to 1"),
        (
            "zoom = [0.7, 1.5]",
            "zoom = [1.5, 0.7]",
            r"zoom is \[1\.5, 0\.7\], it must",
        ),
        ('network = "unet"', 'network = "vnet"', "there is no network 'vnet'; choose one of"),
        ('classes = ["ground", "disc", "bar"]', "", "either taxonomy or classes"),
        ("lovasz = 1.0", "stride = 2", "stride 2 is for espnetv2"),
        (
            'class_weights = "balanced"',
            "class_weights = [1, 2]",
            "class_weights has 2 numbers, there are 3 classes",
        ),
        (
            'folder = "train"',
            'folder = "train"\nformat = "voc"',
            "train: Value error, format 'voc' needs split",
        ),
        ("height = 48", "height = ", "is not TOML"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_named(recipe_file, before, after, message):
    path = recipe_file()
    path.write_text(path.read_text().replace(before, after, 1))
    with pytest.raises(RecipeError, match=message):
        load_label_recipe(path)


def test_a_recipe_that_is_not_there_is_no_traceback(tmp_path):
    with pytest.raises(RecipeError, match="name an existing recipe"):
        load_label_recipe(tmp_path / "none.toml")


def test_a_taxonomy_gives_names_and_the_id_of_no_label(recipe_file):
    path = recipe_file()
    text = path.read_text().replace('classes = ["ground", "disc", "bar"]', 'taxonomy = "camvid-11"')
    path.write_text(text)
    recipe = load_label_recipe(path)
    assert recipe.class_names[:2] == ("sky", "building")
    assert recipe.unknown == 11
