"""Where a box will be: a Kalman filter for many boxes at once.

Kalman, Trans. ASME 1960; the state is a box's middle, width and height and how fast each
changes, as in Zhang et al., ByteTrack, ECCV 2022: noise grows with the size of the box.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_PLACE = 1 / 20
"""Standard deviation of a place, of the box's height."""

_SPEED = 1 / 160
"""Of a speed, a frame."""


def to_state(boxes: Array) -> Array:
    """Turn boxes (N, 4) x1 y1 x2 y2 into middles and sizes (N, 4) x y w h.

    Examples
    --------
    >>> to_state(np.array([[0.0, 0, 4, 2]])).tolist()
    [[2.0, 1.0, 4.0, 2.0]]
    """
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def to_boxes(state: Array) -> Array:
    """Turn middles and sizes (N, >= 4) back into boxes (N, 4); a size below 1 is 1."""
    half = np.maximum(state[:, 2:4], 1) / 2
    return np.concatenate([state[:, :2] - half, state[:, :2] + half], axis=1)


def _variance(height: Array, place: float, speed: float) -> Array:
    """Return the diagonal (N, 8) of a noise whose deviations are shares of a box's height."""
    deviations = np.r_[np.full(4, place), np.full(4, speed)]
    found: Array = np.square(np.maximum(height, 1)[:, np.newaxis] * deviations)
    return found


def start(boxes: Array) -> tuple[Array, Array]:
    """Return the state (N, 8) and covariance (N, 8, 8) of boxes seen for the first time."""
    seen = to_state(boxes)
    mean = np.concatenate([seen, np.zeros_like(seen)], axis=1)
    return mean, _diagonal(_variance(seen[:, 3], 2 * _PLACE, 10 * _SPEED))


def predict(mean: Array, covariance: Array, steps: float = 1.0) -> tuple[Array, Array]:
    """Carry states `steps` frames on."""
    move = np.eye(8)
    move[:4, 4:] = steps * np.eye(4)
    noise = _diagonal(_variance(mean[:, 3], _PLACE, _SPEED)) * steps
    return mean @ move.T, move @ covariance @ move.T + noise


def correct(mean: Array, covariance: Array, boxes: Array) -> tuple[Array, Array]:
    """Bend states towards the boxes that were seen, (N, 4)."""
    seen = to_state(boxes)
    noise = _diagonal(_variance(mean[:, 3], _PLACE, 0))[:, :4, :4]
    spread = covariance[:, :4, :4] + noise
    gain = np.linalg.solve(spread, covariance[:, :4, :]).transpose(0, 2, 1)
    mean = mean + np.einsum("nij,nj->ni", gain, seen - mean[:, :4])
    return mean, covariance - gain @ spread @ gain.transpose(0, 2, 1)


def _diagonal(values: Array) -> Array:
    return values[:, :, np.newaxis] * np.eye(values.shape[1])
