"""Does it pay to put requests into batches? `python bench/batches.py`.

Each network is run on a batch of 1, 2 and 4 random pictures of its own input size, in turn, with
all cores, and with the two half-wide calls that the service makes when it is busy. What counts
is the time a picture: batching pays where it falls with the size of the batch.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
from block import machine, put_block

from maskworks.models import load_model
from maskworks.models.runtimes.onnx import open_onnx

ROOT = Path(__file__).resolve().parents[1]
U2NETP = ROOT / "bench/out/u2net-home/u2netp.onnx"
SIZES = (1, 2, 4)
Network = Callable[[np.ndarray], object]


def networks(threads: int) -> dict[str, tuple[Network, int, int]]:
    """Return what is measured: network, input height, width."""
    found: dict[str, tuple[Network, int, int]] = {}
    model = load_model("cutout", threads=threads)
    found["cutout"] = (model.network, model.spec.input.height, model.spec.input.width)
    if U2NETP.exists():
        found["u2netp"] = (open_onnx(_of_any_batch(U2NETP), threads=threads), 320, 320)
    return found


def _of_any_batch(path: Path) -> Path:
    """Return a copy of a network that was exported for one picture and takes several."""
    import onnx

    model = onnx.load(path)
    del model.graph.value_info[:]
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    copy = path.with_name("u2netp-batches.onnx")
    onnx.save(model, copy)
    return copy


def a_picture(
    wide: Network, narrow: Network, shape: tuple[int, int], turns: int
) -> dict[str, float]:
    """Return the median seconds a picture of each way."""
    rng = np.random.default_rng(0)
    batches = {n: rng.standard_normal((n, 3, *shape), np.float32) for n in SIZES}
    seconds: dict[str, list[float]] = {}

    def timed(name: str, pictures: int, call: Callable[[], object]) -> None:
        began = time.perf_counter()
        call()
        seconds.setdefault(name, []).append((time.perf_counter() - began) / pictures)

    with ThreadPoolExecutor(2) as pool:
        for turn in range(turns + 1):
            for number in SIZES:
                timed(f"batch of {number}", number, lambda n=number: wide(batches[n]))
            timed("two calls", 4, lambda: list(pool.map(narrow, [batches[1]] * 4)))
            if turn == 0:
                seconds.clear()  # the first of everything allocates
    return {name: statistics.median(each) for name, each in seconds.items()}


def main(arguments: list[str]) -> int:
    """Measure and print, or write, the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--write", type=Path, help="a page with a place for the table")
    options = parser.parse_args(arguments)
    wide, narrow = networks(options.threads), networks(max(1, options.threads // 2))
    lines = [
        (
            f"{machine()}; onnxruntime {version('onnxruntime')}, {options.threads} threads, median "
            f"of {options.turns} turns, milliseconds a picture. "
            "Written by `python bench/batches.py`."
        ),
        "",
        "| network | batch of 1 | of 2 | of 4 | two calls at once, half the threads each |",
        "|---|---|---|---|---|",
    ]
    for name, (network, *shape) in wide.items():
        found = a_picture(network, narrow[name][0], (shape[0], shape[1]), options.turns)
        cells = " | ".join(f"{1000 * value:.0f}" for value in found.values())
        lines.append(f"| `{name}` ({shape[1]} x {shape[0]}) | {cells} |")
        print(lines[-1], flush=True)
    if options.write:
        put_block(options.write, "bench-batches", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
