"""A clip as a folder of PNGs, numbered from 0 as in rows and keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskworks.core.reading import Details
from maskworks.core.values import Image, Matte
from maskworks.core.writing import Encoding, encode, write_atomic
from maskworks.video.encoding import Rendered, explained

_DIGITS = 6


class PngFolder:
    """Writes frames as files of their own.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explained(error, folder) from error

    def add(self, frame: Rendered) -> None:
        """Write the next frame."""
        matte = None
        if frame.alpha is not None:
            matte = Matte(frame.alpha.astype(np.float32) / np.float32(255))
        data = encode(Image(frame.pixels), matte, Encoding(format="png"), Details(format="clip"))
        write_atomic(self._folder / f"{frame.index:0{_DIGITS}d}.png", data)

    def close(self) -> None:
        """Do nothing: every file is whole."""

    def drop(self) -> None:
        """Do nothing: a frame that is there is there."""

    def finish(self) -> None:
        """Do nothing: there is nothing to put together."""
