from __future__ import annotations

from pathlib import Path

import pytest

from maskworks.core.errors import RecipeError
from maskworks.train.labels.recipe import load_label_recipe
from maskworks.train.mattes.recipe import load_recipe, task_of
from maskworks.train.objects.recipe import load_detector_recipe

RECIPES = Path(__file__).parents[3] / "recipes"


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda p: p.stem)
def test_every_shipped_recipe_loads_and_is_named_after_its_file(path):
    loaders = {"labels": load_label_recipe, "objects": load_detector_recipe}
    load = loaders.get(task_of(path), load_recipe)
    assert load(path).name == path.stem


@pytest.mark.parametrize(
    ("field", "value", "is_other"),
    [
        pytest.param("weight", 7.0, False, id="how often it is drawn"),
        pytest.param("hold_out", 3, True, id="what is held out"),
        pytest.param("label", "mask", True, id="how it is read"),
        pytest.param("limit", 4, True, id="how many"),
    ],
)
def test_a_source_is_packed_anew_where_its_pictures_or_labels_are_others(
    recipe_file, field, value, is_other
):
    recipe = load_recipe(recipe_file)
    source = recipe.source[0]
    changed = source.model_copy(update={field: value})
    assert (recipe.source_key(changed) != recipe.source_key(source)) is is_other


def test_a_teachers_source_is_packed_anew_when_there_are_more_labels():
    recipe = load_recipe(RECIPES / "cutout.toml")
    taught = next(source for source in recipe.source if source.label == "teacher")
    masks = next(source for source in recipe.source if source.label == "mask")
    assert recipe.source_key(taught, 3) != recipe.source_key(taught, 4)
    assert recipe.source_key(masks, 3) == recipe.source_key(masks, 4)
    skipping = recipe.without_labelling()
    assert skipping.teacher.missing == "skip"
    assert skipping.source_key(taught, 3) == recipe.source_key(taught, 3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("share = 1", "share = 0.5", "shares add up to 0.5", id="shares"),
        pytest.param('label = "empty"', 'label = "none"', r"source\.2\.label", id="label"),
        pytest.param("size = 64\nbatch", "size = 65\nbatch", r"stage\.0\.size", id="multiple"),
        pytest.param("lr = 2e-3", "lr = ", "is not TOML", id="toml"),
        pytest.param("ema = 0.5", "emma = 0.5", "emma: Extra inputs", id="typo"),
    ],
)
def test_a_broken_recipe_names_the_place(recipe_file, old, new, message):
    text = recipe_file.read_text()
    assert old in text
    recipe_file.write_text(text.replace(old, new))
    with pytest.raises(RecipeError, match=message):
        load_recipe(recipe_file)


def test_a_missing_recipe_says_so(tmp_path):
    with pytest.raises(RecipeError, match="No such file"):
        load_recipe(tmp_path / "none.toml")
