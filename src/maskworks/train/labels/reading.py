"""Decode labelled pictures into memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PilImage

from maskworks.core.errors import MaskworksError, RecipeError
from maskworks.core.reading import read_picture
from maskworks.train.labels.finding import MOST_IDS, Pair, find_pairs, places_of_ids, read_ids
from maskworks.train.labels.recipe import LabelRecipe, Pictures
from maskworks.train.labels.views import LabelSet


def read_pair(pair: Pair, table: NDArray[np.int32]) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Read a picture, uint8 (H, W, 3), and the places of its classes, int32 (H, W).

    Raises
    ------
    RecipeError
        If the sizes differ or an id is of no class.
    """
    try:
        pixels = read_picture(pair.picture).image.pixels
    except MaskworksError as error:
        raise RecipeError(pair.picture, str(error), "take the picture away") from error
    ids = read_ids(pair.labels)
    if ids.shape != pixels.shape[:2]:
        raise RecipeError(
            pair.labels,
            f"is {ids.shape[1]}x{ids.shape[0]}, its picture {pixels.shape[1]}x{pixels.shape[0]}",
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
    return pixels, places


def load_set(data: Path, recipe: LabelRecipe, rule: Pictures) -> LabelSet:
    """Decode one split into memory, shrunk to `long_side` where the recipe says so.

    Raises
    ------
    RecipeError
        As `find_pairs` and `read_pair` do.
    """
    table = places_of_ids(recipe, rule.format)
    pairs = find_pairs(data, rule)
    pixels, labels = [], []
    for pair in pairs:
        x, y = read_pair(pair, table)
        if rule.long_side is not None and max(y.shape) > rule.long_side:
            factor = rule.long_side / max(y.shape)
            size = (max(1, round(y.shape[1] * factor)), max(1, round(y.shape[0] * factor)))
            x = np.asarray(PilImage.fromarray(x).resize(size, PilImage.Resampling.BOX))
            y = np.asarray(PilImage.fromarray(y).resize(size, PilImage.Resampling.NEAREST))
        pixels.append(torch.from_numpy(np.array(x)).permute(2, 0, 1).contiguous())
        kind = np.uint8 if len(recipe.class_names) < 255 else np.int32
        labels.append(torch.from_numpy(y.astype(kind)))
    return LabelSet(tuple(pair.name for pair in pairs), pixels, labels)
