"""Write a trained network as an ONNX file that is proved equal to Torch before it is kept."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import torch
from torch import nn

from maskworks.core.errors import RecipeError
from maskworks.core.writing import write_atomic
from maskworks.models.exporting import PARITY_AT_MOST, write_proved
from maskworks.models.networks.judge import Judge, Judged
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.models.runtimes.onnx_writing import pictures, trace
from maskworks.train.exported import Exported
from maskworks.train.mattes.build import Body
from maskworks.train.mattes.recipe import Recipe

MAPS = ("input", "matte")
"""Inputs and outputs that have a height and a width."""


def export_onnx(body: Body, judge: Judge, recipe: Recipe, target: Path) -> Exported:
    """Write ``target`` and prove it: the largest difference to Torch is at most 1e-4.

    The file takes ``input`` (N, 3, S, S) float32 and answers ``matte``
    (N, 1, S, S), ``confidence`` (N,) and ``presence`` (N,), all in [0, 1].

    Raises
    ------
    RecipeError
        If ONNX Runtime and Torch differ by more; `target` is then untouched.
    """
    network = Judged(body, judge, mirrored=recipe.mirrored_pass).eval()
    size = recipe.input_size

    def write(part: Path) -> float:
        write_onnx(network, part, size, ("matte", "confidence", "presence"))
        difference = parity(network, part, size)
        if not difference <= PARITY_AT_MOST:
            raise RecipeError(
                target,
                f"ONNX and Torch differ by {difference:.2g}, at most {PARITY_AT_MOST:g} is allowed",
                "the old file is kept; check the network for operations ONNX computes otherwise",
            )
        return difference

    data, difference = write_proved(target, write)
    return Exported(target, len(data), hashlib.sha256(data).hexdigest(), difference)


def write_onnx(network: nn.Module, path: Path, size: int, outputs: tuple[str, ...]) -> None:
    """Trace a network into an ONNX file with the input ``input``, (N, 3, h, w).

    It is traced at `size` and takes every h and w that are multiples of 32.
    """
    names = ("input", *outputs)
    axes = {name: {0: "n", 2: "h", 3: "w"} if name in MAPS else {0: "n"} for name in names}
    trace(network.eval(), path, torch.zeros(2, 3, size, size), names=names, axes=axes)


@torch.no_grad()
def parity(network: nn.Module, path: Path, size: int, *, batches: int = 3) -> float:
    """Return the largest absolute difference of any output between Torch and the ONNX file.

    The inputs are smooth random fields with sharp shapes on them, of batch 1 and 2, the last
    one larger than `size`, since it takes every size.
    """
    onnx = open_onnx(path)
    rng = np.random.default_rng(0)
    worst = 0.0
    for number in range(batches):
        side = size + 128 if number == batches - 1 else size
        x = pictures((side, side), rng, 1 + number % 2)
        theirs = onnx(x.numpy())
        for ours, other in zip(network(x), theirs, strict=True):
            apart = np.nan_to_num(np.abs(ours.numpy() - other), nan=np.inf)
            worst = max(worst, float(apart.max()))
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


def load_judge(folder: Path) -> Judge:
    """Open the head that `save_judge` kept.

    Raises
    ------
    RecipeError
        If the run has no head yet.
    """
    path = folder / "judge.pt"
    if not path.exists():
        raise RecipeError(path, "does not exist", "finish the run with `maskworks train`")
    saved = torch.load(path, weights_only=True)
    judge = Judge(len(saved["norm.weight"]), saved["overlap.1.weight"].shape[1])
    judge.load_state_dict(saved)
    return judge.eval()
