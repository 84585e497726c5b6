"""Networks that answer boxes, with a network made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torchvision

from maskworks.core.errors import NetworkError
from maskworks.core.taxonomy import load_taxonomy
from maskworks.core.values import Image
from maskworks.models.families.box_answers import (
    best_boxes,
    box_ious,
    box_mask,
    cut_out_of,
    in_cells,
    instances_of,
    predict_boxes,
)
from maskworks.models.spec import ModelSpec


def spec(**changes):
    row = {
        "name": "boxes",
        "title": "A test's boxes",
        "family": "instance",
        "task": "instance",
        "taxonomy": "coco-things",
        "file": "boxes.onnx",
        "sha256": "a" * 64,
        "licence": "Apache-2.0",
        "commercial": True,
        "data": "none",
        "source": "https://example.org",
        "input": {
            "height": 64,
            "width": 64,
            "resize": "pad",
            "scale": "255",
            "mean": [0, 0, 0],
            "std": [1, 1, 1],
        },
        "output": {"kind": "boxes", "masks": "cutout"},
    }
    return ModelSpec.model_validate(row | changes)


def answering(edges, kinds, scores):
    """Return a network that answers these boxes whatever it is shown."""
    chances = np.zeros((1, len(edges), 80), np.float32)
    chances[0, np.arange(len(edges)), kinds] = scores
    return lambda _batch: (np.array([edges], np.float32), chances)


def test_boxes_are_brought_back_to_the_picture():
    # 200 wide and 100 high is 64 x 32 in the input, 16 rows from its top.
    network = answering([(32, 16, 64, 48), (-9, 0, 16, 32)], [2, 0], [0.9, 0.8])
    found = predict_boxes(
        Image(np.zeros((100, 200, 3), np.uint8)), spec(), network, 80, min_score=0.5
    )
    assert found.edges == pytest.approx(np.array([(100, 0, 200, 100), (0, 0, 50, 50)]))
    assert found.kinds.tolist() == [2, 0]


def test_suppression_is_that_of_torchvision():
    import torch

    rng = np.random.default_rng(3)
    for _ in range(20):
        corners = rng.uniform(0, 80, (60, 2))
        edges = np.concatenate([corners, corners + rng.uniform(5, 50, (60, 2))], 1).astype("f4")
        kinds, scores = rng.integers(0, 3, 60), rng.permutation(60).astype("f4") / 60
        chances = np.zeros((60, 3), np.float32)
        chances[np.arange(60), kinds] = scores
        found = best_boxes(edges, chances, min_score=0.1, iou=0.5)
        sure = scores >= 0.1
        kept = torchvision.ops.batched_nms(
            *(torch.from_numpy(each[sure]) for each in (edges, scores, kinds)), 0.5
        ).numpy()
        assert found.scores.tolist() == scores[sure][kept].tolist()


def test_overlap_is_that_of_torchvision():
    import torch

    rng = np.random.default_rng(4)
    corners = rng.uniform(0, 50, (30, 2))
    edges = np.concatenate([corners, corners + rng.uniform(0, 30, (30, 2))], 1)
    a, b = edges[:12], edges[12:]
    theirs = torchvision.ops.box_iou(torch.from_numpy(a), torch.from_numpy(b)).numpy()
    assert box_ious(a, b) == pytest.approx(theirs)


def test_an_object_is_cut_out_in_its_box():
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[30:70, 110:150] = 255

    def light(batch):
        return ((batch[:, :1] > 0.5).astype(np.float32),)

    saliency = spec(
        family="saliency",
        task="cutout",
        taxonomy=None,
        output={"kind": "matte"},
    )
    image = Image(pixels)
    network = answering([(32, 22, 51, 42)], [0], [0.9])
    boxes = predict_boxes(image, spec(), network, 80, min_score=0.5)
    found = instances_of(image, boxes, load_taxonomy("coco-things"), cut_out_of(saliency, light))
    truth = np.zeros((100, 200), bool)
    truth[30:70, 110:150] = True
    inside = found.masks[0].to_mask().inside
    assert (inside & truth).sum() / (inside | truth).sum() > 0.93
    assert found.taxonomy.category(int(found.labels[0])).name == "person"


def test_where_nothing_is_cut_out_the_box_stands_for_it():
    saliency = spec(family="saliency", task="cutout", taxonomy=None, output={"kind": "matte"})
    cut = cut_out_of(saliency, lambda batch: (np.zeros_like(batch[:, :1]),))
    edge = np.array([(10, 10, 30, 20)], np.float32)
    (mask,) = cut(Image(np.zeros((50, 60, 3), np.uint8)), edge)
    assert mask.area == 200
    assert mask.area == box_mask(edge[0], (50, 60)).area


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ((np.zeros((1, 4, 4)),), r"its outputs are \(1, 4, 4\)"),
        ((np.zeros((1, 4, 4)), np.zeros((1, 5, 80))), r"boxes are \(1, P, 4\), \(1, P, C\)"),
        ((np.zeros((1, 4, 4)), np.zeros((1, 4, 7))), "scores 7 classes, its row names 80"),
        ((np.full((1, 4, 4), np.nan), np.zeros((1, 4, 80))), "NaN or infinity"),
    ],
    ids=["one", "lengths", "classes", "nan"],
)
def test_an_answer_that_does_not_fit_is_refused(outputs, message):
    image = Image(np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(NetworkError, match=message):
        predict_boxes(image, spec(), lambda _: outputs, 80, min_score=0.5)


def test_yoloxs_own_answer_is_decoded_as_the_network_here_decodes_it():
    import torch

    from maskworks.models.networks.objects import Decoded, ObjectsNetwork

    torch.manual_seed(0)
    body = ObjectsNetwork(context=0).eval()
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        flat = torch.cat([level.flatten(2) for level in body(x)], 2).transpose(1, 2)
        flat[..., 4:] = torch.sigmoid(flat[..., 4:])
        boxes, scores = Decoded(body)(x)
    edges, chances = in_cells(flat[0].numpy(), (64, 96))
    assert edges == pytest.approx(boxes[0].numpy(), abs=1e-3)
    assert chances == pytest.approx(scores[0].numpy(), abs=1e-6)


def test_yoloxs_own_answer_of_another_size_is_refused():
    row = spec(output={"kind": "yolox", "masks": "cutout"})
    image = Image(np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(NetworkError, match=r"YOLOX's is \(1, 84, 5 \+ C\)"):
        predict_boxes(image, row, lambda _: (np.zeros((1, 80, 85)),), 80, min_score=0.5)


def test_a_row_of_boxes_names_the_network_that_cuts_them_out():
    with pytest.raises(ValueError, match="masks names the cut-out network of a model of boxes"):
        spec(output={"kind": "boxes"})
