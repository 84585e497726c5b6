"""Preprocessing for networks of labels: resize, pad, normalise, and undo it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pil

from maskworks.models.families.resampling import shrink
from maskworks.models.families.saliency import placement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskworks.core.values import Pixels
    from maskworks.models.runtimes.network import Batch, Network, Outputs
    from maskworks.models.spec import InputSpec


@dataclass(frozen=True)
class Place:
    """Where the picture lies in the input: rows top to top + height, columns likewise."""

    top: int
    left: int
    height: int
    width: int
    canvas: tuple[int, int]


def place_in(size: tuple[int, int], rule: InputSpec) -> Place:
    """Return where a picture of `size` (H, W) lies in the network's input.

    Examples
    --------
    >>> from maskworks.models.spec import InputSpec
    >>> rule = InputSpec(height=64, width=64, resize="keep", stride=32, scale="255",
    ...                  mean=(0, 0, 0), std=(1, 1, 1))
    >>> place_in((33, 64), rule)
    Place(top=0, left=0, height=33, width=64, canvas=(64, 64))
    """
    if rule.resize != "keep":
        top, left, height, width = placement(size, rule)
        if rule.corner:
            top = left = 0
        return Place(top, left, height, width, (rule.height, rule.width))
    step = rule.stride
    canvas = (-(-size[0] // step) * step, -(-size[1] // step) * step)
    return Place(0, 0, size[0], size[1], canvas)


def to_input(pixels: Pixels, rule: InputSpec) -> tuple[Batch, Place]:
    """Resize and normalise a picture.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)

    Returns
    -------
    float32 (1, 3, h, w), and where the picture lies in it
        With "keep" what lies beside the picture repeats its edge, with "pad" it is `fill`.
    """
    height, width = int(pixels.shape[0]), int(pixels.shape[1])
    place = place_in((height, width), rule)
    small = _resized(pixels, place, rule)
    peak = {"255": 255.0, "1": 1.0}.get(rule.scale) or float(max(int(small.max()), 1))
    scale = (1.0 / (peak * np.asarray(rule.std))).astype(np.float32)
    offset = (np.asarray(rule.mean) / np.asarray(rule.std)).astype(np.float32)
    values = small.astype(np.float32) * scale - offset
    if rule.order == "bgr":
        values = values[..., ::-1]
    below = place.canvas[0] - place.height - place.top
    right = place.canvas[1] - place.width - place.left
    around = ((place.top, below), (place.left, right), (0, 0))
    if any(map(any, around)):
        if rule.resize == "keep":
            values = np.pad(values, around, mode="edge")
        else:
            values = np.pad(values, around, constant_values=np.float32(rule.fill))
    return np.ascontiguousarray(values.transpose(2, 0, 1)[np.newaxis]), place


def _resized(pixels: Pixels, place: Place, rule: InputSpec) -> Pixels:
    if rule.resample == "area":
        return shrink(pixels, place.height, place.width)
    how = Pil.Resampling[rule.resample.upper()]
    return np.asarray(Pil.fromarray(pixels).resize((place.width, place.height), how))


def without_padding(values: NDArray[np.float32], place: Place) -> NDArray[np.float32]:
    """Cut what lies beside the picture out of an answer that may be smaller than the input."""
    y, x = values.shape[1] / place.canvas[0], values.shape[2] / place.canvas[1]
    top, left = int(place.top * y), int(place.left * x)
    bottom = max(top + 1, round((place.top + place.height) * y))
    right = max(left + 1, round((place.left + place.width) * x))
    return np.ascontiguousarray(values[:, top:bottom, left:right])


def channels_last(network: Network) -> Network:
    """Return a network that takes and answers channels last as one of channels first."""

    def first(batch: Batch) -> Outputs:
        outputs = network(np.ascontiguousarray(batch.transpose(0, 2, 3, 1)))
        return tuple(each.transpose(0, 3, 1, 2) if each.ndim == 4 else each for each in outputs)

    return first
