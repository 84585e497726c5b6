"""An ONNX file without a row, where its shapes and metadata say what it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from maskworks.models.checksum import digest
from maskworks.models.guessing import guess_onnx
from maskworks.models.spec import ModelSpec

if TYPE_CHECKING:
    from maskworks.models.guessing import Guess

UNKNOWN = {
    "licence": "LicenseRef-unknown",
    "commercial": False,
    "data": "Not stated.",
    "source": "a local file",
}
"""What a file does not say of itself."""


def is_onnx(name: str) -> bool:
    """Say whether a name is that of an ONNX file that is here."""
    return name.lower().endswith(".onnx") and Path(name).expanduser().is_file()


def row_of_file(path: Path, names: tuple[str, ...] = ()) -> tuple[ModelSpec, Guess]:
    """Return the row that a file has by itself, and what was taken for granted.

    Parameters
    ----------
    path : Path
    names : tuple[str, ...]
        Of its classes; by default those of its metadata.

    Raises
    ------
    ModelError
        If it does not say what it is; see `guess_onnx`.
    """
    found = guess_onnx(path, names=names)
    stem = re.sub(r"[^a-z0-9._-]", "-", path.stem.lower()).strip("-._")[:64] or "model"
    task = {"saliency": "cutout"}.get(found.family, found.family)
    spec = ModelSpec.model_validate(
        {
            "name": stem, "title": f"{path.name}, as it lies", "family": found.family,
            "task": task, "file": "model.onnx", "sha256": digest(path, "sha256"),
            "classes": found.names, "input": found.input, "output": found.output, **UNKNOWN,
        }
    )  # fmt: skip
    return spec, found
