"""Train a recipe's model, and write it as a file, in one call each; needs the extra ``[torch]``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maskworks.core.errors import ModelError, UsageError
from maskworks.core.extras import how_to_install
from maskworks.core.public import public
from maskworks.models import catalogue
from maskworks.train.budget import Budget

if TYPE_CHECKING:
    from maskworks.train.labels.watch import Tick


@dataclass(frozen=True, kw_only=True)
class ExportedFile:
    """A model file, and how far from Torch it answers.

    Parameters
    ----------
    path : of the ONNX or safetensors file
    bytes : its size
    difference : the largest difference from Torch's answer
    refused : the smaller precisions that were not kept, each with the reason
    """

    path: Path
    bytes: int
    difference: float
    refused: tuple[str, ...] = ()


@public
def train_model(  # noqa: PLR0913 - what `maskworks train` takes
    recipe: str | Path,
    data: str | Path = ".",
    *,
    minutes: float = 60,
    output: str | Path | None = None,
    threads: int = 0,
    init: str | None = None,
    report: Callable[[str], None] | None = None,
    tick: Callable[[Tick], None] | None = None,
) -> Path:
    """Train a recipe's network; the same call resumes a stopped run.

    Parameters
    ----------
    recipe : path of a recipe file
    data : folder that the recipe's sources are relative to
    minutes : training time in all, earlier sessions counted
    output : folder of the run; by default ``runs/NAME``
    threads : processor threads; 0 lets Torch choose
    init : a model, ONNX or safetensors file to start from, of label maps
        Instead of what the recipe names.
    report : takes lines of progress; by default nobody does
    tick : called after every step of a run of label maps

    Returns
    -------
    Path of the run's folder, which `export_model` takes

    Raises
    ------
    UsageError
        If the time is none, the data folder is not there, or `init` does not fit the recipe.
    RecipeError
        If recipe or data cannot be used.
    ModelError
        If Torch is not installed.

    Examples
    --------
    >>> run = train_model("recipes/cutout.toml", "data", minutes=90)  # doctest: +SKIP
    >>> export_model(run).path  # doctest: +SKIP
    """
    _need_torch()
    from maskworks.train.labels.building import start_of
    from maskworks.train.labels.run import train_labels
    from maskworks.train.labels.watch import ProgressListener
    from maskworks.train.mattes.recipe import load_recipe, task_of
    from maskworks.train.mattes.run import train_recipe

    path, folder = Path(recipe), Path(data)
    if minutes <= 0:
        raise UsageError(f"minutes is {minutes:g}, it must be above 0")
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give the one the recipe's sources lie in")
    budget = Budget(minutes=minutes, threads=threads)
    if task_of(path) == "labels":
        start = None if init is None else start_of(init)
        run = Path(output or Path("runs") / path.stem)
        watch = ProgressListener(report or _quiet, tick or _quiet)
        train_labels(path, folder, run, budget, watch=watch, init=start)
        return run
    if init is not None:
        raise UsageError("init is for recipes of label maps; this one names its own [init]")
    if task_of(path) == "objects":
        from maskworks.train.objects.run import train_objects

        run = Path(output or Path("runs") / path.stem)
        train_objects(path, folder, run, budget, report or _quiet)
        return run
    run = Path(output or Path("runs") / load_recipe(path).name)
    train_recipe(path, folder, run, budget, report or _quiet)
    return run


@public
def export_model(  # noqa: PLR0913 - what `maskworks export` takes
    model: str | Path,
    output: str | Path | None = None,
    *,
    data: str | Path | None = None,
    precisions: Sequence[str] = (),
    size: str | None = None,
    loss_at_most: float = 0.01,
    embed: bool = False,
    report: Callable[[str], None] | None = None,
) -> ExportedFile:
    """Write a run's network, or a loaded model, as a file that is proved equal to Torch.

    Parameters
    ----------
    model : folder of a run, or what `load_segmenter` takes
    output : the file; needed for a model, by default in the run's folder
    data : folder of the recipe's data, optional
        Measure on its dev pictures too, and write the card.
    precisions : "float16", "int8"; of runs of label maps
    size : "HEIGHTxWIDTH", of models whose input follows the picture
    loss_at_most : of the dev figure, for a smaller precision to be kept
    embed : write into the package's own weights instead, with the checksum
    report : takes a line for each file that is written; by default nobody does

    Raises
    ------
    UsageError
        If an option does not fit what is exported.
    RecipeError, ModelError
        If it cannot be exported.

    Examples
    --------
    >>> export_model("runs/cutout", data="data").difference < 1e-4  # doctest: +SKIP
    True
    """
    _need_torch()
    from maskworks.models.exporting import is_model
    from maskworks.train.mattes.recipe import task_of

    say = report or _quiet
    run, dev = Path(model), None if data is None else Path(data)
    if is_model(str(model)):
        if data is not None or precisions or embed:
            raise UsageError("data, precision and embed are for runs; leave them out")
        return _export_loaded(str(model), output, size, say)
    if size is not None:
        raise UsageError("size is for models; the recipe of a run says its size")
    if embed and output:
        raise UsageError("embed and output are both given; embed knows where its file goes")
    finished = _Finished(run, None if output is None else Path(output), dev, embed, say)
    recipe = run / "recipe.toml"
    if recipe.is_file() and task_of(recipe) == "labels":
        return _export_labels(finished, precisions, loss_at_most)
    if precisions:
        raise UsageError("precision is for runs of label maps; this one is another network's")
    if recipe.is_file() and task_of(recipe) == "objects":
        return _export_objects(finished)
    return _export_mattes(finished)


def _export_loaded(
    name: str, output: str | Path | None, size: str | None, report: Callable[[str], None]
) -> ExportedFile:
    from maskworks.models.exporting import export_loaded
    from maskworks.models.importing import parse_size

    if output is None:
        raise UsageError(
            f"{name} is a model; say where its file goes: FOLDER/NAME.onnx, in a folder of its own"
        )
    done = export_loaded(name, Path(output), size=parse_size(size) if size else None)
    report(f"{output}: {done.bytes / 1e6:.2f} MB, at most {done.difference:.1e} from PyTorch")
    report(f"its row: {done.row}")
    return ExportedFile(path=done.path, bytes=done.bytes, difference=done.difference)


@dataclass(frozen=True)
class _Finished:
    run: Path
    output: Path | None
    data: Path | None
    embed: bool
    report: Callable[[str], None]

    def target(self, file: str) -> Path:
        return catalogue.WEIGHTS / file if self.embed else self.output or self.run / file


def _export_labels(of: _Finished, precisions: Sequence[str], loss_at_most: float) -> ExportedFile:
    from maskworks.train.labels.delivering import Wanted, deliver, precisions_of
    from maskworks.train.labels.exporting import export_labels, suffix_of
    from maskworks.train.labels.recipe import load_label_recipe
    from maskworks.train.mattes.export import record_weights

    recipe = load_label_recipe(of.run / "recipe.toml")
    target = of.target(f"{recipe.name}{suffix_of(recipe)}")
    if of.embed:
        file = export_labels(of.run, target)
        of.report(f"recorded in {record_weights(recipe.name, file)}")
        return ExportedFile(path=file.path, bytes=file.bytes, difference=file.difference)
    wanted = Wanted(precisions_of(precisions), loss_at_most)
    done = deliver(of.run, target, of.data, wanted, of.report)
    file = done.files[0].file
    return ExportedFile(
        path=file.path, bytes=file.bytes, difference=file.difference, refused=done.refused
    )


def _export_objects(of: _Finished) -> ExportedFile:
    from maskworks.train.mattes.export import record_weights
    from maskworks.train.objects.run import assess_objects, export_objects, open_objects

    name = open_objects(of.run)[0].name
    target = of.target(f"{name}.onnx")
    done = export_objects(of.run, target)
    of.report(f"{target}: {done.bytes / 1e6:.2f} MB, at most {done.difference:.1e} from PyTorch")
    if of.embed:
        of.report(f"recorded in {record_weights(name, done)}")
    if of.data is not None:
        for each, found in assess_objects(of.run, of.data).items():
            of.report(
                f"{each}: AP {found.ap:.4f}, AP50 {found.ap50:.4f} of {found.pictures} pictures"
            )
    return ExportedFile(path=done.path, bytes=done.bytes, difference=done.difference)


def _export_mattes(of: _Finished) -> ExportedFile:
    from maskworks.train.mattes.card import write_card
    from maskworks.train.mattes.export import record_weights
    from maskworks.train.mattes.run import assess_run, export_run, open_run

    name = open_run(of.run).recipe.name
    target = of.target(f"{name}.onnx")
    done = export_run(of.run, target)
    of.report(f"{target}: {done.bytes / 1e6:.2f} MB, at most {done.difference:.1e} from PyTorch")
    if of.embed:
        of.report(f"recorded in {record_weights(name, done)}")
    if of.data is not None:
        measured = assess_run(of.run, target, of.data, of.report)
        of.report(f"card written: {write_card(of.run, done, measured)}")
    return ExportedFile(path=done.path, bytes=done.bytes, difference=done.difference)


def _quiet(_: object) -> None:
    """Take a line or a tick of progress that nobody asked for."""


def _need_torch() -> None:
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise ModelError(f"training needs PyTorch; {how_to_install('torch')}")
