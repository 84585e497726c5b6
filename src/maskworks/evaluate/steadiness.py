"""How much a sequence of mattes changes beyond what moved in its clip."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskworks.core.errors import EvaluationError
from maskworks.core.reading import Limits, read_picture
from maskworks.core.values import Float2D
from maskworks.evaluate.pairing import Pair
from maskworks.evaluate.reading import read_matte
from maskworks.video.flow import FrameView, warp_error


def sequence_warp_error(own: Sequence[Pair], frames: Path, limits: Limits) -> float:
    """Return the mean warp error of a sequence's predictions, NaN with one frame.

    Parameters
    ----------
    own : the frames in order
    frames : folder with the clip's own frames, named as the truth
    limits : Limits

    Raises
    ------
    EvaluationError
        If a frame is missing.
    """
    errors: list[float] = []
    before: tuple[FrameView, Float2D] | None = None
    for pair in own:
        if pair.prediction is None:
            continue
        alpha = read_matte(pair.prediction, limits).alpha
        picture = read_picture(_frame_of(pair, frames), limits)
        height, width = alpha.shape
        look = FrameView.at(picture.image.pixels, (height, width))
        if before is not None:
            errors.append(warp_error(look, before[0], (alpha, before[1])))
        before = look, alpha
    return float(np.mean(errors)) if errors else float("nan")


def _frame_of(pair: Pair, frames: Path) -> Path:
    place = frames / pair.name
    found = sorted(p for p in place.parent.glob(f"{glob.escape(place.name)}.*") if p.is_file())
    if not found:
        raise EvaluationError(
            [f"{pair.name}: there is no frame of this name in {frames}"], "give every frame"
        )
    return found[0]
