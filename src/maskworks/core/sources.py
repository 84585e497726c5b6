"""What a caller has - a path, bytes, an array, a Pillow image - as a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError
from maskworks.core.reading import Details, Limits, Picture, read_picture
from maskworks.core.values import Image, Matte

if TYPE_CHECKING:
    from PIL import Image as PillowImage


Source: TypeAlias = "str | Path | bytes | NDArray[np.uint8] | PillowImage.Image"
"""A path, the content of a file, a uint8 array (H, W), (H, W, 3) or (H, W, 4), a Pillow image.

Arrays have red first (RGB), as Pillow and scikit-image give them; OpenCV has blue first.
"""


def to_picture(source: Any, limits: Limits) -> Picture:  # noqa: ANN401 - what a caller has
    """Return the picture that a path, bytes, an array or a Pillow image holds.

    Raises
    ------
    ImageError
        If it is none of these, cannot be read or is too large.
    """
    if isinstance(source, str | Path):
        return read_picture(Path(source), limits)
    if isinstance(source, bytes | bytearray | memoryview):
        return read_picture(bytes(source), limits)
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if hasattr(source, "getbands"):
        return read_picture(_as_tiff(source), replace(limits, seconds=None), name="Pillow image")
    raise ImageError(
        f"a picture is a path, bytes, a uint8 array or a Pillow image, got "
        f"{type(source).__name__}; convert it first"
    )


def _from_array(array: NDArray[Any]) -> Picture:
    channels = array.shape[2] if array.ndim == 3 else 0
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or channels not in (0, 3, 4):
        raise ImageError(
            "an array must be uint8 (H, W), (H, W, 3) or (H, W, 4), got "
            f"{array.dtype} {array.shape}; scale and convert it first"
        )
    matte = None
    if channels == 4 and array.size and int(array[..., 3].min()) < 255:
        matte = Matte(array[..., 3].astype(np.float32) / np.float32(255))
    colours = np.repeat(array[..., np.newaxis], 3, axis=2) if channels == 0 else array[..., :3]
    return Picture(Image(np.ascontiguousarray(colours)), matte, Details(format="array"))


def _as_tiff(picture: PillowImage.Image) -> bytes:
    from io import BytesIO

    from PIL import ImageOps

    upright = ImageOps.exif_transpose(picture)
    if upright.mode in ("P", "PA", "La", "RGBa", "HSV"):
        upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    written = BytesIO()
    try:
        upright.save(written, format="TIFF", icc_profile=picture.info.get("icc_profile"))
    except (OSError, ValueError) as error:
        raise ImageError(
            f"a Pillow image of mode {picture.mode} cannot be used ({error}); convert it to RGB"
        ) from error
    return written.getvalue()
