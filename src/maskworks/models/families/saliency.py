"""Saliency networks: the subject of a picture as one matte, with a confidence where known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import NetworkError
from maskworks.core.values import Matte
from maskworks.models.families.resampling import enlarge, shrink

if TYPE_CHECKING:
    from maskworks.core.values import Float2D, Image
    from maskworks.models.runtimes.network import Batch, Network, Outputs
    from maskworks.models.spec import InputSpec, ModelSpec

NOISE = 1e-3
"""How far outside [0, 1] rounding (float16 weights) may put a value; it is clipped."""


NO_SUBJECT_BELOW = 0.5
"""A presence below this is the answer "no subject"."""

SMALLEST_SUBJECT = 0.0005
"""A matte with a smaller share of pixels at alpha >= 0.5 holds no subject."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network says of one picture.

    `confidence` is the IoU the network expects of its own mask, `presence` the probability
    that there is a subject; both in [0, 1], None where the network has no such output. Where a
    fit has calibrated the confidence, `raw_confidence` is what the network said.
    """

    matte: Matte
    confidence: float | None
    presence: float | None
    raw_confidence: float | None = None


def predict(
    image: Image, spec: ModelSpec, network: Network, *, before: Float2D | None = None
) -> Prediction:
    """Run `network` on one picture.

    Parameters
    ----------
    image : Image of shape (H, W)
    before : float32 (H, W) in [0, 1]
        The matte of the frame before, for a network whose row says `previous`; others do not look
        at it. None where nothing came before.

    Returns
    -------
    Prediction
        Its matte is (H, W). A flat answer stays flat: nothing is stretched to 0..1.

    Raises
    ------
    NetworkError
        If an output is missing, has the wrong shape, is not finite or outside [0, 1].
    """
    return from_outputs(network(to_batch(image, spec, before)), spec, image.size)


STRIDE = 32
"""A network that takes more than one size takes multiples of this."""


def to_batch(image: Image, spec: ModelSpec, before: Float2D | None = None) -> Batch:
    """Resize and normalise a picture.

    Parameters
    ----------
    image : Image of shape (H, W)
    before : as `predict` takes it

    Returns
    -------
    float32 (1, 3, h, w), or (1, 4, h, w) with the matte of the frame before
        (h, w) is `input_size` of the picture's. With "pad" what lies beside the picture is 0,
        after normalisation.
    """
    rule = spec.input
    top, left, height, width = placement(image.size, rule)
    small = shrink(image.pixels, height, width)
    peak = 255.0 if rule.scale == "255" else float(max(int(small.max()), 1))
    scale = 1.0 / (peak * np.asarray(rule.std))
    offset = np.asarray(rule.mean) / np.asarray(rule.std)
    batch = np.zeros((1, 3 + rule.previous, *input_size(image.size, rule)), np.float32)
    inside = batch[0, :, top : top + height, left : left + width]
    for channel in range(3):
        np.multiply(small[..., channel], np.float32(scale[channel]), out=inside[channel])
        inside[channel] -= np.float32(offset[channel])
    if rule.previous and before is not None:
        inside[3] = enlarge(before, height, width)
    return batch


STEEPEST = 3.0
"""A picture whose sides differ more than this is squashed: what is left of it is too thin."""


def rectangle(side: int, aspect: float) -> tuple[int, int]:
    """Return the (height, width) with about the area of a square and the aspect of a picture.

    Parameters
    ----------
    side : int, pixels
        Of the square.
    aspect : float, > 0
        The picture's height by its width; taken as `STEEPEST` (or its inverse) at most.

    Returns
    -------
    (h, w), multiples of `STRIDE`, at least `STRIDE`

    Examples
    --------
    >>> rectangle(448, 1.0), rectangle(448, 2 / 3), rectangle(448, 16 / 9), rectangle(448, 40)
    ((448, 448), (352, 544), (608, 352), (768, 256))
    """
    height = side * math.sqrt(min(STEEPEST, max(1 / STEEPEST, aspect)))
    width = side * side / height
    return (
        max(STRIDE, STRIDE * int(height / STRIDE + 0.5)),
        max(STRIDE, STRIDE * int(width / STRIDE + 0.5)),
    )


def input_size(size: tuple[int, int], rule: InputSpec) -> tuple[int, int]:
    """Return the (height, width) of the network's input for a picture of `size` (H, W).

    With "area" it has the picture's aspect and the area that the rule's height and width have.
    """
    if rule.resize != "area":
        return rule.height, rule.width
    return rectangle(round(math.sqrt(rule.height * rule.width)), size[0] / size[1])


def placement(size: tuple[int, int], rule: InputSpec) -> tuple[int, int, int, int]:
    """Return where a picture of `size` lies in the network's input: top, left, height, width.

    With "pad" the picture is scaled by one factor until it touches the input's border, each
    side rounded to the nearest pixel (at least 1), and centred; an odd pixel of padding goes
    to the bottom or right.

    Examples
    --------
    >>> from maskworks.models.spec import InputSpec
    >>> rule = InputSpec(height=320, width=320, resize="pad", scale="255",
    ...                  mean=(0, 0, 0), std=(1, 1, 1))
    >>> placement((1000, 2000), rule)
    (80, 0, 160, 320)
    """
    if rule.resize in ("squash", "area"):
        return 0, 0, *input_size(size, rule)
    factor = min(rule.height / size[0], rule.width / size[1])
    height = min(rule.height, max(1, int(size[0] * factor + 0.5)))
    width = min(rule.width, max(1, int(size[1] * factor + 0.5)))
    return (rule.height - height) // 2, (rule.width - width) // 2, height, width


def from_outputs(outputs: Outputs, spec: ModelSpec, size: tuple[int, int]) -> Prediction:
    """Turn a network's outputs for one picture into a prediction at the picture's size.

    Parameters
    ----------
    outputs : tuple of arrays
        The map first, then what `spec.output` names.
    size : (H, W)

    Raises
    ------
    NetworkError
        See `predict`.
    """
    rule = spec.output
    wanted = 1 + rule.confidence + rule.presence
    if len(outputs) < wanted:
        raise NetworkError(spec.name, f"gave {len(outputs)} outputs, its row promises {wanted}")
    small = _map(spec.name, outputs[0])
    small = _sigmoid(small) if rule.kind == "logits" else _unit(spec.name, "matte", small)
    if spec.input.resize == "pad":
        small = _without_padding(small, spec.input, size)
    confidence = _number(spec.name, "confidence", outputs[1]) if rule.confidence else None
    presence = (
        _number(spec.name, "presence", outputs[1 + rule.confidence]) if rule.presence else None
    )
    return Prediction(Matte(enlarge(small, *size)), confidence, presence)


def _without_padding(small: Float2D, rule: InputSpec, size: tuple[int, int]) -> Float2D:
    """Cut the padding off a map, which may be coarser than the input by some factor."""
    top, left, height, width = placement(size, rule)
    down, right = small.shape[0] / rule.height, small.shape[1] / rule.width
    first_row, first_column = int(top * down + 0.5), int(left * right + 0.5)
    last_row = max(first_row + 1, int((top + height) * down + 0.5))
    last_column = max(first_column + 1, int((left + width) * right + 0.5))
    return small[first_row:last_row, first_column:last_column]


def _map(name: str, output: np.ndarray) -> Float2D:
    if output.ndim < 2 or output.size != output.shape[-2] * output.shape[-1] or not output.size:
        raise NetworkError(name, f"the map has shape {output.shape}, expected (1, 1, h, w)")
    if output.dtype.kind != "f":
        raise NetworkError(name, f"the map is {output.dtype}, expected floats")
    small = output.reshape(output.shape[-2:]).astype(np.float32, copy=False)
    if not np.isfinite(small).all():
        raise NetworkError(name, "the map holds NaN or infinity")
    return small


def _number(name: str, what: str, output: np.ndarray) -> float:
    if output.size != 1:
        raise NetworkError(name, f"{what} has shape {output.shape}, expected one number")
    return float(_unit(name, what, output.reshape(1).astype(np.float32))[0])


def _unit(name: str, what: str, values: np.ndarray) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    if not (low >= -NOISE and high <= 1 + NOISE):  # NaN fails too
        raise NetworkError(
            name,
            f"{what} must lie in [0, 1], got [{low:g}, {high:g}]; if these are logits, "
            "its row must say so",
        )
    return values if low >= 0 and high <= 1 else np.clip(values, 0, 1)


def _sigmoid(logits: Float2D) -> Float2D:
    """Return 1 / (1 + exp(-logits)) without overflow, through tanh."""
    out: Float2D = np.tanh(logits * np.float32(0.5)) * np.float32(0.5) + np.float32(0.5)
    return np.clip(out, 0, 1)
