"""Train the small network that sharpens a matte, and write models/weights/sharpen.onnx.

    python bench/fit_sharpener.py TRAIN ... --minutes 10     so much processor time, of one core
    python bench/fit_sharpener.py --from POINT.pt            write the file of a point that is there

Each folder holds KIND/STEM.webp (or .jpg) with the truth as KIND/STEM.png beside, and a picture
with an alpha of its own needs none. It is shown what the cut-out network is shown, at that size,
and what that answers, and learns what is missing to the truth within some thirty pixels; the edge
band alone counts. What it is worth: docs/edges.md.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image as PillowImage
from torch import Tensor, nn
from torch.nn import functional as F

from maskworks.core.values import Image
from maskworks.models import load_catalogue
from maskworks.models.families.saliency import to_batch
from maskworks.models.families.sharpening import LEAST, STEPPED
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.models.store import ready

MODELS = Path(__file__).resolve().parents[1] / "src/maskworks/models"
FILE = MODELS / "weights/sharpen.onnx"
CATALOGUE = MODELS / "catalogue.toml"
WEIGHTS = {"ccp_alpha": 0.34, "ccp": 0.2, "cutouts": 0.16, "duts": 0.14, "people": 0.08}
OTHER = 0.04  # the weight of every other kind: its masks are coarse polygons
PER_KIND = 250
TRIMAPS = ("pets",)  # kinds whose masks leave the edge out
SIDE = 64  # of a piece, pixels
BATCH = 32
RATE = 2e-3
WRONG = 0.2  # a piece of which more is wrong shows another subject than the truth's
REACH = 9  # of the band that counts, pixels
OUTSIDE = 0.05  # weight of what lies outside of it

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Example:
    """One picture at the network's size: pixels (h, w, 3), truth and matte (h, w), all uint8."""

    pixels: Pixels
    truth: Pixels
    matte: Pixels


class Block(nn.Module):
    """A wide depthwise convolution and a pointwise one, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dw = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.pw = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.pw.weight)
        nn.init.zeros_(self.pw.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        return x + self.pw(F.relu(self.dw(x)))


class Sharpener(nn.Module):
    """Twelve thousand weights at half and a quarter of the size; begins as the identity."""

    def __init__(self, fine: int = 16, coarse: int = 32, blocks: int = 2) -> None:
        super().__init__()
        self.stem = nn.Conv2d(16, fine, 3, padding=1)
        self.down = nn.Conv2d(fine, coarse, 3, 2, padding=1)
        self.mid = nn.Sequential(*(Block(coarse) for _ in range(blocks)))
        self.up = nn.Conv2d(coarse, fine, 1)
        self.fine = nn.Conv2d(fine, fine, 3, padding=1)
        self.head = nn.Conv2d(fine, 4, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 4, h, w), colours in [-1, 1] and a matte in [0, 1], to logits (N, 1, h, w)."""
        alpha = x[:, 3:].clamp(LEAST, 1 - LEAST)
        doubt = torch.log(alpha / (1 - alpha))
        half = F.relu(self.stem(F.pixel_unshuffle(torch.cat([x[:, :3], doubt * STEPPED], 1), 2)))
        quarter = self.mid(F.relu(self.down(half)))
        half = half + F.interpolate(self.up(quarter), scale_factor=2, mode="nearest")
        half = half + F.relu(self.fine(F.relu(half)))
        return doubt + F.pixel_shuffle(self.head(half), 2)


