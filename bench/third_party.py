"""Run other people's ONNX files through `maskworks segment` and score them on labelled pictures.

    python bench/third_party.py [--shared ../shared] [--pictures 200]

Each file gets the row (model.toml) that a user would write. The files and pictures are not
part of the project; what is missing is named, and the rest is measured.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

Labels = np.ndarray
"""Class ids, (H, W)."""

DEEPLAB = """
name = "deeplabv3-mnv2"
family = "semantic"
task = "semantic"
file = "{file}"
taxonomy = "voc-21"
input = {{ height = 257, width = 257, resize = "squash", scale = "255", layout = "nhwc", mean = [0.5, 0.5, 0.5], std = [0.5, 0.5, 0.5] }}
output = {{ kind = "class-logits" }}
"""  # noqa: E501 - TOML keeps an inline table on one line

ROAD = """
name = "road-segmentation-adas"
family = "semantic"
task = "semantic"
file = "{file}"
classes = ["background", "road", "curb", "marking"]
input = {{ height = 512, width = 896, resize = "squash", scale = "1", order = "bgr", layout = "nhwc", mean = [0, 0, 0], std = [1, 1, 1] }}
output = {{ kind = "class-scores" }}
"""  # noqa: E501 - as above


@dataclass(frozen=True)
class Trial:
    """A file, its row, the pictures it is tried on, and what counts as found and as true.

    `found` and `true` turn ids into a mask; pixels where `known` is False do not count.
    """

    file: str
    row: str
    pictures: str
    what: str
    found: Callable[[Labels], Labels]
    true: Callable[[Labels], Labels]
    known: Callable[[Labels], Labels]


PERSON, CAT, DOG = 15, 8, 12
PAVED = (3,)
UNLABELLED = 11

TRIALS = (
    Trial(
        file="deeplabv3_mnv2_voc21_257.onnx",
        row=DEEPLAB,
        pictures="subjects/dev/ccp",
        what="person",
        found=lambda ids: ids == PERSON,
        true=lambda ids: ids > 0,
        known=np.ones_like,
    ),
    Trial(
        file="deeplabv3_mnv2_voc21_257.onnx",
        row=DEEPLAB,
        pictures="subjects/dev/pets",
        what="cat or dog",
        found=lambda ids: np.isin(ids, (CAT, DOG)),
        true=lambda ids: ids == 255,
        known=lambda ids: ids != 128,
    ),
    Trial(
        file="road_segmentation_adas_0001.onnx",
        row=ROAD,
        pictures="street/test",
        what="road with its markings",
        found=lambda ids: np.isin(ids, (1, 3)),
        true=lambda ids: np.isin(ids, PAVED),
        known=lambda ids: ids != UNLABELLED,
    ),
)


def missing(trial: Trial, shared: Path) -> str | None:
    """Return what a trial lacks, or None."""
    for path in (shared / "weights" / trial.file, shared / "data" / trial.pictures):
        if not path.exists():
            return f"{path} is not here; name the folder that has weights/ and data/ by --shared"
    return None


def measure(trial: Trial, shared: Path, most: int) -> tuple[int, float, float]:
    """Return how many pictures were scored, the IoU of all their pixels, and the mean IoU."""
    from maskworks.apps.cli import main as maskworks

    every = sorted((shared / "data" / trial.pictures).glob("*.webp"))
    sources = every[:: -(-len(every) // most)]  # spread over the set: neighbours look alike
    with tempfile.TemporaryDirectory() as folder:
        model, out = Path(folder, "model"), Path(folder, "out")
        model.mkdir()
        shutil.copy(shared / "weights" / trial.file, model / trial.file)
        (model / "model.toml").write_text(trial.row.format(file=trial.file), "utf-8")
        arguments = [*map(str, sources), "-o", str(out), "--model", str(model)]
        code = maskworks(["segment", *arguments, "--write", "none", "--quiet"])
        if code:
            sys.exit(f"{trial.file}: `maskworks segment` ended with {code}")
        return scored(trial, sources, out)


def scored(trial: Trial, sources: list[Path], out: Path) -> tuple[int, float, float]:
    """Hold written label maps against the truth beside the pictures."""
    shared, either, single = 0, 0, []
    for source in sources:
        truth = read(source.with_suffix(".png"))
        ids = read(out / f"{source.stem}.png")
        if truth.shape != ids.shape:
            sys.exit(f"{source}: the truth is {truth.shape}, the label map {ids.shape}")
        known = trial.known(truth).astype(bool)
        found, true = trial.found(ids) & known, trial.true(truth) & known
        both, any_of = int((found & true).sum()), int((found | true).sum())
        shared, either = shared + both, either + any_of
        single.append(both / any_of if any_of else 1.0)
    return len(sources), shared / max(either, 1), float(np.mean(single))


def read(path: Path) -> Labels:
    """Read a label picture; of a palette picture the indices."""
    with PillowImage.open(path) as picture:
        ids = np.asarray(picture)
    return ids if ids.ndim == 2 else ids[..., 0]


def main(arguments: list[str]) -> int:
    """Measure every trial that can be; return 0, or 1 if something is missing."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--shared", type=Path, default=SHARED, help="has weights/ and data/")
    parser.add_argument("--pictures", type=int, default=200, help="at most, of each set")
    options = parser.parse_args(arguments)
    lacking = 0
    print("| file | on | pictures | IoU of all pixels | mean IoU of a picture |")
    print("|---|---|---|---|---|")
    for trial in TRIALS:
        if lack := missing(trial, options.shared):
            print(f"{trial.file}: {lack}", file=sys.stderr)
            lacking += 1
            continue
        count, iou, mean = measure(trial, options.shared, options.pictures)
        on = f"{trial.pictures}: {trial.what}"
        print(f"| {trial.file} | {on} | {count} | {iou:.3f} | {mean:.3f} |", flush=True)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
