"""What `--model` of `maskworks segment` may name, and opening it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from maskworks.core.errors import ModelError, UnknownModelError, UsageError
from maskworks.core.public import public
from maskworks.core.taxonomy import load_taxonomy
from maskworks.models.catalogue import load_catalogue
from maskworks.models.classical_methods import METHODS, classical
from maskworks.models.finding import only
from maskworks.models.labelling import Segmenter
from maskworks.models.lone_file import is_onnx, row_of_file
from maskworks.models.opening import DEFAULTS, HUB, PICKLES, TORCHVISION, Opening, from_row, refusal
from maskworks.models.store import ready


@public
def load_segmenter(name: str, opening: Opening = DEFAULTS) -> Segmenter:
    """Open a model that labels pictures; never touches the network.

    Parameters
    ----------
    name : str
        A method without weights (`otsu`, `kmeans` ...), a model of the catalogue,
        ``hf:OWNER/NAME`` or ``torchvision:NAME`` that was pulled, an ONNX file whose outputs are
        unmistakable, or a folder: with ``model.toml`` (a row of the catalogue), or with
        ``config.json`` and safetensors as transformers or segmentation_models_pytorch save them.

    Raises
    ------
    UnknownModelError, LicenceError, ProviderError, ChecksumError
    ModelError
        If a file is missing, a pickle, or not a network of this kind.
    UsageError
        If an option does not fit the model.

    Examples
    --------
    >>> load_segmenter("street").taxonomy.name  # doctest: +SKIP
    'camvid-11'
    """
    found = _open(name, opening)
    if opening.choices.prompts and not found.prompted:
        raise UsageError(f"--point and --prompts are for SAM; {name} takes none, leave them out")
    return only(found, opening.find) if opening.find and not found.worded else found


def _open(name: str, opening: Opening) -> Segmenter:
    if name in METHODS:
        if opening.taxonomy is not None:
            raise UsageError(f"--taxonomy names what a network was trained on; {name} has none")
        return classical(name, opening.choices)
    if is_onnx(name):
        return _of_file(Path(name).expanduser(), opening)
    if name.startswith((HUB, TORCHVISION)) or _is_path(name):
        from maskworks.models.model_folder import open_folder

        return open_folder(name, opening)
    try:
        spec = load_catalogue().find(name, commercial_only=opening.commercial_only)
    except UnknownModelError as error:
        raise UnknownModelError(name, _names()) from error
    if spec.family == "saliency":
        raise UsageError(
            f"the model {name!r} finds one subject; use it with `maskworks cutout`, or choose one "
            f"of {', '.join(_names())}"
        )
    return from_row(spec, ready(spec), opening)


def _of_file(path: Path, opening: Opening) -> Segmenter:
    """Open an ONNX file that has no row, if its outputs are unmistakable."""
    names = () if opening.taxonomy is None else load_taxonomy(opening.taxonomy).names
    spec, guess = row_of_file(path, tuple(names))
    if spec.family == "saliency":
        spec = spec.model_copy(
            update={"family": "semantic", "task": "semantic", "classes": ("background", "object")}
        )
    remarks = tuple(f"{path.name}: {each}" for each in guess.assumed)
    return replace(from_row(spec, path, opening), remarks=remarks)


def _is_path(name: str) -> bool:
    if any(mark in name for mark in ("/", "\\")) or name in (".", ".."):
        return True
    path = Path(name)
    if path.suffix.lower() in PICKLES and path.exists():
        raise ModelError(refusal(path))
    return path.is_dir() and (path / "config.json").exists() | (path / "model.toml").exists()


def _names() -> tuple[str, ...]:
    rows = tuple(spec.name for spec in load_catalogue() if spec.family != "saliency")
    return (*METHODS, *rows, "hf:OWNER/NAME", "torchvision:NAME", "a folder", "an ONNX file")
