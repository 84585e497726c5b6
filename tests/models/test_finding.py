"""What is found by words is what the model answers without them, and all else is background."""

from __future__ import annotations

import numpy as np
import pytest

from maskworks.core.errors import UsageError
from maskworks.core.instances import Instances
from maskworks.core.label_map import LabelMap
from maskworks.core.panoptic import Panoptic, Segment
from maskworks.core.rle import encode_mask
from maskworks.core.taxonomy import load_taxonomy
from maskworks.core.values import Image
from maskworks.models.families.class_scores import ClassScores
from maskworks.models.families.tiling import Tiling
from maskworks.models.finding import only
from maskworks.models.labelling import TASKS, Segmenter, label_picture
from maskworks.models.opening import Opening
from maskworks.models.segmenters import load_segmenter
from maskworks.models.tiled_labelling import label_tiled

CAMVID = load_taxonomy("camvid-11")
SIZE = (48, 64)
PICTURE = Image(np.zeros((*SIZE, 3), np.uint8))


def scores(seed=0):
    rng = np.random.default_rng(seed)
    return ClassScores(rng.normal(size=(11, 12, 16)).astype(np.float32), SIZE, logits=True)


def model(answer, taxonomy=CAMVID, **fields):
    return Segmenter(
        name="given",
        taxonomy=taxonomy,
        own="semantic",
        answer=lambda _image, _task: answer,
        digest="one",
        **fields,
    )


def expected(labels, taxonomy, names):
    """Where each class is: its place among the names from 1, else 0."""
    found = np.zeros(labels.shape, int)
    for at, name in enumerate(names, 1):
        found[labels == taxonomy.named(name).id] = at
    return found


def test_classes_that_are_found_lie_where_they_lie_without():
    given = scores()
    found = label_picture(PICTURE, only(model(given), ["cars", "people"]), "semantic")
    whole = label_picture(PICTURE, model(given), "semantic")
    names = ("car", "pedestrian", "bicyclist")
    assert found.labels.taxonomy.names == ("background", *names)
    assert found.labels.taxonomy.named("car").colour == CAMVID.named("car").colour
    assert np.array_equal(found.labels.ids, expected(whole.labels.ids, CAMVID, names))
    assert set(np.unique(found.labels.ids)) == {0, 1, 2, 3}


def test_probabilities_of_what_is_found_stay_and_the_rest_is_the_likeliest_other():
    given = scores()
    found = only(model(given), ["people"]).answer(PICTURE, "semantic")
    whole, part = given.rows(0, SIZE[0]), found.rows(0, SIZE[0])
    people = [CAMVID.ids.index(CAMVID.named(each).id) for each in ("pedestrian", "bicyclist")]
    assert found.classes == len(part) == 3
    assert np.array_equal(part[1:], whole[people])
    assert np.array_equal(part[0], np.delete(whole, people, axis=0).max(axis=0))


def test_everything_may_be_found():
    given = scores()
    found = only(model(given), CAMVID.names).answer(PICTURE, "semantic")
    assert np.array_equal(found.labels(), given.labels() + 1)
    assert not found.rows(0, 4)[0].any()


def test_objects_and_their_scores_are_those_of_the_class_alone():
    given = scores()
    found = label_picture(PICTURE, only(model(given), ["car"]), "instance").instances
    whole = label_picture(PICTURE, model(given), "instance").instances
    cars = whole.labels == CAMVID.named("car").id
    assert cars.any()
    assert [each.area for each in found.masks] == [
        each.area for each, car in zip(whole.masks, cars, strict=True) if car
    ]
    assert found.scores == pytest.approx(whole.scores[cars])
    assert set(found.labels.tolist()) == {1}