def to_onnx(net: Sharpener, path: Path) -> None:
    """Write the network as ONNX: (1, 4, h, w) to the sharper matte (1, 1, h, w), in [0, 1]."""
    weights: dict[str, NDArray[np.float32]] = {
        name: value.detach().numpy() for name, value in net.state_dict().items()
    }
    # Pixels of 2 x 2 stacked, then 3 x 3: the same as 6 x 6 in steps of two.
    stacked = weights["stem.weight"]  # (fine, 4 * 2 * 2, 3, 3)
    spread = stacked.reshape(len(stacked), 4, 2, 2, 3, 3).transpose(0, 1, 4, 2, 5, 3)
    weights["stem.weight"] = np.ascontiguousarray(spread.reshape(len(stacked), 4, 6, 6))
    numbers = {
        "least": LEAST, "most": 1 - LEAST, "one": 1.0, "zero": 0.0, "stepped": STEPPED,
        "low": 2 * LEAST, "span": 1 - 4 * LEAST,
    }  # fmt: skip
    constants = [numpy_helper.from_array(np.float32(v), k) for k, v in numbers.items()]
    constants += [
        numpy_helper.from_array(np.array([3, 1], np.int64), "parts"),
        numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "twice"),
    ]
    constants += [numpy_helper.from_array(value, name) for name, value in weights.items()]
    nodes: list[onnx.NodeProto] = []

    def node(kind: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def conv(name: str, x: str, pad: int, **more: object) -> str:
        pads = [pad] * 4
        return node("Conv", [x, f"{name}.weight", f"{name}.bias"], f"{name}_", pads=pads, **more)

    def relu(x: str) -> str:
        return node("Relu", [x], f"{x}+")

    nodes.append(helper.make_node("Split", ["x", "parts"], ["colours", "alpha"], axis=1))
    inside = node("Clip", ["alpha", "least", "most"], "inside")
    node("Sub", ["one", inside], "rest")
    doubt = node("Sub", [node("Log", [inside], "log"), node("Log", ["rest"], "log_rest")], "doubt")
    seen = node("Concat", ["colours", node("Mul", [doubt, "stepped"], "step")], "seen", axis=1)
    half = relu(conv("stem", seen, 2, strides=[2, 2]))
    quarter = relu(conv("down", half, 1, strides=[2, 2]))
    for index in range(len(net.mid)):
        group = net.mid[index].dw.groups
        wide = relu(conv(f"mid.{index}.dw", quarter, 2, group=group))
        quarter = node("Add", [quarter, conv(f"mid.{index}.pw", wide, 0)], f"mid{index}")
    up = node("Resize", [conv("up", quarter, 0), "", "twice"], "up2", mode="nearest",
              coordinate_transformation_mode="asymmetric", nearest_mode="floor")  # fmt: skip
    half = node("Add", [half, up], "half2")
    half = node("Add", [half, relu(conv("fine", relu(half), 1))], "half3")
    more = node("DepthToSpace", [conv("head", half, 1)], "more", blocksize=2, mode="CRD")
    matte = node("Sigmoid", [node("Add", [doubt, more], "logits")], "matte")
    # What is sure reaches 0 and 1 again, which the clipped logits do not.
    matte = node("Div", [node("Sub", [matte, "low"], "above"), "span"], "stretched")
    node("Clip", [matte, "zero", "one"], "y")
    free = [1, None, "h", "w"]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, *free[2:]])
        for name, channels in (("x", 4), ("y", 1))
    ]
    graph = helper.make_graph(nodes, "sharpen", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def examples(folders: Sequence[Path]) -> dict[str, list[Example]]:
    """Return pictures by kind, with what the cut-out network says of them, unsharpened."""
    spec = load_catalogue().find("cutout")
    network = open_onnx(ready(spec), threads=1)
    found: dict[str, list[Example]] = {}
    for kind in sorted(
        path
        for folder in folders
        for path in folder.glob("*")
        if path.is_dir() and path.name not in TRIMAPS
    ):
        paths = sorted(path for path in kind.iterdir() if path.suffix in (".webp", ".jpg"))
        step = -(-len(paths) // PER_KIND) or 1
        for path in paths[::step]:
            loaded = _loaded(path)
            if loaded is None:
                continue
            shown = to_batch(Image(loaded[0]), spec)
            size = shown.shape[2:]
            pixels, truth = (
                cv2.resize(one, size[::-1], interpolation=cv2.INTER_AREA) for one in loaded
            )
            matte = network(shown)[0].reshape(size)
            levels = np.rint(matte.clip(0, 1) * 255).astype(np.uint8)
            found.setdefault(kind.name, []).append(Example(pixels, truth, levels))
        print(f"{kind.name}: {len(found.get(kind.name, []))}", flush=True)
    return found


def _loaded(path: Path) -> tuple[Pixels, Pixels] | None:
    """Return pixels and truth; a cut-out lies on its own mean colour, in noise."""
    with PillowImage.open(path) as opened:
        pixels = np.asarray(opened.convert("RGBA" if opened.has_transparency_data else "RGB"))
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:] / 255
        noise = np.random.default_rng(len(path.stem)).normal(0, 25, pixels.shape[:2])[..., None]
        behind = pixels[..., :3].mean((0, 1)) + cv2.GaussianBlur(noise, (0, 0), 2)[..., None] * 4
        mixed = pixels[..., :3] * alpha + behind * (1 - alpha)
        return mixed.clip(0, 255).astype(np.uint8), pixels[..., 3].copy()
    truth = path.with_suffix(".png")
    if not truth.is_file():
        return None
    with PillowImage.open(truth) as opened:
        return pixels, np.asarray(opened.convert("L"))


class Pieces:
    """Pieces of pictures around the edge, varied in size, light, colour, noise and blur."""

    def __init__(self, known: dict[str, list[Example]], seed: int) -> None:
        self._known, self._kinds = known, list(known)
        weights = np.array([WEIGHTS.get(kind, OTHER) for kind in self._kinds])
        self._chances = weights / weights.sum()
        self._rng = np.random.default_rng(seed)

    def batch(self) -> tuple[Tensor, Tensor]:
        """Return inputs (BATCH, 4, SIDE, SIDE) and truths (BATCH, 1, SIDE, SIDE)."""
        inputs = np.empty((BATCH, 4, SIDE, SIDE), np.float32)
        truths = np.empty((BATCH, 1, SIDE, SIDE), np.float32)
        for index in range(BATCH):
            while (piece := self._piece()) is None:
                pass
            pixels, truth, matte = piece
            inputs[index, :3] = self._varied(pixels).transpose(2, 0, 1) / 127.5 - 1
            inputs[index, 3], truths[index, 0] = matte / 255, truth / 255
        return torch.from_numpy(inputs), torch.from_numpy(truths)

    def _piece(self) -> tuple[Pixels, Pixels, Pixels] | None:
        rng = self._rng
        kind = self._known[self._kinds[rng.choice(len(self._kinds), p=self._chances)]]
        one = kind[rng.integers(len(kind))]
        zoom = float(np.exp(rng.uniform(-0.3, 0.4)))
        side = int(SIDE / zoom)
        height, width = one.truth.shape
        unsure = (one.matte > 25) & (one.matte < 230) | ((one.matte > 127) != (one.truth > 127))
        rows, columns = np.nonzero(unsure)
        if min(height, width) < side + 2 or not len(rows):
            return None
        at = rng.integers(len(rows))
        top = int(np.clip(rows[at] - rng.integers(side), 0, height - side))
        left = int(np.clip(columns[at] - rng.integers(side), 0, width - side))
        cut = np.s_[top : top + side, left : left + side]
        if np.mean((one.matte[cut] > 127) != (one.truth[cut] > 127)) > WRONG:
            return None
        way = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        turned = slice(None, None, -1 if rng.random() < 0.5 else 1)
        pixels, truth, matte = (
            cv2.resize(np.ascontiguousarray(field[cut][:, turned]), (SIDE, SIDE), interpolation=way)
            for field in (one.pixels, one.truth, one.matte)
        )
        if rng.random() < 0.3:
            matte = cv2.GaussianBlur(matte, (0, 0), float(rng.uniform(0.4, 1.2)))
        return pixels, truth, matte

    def _varied(self, pixels: Pixels) -> NDArray[np.float32]:
        rng = self._rng
        light = (pixels - np.float32(128)) * rng.uniform(0.7, 1.3) + 128 + rng.uniform(-20, 20)
        if rng.random() < 0.5:
            light = light * rng.uniform(0.85, 1.15, 3)
        if rng.random() < 0.3:
            light = light + rng.normal(0, rng.uniform(1, 5), light.shape)
        varied: NDArray[np.float32] = np.clip(light, 0, 255).astype(np.float32)
        return varied


def train(net: Sharpener, pieces: Pieces, minutes: float) -> Sharpener:
    """Train for so much processor time; return the running mean of the weights."""
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=1e-4)
    mean = {name: value.clone() for name, value in net.state_dict().items()}
    began, step = time.process_time(), 0
    while (done := (time.process_time() - began) / 60 / minutes) < 1:
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 20) * 0.5 * (1 + np.cos(np.pi * done))
        inputs, truth = pieces.batch()
        logits = net(inputs)
        with torch.no_grad():
            matte = inputs[:, 3:]
            near = ((matte > 0.05) & (matte < 0.95)) | ((truth - matte).abs() > 0.1)
            band = F.max_pool2d(near.float(), REACH, 1, REACH // 2) * (1 - OUTSIDE) + OUTSIDE
        apart = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
        apart = apart + 2 * (torch.sigmoid(logits) - truth).abs()
        loss = (band * apart).sum() / band.sum()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        step += 1
        kept = min(0.995, step / (step + 10))
        with torch.no_grad():
            for name, value in net.state_dict().items():
                mean[name].mul_(kept).add_(value, alpha=1 - kept)
        if step % 50 == 0:
            print(f"{step} steps, loss {loss.item():.3f}", flush=True)
    net.load_state_dict(mean)
    return net


def main(arguments: list[str]) -> int:
    """Train or read, write the file, and put its checksum into the catalogue."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="*", help="each holds KIND/STEM.webp and .png")
    parser.add_argument("--minutes", type=float, default=10.0, help="processor time of training")
    parser.add_argument("--from", dest="start", type=Path, nargs="*", default=[],
                        help="begin at the mean of these points")  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    net = Sharpener()
    if options.start:
        points = [torch.load(path, weights_only=True) for path in options.start]
        net.load_state_dict({k: sum(p[k] for p in points) / len(points) for k in points[0]})
    if options.folders:
        net = train(net, Pieces(examples(options.folders), options.seed), options.minutes)
        torch.save(net.state_dict(), options.out.with_suffix(".pt"))
    to_onnx(net, options.out)
    digest = hashlib.sha256(options.out.read_bytes()).hexdigest()
    if options.out == FILE:
        text = re.sub(r'(file = "sharpen\.onnx", sha256 = ")[0-9a-f]*', rf"\g<1>{digest}",
                      CATALOGUE.read_text(encoding="utf-8"))  # fmt: skip
        CATALOGUE.write_text(text, encoding="utf-8")
    print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB, sha256 {digest}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
