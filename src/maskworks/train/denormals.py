"""Flush denormal floats to zero during training, and only then.

They slow a processor down a hundredfold. The switch belongs to the thread; what is computed in
it afterwards must find it as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def denormals_as_zero() -> Iterator[None]:
    """Flush denormals inside the `with` block, or inside the function it decorates.

    Examples
    --------
    >>> import numpy as np
    >>> tiny = np.float32(1e-40)
    >>> with denormals_as_zero():
    ...     float(tiny * np.float32(1))
    0.0
    >>> float(tiny * np.float32(1)) > 0
    True
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
