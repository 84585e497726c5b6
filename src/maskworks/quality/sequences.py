"""Figures over the frames of a sequence: DAVIS's statistics, and how steady alpha is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import ImageError, UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from maskworks.core.values import Matte

RECALL_ABOVE = 0.5
PARTS = 4


@dataclass(frozen=True)
class FrameStatistics:
    """A measure over frames: its mean, the share of frames above 0.5, the loss over time."""

    mean: float
    recall: float
    decay: float


def frame_statistics(values: ArrayLike) -> FrameStatistics:
    """Return mean, recall and decay of a measure that was taken on every frame.

    Decay is the mean of the first quarter less that of the last; quarters share their outermost
    frame with the next one, as in the code of the benchmark.

    Parameters
    ----------
    values : N numbers, N >= 1

    Raises
    ------
    UsageError
        If there is none.

    References
    ----------
    Perazzi et al., A Benchmark Dataset and Evaluation Methodology for Video Object
    Segmentation, CVPR 2016.

    Examples
    --------
    >>> frame_statistics([1.0, 1.0, 0.8, 0.6, 0.4])
    FrameStatistics(mean=0.76, recall=0.8, decay=0.5)
    """
    frames = np.asarray(values, np.float64).ravel()
    if frames.size == 0:
        raise UsageError("there is no frame; a sequence has at least one")
    ends = np.round(np.linspace(1, frames.size, PARTS + 1) + 1e-10).astype(int) - 1
    first, last = frames[: ends[1] + 1], frames[ends[-2] : ends[-1] + 1]
    return FrameStatistics(
        mean=float(frames.mean()),
        recall=float((frames > RECALL_ABOVE).mean()),
        decay=float(first.mean() - last.mean()),
    )


def flicker(predicted: tuple[Matte, Matte], truth: tuple[Matte, Matte]) -> float:
    """Return how differently alpha changes from one frame to the next (dtSSD).

    Parameters
    ----------
    predicted, truth : two Mattes of shape (H, W) each, one frame and the next

    Returns
    -------
    float, >= 0
        The root of the mean over the pixels of the squared difference between the two changes.

    Raises
    ------
    ImageError
        If the shapes differ.

    References
    ----------
    Erofeev et al., Perceptually Motivated Benchmark for Video Matting, BMVC 2015.

    Examples
    --------
    >>> from maskworks.core.values import Matte
    >>> low, high = (Matte(np.full((1, 2), a, np.float32)) for a in (0.0, 0.5))
    >>> flicker((low, high), (low, low))
    0.5
    """
    sizes = {matte.size for matte in (*predicted, *truth)}
    if len(sizes) != 1:
        raise ImageError(f"the frames must have one size, got {sorted(sizes)}")
    ours = predicted[1].alpha - predicted[0].alpha
    theirs = truth[1].alpha - truth[0].alpha
    apart: NDArray[np.float32] = ours - theirs
    return float(np.sqrt(np.mean(np.square(apart, dtype=np.float64))))
