"""Write a trained network as an ONNX file that is proved equal to Torch before it is kept."""

from __future__ import annotations

import hashlib
import tomllib
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.jit._trace import TracerWarning

from maskworks.core.errors import RecipeError
from maskworks.core.writing import write_atomic
from maskworks.models.networks.judge import Judge, Judged
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.train.build import Body
from maskworks.train.recipe import Recipe

PARITY_AT_MOST = 1e-4

MAPS = ("input", "matte")
"""Inputs and outputs that have a height and a width."""


@dataclass(frozen=True)
class Exported:
    """A finished file: where, how large, and how far from Torch it answers."""

    path: Path
    bytes: int
    sha256: str
    difference: float


def export_onnx(body: Body, judge: Judge, recipe: Recipe, target: Path) -> Exported:
    """Write ``target`` and prove it: the largest difference to Torch is at most 1e-4.

    The file takes ``input`` (N, 3, S, S) float32 and answers ``matte``
    (N, 1, S, S), ``confidence`` (N,) and ``presence`` (N,), all in [0, 1].

    Raises
    ------
    RecipeError
        If ONNX Runtime and Torch differ by more; `target` is then untouched.
    """
    network = Judged(body, judge).eval()
    size = recipe.input_size
    part = target.with_name(f".{target.name}.part")
    write_onnx(network, part, size, ("matte", "confidence", "presence"))
    try:
        difference = parity(network, part, size)
        if not difference <= PARITY_AT_MOST:
            raise RecipeError(
                target,
                f"ONNX and Torch differ by {difference:.2g}, at most {PARITY_AT_MOST:g} is allowed",
                "the old file is kept; check the network for operations ONNX computes otherwise",
            )
        data = part.read_bytes()
    finally:
        part.unlink(missing_ok=True)
    write_atomic(target, data)
    return Exported(target, len(data), hashlib.sha256(data).hexdigest(), difference)


def write_onnx(network: nn.Module, path: Path, size: int, outputs: tuple[str, ...]) -> None:
    """Trace a network into an ONNX file with the input ``input``, (N, 3, h, w).

    It is traced at `size` and takes every h and w that are multiples of 32.
    """
    with warnings.catch_warnings():
        # Sizes become constants on purpose, the tracer is the exporter we mean to use, and what it
        # says of constants it does not fold costs nothing; parity is proved afterwards.
        warnings.simplefilter("ignore", TracerWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        torch.onnx.export(
            network.eval(),
            (torch.zeros(2, 3, size, size),),
            str(path),
            input_names=["input"],
            output_names=list(outputs),
            dynamic_axes={
                name: {0: "n", 2: "h", 3: "w"} if name in MAPS else {0: "n"}
                for name in ("input", *outputs)
            },
            opset_version=17,
            dynamo=False,
        )


@torch.no_grad()
def parity(network: nn.Module, path: Path, size: int, *, batches: int = 3) -> float:
    """Return the largest absolute difference of any output between Torch and the ONNX file.

    The inputs are smooth random fields with sharp shapes on them, of batch 1 and 2, the last
    one larger than `size`, as a second look at a subject is.
    """
    onnx = open_onnx(path)
    rng = np.random.default_rng(0)
    worst = 0.0
    for number in range(batches):
        side = size + 128 if number == batches - 1 else size
        coarse = torch.from_numpy(
            rng.standard_normal((1 + number % 2, 3, 12, 12)).astype(np.float32)
        )
        x = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic")
        x[:, :, side // 4 : side // 2, side // 3 : side // 2] += 1.5
        theirs = onnx(x.numpy())
        for ours, other in zip(network(x), theirs, strict=True):
            worst = max(worst, float(np.abs(ours.numpy() - other).max()))
    return worst


def record_weights(name: str, exported: Exported) -> Path:
    """Write the file's size and checksum into ``weights.toml`` beside it."""
    table = exported.path.with_name("weights.toml")
    rows = tomllib.loads(table.read_text("utf-8")) if table.exists() else {}
    rows[name] = {"sha256": exported.sha256, "bytes": exported.bytes}
    lines = ["# Written by `maskworks export`: what each embedded file is.", ""]
    for key in sorted(rows):
        lines += [
            f"[{key}]",
            f'sha256 = "{rows[key]["sha256"]}"',
            f"bytes = {rows[key]['bytes']}",
            "",
        ]
    write_atomic(table, "\n".join(lines).encode())
    return table


def save_judge(judge: Judge, folder: Path) -> None:
    """Keep the head beside the body's checkpoint."""
    part = folder / "judge.pt.part"
    torch.save(judge.state_dict(), part)
    part.replace(folder / "judge.pt")


def load_judge(channels: int, folder: Path) -> Judge:
    """Open the head that `save_judge` kept.

    Raises
    ------
    RecipeError
        If the run has no head yet.
    """
    path = folder / "judge.pt"
    if not path.exists():
        raise RecipeError(path, "does not exist", "finish the run with `maskworks train`")
    judge = Judge(channels)
    judge.load_state_dict(torch.load(path, weights_only=True))
    return judge.eval()
