from __future__ import annotations

import pytest

from maskworks.core.errors import UsageError
from maskworks.core.taxonomy import load_taxonomy, plain_taxonomy, read_toml, taxonomy_names
from maskworks.core.taxonomy_words import (
    LANGUAGES,
    WORDS,
    classes_named,
    folded,
    words_in,
    words_of,
)

NAMES_ALONE = {
    "cityscapes-34": {"ego vehicle", "rectification border", "out of roi", "static", "dynamic"},
    "coco-stuff": {"solid-other", "structural-other"},
}
"""Classes that are called by their name only: marks of a data set, not things."""

LEXICON = read_toml(WORDS / "words.toml")


def named(words, taxonomy):
    return [each.name for each in classes_named(words, load_taxonomy(taxonomy))]


@pytest.mark.parametrize(
    ("words", "taxonomy", "classes"),
    [
        pytest.param("cars, people", "camvid-11", ["car", "pedestrian", "bicyclist"], id="en"),
        pytest.param("Bäume, Straße", "camvid-11", ["tree", "road"], id="de"),
        pytest.param("Fussgaenger", "camvid-11", ["pedestrian"], id="de-without-umlauts"),
        pytest.param("voitures,piétons", "camvid-11", ["car", "pedestrian"], id="fr"),
        pytest.param("coches, árboles", "camvid-11", ["car", "tree"], id="es"),
        pytest.param("arboles", "voc-21", None, id="not-in-this-taxonomy"),
        pytest.param("TRAFFIC  LIGHTS", "coco-things", ["traffic light"], id="two-words-plural"),
        pytest.param("person", "cityscapes-19", ["person"], id="its-own-name-means-it-alone"),
        pytest.param("people", "cityscapes-19", ["person", "rider"], id="another-word-all"),
        pytest.param("floor-wood", "coco-panoptic", ["floor-wood"], id="name-of-a-variety"),
        pytest.param(
            "floor", "coco-panoptic", ["floor-wood", "floor-other-merged"], id="varieties"
        ),
        pytest.param("Tiere", "voc-21", ["bird", "cat", "cow", "dog", "horse", "sheep"], id="kind"),
        pytest.param("car, cars, auto", "voc-21", ["car"], id="each-once"),
        pytest.param(["sofas", "tv"], "voc-21", ["sofa", "tvmonitor"], id="sequence"),
    ],
)
def test_words_mean_classes(words, taxonomy, classes):
    if classes is None:
        with pytest.raises(UsageError, match=f"no class of {taxonomy} is called"):
            named(words, taxonomy)
    else:
        assert named(words, taxonomy) == classes


@pytest.mark.parametrize("name", taxonomy_names())
def test_every_class_has_words_in_every_language(name):
    taxonomy = load_taxonomy(name)
    for each in taxonomy.names:
        if each in NAMES_ALONE.get(name, ()):
            assert words_of(each, taxonomy) == {each.replace("-", " ")}
            continue
        said = words_of(each, taxonomy)
        for language in LANGUAGES:
            theirs = {folded(word) for row in LEXICON.values() for word in row[language].split(",")}
            assert said & theirs, f"{each} of {name} has no word in {language}"


def test_files_of_words_name_classes_and_rows_that_exist():
    for name in taxonomy_names():
        path = WORDS / f"{name}.toml"
        for category, kinds in read_toml(path).items():
            load_taxonomy(name).named(category)
            assert set(kinds) <= set(LEXICON)
    for kind, row in LEXICON.items():
        assert set(row) - {"of"} == set(LANGUAGES), kind
        assert set(row.get("of", ())) <= set(LEXICON), kind


def test_unknown_word_is_told_the_nearest_with_what_they_mean():
    with pytest.raises(UsageError) as caught:
        named("cars, Fussgenger", "camvid-11")
    said = str(caught.value)
    assert "no class of camvid-11 is called 'Fussgenger'" in said
    assert "the nearest words it knows are Fußgänger (pedestrian)" in said
    assert said.endswith("its classes are " + ", ".join(load_taxonomy("camvid-11").names))


def test_word_that_resembles_none_is_told_the_classes():
    with pytest.raises(UsageError, match="'giraffe'; its classes are sky, building"):
        named("giraffe", "camvid-11")


def test_own_classes_are_understood_by_their_names():
    own = plain_taxonomy(["soil", "car", "Potted_Plant"])
    assert [each.id for each in classes_named("Autos, plantes en pot, soil", own)] == [1, 2, 0]


@pytest.mark.parametrize("text", ["", " , ", "cars,,people"])
def test_no_word_is_an_error(text):
    with pytest.raises(UsageError, match="--find is words with commas"):
        words_in(text)
