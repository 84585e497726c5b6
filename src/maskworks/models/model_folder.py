"""Models as folders: a row and its file, or what a hub holds; safetensors only.

``hf:OWNER/NAME`` is a folder in the cache: ``MASKWORKS_HOME/hub/OWNER/NAME``. It is filled by
`maskworks models pull hf:OWNER/NAME`, or by hand on a machine without a connection.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from maskworks.core.errors import ModelError, UsageError
from maskworks.core.toml_text import parse_toml
from maskworks.models.checksum import digest
from maskworks.models.families.smp_models import CLASS_KEY
from maskworks.models.hub_cache import cache_folder, cached_snapshot
from maskworks.models.labelling import Segmenter
from maskworks.models.opening import (
    HUB,
    PICKLES,
    TORCHVISION,
    Opening,
    from_row,
    of_network,
    refusal,
    taxonomy_of,
)
from maskworks.models.settings import home
from maskworks.models.spec import ModelSpec

ROW = "model.toml"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


def open_folder(name: str, opening: Opening) -> Segmenter:
    """Open a folder with a model, or the cached folder of ``hf:OWNER/NAME``.

    Raises
    ------
    ModelError
        If a file is missing (with its name and where to put it), is a pickle, or does not fit.
    UsageError
        If the name is not of the form, or the folder not there.
    """
    folder = folder_of(name)
    if (folder / ROW).is_file():
        return _of_row(folder, opening)
    config = read_config(folder, name)
    _check_weights(folder)
    if CLASS_KEY in config:
        from maskworks.models.families.smp_models import open_smp

        spec, network = open_smp(folder, config, threads=opening.threads)
        found = spec.model_copy(update={"sha256": digest(folder / WEIGHTS, "sha256")})
        return of_network(found, network, taxonomy_of(found, opening.taxonomy), opening)
    from maskworks.models.families.transformers_models import open_transformers

    return open_transformers(folder, config, opening)


def own_folder(name: str) -> Path:
    """Return where ``hf:OWNER/NAME`` or ``torchvision:NAME`` is kept by us; it may not be there.

    Raises
    ------
    UsageError
        If the name is not of the form.
    """
    if name.startswith(TORCHVISION):
        short = name.removeprefix(TORCHVISION)
        if not re.fullmatch(r"\w+", short):
            raise UsageError(f"{name!r} is not of the form torchvision:NAME")
        return home() / "hub" / "torchvision" / short
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name.removeprefix(HUB)):
        raise UsageError(f"{name!r} is not of the form hf:OWNER/NAME")
    return home() / "hub" / name.removeprefix(HUB)


def folder_of(name: str) -> Path:
    """Return the folder that a name means; it may not be there.

    What is not in our own folder is looked for in the cache of the Hugging Face libraries.

    Examples
    --------
    >>> folder_of("hf:nvidia/segformer-b0").parts[-3:]
    ('hub', 'nvidia', 'segformer-b0')
    """
    if not name.startswith((HUB, TORCHVISION)):
        path = Path(name).expanduser()
        if path.suffix.lower() in PICKLES:
            raise ModelError(refusal(path))
        if path.is_file():
            raise UsageError(
                f"{name}: is a file; put it into a folder with a {ROW} that says what it is, "
                "or import an ONNX file with `maskworks models import`"
            )
        if not path.is_dir():
            raise UsageError(f"{name}: there is no such folder or model; check the path")
        return path
    own = own_folder(name)
    if own.is_dir() or name.startswith(TORCHVISION):
        return own
    return cached_snapshot(name.removeprefix(HUB)) or own


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """Return what ``config.json`` says.

    Raises
    ------
    ModelError
        If it is not there: what was looked for, and where to put it.
    """
    path = folder / CONFIG
    if not path.is_file():
        if name.startswith(HUB):
            raise ModelError(
                f"{name}: is not on this machine; looked for {path}, and in {cache_folder()}. "
                f"Fetch it with `maskworks models pull {name}`, or copy its {CONFIG}, "
                f"preprocessor_config.json and {WEIGHTS} into {folder}"
            )
        if name.startswith(TORCHVISION):
            raise ModelError(
                f"{name}: is not on this machine; fetch it with `maskworks models pull {name}`, "
                "which also takes it from torch's own cache"
            )
        pickles = sorted(each for each in folder.iterdir() if each.suffix.lower() in PICKLES)
        if pickles:
            raise ModelError(refusal(pickles[0]))
        raise ModelError(
            f"{folder}: has neither {CONFIG} nor {ROW}; a model is a folder with one of them and "
            "its weights"
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: is not JSON ({error}); copy it again") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path}: is not a configuration; copy it again")
    return config


def _check_weights(folder: Path) -> None:
    if (folder / WEIGHTS).is_file() or (folder / INDEX).is_file():
        return
    pickles = sorted(each for each in folder.iterdir() if each.suffix.lower() in PICKLES)
    if pickles:
        raise ModelError(refusal(pickles[0]))
    raise ModelError(f"{folder / WEIGHTS}: there is no such file; copy the weights there")


def row_of(name: str) -> tuple[Path, ModelSpec]:
    """Return the folder of a model and its row; only a folder with ``model.toml`` has one.

    Raises
    ------
    ModelError
        If the row cannot be read, its file is missing, or a pickle.
    UsageError
        If there is no such folder, or it has no row.
    """
    folder = folder_of(name)
    if not (folder / ROW).is_file():
        raise UsageError(f"{folder}: has no {ROW}, so nothing is known of it; write one")
    return folder, _row(folder)[0]


def _of_row(folder: Path, opening: Opening) -> Segmenter:
    """Open a folder with a row of its own; the file's checksum need not stand in it."""
    spec, file = _row(folder)
    if spec.family == "saliency":
        raise UsageError(
            f"{folder / ROW}: a saliency model finds one subject; import it for cutout"
        )
    return from_row(spec, file, opening)


def _row(folder: Path) -> tuple[ModelSpec, Path]:
    path = folder / ROW
    try:
        fields = parse_toml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); correct it") from error
    file = folder / str(fields.get("file", ""))
    if file.suffix.lower() in PICKLES:
        raise ModelError(refusal(file))
    if not file.is_file():
        raise ModelError(f"{path}: its file {file} is not there; correct `file` or copy it there")
    try:
        spec = ModelSpec.model_validate({**_DEFAULTS, "sha256": digest(file, "sha256"), **fields})
    except ValidationError as error:
        found = error.errors()[0]
        where = ".".join(str(part) for part in found["loc"]) or "row"
        raise ModelError(f"{path}: {where}: {found['msg']}; correct it") from error
    return spec, file


_DEFAULTS = {
    "title": "A model of its own",
    "licence": "LicenseRef-unknown",
    "commercial": False,
    "data": "Not stated.",
    "source": "a local folder",
}
