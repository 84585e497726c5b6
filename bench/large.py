"""Label a TIFF that does not fit into memory, and measure what that takes.

    python bench/large.py                     20,000 x 20,000 in tiles, stripes and plain
    python bench/large.py --side 8000 --layouts tiles

The scene and a small convolutional ONNX network are made here (needs the package onnx);
`maskworks segment` runs as anybody's would, and what it wrote is held against the scene.
Peak is the kernel's VmHWM of the process, which counts the mapped pages of files too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from memory import follow
from numpy.typing import NDArray

SIDE = 20_000
PART = 512
STRIP = 16
LIMIT_KB = 2_000_000
LEVELS = (50, 120, 190)
CLASSES = ("water", "soil", "rock")
LAYOUTS = ("tiles", "strips", "plain")


def levels(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the class of pixels of the scene: broad waves that meet in curves."""
    height = np.sin(rows / 371) + np.cos(columns / 457) + np.sin((rows + columns) / 911)
    return np.digitize(height, (-0.6, 0.7)).astype(np.uint8)


def scene(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the pixels of the scene, uint8 (h, w, 3), with a fine texture on each class."""
    grey = np.take(np.array(LEVELS, np.int16), levels(rows, columns))
    grey = grey + (rows * 31 + columns * 17) % 13 - 6
    return np.repeat(grey.astype(np.uint8)[..., np.newaxis], 3, axis=2)


def write_scene(path: Path, size: tuple[int, int], layout: str) -> None:
    """Write `size` (H, W) of the scene as a BigTIFF, a part at a time."""
    import tifffile

    def tiles() -> Iterator[NDArray[np.uint8]]:
        for top in range(0, size[0], PART):
            for left in range(0, size[1], PART):
                yield scene(*np.mgrid[top : top + PART, left : left + PART])

    def strips() -> Iterator[bytes]:
        for top in range(0, size[0], STRIP):
            part = scene(*np.mgrid[top : min(top + STRIP, size[0]), 0 : size[1]])
            yield zlib.compress(part.tobytes(), 1)

    whole = (*size, 3)
    if layout == "plain":
        lying = tifffile.memmap(path, shape=whole, dtype=np.uint8, photometric="rgb", bigtiff=True)
        for top in range(0, size[0], PART):
            rows = slice(top, min(top + PART, size[0]))
            lying[rows] = scene(*np.mgrid[rows, 0 : size[1]])
        lying.flush()
        return
    form: dict[str, Any] = {"shape": whole, "dtype": np.uint8, "photometric": "rgb"}
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        if layout == "tiles":
            writer.write(tiles(), tile=(PART, PART), compression="zlib", **form)
        else:
            writer.write(strips(), rowsperstrip=STRIP, compression="zlib", **form)


def write_network(folder: Path) -> Path:
    """Write a network of three convolutions, at half size inside, and its row."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True, exist_ok=True)
    mean = np.full((8, 3, 3, 3), 1 / 27, np.float32)
    pass_on = np.eye(8, dtype=np.float32)[:, :, np.newaxis, np.newaxis]
    # The logits of level v are 2 v x - v², which is highest for the level nearest to x.
    near = np.array(LEVELS, np.float32) / 255
    last = np.repeat(2 * near[:, np.newaxis] / 8, 8, axis=1)[:, :, np.newaxis, np.newaxis]
    weights = {
        "w1": mean,
        "w2": pass_on * np.ones((1, 1, 3, 3), np.float32) / 9,
        "w3": 400 * last.astype(np.float32),
        "b3": -400 * near**2,
        "twice": np.array([1, 1, 2, 2], np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["pixels", "w1"], ["a"], pads=[1] * 4, strides=[2, 2]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "w2"], ["c"], pads=[1] * 4),
        helper.make_node("Conv", ["c", "w3", "b3"], ["d"]),
        helper.make_node("Resize", ["d", "", "twice"], ["logits"], mode="linear"),
    ]
    kind = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "levels",
        [helper.make_tensor_value_info("pixels", kind, ["N", 3, "H", "W"])],
        [helper.make_tensor_value_info("logits", kind, ["N", len(CLASSES), "H", "W"])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
    onnx.save(model, folder / "levels.onnx")
    unit = "mean = [0, 0, 0], std = [1, 1, 1]"
    (folder / "model.toml").write_text(
        f"""name = "levels"
family = "semantic"
task = "semantic"
file = "levels.onnx"
classes = {json.dumps(CLASSES)}
input = {{ height = 512, width = 512, resize = "keep", stride = 8, scale = "255", {unit} }}
output = {{ kind = "class-logits" }}
"""
    )
    return folder


def share_right(path: Path, size: tuple[int, int]) -> float:
    """Return how many pixels of a label map are the scene's, read band by band."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    right = 0
    with Image.open(path) as picture:
        if picture.size[::-1] != size:
            raise SystemExit(f"{path}: is {picture.size[::-1]}, the scene {size}")
        ids = np.asarray(picture)
    for top in range(0, size[0], PART):
        band = ids[top : top + PART]
        rows, columns = np.mgrid[top : top + len(band), 0 : size[1]]
        right += int((levels(rows, columns) == band).sum())
    return right / ids.size


def measure(folder: Path, side: int, layout: str, threads: int) -> bool:
    """Label one layout, print a line, and say whether it kept within the limit."""
    source = folder / f"{layout}.tif"
    write_scene(source, (side, side), layout)
    out = folder / f"out-{layout}"
    model = write_network(folder / "levels")
    program = [sys.executable, "-m", "maskworks.apps.cli", "segment", str(source)]
    command = [*program, "-o", str(out), "--model", str(model), "--threads", str(threads)]
    trace = follow(command, dict(os.environ))
    if trace.exit_code:
        raise SystemExit(f"{' '.join(command)}: exit code {trace.exit_code}")
    right = share_right(out / f"{layout}.png", (side, side))
    fits = trace.peak < LIMIT_KB and right > 0.99
    print(
        f"{layout:8} {side:,} x {side:,}  {trace.seconds:6.0f} s  {trace.peak / 1e6:5.2f} GB  "
        f"{100 * right:6.2f} % right  {'pass' if fits else 'MISS'}",
        flush=True,
    )
    source.unlink()
    return fits


def main(arguments: list[str]) -> int:
    """Measure every layout; return 0 if each kept within 2 GB."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", type=int, default=SIDE, help="of the square scene, pixels")
    parser.add_argument("--layouts", default=",".join(LAYOUTS), help="which, with commas")
    parser.add_argument("--threads", type=int, default=2, help="of the network")
    options = parser.parse_args(arguments)
    asked = options.layouts.split(",")
    if unknown := set(asked) - set(LAYOUTS):
        parser.error(f"no layout {', '.join(sorted(unknown))}; there are {', '.join(LAYOUTS)}")
    with tempfile.TemporaryDirectory() as folder:
        kept = [measure(Path(folder), options.side, each, options.threads) for each in asked]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
