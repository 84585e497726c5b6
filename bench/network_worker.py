"""Time one network, a run per line of standard input: `network_worker.py ours|rembg MODEL THREADS`.

The first answer is "ready"; each line read afterwards is answered with the
seconds that one run on a random batch of one square picture took, at the size that the network
is used at: `cutout` at its row's, rembg's at 320 px.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np


def open_ours(name: str, threads: int) -> tuple[Callable[[np.ndarray], object], int]:
    """Open an embedded model's network the way `maskworks cutout` does; return it and its side."""
    from maskworks import load_model

    model = load_model(name, threads=threads)
    return model.network, model.spec.input.height


def open_rembg(name: str) -> tuple[Callable[[np.ndarray], object], int]:
    """Open the network the way `rembg p -m NAME` does (OMP_NUM_THREADS counts)."""
    from rembg import new_session

    session = new_session(name).inner_session
    feed = session.get_inputs()[0].name
    return lambda batch: session.run(None, {feed: batch}), 320


def main(kind: str, name: str, threads: int) -> None:
    """Open, warm up, then answer."""
    network, side = open_rembg(name) if kind == "rembg" else open_ours(name, threads)
    batch = np.random.default_rng(0).standard_normal((1, 3, side, side), np.float32)
    for _ in range(3):
        network(batch)
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        network(batch)
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
