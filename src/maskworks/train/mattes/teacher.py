"""Run a published network as a teacher: its mattes stand in for missing labels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as PilImage

from maskworks.core.atomic import write_atomic
from maskworks.core.errors import RecipeError
from maskworks.models.runtimes.network import Network
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.train.mattes.recipe import Teacher

Bytes = npt.NDArray[np.uint8]

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)


class Labels:
    """A teacher's labels, one PNG a picture: looked up, or made and kept.

    Parameters
    ----------
    teacher : the recipe's
    data : folder that its weights are relative to
    folder : where the labels of this teacher lie, ``SOURCE/STEM.png`` each
    threads : of the network; 0 lets the machine decide
    """

    def __init__(self, teacher: Teacher, data: Path, folder: Path, *, threads: int = 0) -> None:
        self.teacher, self.folder = teacher, folder
        self._path, self._threads = data / teacher.weights, threads
        self._network: Network | None = None
        if teacher.missing == "label" and not self._path.exists():
            raise RecipeError(self._path, "does not exist", "point teacher.weights at an ONNX file")

    def counts(self) -> dict[str, int]:
        """Count the labels of each source that are kept already."""
        folders = (p for p in self.folder.rglob("*") if p.is_dir())
        found = {p.relative_to(self.folder).as_posix(): len(list(p.glob("*.png"))) for p in folders}
        return {name: count for name, count in found.items() if count}

    def __call__(self, source: str, stem: str, picture: PilImage.Image) -> Bytes | None:
        """Return a picture's label, uint8 (S, S); None where it has none and none is made."""
        path = self.folder / source / f"{stem}.png"
        if path.exists():
            with PilImage.open(path) as kept:
                return np.asarray(kept.convert("L"))
        if self.teacher.missing == "skip":
            return None
        label = self._taught(picture)
        path.parent.mkdir(parents=True, exist_ok=True)
        file = io.BytesIO()
        PilImage.fromarray(label).save(file, "PNG")
        write_atomic(path, file.getvalue())
        return label

    def _taught(self, picture: PilImage.Image) -> Bytes:
        """Show the picture as the published code does: squashed, divided by its maximum."""
        if self._network is None:
            self._network = open_onnx(self._path, threads=self._threads)
        side = (self.teacher.input_size, self.teacher.input_size)
        x = np.asarray(picture.resize(side, PilImage.Resampling.LANCZOS), np.float32)
        x = (x / max(float(x.max()), 1e-6) - _MEAN) / _STD
        (matte, *_) = self._network(np.ascontiguousarray(x.transpose(2, 0, 1)[None]))
        flat = matte[0, 0] - matte.min()
        return np.asarray((flat / max(float(flat.max()), 1e-6) * 255).round(), np.uint8)
