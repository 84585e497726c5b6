"""Optical flow between two frames: a matte carried along, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Float2D, Pixels

if TYPE_CHECKING:
    import cv2

Flow = NDArray[np.float32]
"""float32 (h, w, 2): where a pixel's content lies in the other frame, (x, y) from here, pixels."""

SAME_COLOUR = 14.0
"""How far colours may differ from one frame to the next and still be the same thing, grey levels
(one sigma)."""

ALIKE = 0.5
"""Agreement from which on a pixel counts as seen in both frames."""


@dataclass(frozen=True, eq=False)
class FrameView:
    """A frame as flow sees it: `colours` is uint8 (h, w, 3), `grey` uint8 (h, w)."""

    colours: Pixels
    grey: NDArray[np.uint8] = field(repr=False)

    @classmethod
    def at(cls, pixels: Pixels, size: tuple[int, int]) -> FrameView:
        """Return a frame shrunk to `size` (h, w)."""
        import cv2

        height, width = size
        small = pixels
        if pixels.shape[:2] != size:
            small = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))
        return cls(small, np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)))


@lru_cache(maxsize=4)
def _finder(preset: int) -> cv2.DISOpticalFlow:
    import cv2

    return cv2.DISOpticalFlow.create(preset)


def flow_between(here: FrameView, there: FrameView, *, fine: bool = False) -> Flow:
    """Return where the content of each pixel of `here` lies in `there`.

    Parameters
    ----------
    here, there : FrameView of shape (h, w)
    fine : bool
        Take four times as long; large motions are met better.

    References
    ----------
    Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016.
    """
    import cv2

    preset = cv2.DISOPTICAL_FLOW_PRESET_MEDIUM if fine else cv2.DISOPTICAL_FLOW_PRESET_FAST
    first = np.zeros((*here.grey.shape, 2), np.float32)
    if min(here.grey.shape) < _LEAST_SIDE:
        return first
    return np.asarray(_finder(preset).calc(here.grey, there.grey, first), np.float32)


_LEAST_SIDE = 16
"""DIS needs a few of its patches; what is smaller is taken to stand still."""


def carried(values: Float2D, flow: Flow) -> Float2D:
    """Return what `values` of the other frame look like here: each pixel fetches its own.

    Parameters
    ----------
    values : float32 (h, w) or (h, w, C) of the other frame
    flow : from here to there
    """
    import cv2

    height, width = flow.shape[:2]
    rows, columns = _grid(height, width)
    return np.asarray(
        cv2.remap(
            values,
            columns + flow[..., 0],
            rows + flow[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )


@lru_cache(maxsize=4)
def _grid(height: int, width: int) -> tuple[Float2D, Float2D]:
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return rows, columns


def agreement(here: FrameView, there: FrameView, flow: Flow) -> Float2D:
    """Return how alike each pixel and what flow fetched for it are, float32 (h, w) in [0, 1]."""
    fetched = carried(there.colours.astype(np.float32), flow)
    apart = np.abs(here.colours.astype(np.float32) - fetched).mean(axis=2)
    alike: Float2D = np.exp(-0.5 * np.square(apart / np.float32(SAME_COLOUR)))
    return alike


def warp_error(
    here: FrameView, there: FrameView, alphas: tuple[Float2D, Float2D], flow: Flow | None = None
) -> float:
    """Return how much a matte changes beyond what moved, a share of the subject's area.

    Parameters
    ----------
    here, there : FrameView of shape (h, w)
        A frame and the one before it.
    alphas : two float32 (h, w) in [0, 1], of `here` and `there`
    flow : Flow, optional
        From here to there.

    Returns
    -------
    float, >= 0
        The sum of ``|alpha - carried alpha|`` over pixels that both frames show, by the mean of
        both areas; 0 where neither has a subject.

    References
    ----------
    Lai et al., Learning Blind Video Temporal Consistency, ECCV 2018, of alpha.
    """
    flow = flow_between(here, there) if flow is None else flow
    seen = agreement(here, there, flow) >= ALIKE
    apart = np.abs(alphas[0] - carried(alphas[1], flow))
    area = (float(alphas[0].sum()) + float(alphas[1].sum())) / 2
    return float(apart[seen].sum()) / area if area >= 1 else 0.0
