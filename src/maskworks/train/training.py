"""Train a recipe's model, and write it as a file, in one call each; needs the extra ``[torch]``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskworks.core.errors import ModelError, UsageError
from maskworks.train.budget import Budget


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


def train_model(
    recipe: str | Path,
    data: str | Path = ".",
    *,
    minutes: float = 60,
    output: str | Path | None = None,
    threads: int = 0,
    report: Callable[[str], None] | None = None,
) -> Path:
    """Train a recipe's network; the same call resumes a stopped run.

    Parameters
    ----------
    recipe : path of a recipe file
    data : folder that the recipe's sources are relative to
    minutes : training time in all, earlier sessions counted
    output : folder of the run; by default ``runs/NAME``
    threads : processor threads; 0 lets Torch choose
    report : takes lines of progress; by default nobody does

    Returns
    -------
    Path of the run's folder, which `export_model` takes

    Raises
    ------
    UsageError
        If the time is none or the data folder is not there.
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
        run = Path(output or Path("runs") / path.stem)
        train_labels(path, folder, run, budget, watch=ProgressListener(report or _quiet))
    else:
        run = Path(output or Path("runs") / load_recipe(path).name)
        train_recipe(path, folder, run, budget, report or _quiet)
    return run


def export_model(
    model: str | Path,
    output: str | Path | None = None,
    *,
    data: str | Path | None = None,
    precisions: Sequence[str] = (),
    size: str | None = None,
    loss_at_most: float = 0.01,
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

    Raises
    ------
    UsageError
        If an option does not fit what is exported.
    RecipeError, ModelError
        If it cannot be exported.
    """
    _need_torch()
    from maskworks.models.exporting import export_loaded, is_model
    from maskworks.models.importing import parse_size
    from maskworks.train.mattes.recipe import task_of

    if is_model(str(model)):
        if output is None or data is not None or precisions:
            raise UsageError(f"{model} is a model: give output, and neither data nor precisions")
        written = export_loaded(str(model), Path(output), size=parse_size(size) if size else None)
        return ExportedFile(path=written.path, bytes=written.bytes, difference=written.difference)
    if size is not None:
        raise UsageError("size is for models; the recipe of a run says its size")
    run, dev = Path(model), None if data is None else Path(data)
    recipe = run / "recipe.toml"
    if recipe.is_file() and task_of(recipe) == "labels":
        return _export_labels(run, output, dev, (tuple(precisions), loss_at_most))
    if precisions:
        raise UsageError("precisions are for runs of label maps; this one is a cut-out network")
    return _export_mattes(run, output, dev)


def _export_labels(
    run: Path,
    output: str | Path | None,
    data: Path | None,
    wanted: tuple[tuple[str, ...], float],
) -> ExportedFile:
    from maskworks.train.labels.delivering import Wanted, deliver, precisions_of
    from maskworks.train.labels.exporting import suffix_of
    from maskworks.train.labels.recipe import load_label_recipe

    recipe = load_label_recipe(run / "recipe.toml")
    target = Path(output or run / f"{recipe.name}{suffix_of(recipe)}")
    done = deliver(run, target, data, Wanted(precisions_of(wanted[0]), wanted[1]), _quiet)
    file = done.files[0].file
    return ExportedFile(
        path=file.path, bytes=file.bytes, difference=file.difference, refused=done.refused
    )


def _export_mattes(run: Path, output: str | Path | None, data: Path | None) -> ExportedFile:
    from maskworks.train.mattes.card import write_card
    from maskworks.train.mattes.run import assess_run, export_run, open_run

    target = Path(output or run / f"{open_run(run).recipe.name}.onnx")
    exported = export_run(run, target)
    if data is not None:
        write_card(run, exported, assess_run(run, target, data, _quiet))
    return ExportedFile(path=exported.path, bytes=exported.bytes, difference=exported.difference)


def _quiet(_: str) -> None:
    """Take a line of progress that nobody asked for."""


def _need_torch() -> None:
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise ModelError("training needs PyTorch; install it with `pip install 'maskworks[torch]'`")
