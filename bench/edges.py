"""Edges against the truth and against rembg and pymatting; needs mattes that are not shipped.

Portraits of known alpha are drawn from training mattes over rooms at 1.7, 4 and 12 MP; the real
ones are the dev pictures of ../shared/data/subjects/dev/ccp_alpha.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
from peer import FailedRunError, Peer, clean_environment
from PIL import Image as PillowImage

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "shared/data"
DRAWN = 12
OPAQUE = 250
PORTRAITS = {"1.7mp": (1600, 1070), "4mp": (2450, 1640), "12mp": (4240, 2840)}  # (height, width)
LIGHTS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
MEBI = 1024

Truth = tuple[np.ndarray, np.ndarray]  # a picture, and its matte in [0, 1]


@dataclass(frozen=True)
class Took:
    """What one refinement took, and what it answered."""

    alpha: np.ndarray
    seconds: float
    peak_mib: float


def portrait(name: str, number: int) -> dict[str, np.ndarray]:
    """Draw a portrait whose alpha and colours are known.

    Returns
    -------
    dict
        ``image`` and ``foreground`` uint8 (H, W, 3), ``truth`` float32 (H, W).
    """
    people = sorted((DATA / "subjects/train/ccp_alpha").glob("*.webp"))
    rooms = sorted((DATA / "photos/rooms").glob("*.webp"))  # nobody else is in them
    height, width = PORTRAITS[name]
    person = people[(number * 37 + 11) % len(people)]
    with PillowImage.open(person.with_suffix(".png")) as opened:
        grey = opened.convert("L")
    with PillowImage.open(person) as opened:
        colours = own_colours(np.asarray(opened.convert("RGB")), np.asarray(grey))
    colours = colours.resize((width, height), PillowImage.Resampling.BICUBIC)
    grey = grey.resize((width, height), PillowImage.Resampling.BICUBIC)
    with PillowImage.open(rooms[(number * 53 + 5) % len(rooms)]) as opened:
        scene = opened.convert("RGB").resize((width, height), PillowImage.Resampling.BICUBIC)
    alpha = np.asarray(grey, np.float32) / np.float32(255)
    fore = np.asarray(colours, np.float32)
    mixed = alpha[..., None] * fore + (1 - alpha[..., None]) * np.asarray(scene, np.float32)
    grain = np.random.default_rng(number).normal(0, 2, (height, width, 1))
    image = np.clip(np.rint(mixed + grain), 0, 255).astype(np.uint8)
    return {"image": image, "foreground": fore.astype(np.uint8), "truth": alpha}


def own_colours(pixels: np.ndarray, alpha: np.ndarray) -> PillowImage.Image:
    """Give the mixed pixels the colours of opaque ones, so that no old background is left in them.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)
    alpha : uint8 (H, W)
    """
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    opaque = alpha >= OPAQUE
    rows, columns = distance_transform_edt(~opaque, return_distances=False, return_indices=True)
    spread = gaussian_filter(pixels[rows, columns].astype(np.float32), (2, 2, 0))
    return PillowImage.fromarray(np.where(opaque[..., None], pixels, spread).astype(np.uint8))


def make_case(folder: Path, name: str, number: int) -> Path:
    """Write a portrait with the network's matte and our trimap; return its file."""
    from maskworks import load_model
    from maskworks.core import Image
    from maskworks.refine.refinement import RefineOptions, refine

    path = folder / f"{name}-{number}.npz"
    drawn = portrait(name, number)
    image = Image(drawn["image"])
    matte = load_model("cutout").predict(image).matte
    done = refine(image, matte, RefineOptions(method="fast"))
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(path, matte=matte.alpha, trimap=done.trimap.levels, **drawn)
    return path


def work(kind: str, case: Path, peer: Peer | None, threads: int) -> Took:
    """Run one refinement in a process of its own."""
    out = case.with_suffix(f".{kind}.npz")
    python, environment = sys.executable, clean_environment()
    if kind in ("rembg", "pymatting"):
        python, environment = peer.program("python"), peer.environment(threads)
        environment["NUMBA_NUM_THREADS"] = str(threads)
    command = [python, str(HERE / "matting_worker.py"), kind, str(case), str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{kind} on {case.name}: {done.stderr[-1500:]}"
        raise FailedRunError(message)
    said = json.loads(done.stdout.splitlines()[-1])
    with np.load(out) as stored:
        return Took(stored["alpha"], said["seconds"], said["peak_kb"] / MEBI)


def sad(alpha: np.ndarray, truth: np.ndarray, band: np.ndarray) -> float:
    """Sum the absolute difference over a band, thousands."""
    return float(np.abs(alpha - truth)[band].sum(dtype=np.float64)) / 1000


def real_people() -> Iterator[Truth]:
    """Yield the dev people whose mattes are known."""
    for path in sorted((DATA / "subjects/dev/ccp_alpha").glob("*.webp")):
        with PillowImage.open(path) as opened:
            pixels = np.asarray(opened.convert("RGB"))
        with PillowImage.open(path.with_suffix(".png")) as opened:
            yield pixels, np.asarray(opened.convert("L"), np.float32) / np.float32(255)


def drawn_people() -> Iterator[Truth]:
    """Yield people drawn into rooms, so that their mattes are exactly known."""
    for number in range(100, 100 + DRAWN):
        drawn = portrait("1.7mp", number)
        yield drawn["image"], drawn["truth"]


def against_unrefined(people: Iterable[Truth], method: str) -> dict[str, float]:
    """Score refined against unrefined mattes.

    Returns
    -------
    dict
        ``before`` and ``after``: mean SAD in the band; ``biou_before``, ``biou_after``.
    """
    from maskworks import cutout, load_model
    from maskworks.core import Image, Matte
    from maskworks.quality import boundary_iou
    from maskworks.refine import RefineOptions, make_trimap

    model, rows = load_model("cutout"), []
    for pixels, alpha in people:
        truth = Matte(alpha)
        before = cutout(pixels, model, refinement=RefineOptions(method="off")).matte
        after = cutout(pixels, model, refinement=RefineOptions(method=method)).matte
        band = make_trimap(before, Image(pixels)).unknown
        whole = truth.threshold()
        rows.append(
            (
                sad(before.alpha, truth.alpha, band),
                sad(after.alpha, truth.alpha, band),
                boundary_iou(before.threshold(), whole),
                boundary_iou(after.threshold(), whole),
            )
        )
    names = ("before", "after", "biou_before", "biou_after")
    return {name: mean(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def halo(case: Path) -> tuple[float, float]:
    """Composite over red, green and blue with the true alpha.

    Returns
    -------
    mean colour error in the soft pixels, grey levels, with the photo's colours and with ours
    """
    from maskworks.core import Image, Matte
    from maskworks.refine.foreground import estimate_foreground

    with np.load(case) as stored:
        image, fore, truth = stored["image"], stored["foreground"], stored["truth"]
    ours = estimate_foreground(Image(image), Matte(truth)).pixels
    soft = (truth > 0.02) & (truth < 0.98)
    a = truth[soft][:, None]
    errors = ([], [])
    for light in LIGHTS.values():
        right = a * fore[soft] + (1 - a) * np.array(light, np.float32)
        for at, colours in enumerate((image, ours)):
            mixed = a * colours[soft] + (1 - a) * np.array(light, np.float32)
            errors[at].append(float(np.abs(mixed - right).mean()))
    return mean(errors[0]), mean(errors[1])
