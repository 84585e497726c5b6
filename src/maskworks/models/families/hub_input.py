"""A picture as a model of the hub takes it: what ``preprocessor_config.json`` says.

Done here rather than by the library's own processors, so that one rule holds for every family,
nothing is fetched, and it is known which part of the input is the picture.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pil

from maskworks.core.errors import ModelError
from maskworks.models.families.network_input import Place, without_padding

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from maskworks.core.values import Pixels
    from maskworks.models.runtimes.network import Batch

FILE = "preprocessor_config.json"
_HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True, kw_only=True)
class HubInput:
    """How a picture is prepared.

    One of `square` (height, width), `shortest` with an optional `longest`, or `longest` alone
    gives the new size; `multiple` rounds it to a multiple, aspect kept if `keep_aspect`;
    `divisor` and `pad` fill it up to the right and below, with 0 after normalisation;
    `split` cuts it into squares along its longer side instead.
    """

    square: tuple[int, int] | None = None
    shortest: int | None = None
    longest: int | None = None
    multiple: int = 1
    keep_aspect: bool = False
    divisor: int = 1
    pad: tuple[int, int] | None = None
    split: bool = False
    resample: int = 2
    rescale: float = 1 / 255
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def size_of(self, height: int, width: int) -> tuple[int, int]:
        """Return the size (h, w) that a picture is resized to, before padding.

        Examples
        --------
        >>> HubInput(shortest=800, longest=1333).size_of(500, 1000)
        (666, 1333)
        """
        if self.square is not None:
            if not self.keep_aspect:
                return self.square
            factors = (self.square[0] / height, self.square[1] / width)
            factor = min(factors, key=lambda each: abs(1 - each))
            return self._rounded(height * factor), self._rounded(width * factor)
        factor = 1.0
        if self.shortest is not None:
            factor = self.shortest / min(height, width)
        if self.longest is not None:
            most = self.longest / max(height, width)
            factor = min(factor, most) if self.shortest is not None else most
        return max(1, round(height * factor)), max(1, round(width * factor))

    def _rounded(self, value: float) -> int:
        return max(self.multiple, round(value / self.multiple) * self.multiple)


@dataclass(frozen=True, eq=False)
class Prepared:
    """The input float32 (1, 3, h, w), and how much of it, from the top left, is the picture."""

    batch: Batch
    height: int
    width: int

    @property
    def place(self) -> Place:
        """Where the picture lies in the input."""
        return Place(0, 0, self.height, self.width, (self.batch.shape[2], self.batch.shape[3]))

    def crop(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the part of an answer (C, h', w') that is of the picture."""
        return without_padding(values, self.place)


def prepare(pixels: Pixels, rule: HubInput) -> Prepared:
    """Resize, normalise and pad a picture, uint8 (H, W, 3)."""
    height, width = rule.size_of(pixels.shape[0], pixels.shape[1])
    resized = Pil.fromarray(pixels).resize((width, height), Pil.Resampling(rule.resample))
    mean, std = np.array(rule.mean, np.float32), np.array(rule.std, np.float32)
    values = (np.asarray(resized, np.float32) * np.float32(rule.rescale) - mean) / std
    full = [-(-side // rule.divisor) * rule.divisor for side in (height, width)]
    if rule.pad is not None:
        full = [max(side, wanted) for side, wanted in zip(full, rule.pad, strict=True)]
    padded = np.zeros((1, 3, *full), np.float32)
    padded[0, :, :height, :width] = values.transpose(2, 0, 1)
    return Prepared(padded, height, width)


def read_rule(folder: Path) -> HubInput:
    """Read a folder's ``preprocessor_config.json``.

    Raises
    ------
    ModelError
        If it is not there or says nothing of a size.
    """
    path = folder / FILE
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path}: cannot be read ({error}); it says how pictures are prepared, copy it from "
            "where the model comes from"
        ) from error
    said = said.get("image_processor", said)
    fields = {**_size(said, path), **_padding(said)}
    if said.get("do_normalize", True):
        fields |= {"mean": _triple(said, "image_mean"), "std": _triple(said, "image_std")}
    return HubInput(
        **fields,
        resample=int(said.get("resample", 2)),
        rescale=float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", True) else 1.0,
    )


def _size(said: dict[str, Any], path: Path) -> dict[str, Any]:
    size = said.get("size", said.get("crop_size"))
    if isinstance(size, int):
        longest = said.get("max_size")
        return {"shortest": size, "longest": longest} if longest else {"square": (size, size)}
    if isinstance(size, dict):
        if size.get("height") and size.get("width"):
            return {
                "square": (int(size["height"]), int(size["width"])),
                "keep_aspect": bool(said.get("keep_aspect_ratio", False)),
                "multiple": int(said.get("ensure_multiple_of") or 1),
            }
        shortest, longest = size.get("shortest_edge"), size.get("longest_edge")
        if shortest or longest:
            return {"shortest": shortest, "longest": longest}
    raise ModelError(
        f"{path}: says no size (height and width, or shortest_edge or longest_edge); correct it"
    )


def _padding(said: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"divisor": int(said.get("size_divisor") or 1)}
    size, pad = said.get("size"), said.get("pad_size")
    if (pad and said.get("do_pad")) or (pad and "longest_edge" in (size or {})):
        fields["pad"] = (int(pad["height"]), int(pad["width"]))
    elif "do_split_image" in said and isinstance(size, dict) and size.get("shortest_edge"):
        side = int(size["shortest_edge"])  # EoMT: a square, filled up or cut into several
        fields["pad"] = (
            (side, int(size.get("longest_edge") or side)) if said.get("do_pad") else None
        )
        fields["split"] = bool(said.get("do_split_image"))
    return fields


def _triple(said: dict[str, Any], key: str) -> tuple[float, float, float]:
    values = said.get(key) or _HALF
    first, second, third = (float(value) for value in values)
    return first, second, third
