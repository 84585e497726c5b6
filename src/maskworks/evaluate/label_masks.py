"""Label maps that are masks, and how a user says that they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import EvaluationError
from maskworks.core.taxonomy import Taxonomy

WHITE = 255
"""Inside, in masks; no label, in label maps."""

Side = tuple[NDArray[np.int64], Sequence[tuple[Path, int]]]
"""Pixels of each class, and each file with its pixels without one."""


@dataclass(frozen=True)
class LabelMeaning:
    """What the values of label maps are.

    With `binary` files are masks, of 0 and 1 or of 0 and more: ids 0 outside and 1 inside. With
    `ignore_meant` the user named the id of pixels without a label; otherwise a set of 0 and 255
    alone, where more classes are named, is refused as masks.
    """

    binary: bool = False
    ignore_meant: bool = False


IDS = LabelMeaning()


def refuse_masks(taxonomy: Taxonomy, *sides: Side) -> None:
    """Raise if the truth or the predictions hold 0 and 255 alone, though there are more classes.

    Parameters
    ----------
    sides : of the truth, and of the predictions

    Raises
    ------
    EvaluationError
        With the first file that holds 255.
    """
    first = np.array(taxonomy.ids) == 0
    if len(taxonomy) == 1 or not first.any():
        return
    for pixels, files in sides:
        path = next((path for path, unlabelled in files if unlabelled), None)
        if path is not None and pixels[first].sum() == pixels.sum():
            raise EvaluationError(
                [f"{path}: holds 0 and {WHITE} alone, as a mask does, and so do all beside it"],
                f"{WHITE} is no label here; read such files as masks with --binary, or say that "
                f"it is meant with --ignore {WHITE}, or that every id is a class with "
                "--ignore none",
            )
