"""Our answers are those of the libraries' own post-processing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from maskworks.core.taxonomy import plain_taxonomy
from maskworks.core.values import Image
from maskworks.models.class_names import named_taxonomy
from maskworks.models.families.detections import paste
from maskworks.models.families.network_input import Place
from maskworks.models.families.queries import (
    Queries,
    sigmoid,
    to_instances,
    to_panoptic,
    to_scores,
)
from maskworks.models.labelling import label_picture
from maskworks.models.opening import Opening
from maskworks.models.segmenters import load_segmenter

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own

CLASSES = 5
MASKS = 24
SIDE = 384
"""The size at which the library of Mask2Former looks at its masks, whatever the input's."""


@pytest.fixture
def outputs():
    """What ten queries may answer: classes with and without doubt, blobs that overlap."""
    rng = np.random.default_rng(11)
    classes = rng.normal(0, 1, (10, CLASSES + 1)).astype(np.float32)
    classes[np.arange(10), rng.integers(0, CLASSES + 1, 10)] += 9
    rows, columns = np.mgrid[:MASKS, :MASKS]
    middles = [(y, x) for y in (4, 12, 20) for x in (5, 12, 19)] + [(8, 8)]  # the last overlaps
    radii = rng.uniform(2.5, 4.5, 10)
    far = [
        np.hypot(rows - y, columns - x) - radius
        for (y, x), radius in zip(middles, radii, strict=True)
    ]
    return classes, (-2 * np.array(far)).astype(np.float32)


def of_library(outputs, *, detr=False):
    classes, masks = (torch.tensor(each)[None] for each in outputs)
    if detr:
        return SimpleNamespace(logits=classes, pred_masks=masks)
    return SimpleNamespace(
        class_queries_logits=classes, masks_queries_logits=masks, patch_offsets=None
    )


def of_ours(outputs, size, *, at_input=False):
    place = Place(0, 0, SIDE, SIDE, (SIDE, SIDE))
    return Queries(*outputs, size, place, at_input)


def processor(name):
    import transformers

    if name == "eomt":
        return transformers.EomtImageProcessor(
            size={"shortest_edge": SIDE, "longest_edge": SIDE}, do_split_image=False
        )
    known = {
        "mask2former": transformers.Mask2FormerImageProcessor,
        "maskformer": transformers.MaskFormerImageProcessor,
        "oneformer": transformers.OneFormerImageProcessor,
        "detr": transformers.DetrImageProcessor,
    }[name]
    if name == "oneformer":
        known = transformers.MaskFormerImageProcessor  # its own is the same, and wants a class file
    return known()


@pytest.mark.parametrize("size", [(SIDE, SIDE), (480, 640)], ids=["same", "larger"])
@pytest.mark.parametrize("name", ["mask2former", "maskformer", "oneformer", "detr", "eomt"])
def test_classes_of_queries_are_those_of_the_library(outputs, name, size):
    theirs = processor(name).post_process_semantic_segmentation(
        of_library(outputs, detr=name == "detr"), target_sizes=[size]
    )[0]
    ours = to_scores(of_ours(outputs, size, at_input=name in ("mask2former", "eomt"))).labels()
    assert (ours == theirs.numpy()).mean() > 0.99999  # a tie may fall either way


@pytest.mark.parametrize("name", ["mask2former", "maskformer", "detr"])
def test_panoptic_segments_are_those_of_the_library_but_for_pixels_nobody_claims(outputs, name):
    size = (480, 640)
    taxonomy = plain_taxonomy(CLASSES)  # all of it stuff
    theirs = processor(name).post_process_panoptic_segmentation(
        of_library(outputs, detr=name == "detr"),
        target_sizes=[size],
        threshold=0.5,
        label_ids_to_fuse=set(range(CLASSES)),
    )[0]
    queries = of_ours(outputs, size, at_input=name == "mask2former")
    ours = to_panoptic(queries, taxonomy, min_score=0.5)
    their_class = {each["id"]: each["label_id"] for each in theirs["segments_info"]}
    our_class = {each.id: each.category for each in ours.segments}
    assert len(our_class) >= 2
    assert set(our_class.values()) == set(their_class.values())
    labels = np.vectorize(lambda at: their_class.get(at, -1))(theirs["segmentation"].numpy())
    found = np.vectorize(lambda at: our_class.get(at, -1))(ours.ids)
    said = found >= 0
    assert (found[said] == labels[said]).mean() > 0.99999
    # The library gives every pixel to its best mask, the papers' code where that is above a half.
    chosen = np.flatnonzero(queries.classes.argmax(axis=1) != CLASSES)
    soft = np.stack([torch_sized(sigmoid(queries.mask(at)), size) for at in chosen])
    score = queries.probabilities.max(axis=1)[chosen]
    owner = (soft * score[:, None, None]).argmax(axis=0)
    best = np.take_along_axis(soft, owner[None], axis=0)[0]
    assert best[~said & (labels >= 0)].max(initial=0) < 0.5001


