"""Symbols and logos that the user supplies, found by SIFT features that agree on one placing.

Lowe, Distinctive image features from scale-invariant keypoints (IJCV 2004); RANSAC homography.
The number of inliers is the evidence, and stands in the label.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskworks.core.errors import UsageError
from maskworks.core.reading import read_picture
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
from maskworks.scene.topics import NAMES, SensitiveTopic, topic_of

NAME = "logos"
LEAST_INLIERS = 10
_SURE_INLIERS = 30
_RATIO = 0.75
_LONGEST = 800
_PIXELS_OFF = 4.0
_PICTURES = {".png", ".jpg", ".jpeg", ".webp"}


@dataclass(frozen=True, eq=False)
class LogoTemplate:
    """A logo's features: OpenCV keypoints and SIFT descriptors (n, 128), and its size (H, W)."""

    points: Any
    features: Any
    size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class _Logo:
    name: str
    topic: SensitiveTopic
    template: LogoTemplate


def read_logo(path: Path) -> LogoTemplate:
    """Read the features of a logo.

    Raises
    ------
    UsageError
        If it has too few features to be recognised.
    ImageError
        If it cannot be read.
    """
    grey, _ = _grey(read_picture(path).image.pixels)
    points, features = cv2.SIFT.create().detectAndCompute(grey, None)
    if features is None or len(points) < LEAST_INLIERS:
        found = 0 if points is None else len(points)
        raise UsageError(
            f"{path}: has {found} features, {LEAST_INLIERS} are the least that can be "
            "recognised; give a larger or sharper picture"
        )
    return LogoTemplate(points, features, grey.shape)


class LogoFinder:
    """The features of one picture, uint8 (H, W, 3) RGB, in which logos are looked for."""

    def __init__(self, pixels: Pixels) -> None:
        grey, self._scale = _grey(pixels)
        self._size = pixels.shape[:2]
        self._points, self._features = cv2.SIFT.create().detectAndCompute(grey, None)

    def find(self, logo: LogoTemplate) -> tuple[int, Box] | None:
        """Return how many features agree on one placing of a logo, and its box; None if few do."""
        placed = _placed(logo, self._points, self._features)
        if placed is None:
            return None
        inliers, corners = placed
        return inliers, _around(corners / self._scale, *self._size)


class Logos:
    """The user's symbols, each with its category."""

    def __init__(self, logos: list[_Logo]) -> None:
        self._logos = logos
        topics = tuple(name for name in NAMES if any(each.topic.name == name for each in logos))
        self.info = SignalInfo(
            NAME, "picture", "frames", f"{len(logos)} logos, SIFT", topics, partial=True
        )

    def examine(self, media: Media) -> Iterable[Sighting]:
        """Return the logos that are in a frame."""
        if not isinstance(media, SampledFrame):
            return ()
        finder = LogoFinder(media.pixels)
        found = []
        for logo in self._logos:
            placed = finder.find(logo.template)
            if placed is None:
                continue
            inliers, box = placed
            found.append(
                Sighting(
                    topic=logo.topic.name,
                    label=f"{logo.name}: {inliers} points agree",
                    confidence=round(min(0.95, 0.5 + 0.45 * inliers / _SURE_INLIERS), 4),
                    time_ms=media.time_ms,
                    duration_ms=media.duration_ms,
                    source=self.info.source,
                    frame_index=media.index,
                    pts=media.pts,
                    box=box,
                )
            )
        return found

    def finish(self) -> Iterable[Sighting]:
        """Return nothing: a frame tells all by itself."""
        return ()


def _grey(pixels: Pixels) -> tuple[Any, float]:
    height, width = pixels.shape[:2]
    scale = min(1.0, _LONGEST / max(height, width))
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return grey, scale


def _placed(logo: LogoTemplate, points: Any, features: Any) -> tuple[int, Any] | None:  # noqa: ANN401
    """Return how many features agree on one placing, and the logo's corners there."""
    if features is None or len(points) < LEAST_INLIERS:
        return None
    pairs = cv2.BFMatcher().knnMatch(logo.features, features, k=2)
    good = [p[0] for p in pairs if len(p) == 2 and p[0].distance < _RATIO * p[1].distance]
    if len({match.trainIdx for match in good}) < LEAST_INLIERS:
        return None
    ours = np.array([logo.points[m.queryIdx].pt for m in good], np.float32)
    theirs = np.array([points[m.trainIdx].pt for m in good], np.float32)
    cv2.setRNGSeed(0)
    placing: Any  # None where there is none, which OpenCV's types leave out
    placing, agree = cv2.findHomography(ours, theirs, cv2.RANSAC, _PIXELS_OFF)
    if placing is None:
        return None
    kept = {
        tuple(point) for point, yes in zip(theirs.round().tolist(), agree[:, 0], strict=True) if yes
    }
    height, width = logo.size
    corners = np.array([[[0, 0]], [[width, 0]], [[width, height]], [[0, height]]], np.float32)
    placed = cv2.perspectiveTransform(corners, placing)[:, 0]
    if len(kept) < LEAST_INLIERS or not cv2.isContourConvex(placed.astype(np.float32)):
        return None
    return len(kept), placed


def _around(corners: Any, height: int, width: int) -> Box:  # noqa: ANN401 - (4, 2) of x, y
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)), 1, (width, height)).astype(int)
    return Box(int(top), int(left), max(int(bottom), int(top) + 1), max(int(right), int(left) + 1))


def open_logos(choices: SignalChoices) -> Signal:
    """Read a folder of logos: FOLDER/CATEGORY/name.png, CATEGORY a name or an IAB id.

    Raises
    ------
    UsageError
        If there is no such folder, a sub-folder is no category, or a logo has too few features.
    """
    if choices.logos is None:
        info = SignalInfo(NAME, "picture", "frames", "SIFT", (), partial=True)
        return Missing(_without(info, "no logos were given (--logos FOLDER)"))
    folder = Path(choices.logos)
    files = [p for p in sorted(folder.glob("*/*")) if p.suffix.lower() in _PICTURES]
    if not files:
        raise UsageError(f"{folder}: holds no logo; lay them as FOLDER/hate/name.png")
    logos = [
        _Logo(path.stem, topic_of(path.parent.name, where=str(path.parent)), read_logo(path))
        for path in files
    ]
    return Logos(logos)


def _without(info: SignalInfo, why: str) -> SignalInfo:
    from dataclasses import replace

    return replace(info, why_not=why)
