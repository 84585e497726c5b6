"""The glass bottle of `make_edges.py`: drawn three times too large, then shrunk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

OVER = 3
"""How much larger a shape is drawn, so that its edge is soft afterwards."""

Colours = NDArray[np.float32]
Alpha = NDArray[np.float32]
Points = Sequence[tuple[float, float]]
_SEED = 7


def bottle() -> Image.Image:
    """Draw a green glass bottle with a paper label before a studio sweep."""
    width, height = 600, 760
    scene = _sweep(width, height, top=(196, 204, 214), bottom=(240, 240, 238), horizon=0.72)
    scene = _mix(
        scene, (70, 76, 84), _ellipse(width, height, (150, 640, 480, 700), blur_px=16) * 0.45
    )
    half = [(24, 70), (26, 200), (34, 250), (84, 320), (96, 370), (96, 640), (84, 664)]
    outline = [(300 + x, y) for x, y in half] + [(300 - x, y) for x, y in reversed(half)]
    body = _polygon(width, height, outline, blur_px=1.5)
    core = _shape_inside(body, 13)
    glass = body * (0.88 - 0.42 * core)  # the rim of glass is dark, the middle is clear
    scene = _mix(scene, (28, 74, 52), glass)
    wine = body * (np.arange(height) > 300)[:, np.newaxis] * _shape_inside(body, 6)
    scene = _mix(scene, (38, 96, 60), wine * 0.35)
    scene = _mix(scene, (246, 241, 228), _polygon(width, height, _box(208, 420, 392, 580)) * body)
    scene = _mix(scene, (120, 40, 44), _polygon(width, height, _box(208, 452, 392, 466)) * body)
    for left, right, strength in ((222, 236, 0.75), (370, 376, 0.45)):
        shine = _polygon(width, height, _box(left, 350, right, 630), blur_px=3) * body
        scene = _mix(scene, (255, 255, 255), shine * strength)
    cap = _polygon(width, height, _box(271, 40, 329, 120))
    return _finish(_mix(scene, (176, 148, 72), cap), noise=1.5)


def _sweep(
    width: int,
    height: int,
    *,
    top: tuple[int, int, int],
    bottom: tuple[int, int, int],
    horizon: float,
) -> Colours:
    """Return a wall that runs into a table without an edge."""
    at = np.linspace(0, 1, height, dtype=np.float32)
    share = (1 / (1 + np.exp(-(at - horizon) * 14)))[:, np.newaxis]
    column = np.array(top) * (1 - share) + np.array(bottom) * share
    fall = 1 - 0.10 * np.abs(np.linspace(-1, 1, width))[:, np.newaxis] ** 2
    sweep: Colours = (column[:, np.newaxis] * fall).astype(np.float32)
    return sweep


def _mix(scene: Colours, colour: tuple[int, int, int], alpha: Alpha) -> Colours:
    mixed: Colours = scene + alpha[..., np.newaxis] * (np.array(colour, np.float32) - scene)
    return mixed


def _polygon(width: int, height: int, points: Points, *, blur_px: float = 0) -> Alpha:
    margin = 4 * blur_px + 1  # only the part around the shape is drawn large
    left, top = (max(0, int(min(at) - margin)) for at in zip(*points, strict=True))
    across, down = zip(*points, strict=True)
    right, bottom = min(width, int(max(across) + margin)), min(height, int(max(down) + margin))
    large = Image.new("L", ((right - left) * OVER, (bottom - top) * OVER))
    placed = [((x - left) * OVER, (y - top) * OVER) for x, y in points]
    ImageDraw.Draw(large).polygon(placed, fill=255)
    alpha = np.zeros((height, width), np.float32)
    alpha[top:bottom, left:right] = _shrunk(large, right - left, bottom - top, blur_px)
    return alpha


def _ellipse(width: int, height: int, box: tuple[int, int, int, int], *, blur_px: float) -> Alpha:
    large = Image.new("L", (width * OVER, height * OVER))
    left, top, right, bottom = (value * OVER for value in box)
    ImageDraw.Draw(large).ellipse((left, top, right, bottom), fill=255)
    return _shrunk(large, width, height, blur_px)


def _shrunk(large: Image.Image, width: int, height: int, blur_px: float) -> Alpha:
    small = large.resize((width, height), Image.Resampling.BOX)
    if blur_px:
        small = small.filter(ImageFilter.GaussianBlur(blur_px))
    return np.asarray(small, np.float32) / np.float32(255)


def _shape_inside(shape: Alpha, radius_px: float) -> Alpha:
    """Return the shape with an inner edge that rises softly over the radius."""
    grey = Image.fromarray(np.rint(shape * 255).astype(np.uint8))
    soft = np.asarray(grey.filter(ImageFilter.GaussianBlur(radius_px)), np.float32)
    inside: Alpha = np.clip(soft / np.float32(255) * 2 - 1, 0, 1) * shape
    return inside


def _box(left: float, top: float, right: float, bottom: float) -> Points:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _finish(scene: Colours, *, noise: float) -> Image.Image:
    grain = np.random.default_rng(_SEED).normal(0, noise, scene.shape[:2])[..., np.newaxis]
    return Image.fromarray(np.clip(np.rint(scene + grain), 0, 255).astype(np.uint8))
