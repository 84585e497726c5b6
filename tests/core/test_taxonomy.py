from __future__ import annotations

import numpy as np
import pytest

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.label_map import LabelMap
from maskworks.core.taxonomy import (
    FOLDER,
    Category,
    Taxonomy,
    load_taxonomy,
    plain_taxonomy,
    taxonomy_names,
)
from maskworks.core.taxonomy_mapping import Mapping, load_mapping

MAPPINGS = sorted(path.stem for path in (FOLDER / "mappings").glob("*.toml"))


@pytest.mark.parametrize(
    ("name", "classes", "things", "first", "last", "ignore"),
    [
        ("voc-21", 21, 20, "background", "tvmonitor", 255),
        ("coco-things", 80, 80, "person", "toothbrush", 0),
        ("coco-stuff", 91, 0, "banner", "wood", 0),
        ("coco-panoptic", 133, 80, "person", "rug-merged", 0),
        ("cityscapes-19", 19, 8, "road", "bicycle", 255),
        ("cityscapes-34", 33, 10, "ego vehicle", "bicycle", 0),
        ("ade20k-150", 150, 100, "wall", "flag", 0),
        ("camvid-11", 11, 3, "sky", "bicyclist", 11),
        ("scene-17", 17, 6, "sky", "indoor", 255),
    ],
)
def test_a_taxonomy_is_that_of_its_data_set(name, classes, things, first, last, ignore):
    taxonomy = load_taxonomy(name)
    assert (taxonomy.name, len(taxonomy), len(taxonomy.things)) == (name, classes, things)
    assert (taxonomy.names[0], taxonomy.names[-1], taxonomy.ignore) == (first, last, ignore)
    assert len(taxonomy.stuff) == classes - things
    assert taxonomy.source


def test_every_taxonomy_is_tested():
    assert len(taxonomy_names()) == 9


@pytest.mark.parametrize(
    ("name", "category", "number", "colour"),
    [
        ("voc-21", "person", 15, (192, 128, 128)),
        ("coco-panoptic", "rug-merged", 200, (250, 141, 255)),
        ("coco-things", "toothbrush", 90, (191, 162, 208)),
        ("cityscapes-19", "car", 13, (0, 0, 142)),
        ("cityscapes-34", "car", 26, (0, 0, 142)),
        ("ade20k-150", "sky", 3, (6, 230, 230)),
        ("camvid-11", "bicyclist", 10, (0, 128, 192)),
    ],
)
def test_ids_and_colours_are_those_of_the_data_set(name, category, number, colour):
    taxonomy = load_taxonomy(name)
    found = taxonomy.named(category)
    assert (found.id, found.colour) == (number, colour)
    assert taxonomy.palette()[number].tolist() == list(colour)


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_mapping_leads_from_one_taxonomy_to_the_other(name):
    source, target = name.split(".to.")
    mapping = load_mapping(source, target)
    assert (mapping.source.name, mapping.target.name) == (source, target)
    assert set(mapping.ids) <= set(mapping.source.ids)


def test_a_label_map_changes_its_taxonomy():
    street = LabelMap(np.array([[0, 9, 13, 255]], np.uint8), load_taxonomy("cityscapes-19"))
    small = street.mapped(load_mapping("cityscapes-19", "camvid-11"))
    assert small.ids.tolist() == [[3, 11, 8, 11]]
    assert small.taxonomy.name == "camvid-11"
    with pytest.raises(ImageError, match="starts there"):
        small.mapped(load_mapping("cityscapes-19", "camvid-11"))


def test_a_file_of_ones_own_is_read(tmp_path):
    path = tmp_path / "field.toml"
    path.write_text('ignore = 9\ncategories = [[3, "crop", "thing", "#00ff00"]]\n')
    assert load_taxonomy(path) == Taxonomy("field", (Category(3, "crop", (0, 255, 0), True),), 9)
    (tmp_path / "map.toml").write_text(
        f'source = "camvid-11"\ntarget = "{path}"\n[classes]\ntree = "crop"\n'
    )
    assert load_mapping(tmp_path / "map.toml").ids == {5: 3}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda t: load_taxonomy("voc"), "choose one of ade20k-150", id="name"),
        pytest.param(lambda t: load_taxonomy(t / "no.toml"), "cannot be read", id="file"),
        pytest.param(lambda t: load_mapping("voc-21", "x"), "there are ade20k", id="mapping"),
        pytest.param(lambda t: Taxonomy("t", ()), "no class", id="empty"),
        pytest.param(lambda t: plain_taxonomy(["a", "a"]), "name a occurs twice", id="twice"),
        pytest.param(lambda t: plain_taxonomy(3, ignore=2), "that of no label", id="ignore"),
        pytest.param(lambda t: plain_taxonomy(3, ignore=70_000), "65535", id="range"),
        pytest.param(lambda t: plain_taxonomy(3).category(3), "its ids are 0-2", id="id"),
        pytest.param(lambda t: plain_taxonomy(["a"]).named("b"), "it has a", id="unknown"),
        pytest.param(
            lambda t: Mapping(plain_taxonomy(2), plain_taxonomy(1, ignore=None), {0: 0}),
            "leaves classes out",
            id="left-out",
        ),
    ],
)
def test_what_is_no_taxonomy_is_refused(tmp_path, make, message):
    with pytest.raises(UsageError, match=message):
        make(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("categories = 3", "a list"),
        ("ignore = 0\ncategories = [[1, 'a', 'thing', 'red']]", "a category is"),
        ("= 1", "is not TOML"),
    ],
    ids=["list", "colour", "syntax"],
)
def test_a_bad_file_is_named(tmp_path, text, message):
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=rf"bad\.toml.*{message}"):
        load_taxonomy(path)


def test_a_label_map_holds_ids_of_its_taxonomy_alone():
    with pytest.raises(ImageError, match="holds 2, which is no id of plain"):
        LabelMap(np.array([[2]], np.uint8), plain_taxonomy(2))
    with pytest.raises(ImageError, match="2-D uint8"):
        LabelMap(np.array([[0]], np.int64), plain_taxonomy(2))
    with pytest.raises(ImageError, match="answers 2, plain has 2 classes"):
        LabelMap.from_outputs(np.array([[2]]), plain_taxonomy(2))


def test_a_label_map_is_drawn_in_the_colours_of_its_classes():
    drawn = LabelMap(np.array([[15, 255]], np.uint8), load_taxonomy("voc-21")).coloured()
    assert drawn.pixels.tolist() == [[[192, 128, 128], [0, 0, 0]]]


def test_wide_ids_stay_wide():
    wide = Taxonomy("wide", (Category(300, "far", (1, 2, 3)),), 0)
    found = LabelMap.from_outputs(np.zeros((1, 2), np.int64), wide)
    assert found.ids.dtype == np.uint16
    assert found.counts() == {300: 2}
