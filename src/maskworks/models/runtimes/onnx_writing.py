"""Write a Torch module as an ONNX file, and say how far the two answers are apart.

Extra `[torch]`; with `maskworks.models.runtimes.torch` what runs and writes networks of Torch.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from maskworks.core.errors import ModelError
from maskworks.models.runtimes.network import Outputs
from maskworks.models.runtimes.onnx import open_onnx

OPSET = 17

Read = Callable[[Any, Tensor], tuple[Tensor, ...]]
"""Calls a module with a picture (1, 3, h, w) and returns its outputs as tensors, in order."""

Size = tuple[int, int]


class Answers(nn.Module):
    """A module of any library as one that takes a picture and answers a tuple of tensors."""

    def __init__(self, body: nn.Module, read: Read) -> None:
        super().__init__()
        self.body, self.read = body, read
        self.eval()

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Map a normalised picture (1, 3, h, w) to the outputs."""
        return self.read(self.body, pixels)


class Exportable(TorchFunctionMode):
    """While a module is traced, puts what ONNX has in the place of what it has not.

    Adaptive pooling into any number of parts, also of a size that is not known yet, is a product
    with two matrices; a grid that is sampled has the type of what it samples.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        given = dict(kwargs or {})
        name = getattr(func, "__name__", "")  # that of torch.nn.functional, or of its kernel
        parts = args[1] if len(args) > 1 else given.get("output_size", given.get("size"))
        if name == "adaptive_avg_pool2d" or (name == "interpolate" and given.get("mode") == "area"):
            rows, columns = (parts, parts) if isinstance(parts, int | None) else parts
            if rows is not None and columns is not None:
                return pooled(args[0], rows, columns)
        if name == "grid_sample" and len(args) > 1:
            args = (args[0], args[1].to(args[0].dtype), *args[2:])
        return func(*args, **given)


def pooled(x: Tensor, rows: int, columns: int) -> Tensor:
    """Return the means of `rows` x `columns` parts, which overlap where a side is no multiple.

    Parameters
    ----------
    x : (N, C, h, w)

    Returns
    -------
    (N, C, rows, columns)

    Examples
    --------
    >>> x = torch.arange(35.0).reshape(1, 1, 5, 7)
    >>> float((pooled(x, 3, 2) - F.adaptive_avg_pool2d(x, (3, 2))).abs().max()) < 1e-5
    True
    """
    if rows == columns == 1:
        return x.mean((2, 3), keepdim=True)
    down, across = _parts(x.shape[2], rows, x.dtype), _parts(x.shape[3], columns, x.dtype)
    return torch.matmul(torch.matmul(down, x), across.transpose(0, 1))


def _parts(length: int, count: int, dtype: torch.dtype) -> Tensor:
    """Return a matrix (count, length) of the share that each place has in each part."""
    part, place = torch.arange(count), torch.arange(length)
    first, last = part * length // count, ((part + 1) * length + count - 1) // count
    inside = (place[None] >= first[:, None]) & (place[None] < last[:, None])
    return inside.to(dtype) / (last - first)[:, None].to(dtype)


def write_onnx(
    network: nn.Module, path: Path, *, size: Size, outputs: Sequence[str], any_size: bool = False
) -> None:
    """Trace a network into an ONNX file with the input ``pixels``, (1, 3, h, w) float32.

    Parameters
    ----------
    network : nn.Module
        Answers as many tensors as `outputs` names.
    size : (h, w) at which it is traced
    outputs : names
    any_size : bool
        Leave h and w open.

    Raises
    ------
    ModelError
        If the network holds an operation that ONNX has not.
    """
    axes = {name: {2: "h", 3: "w"} for name in ("pixels", *outputs)} if any_size else None
    with _silence(), Exportable():
        try:
            trace(network, path, torch.zeros(1, 3, *size), names=("pixels", *outputs), axes=axes)
        except Exception as error:  # the tracer raises its own, and whatever the module does
            reason = " ".join(str(error).split())[:240]
            raise ModelError(
                f"{path.name}: this network cannot be written as ONNX ({reason}); run its folder "
                "itself with `maskworks segment --model FOLDER`"
            ) from error


def trace(
    network: nn.Module,
    path: Path,
    sample: Tensor,
    *,
    names: Sequence[str],
    axes: Mapping[str, Mapping[int, str]] | None = None,
) -> None:
    """Write what a network does with a sample as an ONNX file.

    Parameters
    ----------
    sample : Tensor
        Its sizes become constants, but for those that `axes` leaves open.
    names : the input's, then the outputs'
    axes : which axes of an input or output are open, and what they are called
    """
    with warnings.catch_warnings():
        # Sizes become constants where they are meant to, and the tracer is the exporter we mean
        # to use; that both agree is proved afterwards.
        for kind in (TracerWarning, DeprecationWarning, FutureWarning, UserWarning):
            warnings.simplefilter("ignore", kind)
        torch.onnx.export(
            network,
            (sample,),
            str(path),
            input_names=[names[0]],
            output_names=list(names[1:]),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Send what is printed nowhere: of a failure the tracer prints the whole graph, from C++."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@torch.no_grad()
def difference(
    network: nn.Module,
    path: Path,
    *,
    sizes: Sequence[Size],
    read: Callable[[Outputs, Size], Outputs],
) -> float:
    """Return the largest difference between Torch and the file, as `read` sees their answers.

    The pictures are smooth random fields with a sharp shape on them. Answers of different
    lengths differ by infinity.
    """
    onnx = open_onnx(path)
    worst = 0.0
    for number, size in enumerate(sizes):
        x = pictures(size, np.random.default_rng(number))
        ours = read(tuple(each.numpy() for each in network(x)), size)
        theirs = read(onnx(x.numpy()), size)
        for mine, other in zip(ours, theirs, strict=True):
            if mine.shape != other.shape:
                return float("inf")
            if mine.size:
                apart = np.abs(mine.astype(np.float64) - other.astype(np.float64))
                worst = max(worst, float(np.nan_to_num(apart, nan=np.inf).max()))
    return worst


def pictures(size: Size, rng: np.random.Generator, count: int = 1) -> Tensor:
    """Return smooth random fields with a sharp shape on them, float32 (count, 3, h, w)."""
    coarse = torch.from_numpy(rng.standard_normal((count, 3, 12, 12)).astype(np.float32))
    x = F.interpolate(coarse, size=size, mode="bicubic")
    x[:, :, size[0] // 4 : size[0] // 2, size[1] // 3 : size[1] // 2] += 1.5
    return x
