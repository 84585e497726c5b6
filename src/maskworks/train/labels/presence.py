"""Which classes the labels of a run really show, before anything is learnt of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskworks.core.errors import RecipeError
from maskworks.train.labels.finding import find_pairs, read_ids
from maskworks.train.labels.pictures import Pictures
from maskworks.train.labels.recipe import LabelRecipe
from maskworks.train.labels.views import LabelSet, Splits

_WHITE = 255  # inside, in masks; no label, in label maps


def presence_notes(path: Path, recipe: LabelRecipe, data: Path, splits: Splits) -> list[str]:
    """Say which classes a split lacks, and where most pixels have no label.

    Parameters
    ----------
    path : of the recipe
    data : folder that the recipe's paths are relative to

    Raises
    ------
    RecipeError
        If a split shows one class alone of several: there is nothing to learn, or a perfect
        score for nothing. PNGs of 0 and 255 are named as the masks they are.
    """
    names = recipe.class_names
    notes = []
    for split, rule, pictures in (
        ("train", recipe.train, splits.train),
        ("dev", recipe.dev, splits.dev),
    ):
        counts = _counts(pictures, len(names))
        absent = [name for name, times in zip(names, counts, strict=False) if not times]
        if recipe.kind == "class-logits" and len(names) - len(absent) < 2:
            _refuse_masks(data, rule, recipe)
            shown = "no class" if len(absent) == len(names) else "one class alone"
            lacking = f", no pixel of {', '.join(absent[:8])}" if absent else ""
            raise RecipeError(
                path,
                f"{split} shows {shown} ({rule.folder}){lacking}, so every answer would be right",
                "look at it with `maskworks data check`, and correct classes, ignore or labels",
            )
        if absent:
            lacking = f"{', '.join(absent[:8])}{', ...' if len(absent) > 8 else ''}"
            what = "cannot be learnt" if split == "train" else "is in no dev score"
            notes.append(
                f"{split} has no pixel of {len(absent)} of {len(names)} classes, "
                f"which {what}: {lacking}"
            )
        share = counts[-1] / max(1, counts.sum())
        if share > 0.5:
            notes.append(f"{share:.1%} of the pixels of {split} have no label and count nowhere")
    return notes


def _counts(pictures: LabelSet, classes: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the pixels of each class, and last those without a label: int64 (classes + 1,)."""
    counts = np.zeros(classes + 1, np.int64)
    for labels in pictures.labels:
        counts += np.bincount(labels.numpy().ravel().astype(np.int64), minlength=classes + 1)
    return counts


def _refuse_masks(data: Path, rule: Pictures, recipe: LabelRecipe) -> None:
    if rule.format != "png" or rule.binary or recipe.unknown != _WHITE:
        return
    for pair in find_pairs(data, rule):
        if _WHITE in read_ids(pair.labels):
            raise RecipeError(
                pair.labels,
                f"holds 0 and {_WHITE} alone, as a mask does, and so do all beside it",
                f"{_WHITE} is no label here; say binary = true in [train] and [dev]",
            )
