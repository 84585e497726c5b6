"""A small copy of a picture, inside the page."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path


def preview(path: Path, side_px: int) -> str:
    """Return a copy whose longer side has at most so many pixels, as a data URI.

    Raises
    ------
    OSError
        If the file is no picture that can be read.
    """
    from PIL import Image

    with Image.open(path) as picture:
        small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    small.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    written = BytesIO()
    small.save(written, format="WEBP", quality=86, method=4)
    return f"data:image/webp;base64,{base64.b64encode(written.getvalue()).decode()}"
