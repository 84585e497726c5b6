"""A network is a callable; ONNX Runtime, Torch and a test's ``lambda`` are equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Batch = NDArray[np.float32]
"""(N, 3, h, w) float32."""

Outputs = tuple[NDArray[Any], ...]
"""Every output of the network, in its own order."""

Network = Callable[[Batch], Outputs]

SMALL_PX = 480 * 480
"""Inputs of up to so many pixels are small: those of `cutout`, whatever the photo's aspect."""
