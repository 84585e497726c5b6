"""Any model that is loaded as one ONNX file and its row: `maskworks export MODEL -o FILE`.

The file is proved equal to Torch before it is kept, and the folder it lies in is then a model
that `maskworks segment --model FOLDER` runs without Torch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import ModelError, UsageError
from maskworks.core.writing import write_atomic, write_text_atomic
from maskworks.models.families.class_scores import softmax
from maskworks.models.families.queries import sigmoid
from maskworks.models.importing import to_toml
from maskworks.models.model_folder import CONFIG, ROW
from maskworks.models.opening import HUB
from maskworks.models.spec import InputSpec, ModelSpec
from maskworks.models.traceable import Size, traceable

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskworks.models.runtimes.network import Outputs

PARITY_AT_MOST = 1e-4

OUTPUTS = {
    "detections": ("boxes", "labels", "scores", "masks"),
    "queries": ("classes", "masks"),
}
"""What the outputs of a file are called; the others have one, "logits"."""


@dataclass(frozen=True)
class ExportedModel:
    """A finished file, its row, and how far from Torch it answers (as a share or a chance)."""

    path: Path
    row: Path
    bytes: int
    difference: float


def is_model(name: str) -> bool:
    """Return whether `maskworks export` is asked for a model, not for a run of a recipe."""
    folder = Path(name)
    if name.startswith(HUB):
        return True
    return not (folder / "recipe.toml").is_file() and any(
        (folder / each).is_file() for each in (ROW, CONFIG)
    )


def export_loaded(name: str, target: Path, *, size: Size | None = None) -> ExportedModel:
    """Write a loaded model as `target`, an ONNX file, and its row ``model.toml`` beside it.

    Parameters
    ----------
    name : str
        A folder with a model, or ``hf:OWNER/NAME`` that lies in the cache.
    target : Path
        Ends in .onnx; a file in a folder of its own.
    size : (h, w), optional
        The one size that the file takes, to which every picture is then squashed. Needed for a
        model whose input follows the picture's shape.

    Raises
    ------
    ModelError
        If the model cannot be loaded or written as ONNX, or ONNX Runtime and Torch differ by more
        than 1e-4; `target` is then untouched.
    UsageError
        If `target` will not do, `size` is missing, or the model is ONNX already.
    """
    _check_target(target)
    found = traceable(name, size)
    from maskworks.models.runtimes.onnx_writing import Answers, difference, write_onnx

    network = Answers(found.module, found.read)
    outputs = OUTPUTS.get(found.spec.output.kind, ("logits",))
    traced_at, sizes = _sizes(found.spec.input)

    def write(part: Path) -> float:
        write_onnx(network, part, size=traced_at, outputs=outputs, any_size=len(sizes) > 1)
        apart = difference(network, part, sizes=sizes, read=_READERS[found.spec.output.kind])
        if not apart <= PARITY_AT_MOST:
            raise ModelError(
                f"{target}: ONNX and Torch differ by {apart:.2g}, at most {PARITY_AT_MOST:g} is "
                "allowed; nothing was written. Run the folder itself with `maskworks segment`"
            )
        return apart

    data, apart = write_proved(target, write)
    row = found.spec.model_copy(
        update={
            "file": target.name,
            "architecture": None,
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
        }
    )
    return ExportedModel(target, write_row(row, target.parent), len(data), apart)


def write_proved(target: Path, write: Callable[[Path], float]) -> tuple[bytes, float]:
    """Write a file that takes its place only once it is proved; return it and what `write` did.

    `write` is called with a path beside `target`; if it raises, `target` is untouched.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        found = write(part)
        data = part.read_bytes()
    finally:
        part.unlink(missing_ok=True)
    write_atomic(target, data)
    return data, found


def write_row(spec: ModelSpec, folder: Path) -> Path:
    """Write ``model.toml``, which makes a folder a model; return its path."""
    text = to_toml([spec])
    begin = text.index("[[models]]") + len("[[models]]")
    path = folder / ROW
    write_text_atomic(path, "# Written by `maskworks export`.\n" + text[begin:].lstrip("\n"))
    return path


def _check_target(target: Path) -> None:
    if target.suffix != ".onnx":
        raise UsageError(f"-o {target}: a model is exported as a .onnx file; name one")
    row, config = target.with_name(ROW), target.with_name(CONFIG)
    taken = config if config.is_file() else None
    if row.is_file() and f'file = "{target.name}"' not in row.read_text("utf-8"):
        taken = row
    if taken is not None:
        raise UsageError(
            f"-o {target}: {taken} makes that folder another model; name a file in a folder of "
            "its own"
        )


def _sizes(rule: InputSpec) -> tuple[Size, list[Size]]:
    """Return the size at which a network is traced, and those at which it is proved."""
    if rule.resize != "keep":
        return (rule.height, rule.width), [(rule.height, rule.width)] * 2
    step = max(32, rule.stride)
    return (3 * step, 4 * step), [(2 * step, 3 * step), (5 * step, 2 * step)]


def _chances(outputs: Outputs, _size: Size) -> Outputs:
    return tuple(softmax(each.transpose(1, 0, 2, 3)) for each in outputs)


def _shares(outputs: Outputs, _size: Size) -> Outputs:
    return tuple(sigmoid(each) for each in outputs)


def _boxes_as_shares(outputs: Outputs, size: Size) -> Outputs:
    boxes, *others = outputs
    return (boxes / np.float32(max(size)), *others)


def _both(outputs: Outputs, _size: Size) -> Outputs:
    classes, masks = outputs
    return softmax(classes.transpose(2, 0, 1)), sigmoid(masks)


_READERS = {
    "class-logits": _chances,
    "logits": _shares,
    "detections": _boxes_as_shares,
    "queries": _both,
}
"""How outputs are compared: as chances, and boxes as shares of the input's longer side."""
