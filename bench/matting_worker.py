"""Refine one edge and say what it took: `matting_worker.py KIND CASE OUT`.

KIND is `fine`, `fast` or `solver` (ours) or `rembg` or `pymatting` (in rembg's environment).
CASE is an .npz with `image` uint8 (H, W, 3), `matte` float32 (H, W), a network's, and
`trimap` uint8 (H, W). OUT gets `alpha` float32 (H, W). Prints the seconds of the refinement
alone (after a small warm-up, so that nobody's compiler counts) and the process's peak memory
before and after, kB.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

Case = dict[str, np.ndarray]


def peak_kb() -> int:
    """Return the process's peak resident memory, kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def ours(kind: str) -> Callable[[Case], np.ndarray]:
    """Return our refinement, or our solver alone."""
    from maskworks.core import Image, Matte, Trimap
    from maskworks.refine.closed_form import closed_form
    from maskworks.refine.refinement import RefineOptions, refine

    def solve(case: Case) -> np.ndarray:
        solution = closed_form(Image(case["image"]), Trimap(case["trimap"]))
        if not solution.converged:
            message = "the solver did not converge"
            raise RuntimeError(message)
        return solution.matte.alpha

    def edge(case: Case) -> np.ndarray:
        done = refine(Image(case["image"]), Matte(case["matte"]), RefineOptions(method=kind))
        if not done.method.startswith(kind) or "not" in done.method:
            message = f"asked for {kind}, got {done.method}"
            raise RuntimeError(message)
        return done.matte.alpha

    return solve if kind == "solver" else edge


def theirs(kind: str) -> Callable[[Case], np.ndarray]:
    """Return rembg's alpha matting, or pymatting's closed-form solver alone."""
    from PIL import Image as PillowImage
    from pymatting import estimate_alpha_cf
    from rembg.bg import alpha_matting_cutout

    def rembg(case: Case) -> np.ndarray:
        mask = PillowImage.fromarray(np.rint(case["matte"] * 255).astype(np.uint8))
        cut = alpha_matting_cutout(PillowImage.fromarray(case["image"]), mask, 240, 10, 10)
        return np.asarray(cut)[..., 3].astype(np.float32) / np.float32(255)

    def pymatting(case: Case) -> np.ndarray:
        levels = np.array([0.0, 0.5, 1.0])[np.digitize(case["trimap"], (64, 192))]
        return estimate_alpha_cf(case["image"] / 255.0, levels).astype(np.float32)

    return rembg if kind == "rembg" else pymatting


def small() -> Case:
    """Return a case of 96 pixels to warm up with."""
    rows, columns = np.mgrid[0:96, 0:96]
    matte = np.clip((34 - np.hypot(rows - 48, columns - 48)) / 12 + 0.5, 0, 1).astype(np.float32)
    image = np.random.default_rng(0).integers(0, 60, (96, 96, 3)) + 150 * matte[..., None]
    trimap = np.select([matte <= 0, matte >= 1], [0, 255], 128).astype(np.uint8)
    return {"image": image.astype(np.uint8), "matte": matte, "trimap": trimap}


def main(kind: str, source: str, target: str) -> None:
    """Warm up, refine, report."""
    work = theirs(kind) if kind in ("rembg", "pymatting") else ours(kind)
    work(small())
    with np.load(source) as stored:
        case = {name: stored[name] for name in ("image", "matte", "trimap")}
    before = peak_kb()
    start = time.perf_counter()
    alpha = work(case)
    seconds = time.perf_counter() - start
    np.savez(target, alpha=alpha)
    print(json.dumps({"seconds": seconds, "peak_kb": peak_kb(), "before_kb": before}))


if __name__ == "__main__":
    main(*sys.argv[1:4])
