"""Keep what decoders warn of out of a caller's terminal; notes of ours say what matters."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Ignore the warnings of Pillow, tifffile and libheif meanwhile; all others stay.

    Examples
    --------
    >>> with quiet_decoders():
    ...     warnings.warn_explicit("odd EXIF", UserWarning, "a.py", 1, module="PIL.TiffImagePlugin")
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(PIL|tifffile|pillow_heif)\b")
        yield
