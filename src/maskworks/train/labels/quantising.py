"""Smaller files of a finished ONNX model: half precision, and eight bits by real pictures.

Static quantisation: the ranges of all activations are read off real pictures of the training
split; weights are int8 per channel (Jacob et al., CVPR 2018).
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray

from maskworks.core.errors import RecipeError
from maskworks.models.families.network_input import to_input
from maskworks.train.labels.recipe import LabelRecipe
from maskworks.train.labels.row import row_of
from maskworks.train.labels.views import LabelSet

Precision = Literal["float16", "int8"]

CALIBRATION = 16
"""Pictures that the ranges are read off."""


def smaller(source: Path, precision: Precision, recipe: LabelRecipe, pictures: LabelSet) -> bytes:
    """Return an ONNX file's network in another precision; it takes and answers float32 as before.

    Parameters
    ----------
    source : the float32 file
    precision : "float16" or "int8"
    recipe : that it was trained by
    pictures : real ones, for int8

    Raises
    ------
    RecipeError
        If the network cannot be converted.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the converters leave as it is
        target = Path(folder) / "smaller.onnx"
        try:
            if precision == "float16":
                _halve(source, target)
            else:
                _quantise(source, target, list(_batches(recipe, pictures)))
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            raise RecipeError(
                source, f"cannot be made {precision} ({reason})", "keep the float32 file"
            ) from error
        return target.read_bytes()


def _halve(source: Path, target: Path) -> None:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = convert_float_to_float16(onnx.load(source), keep_io_types=True)
    onnx.save(model, target)


def _quantise(source: Path, target: Path, batches: list[NDArray[np.float32]]) -> None:
    from onnxruntime.quantization import QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = target.with_name("prepared.onnx")
    with _errors_alone():
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            target,
            _Reader(prepared, batches),
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
        )


@contextmanager
def _errors_alone() -> Iterator[None]:
    """Keep the library, which logs to the root, from advising what has just been done."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)


def _batches(recipe: LabelRecipe, pictures: LabelSet) -> Iterator[NDArray[np.float32]]:
    """Yield pictures as the network takes them, spread over the split."""
    count = min(CALIBRATION, len(pictures))
    rule = row_of(recipe).input
    for at in range(count):
        pixels = pictures.pixels[at * len(pictures) // count].permute(1, 2, 0).numpy()
        yield to_input(np.ascontiguousarray(pixels), rule)[0]


class _Reader:
    """Hands batches out one by one, as the library asks for them."""

    def __init__(self, source: Path, batches: list[NDArray[np.float32]]) -> None:
        name = onnx.load(source).graph.input[0].name
        self._left: Iterator[dict[str, Any]] = iter([{name: batch} for batch in batches])

    def get_next(self) -> dict[str, Any] | None:
        """Return the next batch by the name of the input, None after the last."""
        return next(self._left, None)
