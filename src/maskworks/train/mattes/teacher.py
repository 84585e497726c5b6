"""Run a published network as a teacher: its mattes stand in for missing labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as PilImage
from safetensors.torch import load_file
from torch import Tensor, nn

from maskworks.models.networks.u2net import U2Net
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.train.mattes.export import write_onnx
from maskworks.train.mattes.recipe import Teacher

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)


class _FusedMatte(nn.Module):
    """The published network's own answer: its fused side map as a matte."""

    def __init__(self, body: U2Net) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        logits, _ = self.body(x)
        return torch.sigmoid(logits[0])


def published_u2netp(weights: Path, target: Path, size: int = 320) -> Path:
    """Export the published U2-NetP, as rembg runs it, to an ONNX file.

    Parameters
    ----------
    weights : safetensors of the published state dict
    target : where the ONNX file goes
    size : height and width of the network's input, pixels
    """
    body = U2Net()
    body.load_state_dict(load_file(weights))
    network = _FusedMatte(body)
    write_onnx(network, target, size, ("matte",))
    return target


def open_teacher(
    teacher: Teacher, data: Path, scratch: Path
) -> Callable[[PilImage.Image], npt.NDArray[np.float32]]:
    """Load the teacher and return it as a function from a picture to its matte.

    The picture is squashed to the network's square and divided by its
    maximum, as the published code does.

    Returns
    -------
    callable
        (RGB picture) -> float32 (size, size) in [0, 1]
    """
    scratch.mkdir(parents=True, exist_ok=True)
    path = published_u2netp(data / teacher.weights, scratch / "teacher.onnx", teacher.input_size)
    network = open_onnx(path)
    side = (teacher.input_size, teacher.input_size)

    def teach(picture: PilImage.Image) -> npt.NDArray[np.float32]:
        x = np.asarray(picture.resize(side, PilImage.Resampling.LANCZOS), np.float32)
        x = (x / max(float(x.max()), 1e-6) - _MEAN) / _STD
        (matte, *_) = network(np.ascontiguousarray(x.transpose(2, 0, 1)[None]))
        return np.asarray(matte[0, 0], np.float32)

    return teach
