"""A second stage on the edge: a small network that makes a matte as sharp as its input.

A cut-out network decides at half of its input's size and enlarges that. This one is shown its input
and its matte, both at the input's size, and says what the matte should have been within a few
pixels. It has twelve thousand weights; `bench/fit_sharpener.py` trains and writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from maskworks.models.runtimes.network import Batch, Network, Outputs

LEAST = 0.005
"""A matte is no surer than this, nor than one minus it, when it becomes a logit."""

STEPPED = 0.4
"""Of the logit, so that it is about as large as the colours."""


def sharpened(network: Network, sharpener: Network) -> Network:
    """Return a network whose matte went through a second one.

    Parameters
    ----------
    network : Network
        Takes (1, 3, h, w), colours in [-1, 1]; its first output is a matte of h times w values
        in [0, 1].
    sharpener : Network
        Takes (1, 4, h, w), the same and the matte; answers with a matte (1, 1, h, w).

    Returns
    -------
    Network
        Its other outputs are those of `network`. Where height or width is no multiple of four,
        or the matte has another size or is not finite, it comes back as it was.

    Examples
    --------
    >>> flat = lambda batch: (np.full((1, 1, *batch.shape[2:]), 0.4, np.float32), np.ones(1))
    >>> surer = lambda batch: (np.rint(batch[:, 3:]),)
    >>> matte, confidence = sharpened(flat, surer)(np.zeros((1, 3, 8, 8), np.float32))
    >>> float(matte.max()), confidence.tolist()
    (0.0, [1.0])
    """

    def both(batch: Batch) -> Outputs:
        matte, *others = network(batch)
        height, width = batch.shape[-2:]
        if height % 4 or width % 4 or matte.size != height * width or not np.isfinite(matte).all():
            return (matte, *others)
        plane = matte.reshape(1, 1, height, width).astype(np.float32, copy=False)
        return (sharpener(np.concatenate([batch, plane], axis=1))[0], *others)

    return both
