"""Write a trained network as an ONNX file that is proved equal to Torch before it is kept."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

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


OUTPUTS = ("matte", "confidence", "presence")


def export_onnx(body: Body, judge: Judge | None, recipe: Recipe, target: Path) -> Exported:
    """Write ``target`` and prove it: the largest difference to Torch is at most 1e-4.

    The file takes ``input`` (N, 3, S, S) float32, of a network that remembers (N, 4, S, S), and
    answers ``matte`` (N, 1, S, S) and, with a judge, ``confidence`` (N,) and ``presence`` (N,),
    all in [0, 1].

    Raises
    ------
    RecipeError
        If ONNX Runtime and Torch differ by more; `target` is then untouched.
    """
    network: nn.Module = Matting(body)
    if judge is not None:
        network = Judged(body, judge, mirrored=recipe.mirrored_pass)
    network.eval()
    size, channels = recipe.input_size, 3 + recipe.remembers
    outputs = OUTPUTS if judge is not None else OUTPUTS[:1]

    def write(part: Path) -> float:
        write_onnx(network, part, size, outputs, channels=channels)
        difference = parity(network, part, size, channels=channels)
        if not difference <= PARITY_AT_MOST:
            raise RecipeError(
                target,
                f"ONNX and Torch differ by {difference:.2g}, at most {PARITY_AT_MOST:g} is allowed",
                "the old file is kept; check the network for operations ONNX computes otherwise",
            )
        return difference

    data, difference = write_proved(target, write)
    return Exported(target, len(data), hashlib.sha256(data).hexdigest(), difference)


class Matting(nn.Module):
    """A body that answers with its matte alone."""

    def __init__(self, body: Body) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to a matte (N, 1, h, w)."""
        return torch.sigmoid(self.body(x)[0][0])


def write_onnx(
    network: nn.Module, path: Path, size: int, outputs: tuple[str, ...], *, channels: int = 3
) -> None:
    """Trace a network into an ONNX file with the input ``input``, (N, channels, h, w).

    It is traced at `size` and takes every h and w that are multiples of 32.
    """
    names = ("input", *outputs)
    axes = {name: {0: "n", 2: "h", 3: "w"} if name in MAPS else {0: "n"} for name in names}
    trace(network.eval(), path, torch.zeros(2, channels, size, size), names=names, axes=axes)
    pad_in_passing(path)


def pad_in_passing(path: Path) -> None:
    """Let the convolutions of a file pad what they read, instead of a copy of it with a border.

    Of `EndPadConv`, whose border is one row below and one column on the right. ONNX Runtime keeps
    its blocked layout then, which takes a tenth of the time of a small network.
    """
    model = onnx.load(path)
    nodes = model.graph.node
    padded = {node.output[0]: node for node in nodes if node.op_type == "Pad"}
    for node in nodes:
        if node.op_type == "Conv" and node.input[0] in padded:
            border = next(a for a in node.attribute if a.name == "pads")
            border.ints[:] = [0, 0, 1, 1]
            node.input[0] = padded[node.input[0]].input[0]
    while unread := _unread(model.graph):
        for node in unread:
            nodes.remove(node)
    onnx.save(model, path)


def _unread(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    read = {name for node in graph.node for name in node.input} | {o.name for o in graph.output}
    return [node for node in graph.node if not read & set(node.output)]


@torch.no_grad()
def parity(
    network: nn.Module, path: Path, size: int, *, batches: int = 3, channels: int = 3
) -> float:
    """Return the largest absolute difference of any output between Torch and the ONNX file.

    The inputs are smooth random fields with sharp shapes on them, of batch 1 and 2, the last
    one larger than `size`, since it takes every size; a fourth channel is a matte.
    """
    session = open_onnx(path)
    rng = np.random.default_rng(0)
    worst = 0.0
    for number in range(batches):
        side = size + 128 if number == batches - 1 else size
        x = pictures((side, side), rng, 1 + number % 2)
        if channels > x.shape[1]:
            x = torch.cat((x, torch.sigmoid(4 * x[:, :1])), 1)
        theirs = session(x.numpy())
        answers = network(x)
        for ours, other in zip(
            (answers,) if isinstance(answers, Tensor) else answers, theirs, strict=True
        ):
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
