"""Average precision of a detector on pictures with boxes, as COCO measures it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from maskworks.core.errors import RecipeError
from maskworks.core.taxonomy import load_taxonomy
from maskworks.models.families.box_answers import best_boxes
from maskworks.train.objects.recipe import DetectorRecipe
from maskworks.train.objects.views import GREY

_LEAST = 0.01
_SAME = 0.65


@dataclass(frozen=True)
class Precision:
    """COCO's average precision, at IoU .5 to .95 and at .5, and of how many pictures."""

    ap: float
    ap50: float
    pictures: int


@torch.no_grad()
def dev_ap(
    network: nn.Module, recipe: DetectorRecipe, data: Path, *, limit: int | None = None
) -> Precision:
    """Measure a decoded network on the recipe's dev pictures.

    Raises
    ------
    RecipeError
        If the truth or a picture is not there.
    """
    from faster_coco_eval import COCO, COCOeval_faster

    truth = data / recipe.dev.truth
    if not truth.is_file():
        raise RecipeError(truth, "does not exist", "name a COCO file in [dev]")
    ids = [each.id for each in load_taxonomy("coco-things").categories]
    coco = COCO(str(truth), print_function=lambda *_: None)
    pictures = sorted(coco.getImgIds())[: limit or recipe.dev.limit]
    rows: list[dict[str, object]] = []
    for number in pictures:
        path = data / recipe.dev.pictures / coco.loadImgs(number)[0]["file_name"]
        pixels = cv2.imread(str(path))
        if pixels is None:
            raise RecipeError(path, "cannot be read", "mend or leave out the picture")
        rows += [{"image_id": number, **row} for row in _found(network, pixels, recipe, ids)]
    if not rows:
        return Precision(0.0, 0.0, len(pictures))
    measured = COCOeval_faster(coco, coco.loadRes(rows), "bbox", print_function=lambda *_: None)
    measured.params.imgIds = pictures
    measured.evaluate()
    measured.accumulate()
    measured.summarize()
    return Precision(float(measured.stats[0]), float(measured.stats[1]), len(pictures))


def _found(
    network: nn.Module, pixels: np.ndarray, recipe: DetectorRecipe, ids: list[int]
) -> list[dict[str, object]]:
    side = recipe.size
    scale = side / max(pixels.shape[:2])
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    canvas = np.full((side, side, 3), GREY, np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    x = torch.from_numpy(canvas.transpose(2, 0, 1).astype(np.float32)[np.newaxis] - GREY)
    boxes, scores = network(x)
    found = best_boxes(boxes[0].numpy(), scores[0].numpy(), min_score=_LEAST, iou=_SAME)
    edges = found.edges / scale
    return [
        {
            "category_id": ids[int(kind)],
            "bbox": [float(e[0]), float(e[1]), float(e[2] - e[0]), float(e[3] - e[1])],
            "score": float(score),
        }
        for e, score, kind in zip(edges, found.scores, found.kinds, strict=True)
    ]