def test_tiles_are_blended_as_they_are_without():
    rng = np.random.default_rng(5)
    image = Image(rng.integers(0, 255, (64, 64, 3)).astype(np.uint8))

    def answer(tile, _task):  # what a tile answers depends on what is in it
        grey = tile.pixels.mean(axis=2, dtype=np.float32) / 255
        return ClassScores(np.stack([grey, 1 - grey, grey * grey]), tile.size)

    voc = load_taxonomy("voc-21")
    three = type(voc)("three", voc.categories[1:4], ignore=255)
    asked = Segmenter(
        name="grey", taxonomy=three, own="semantic", answer=answer, digest="", tileable=True
    )
    tiling = Tiling(32, 8)
    found = label_tiled(image, only(asked, ["bicycle"]), "semantic", tiling).labels.ids
    whole = label_tiled(image, asked, "semantic", tiling).labels.ids
    assert np.array_equal(found, expected(whole, three, ["bicycle"]))


def test_label_map_keeps_what_has_no_label():
    voc = load_taxonomy("voc-21")
    given = LabelMap(np.array([[0, 7, 8, 255, 15]], np.uint8), voc)
    found = label_picture(PICTURE, only(model(given, voc), ["people", "Autos"]), "semantic")
    assert found.labels.ids.tolist() == [[0, 2, 0, 255, 1]]


def test_instances_of_other_classes_go():
    coco = load_taxonomy("coco-things")
    masks = [encode_mask(np.arange(12).reshape(3, 4) == at) for at in (1, 2, 3)]
    given = Instances.of(masks, labels=[1, 3, 1], scores=[0.9, 0.8, 0.7], taxonomy=coco)
    found = only(model(given, coco), ["people"]).answer(PICTURE, "instance")
    assert found.labels.tolist() == [1, 1]
    assert found.scores.tolist() == pytest.approx([0.9, 0.7])
    assert found.masks == (masks[0], masks[2])


def test_segments_of_other_classes_become_one():
    city = load_taxonomy("cityscapes-19")
    given = Panoptic(
        np.array([[1, 1, 2, 3, 0, 9]], np.int32),
        (Segment(1, 13, 0.5), Segment(2, 0), Segment(3, 1), Segment(9, 13)),
        city,
    )
    found = only(model(given, city), ["voitures"]).answer(PICTURE, "panoptic")
    assert found.ids.tolist() == [[1, 1, 10, 10, 0, 9]]
    assert [(each.id, each.category, each.score) for each in found.segments] == [
        (1, 1, 0.5),
        (9, 1, None),
        (10, 0, None),
    ]


@pytest.mark.parametrize("task", TASKS)
def test_shipped_model_answers_words(task):
    """The whole way, with `street` on a picture of noise and bands."""
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 255, (96, 128, 3)).astype(np.uint8)
    pixels[:48] = (150, 190, 235)
    image = Image(pixels)
    found = load_segmenter("street", Opening(find=("Himmel", "cars")))
    whole = label_picture(image, load_segmenter("street"), "semantic").labels.ids
    labels = label_picture(image, found, task).labels
    assert found.taxonomy.names == ("background", "sky", "car")
    assert (labels.ids == 1).any()
    if task == "semantic":
        assert np.array_equal(labels.ids, expected(whole, CAMVID, ["sky", "car"]))


def test_words_change_the_fingerprint_of_a_run():
    digests = {only(model(scores()), words).digest for words in (["car"], ["sky"], ["Auto"])}
    assert len(digests) == 2  # the same classes are the same run, whatever the word


def test_model_without_names_says_so():
    with pytest.raises(UsageError, match=r"no class of 3 clusters is called 'car'.*cluster 1"):
        load_segmenter("kmeans", Opening(find=("car",)))


def test_background_itself_may_be_asked_for():
    voc = load_taxonomy("voc-21")
    given = LabelMap(np.array([[0, 7, 8]], np.uint8), voc)
    found = only(model(given, voc), ["Hintergrund"])
    assert found.taxonomy.names == ("others", "background")
    assert found.answer(PICTURE, "semantic").ids.tolist() == [[1, 0, 0]]