def torch_sized(soft, size):
    sized = torch.nn.functional.interpolate(torch.tensor(soft)[None, None], size, mode="bilinear")
    return sized[0, 0].numpy()


@pytest.mark.parametrize("name", ["mask2former", "maskformer"])
def test_objects_are_those_of_the_library(outputs, name):
    side = SIDE if name == "mask2former" else MASKS  # the size at which it says what is inside
    theirs = processor(name).post_process_instance_segmentation(
        of_library(outputs), threshold=0.4, return_binary_maps=True
    )[0]
    taxonomy = named_taxonomy([f"thing {at}" for at in range(CLASSES)], "things", things=True)
    queries = of_ours(outputs, (side, side), at_input=name == "mask2former")
    ours = to_instances(queries, taxonomy, min_score=0.4)
    order = np.argsort([-each["score"] for each in theirs["segments_info"]], kind="stable")
    ranked = np.argsort(-ours.scores, kind="stable")
    info = [theirs["segments_info"][at] for at in order]
    assert [each["label_id"] for each in info] == ours.labels[ranked].tolist()
    assert ours.scores[ranked] == pytest.approx([each["score"] for each in info], abs=1e-4)
    for at, place in zip(ranked, order, strict=True):
        inside = theirs["segmentation"][place].bool().numpy()
        assert (ours.masks[at].to_mask().inside == inside).all()


@pytest.mark.parametrize("name", ["segformer", "dpt", "upernet"])
def test_classes_of_pixels_are_those_of_the_library(made, shapes, name):
    import transformers

    folder = made(f"transformers/{name}", {"segformer": 40}.get(name, 0))
    pixels = shapes.draw(np.random.default_rng(3), 90)[0]
    config = {"size": {"height": shapes.side, "width": shapes.side}, "resample": 2}
    half = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    library = transformers.SegformerImageProcessorPil(**config, **half, do_reduce_labels=False)
    module = getattr(transformers, {
        "segformer": "SegformerForSemanticSegmentation",
        "dpt": "DPTForSemanticSegmentation",
        "upernet": "UperNetForSemanticSegmentation",
    }[name]).from_pretrained(folder).eval()  # fmt: skip
    with torch.inference_mode():
        said = module(**library(images=pixels, return_tensors="pt"))
    theirs = library.post_process_semantic_segmentation(said, target_sizes=[(90, 90)])[0]
    ours = label_picture(Image(pixels), load_segmenter(str(folder), Opening()), "semantic")
    assert (ours.labels.ids == theirs.numpy()).mean() > 0.9999


def blobs():
    """Soft masks of 28 x 28 and boxes, some of which reach out of 120 x 120 pixels."""
    rng = np.random.default_rng(2)
    rows, columns = np.mgrid[:28, :28]
    for _ in range(20):
        (top, left), (height, width) = rng.uniform(-15, 90, 2), rng.uniform(20, 60, 2)
        far = np.hypot(rows - rng.uniform(8, 20), columns - rng.uniform(8, 20))
        soft = (1 / (1 + np.exp(far - rng.uniform(5, 9)))).astype(np.float32)
        yield soft, np.array([left, top, left + width, top + height], np.float32)


def test_masks_of_the_input_are_those_that_torchvision_pasted():
    from torchvision.models.detection.roi_heads import paste_masks_in_image

    place = Place(0, 0, 120, 120, (120, 120))
    for soft, box in blobs():
        pasted = paste_masks_in_image(
            torch.tensor(soft)[None, None], torch.tensor(box)[None], (120, 120)
        )[0, 0].numpy()
        ours = paste(pasted, box, place, (120, 120)).to_mask().inside
        assert (ours == (pasted >= 0.5)).all()


def test_masks_of_boxes_are_sampled_as_detectron2_samples_them():
    place = Place(0, 0, 120, 120, (120, 120))
    middles = torch.arange(120) + 0.5
    for soft, box in blobs():
        x, y = ((middles - box[at]) / (box[at + 2] - box[at]) * 2 - 1 for at in (0, 1))
        grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1)[None].float()
        theirs = torch.nn.functional.grid_sample(torch.tensor(soft)[None, None], grid,
                                                 align_corners=False)[0, 0].numpy()  # fmt: skip
        ours = paste(soft, box, place, (120, 120)).to_mask().inside
        assert (ours != (theirs >= 0.5)).sum() <= 2  # a tie may fall either way
