"""Semantic networks: a class for every pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.core.errors import NetworkError
from maskworks.models.families.class_scores import ClassScores
from maskworks.models.families.network_input import to_input, without_padding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskworks.core.values import Image
    from maskworks.models.runtimes.network import Network
    from maskworks.models.spec import ModelSpec

_NOISE = 1e-3


def predict_scores(image: Image, spec: ModelSpec, network: Network, classes: int) -> ClassScores:
    """Run a semantic network on one picture.

    Parameters
    ----------
    image : Image of shape (H, W)
    classes : int
        How many its taxonomy has.

    Returns
    -------
    ClassScores for (H, W)
        A network that answers a map of ids gives 1 for that class and 0 for the others, a
        matte the two classes' shares.

    Raises
    ------
    NetworkError
        If its answer has another shape, another number of classes or a value that cannot be.
    """
    values = _answer(image.pixels, spec, network, classes)
    if spec.input.mirrored:
        turned = np.ascontiguousarray(image.pixels[:, ::-1])
        values += _answer(turned, spec, network, classes)[:, :, ::-1]
        values *= np.float32(0.5)
    return ClassScores(values, image.size, logits=spec.output.kind == "class-logits")


def _answer(
    pixels: NDArray[np.uint8], spec: ModelSpec, network: Network, classes: int
) -> NDArray[np.float32]:
    """Run the network once; return its scores (C, h, w) without the padding, writable."""
    batch, place = to_input(pixels, spec.input)
    outputs = network(batch)
    if not outputs:
        raise NetworkError(spec.name, "answered nothing; export it with its map as first output")
    values = _READERS[spec.output.kind](outputs[0], spec, classes)
    if not np.isfinite(values).all():
        raise NetworkError(spec.name, "its answer holds NaN or infinity")
    return np.array(without_padding(values, place))


def _classes(output: NDArray[Any], spec: ModelSpec, classes: int) -> NDArray[np.float32]:
    """Read (1, C, h, w) or (C, h, w)."""
    values = output[0] if output.ndim == 4 and len(output) == 1 else output
    if values.ndim != 3:
        raise _wrong_shape(output, spec, f"(1, {classes}, h, w)")
    if values.shape[0] != classes:
        raise NetworkError(
            spec.name,
            f"its answer has {values.shape[0]} classes, its row names {classes}; "
            "correct the row's taxonomy or classes",
        )
    found = np.ascontiguousarray(values, np.float32)
    if spec.output.kind == "class-scores":
        low, high = float(found.min()), float(found.max())
        if low < -_NOISE or high > 1 + _NOISE:
            raise NetworkError(
                spec.name,
                f"its scores lie in [{low:g}, {high:g}], probabilities in [0, 1]; "
                "if they are logits, its row says output kind class-logits",
            )
    return found


def _ids(output: NDArray[Any], spec: ModelSpec, classes: int) -> NDArray[np.float32]:
    """Read a map of ids, (1, 1, h, w), (1, h, w) or (h, w)."""
    ids = output
    while ids.ndim > 2 and len(ids) == 1:
        ids = ids[0]
    if ids.ndim != 2:
        raise _wrong_shape(output, spec, "(1, h, w)")
    whole = np.rint(ids).astype(np.int64)
    if whole.min() < 0 or whole.max() >= classes:
        bad = int(whole.min()) if whole.min() < 0 else int(whole.max())
        raise NetworkError(
            spec.name,
            f"its answer holds the id {bad}, its row names {classes} classes "
            f"(0 to {classes - 1}); correct the row's taxonomy or classes",
        )
    return np.stack([whole == each for each in range(classes)]).astype(np.float32)


def _matte(output: NDArray[Any], spec: ModelSpec, classes: int) -> NDArray[np.float32]:
    """Read one map of how much each pixel is the second of two classes."""
    values = output
    while values.ndim > 2 and len(values) == 1:
        values = values[0]
    if values.ndim != 2:
        raise _wrong_shape(output, spec, "(1, 1, h, w)")
    if classes != 2:
        raise NetworkError(
            spec.name, f"a matte tells two classes apart, its row names {classes}; name two"
        )
    alpha = np.asarray(values, np.float64)
    if spec.output.kind == "logits":
        alpha = 1 / (1 + np.exp(-np.clip(alpha, -60, 60)))
    elif float(alpha.min()) < -_NOISE or float(alpha.max()) > 1 + _NOISE:
        raise NetworkError(
            spec.name,
            f"its matte lies in [{alpha.min():g}, {alpha.max():g}], the rule is [0, 1]; "
            "if these are logits, its row says output kind logits",
        )
    alpha = np.clip(alpha, 0, 1)
    return np.stack([1 - alpha, alpha]).astype(np.float32)


_READERS = {
    "class-logits": _classes,
    "class-scores": _classes,
    "class-map": _ids,
    "matte": _matte,
    "logits": _matte,
}


def _wrong_shape(output: NDArray[Any], spec: ModelSpec, rule: str) -> NetworkError:
    kind = spec.output.kind
    return NetworkError(
        spec.name, f"its first output is {output.shape}, a {kind} answer is {rule}; correct its row"
    )
