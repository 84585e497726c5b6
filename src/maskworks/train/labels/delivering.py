"""A run's model in the precisions that were asked for, each measured before it is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from maskworks.core.errors import RecipeError
from maskworks.core.writing import write_atomic
from maskworks.models.families.torchvision_models import open_torchvision
from maskworks.models.runtimes.network import Network
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.train.exported import Exported
from maskworks.train.labels.card import Assessed, write_card, write_row
from maskworks.train.labels.exporting import Opened, export_opened, open_labels
from maskworks.train.labels.quantising import Precision, smaller
from maskworks.train.labels.recipe import LabelRecipe
from maskworks.train.labels.row import row_of
from maskworks.train.labels.run import load_splits
from maskworks.train.labels.scoring import PictureCounts, interval, summed, tallies, worst
from maskworks.train.labels.views import LabelSet


@dataclass(frozen=True)
class Wanted:
    """Which precisions besides float32, and how much of the dev figure one may cost."""

    precisions: tuple[Precision, ...] = ()
    loss_at_most: float = 0.01


@dataclass(frozen=True)
class Delivered:
    """The files that were kept, float32 first, and why others were not."""

    files: tuple[Assessed, ...]
    refused: tuple[str, ...] = ()


def deliver(
    run: Path, target: Path, data: Path | None, wanted: Wanted, report: Callable[[str], None]
) -> Delivered:
    """Write a run's model, its row ``model.toml`` and its card beside `target`.

    The row names the last precision that was kept, so that the folder is a model which
    `maskworks segment --model FOLDER` runs.

    Parameters
    ----------
    run : its folder
    target : the float32 file; others are called NAME-float16.onnx and NAME-int8.onnx
    data : folder that the recipe's paths are relative to; without it nothing is measured
    report : called with each line

    Returns
    -------
    Delivered
        A precision that costs more than `wanted` allows is refused: its file is not written, and
        one that an earlier export left is taken away.

    Raises
    ------
    RecipeError
        If the run cannot be exported, a precision is asked for without `data`, or the network is
        one of detections, which have float32 only.
    """
    if wanted.precisions and data is None:
        raise RecipeError(
            run, "a smaller precision is measured before it is kept", "give its pictures by --data"
        )
    done = open_labels(run)
    if wanted.precisions and done.recipe.detects:
        raise RecipeError(
            run,
            f"{done.recipe.network} is written as safetensors, which is not converted",
            "leave --precision away",
        )
    exported = export_opened(done, target)
    proof = f", at most {exported.difference:.1e} from PyTorch" if exported.difference else ""
    report(f"{target}: {exported.bytes / 1e6:.2f} MB{proof}")
    kept = Delivered((Assessed("float32", exported),))
    if data is not None:
        kept = _measured(done, run, data, exported, wanted, report=report)
    row = write_row(done.recipe, kept.files[-1].file)
    report(f"its row: {row}")
    report(f"its card: {write_card(run, done, kept.files, kept.refused)}")
    return kept


def _measured(
    done: Opened,
    run: Path,
    data: Path,
    exported: Exported,
    wanted: Wanted,
    *,
    report: Callable[[str], None],
) -> Delivered:
    recipe = done.recipe
    splits = load_splits(run / "recipe.toml", recipe, data)
    counted = list(tallies(_opened(done, exported.path), splits.dev, recipe))
    whole = summed(counted, recipe)
    report(f"dev {whole.name} {whole.main:.4f} on {len(splits.dev)} pictures")
    ends, weak = interval(counted, recipe), worst(counted, recipe)
    first = Assessed("float32", exported, whole, ends, len(splits.dev), weak)
    files, refused = [first], []
    for precision in wanted.precisions:
        path = exported.path.with_name(f"{exported.path.stem}-{precision}.onnx")
        content = smaller(exported.path, precision, recipe, splits.train)
        counted = _tallied(content, path, splits.dev, recipe)
        found = summed(counted, recipe)
        lost = whole.main - found.main
        said = (
            f"{precision}: {len(content) / 1e6:.2f} MB, dev {found.name} {whole.main:.4f} -> "
            f"{found.main:.4f}, a loss of {lost:.4f}"
        )
        report(said)
        if not lost <= wanted.loss_at_most:
            refused.append(f"{said}; at most {wanted.loss_at_most:g} was allowed")
            path.unlink(missing_ok=True)
            continue
        write_atomic(path, content)
        file = Exported(path, len(content), hashlib.sha256(content).hexdigest(), 0.0)
        ends = interval(counted, recipe)
        files.append(Assessed(precision, file, found, ends, len(splits.dev)))
    return Delivered(tuple(files), tuple(refused))


def _tallied(content: bytes, path: Path, dev: LabelSet, recipe: LabelRecipe) -> list[PictureCounts]:
    part = path.with_name(f".{path.name}")
    try:
        part.write_bytes(content)
        return list(tallies(open_onnx(part, threads=torch.get_num_threads()), dev, recipe))
    finally:
        part.unlink(missing_ok=True)


def _opened(done: Opened, path: Path) -> Network:
    if done.recipe.detects:
        return open_torchvision(row_of(done.recipe), path, len(done.recipe.class_names))
    return open_onnx(path, threads=torch.get_num_threads())


def precisions_of(names: Sequence[str]) -> tuple[Precision, ...]:
    """Return the precisions of these names, each once, float32 left out.

    Raises
    ------
    RecipeError
        If there is no such precision.

    Examples
    --------
    >>> precisions_of(["float32", "int8", "int8"])
    ('int8',)
    """
    known: dict[str, Precision] = {"float16": "float16", "int8": "int8"}
    for name in names:
        if name not in known and name != "float32":
            raise RecipeError(
                Path("--precision"), f"there is no precision {name!r}", "float32, float16 or int8"
            )
    return tuple(known[name] for name in dict.fromkeys(names) if name in known)
