from __future__ import annotations

import pytest

from maskworks.core.errors import RecipeError
from maskworks.train.labels.recipe import load_label_recipe
from maskworks.train.mattes.recipe import load_recipe, task_of
from maskworks.train.objects.recipe import load_detector_recipe


@pytest.mark.parametrize("read", [load_recipe, task_of, load_label_recipe, load_detector_recipe])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("name = 'Müll'".encode("latin-1"), "is not TOML", id="latin-1"),
        pytest.param(b"name = ", "is not TOML", id="cut"),
        pytest.param(None, "No such file", id="missing"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_in_words_whatever_it_trains(
    read, content, message, tmp_path
):
    path = tmp_path / "recipe.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecipeError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
