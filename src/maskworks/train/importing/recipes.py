"""A recipe that fits an imported data set, with comments, and its split."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PilImage

from maskworks.core.atomic import write_text_atomic
from maskworks.core.errors import OutputError, UsageError
from maskworks.train.importing.encoders import STREET, StartingPoint, pretrained
from maskworks.train.importing.items import UNKNOWN
from maskworks.train.importing.writing import LABELS, PICTURES, REPORT
from maskworks.train.splitting import dealt, groups_of

RECIPE = "recipe.toml"
TRIES = 40
"""Splits that are drawn; the one in which both sides show most classes is taken."""

_LARGEST, _SMALLEST, _STEP = 512, 96, 32


@dataclass(frozen=True)
class WrittenRecipe:
    """A recipe that was written: its file, how the split came about, how large both are.

    `start` is the network, and the weights that it starts from.
    """

    path: Path
    how: str
    train: int
    dev: int
    start: StartingPoint


def write_recipe(
    data: Path,
    *,
    share: float = 0.2,
    seed: int = 7,
    encoder: str | None = None,
    overwrite: bool = False,
) -> WrittenRecipe:
    """Write DATA/recipe.toml and the lists of its split.

    Lists that the import kept (train.txt and dev.txt) stay. Else pictures are dealt by `seed`,
    whole groups at a time where names without their last number show groups.

    Parameters
    ----------
    data : folder that `maskworks data import` wrote
    share : of the pictures that are scored on
    encoder : str, optional
        Of a U-Net, pretrained on ImageNet: resnet18, mobilenet_v2 ... as
        segmentation_models_pytorch calls it. By default the network is that of `street`.
    overwrite : bool
        Replace a recipe that exists.

    Raises
    ------
    UsageError
        If the folder was not imported, is too small to be divided, or there is no such encoder.
    OutputError
        If the recipe exists.
    """
    report = data / REPORT
    if not report.is_file():
        raise UsageError(
            f"{data}: holds no {REPORT}; bring the data set there first with "
            f"`maskworks data import FOLDER -o {data}`"
        )
    path = data / RECIPE
    if path.exists() and not overwrite:
        raise OutputError(path, "exists already", "give --overwrite to replace it")
    start = STREET if encoder is None else pretrained(encoder)
    found = json.loads(report.read_text("utf-8"))
    names = sorted(each.stem for each in (data / PICTURES).iterdir())
    train, dev, how = _divided(data, names, share, seed)
    for name, members in (("train", train), ("dev", dev)):
        write_text_atomic(data / f"{name}.txt", "\n".join(members) + "\n")
    height, width = _size(data, names)
    write_text_atomic(path, _text(data, found, (height, width), how, start))
    return WrittenRecipe(path, how, len(train), len(dev), start)


def _divided(
    data: Path, names: Sequence[str], share: float, seed: int
) -> tuple[list[str], list[str], str]:
    kept = {name: _lines(data / f"{name}.txt") for name in ("train", "dev", "test")}
    if kept["train"] and kept["dev"]:
        return kept["train"], kept["dev"], "the lists that came with the data set"
    pool = kept["train"] or [name for name in names if name not in set(kept["test"])]
    if len(pool) < 2:
        raise UsageError(f"{data}: has {len(pool)} pictures, a split needs two or more")
    shown = {name: _classes(data / LABELS / f"{name}.png") for name in pool}
    groups = groups_of(pool)
    by_group = len(set(groups.values())) < len(pool)
    best: tuple[int, list[str]] = (-1, [])
    for attempt in range(TRIES):
        dev = dealt(groups, share, seed + attempt)
        rest = set(pool) - set(dev)
        both = set().union(*(shown[n] for n in dev)) & set().union(*(shown[n] for n in rest))
        if len(both) > best[0]:
            best = (len(both), dev)
    held = set(best[1])
    how = f"split {share:g} by seed {seed}" + (", whole groups of names" if by_group else "")
    return [name for name in pool if name not in held], sorted(held), how


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").split("\n")[:-1] if path.is_file() else []


def _classes(path: Path) -> set[int]:
    with PilImage.open(path) as opened:
        return set(np.unique(np.asarray(opened)).tolist()) - {UNKNOWN}


def _size(data: Path, names: Sequence[str]) -> tuple[int, int]:
    """Return a size for the network: the pictures' median shape, at most 512, in steps of 32."""
    sizes = []
    for name in names[:200]:
        with PilImage.open(data / LABELS / f"{name}.png") as opened:
            sizes.append((opened.height, opened.width))
    height, width = (float(np.median(side)) for side in zip(*sizes, strict=True))
    scale = min(1.0, _LARGEST / max(height, width))
    return _whole(height * scale), _whole(width * scale)


def _whole(side: float) -> int:
    return max(_SMALLEST, round(side / _STEP) * _STEP)


def _text(
    data: Path, found: Mapping[str, object], size: tuple[int, int], how: str, start: StartingPoint
) -> str:
    classes = json.dumps(found["classes"], ensure_ascii=False)
    name = re.sub(r"[^a-z0-9]+", "-", data.resolve().name.lower()).strip("-") or "mine"
    height, width = size
    crop = (max(96, height // 2 // 16 * 16), max(96, width // 2 // 16 * 16))
    return f"""# WrittenRecipe by `maskworks init --train` for {data.name} ({found["form"]}).
# Train:  maskworks train {RECIPE} --data . -o run
name = "{name}"
task = "labels"
licence = "LicenseRef-unknown"   # of the weights that come out: as the pictures' terms allow
{start.network}
classes = {classes}
ignore = 255                     # ids of pixels without a label
height = {height}                     # what the exported network sees
width = {width}
lr = 1e-3
steps = 600                      # without it, a run ends when its --minutes are used
ema = 0.98

# {how}
# Or, instead of the two lists and [dev]: split = 0.2 above, dealt anew by the recipe's seed.
[train]
folder = "{PICTURES}"
labels = "{LABELS}"
list = "train.txt"
terms = "not stated by whoever trained it"

[dev]
folder = "{PICTURES}"
labels = "{LABELS}"
list = "dev.txt"

[start]                          # {start.about}
weights = "{start.weights}"
lr_factor = 0.5
recalibrate = 4

[losses]
cross_entropy = 1.0
lovasz = 1.0
class_weights = "balanced"       # rare classes weigh more

[[stage]]
share = 0.6
height = {crop[0]}
width = {crop[1]}
batch = 8
zoom = [0.5, 1.5]

[[stage]]
share = 0.4
height = {height}
width = {width}
batch = 4
zoom = [0.8, 1.2]
"""
