"""Decode labelled pictures into memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PilImage

from maskworks.core.errors import MaskworksError, RecipeError
from maskworks.core.reading import read_picture
from maskworks.models.labelling import BACKGROUND
from maskworks.train.labels.drawing import draw_pair
from maskworks.train.labels.finding import (
    MOST_IDS,
    LabelledPath,
    find_pairs,
    places_of_ids,
    stored_labels,
)
from maskworks.train.labels.objects import depth_inside
from maskworks.train.labels.pictures import Pictures
from maskworks.train.labels.recipe import LabelRecipe
from maskworks.train.labels.views import LabelSet

Ids = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class LabelledSample:
    """A picture with its truth.

    `pixels` uint8 (H, W, 3); `places` int32 (H, W) of classes; `objects` int32 (H, W), 0 outside
    of objects.
    """

    pixels: NDArray[np.uint8]
    places: Ids
    objects: Ids


def read_pair(pair: LabelledPath, table: Ids) -> LabelledSample:
    """Read, or draw, a picture and its truth.

    Raises
    ------
    RecipeError
        If the sizes differ or an id is of no class.
    """
    if pair.drawn is not None:
        pixels, ids = draw_pair(pair.picture.name, pair.drawn)
        objects = ids
    else:
        try:
            pixels = read_picture(pair.picture).image.pixels
        except MaskworksError as error:
            raise RecipeError(pair.picture, str(error), "take the picture away") from error
        ids, objects = stored_labels(pair)
    if ids.shape != pixels.shape[:2]:
        raise RecipeError(
            pair.labels,
            f"is {ids.shape[1]}x{ids.shape[0]}, its picture {pair.picture.name} "
            f"{pixels.shape[1]}x{pixels.shape[0]}",
            "both must have one size; `maskworks data check` lists all such pairs",
        )
    places = table[ids.clip(0, MOST_IDS - 1)]
    if (places < 0).any():
        wrong = sorted(set(ids[places < 0].ravel().tolist()))[:5]
        raise RecipeError(
            pair.labels,
            f"has the ids {', '.join(map(str, wrong))}, which are no class",
            "correct the recipe's classes or `ignore`; `maskworks data check` counts them",
        )
    return LabelledSample(pixels, places, objects)


def load_set(data: Path, recipe: LabelRecipe, rule: Pictures) -> LabelSet:
    """Decode one split into memory, shrunk to `long_side` where the recipe says so.

    Raises
    ------
    RecipeError
        As `find_pairs` and `read_pair` do.
    """
    table = places_of_ids(recipe, rule, data)
    pairs = find_pairs(data, rule)
    classes = len(recipe.class_names)
    found = LabelSet(tuple(pair.name for pair in pairs), [], [])
    for pair in pairs:
        each = _shrunk(read_pair(pair, table), rule.long_side)
        pixels = np.array(each.pixels)
        found.pixels.append(torch.from_numpy(pixels).permute(2, 0, 1).contiguous())
        kind = np.uint8 if classes < 255 else np.int32
        found.labels.append(torch.from_numpy(each.places.astype(kind)))
        if recipe.targets == "objects":
            ground = recipe.class_names[0] == BACKGROUND
            things = (each.places >= int(ground)) & (each.places < classes)
            objects = np.where(things, each.objects, 0).astype(np.int32)
            found.objects.append(torch.from_numpy(objects))
            found.depth.append(torch.from_numpy(depth_inside(objects)))
    return found


def _shrunk(each: LabelledSample, long_side: int | None) -> LabelledSample:
    height, width = each.places.shape
    if long_side is None or max(height, width) <= long_side:
        return each
    factor = long_side / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    smaller = PilImage.fromarray(each.pixels).resize(size, PilImage.Resampling.BOX)
    places, objects = (
        np.asarray(PilImage.fromarray(one).resize(size, PilImage.Resampling.NEAREST))
        for one in (each.places, each.objects)
    )
    return LabelledSample(np.asarray(smaller), places, objects)
