"""Edge networks: the picture and a coarse matte in, the same matte with a better edge out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.errors import NetworkError
from maskworks.core.values import Matte
from maskworks.models.families.network_input import to_input
from maskworks.models.families.resampling import enlarge, shrink

if TYPE_CHECKING:
    from maskworks.core.values import Image
    from maskworks.models.runtimes.network import Network
    from maskworks.models.spec import ModelSpec

_NOISE = 1e-3


def redraw(image: Image, matte: Matte, spec: ModelSpec, network: Network) -> Matte:
    """Redraw the edge of a matte as the picture shows it.

    Parameters
    ----------
    image : Image of shape (H, W)
    matte : Matte of shape (H, W)
        Coarse: another network's, enlarged to the picture.
    spec : ModelSpec
        Its input's long side is the size up to which the network sees the picture's own pixels;
        a larger picture is shrunk to it, a smaller one stays as it is.
    network : Network
        (1, 4, h, w), the normalised picture and the matte in [0, 1], to (1, 1, h, w).

    Returns
    -------
    Matte of shape (H, W)

    Raises
    ------
    NetworkError
        If the answer is not a map of that size in [0, 1].
    """
    height, width = image.size
    factor = min(1.0, max(spec.input.height, spec.input.width) / max(height, width))
    small = (max(1, round(height * factor)), max(1, round(width * factor)))
    batch, place = to_input(shrink(image.pixels, *small), spec.input)
    coarse = _shrunk(matte, *small)
    below, right = batch.shape[2] - small[0], batch.shape[3] - small[1]
    coarse = np.pad(coarse, ((0, below), (0, right)), mode="edge")
    answer = network(np.concatenate((batch, coarse[np.newaxis, np.newaxis]), axis=1))
    wanted = (1, 1, *batch.shape[2:])
    if not answer or answer[0].shape != wanted:
        got = answer[0].shape if answer else "nothing"
        raise NetworkError(spec.name, f"the matte has shape {got}, expected {wanted}")
    found = answer[0][0, 0, : place.height, : place.width].astype(np.float32, copy=False)
    low, high = float(found.min()), float(found.max())
    if not (low >= -_NOISE and high <= 1 + _NOISE):  # NaN fails too
        raise NetworkError(spec.name, f"the matte must lie in [0, 1], got [{low:g}, {high:g}]")
    return Matte(np.clip(enlarge(found, height, width), 0, 1))


def _shrunk(matte: Matte, height: int, width: int) -> np.ndarray:
    import cv2

    if matte.size == (height, width):
        return matte.alpha
    return np.asarray(
        cv2.resize(matte.alpha, (width, height), interpolation=cv2.INTER_AREA), np.float32
    )
