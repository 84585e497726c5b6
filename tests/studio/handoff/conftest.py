"""Shapes, their outlines sampled densely, and ImageMagick if it is there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest

from maskworks.core.values import Image, Matte
from maskworks.studio.handoff import Handover, subject_guides, trace

FINER = 8


def _drawn(draw: Callable[[np.ndarray], None], size: tuple[int, int]) -> np.ndarray:
    """Draw at eight times the size and average: what a perfect lens would see."""
    fine = np.zeros((size[0] * FINER, size[1] * FINER), np.uint8)
    draw(fine)
    small = cv2.resize(fine, size[::-1], interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / np.float32(255)


def circle(fine: np.ndarray) -> None:
    cv2.circle(fine, (960, 960), 800, 255, -1)


def ring(fine: np.ndarray) -> None:
    circle(fine)
    cv2.circle(fine, (960, 960), 400, 0, -1)


def square(fine: np.ndarray) -> None:
    fine[320:1600, 320:1600] = 255


def tilted(fine: np.ndarray) -> None:
    corners = [[320, 800], [1600, 480], [1900, 1760], [640, 1900]]
    cv2.fillPoly(fine, [np.array(corners)], 255)


def letters(fine: np.ndarray) -> None:
    cv2.putText(fine, "B8a", (40, 1400), cv2.FONT_HERSHEY_DUPLEX, 26, 255, 100)


def hair(fine: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    cv2.circle(fine, (960, 960), 400, 255, -1)
    for _ in range(60):
        radius = np.linspace(350, rng.uniform(500, 900), 40)
        angle = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.02, 40))
        strand = 960 + np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        cv2.polylines(fine, [strand.astype(np.int32)], False, 255, int(rng.uniform(5, 20)))


SHAPES = {draw.__name__: draw for draw in (circle, ring, square, tilted, letters, hair)}


@pytest.fixture(scope="session")
def shape() -> Callable[[str], Matte]:
    """A shape by its name, 240 x 240; "hard-" before it for one without soft edges."""

    def make(name: str) -> Matte:
        alpha = _drawn(SHAPES[name.removeprefix("hard-")], (240, 240))
        return Matte((alpha >= 0.5).astype(np.float32) if name.startswith("hard-") else alpha)

    return make


@pytest.fixture(scope="session")
def curve_points() -> Callable[[np.ndarray], np.ndarray]:
    """Sample a closed curve: its knots are (n, 3, 2), before, on and after."""
    u = np.linspace(0, 1, 50, endpoint=False)[:, None]
    weights = np.hstack([(1 - u) ** 3, 3 * u * (1 - u) ** 2, 3 * u**2 * (1 - u), u**3])

    def sample(knots):
        after = np.roll(knots, -1, axis=0)
        control = np.stack([knots[:, 1], knots[:, 2], after[:, 0], after[:, 1]], axis=1)
        return np.einsum("ui,kid->kud", weights, control).reshape(-1, 2)

    return sample


@pytest.fixture(scope="session")
def overlap() -> Callable[[Sequence[np.ndarray], np.ndarray], float]:
    """Fill closed lines of (row, column), even-odd, pixel centres count; IoU with a mask."""

    step = 4 * FINER

    def measure(curves, inside):
        fine = np.zeros([side * step for side in inside.shape], np.uint8)
        lines = [np.round(line[:, ::-1] * step - 0.5).astype(np.int32) for line in curves]
        filled = cv2.fillPoly(fine, lines, 1)[step // 2 :: step, step // 2 :: step] == 1
        return np.count_nonzero(filled & inside) / np.count_nonzero(filled | inside)

    return measure


@pytest.fixture(scope="session")
def levels() -> Callable[[Matte], np.ndarray]:
    """Alpha as the formats hold it."""
    return lambda matte: np.rint(matte.alpha * 255).astype(np.uint8)


@pytest.fixture
def handover(rng, shape) -> Handover:
    """A picture with a ring cut out, colours cleaned at its edge, guides and a path."""
    matte = shape("ring")
    pixels = rng.integers(0, 256, (240, 240, 3), dtype=np.uint8)
    soft = (matte.alpha > 0) & (matte.alpha < 1)
    clean = np.where(soft[..., None], 255 - pixels, pixels)
    return Handover(
        "Schuh & Söhne <1>",
        Image(pixels),
        matte,
        foreground=Image(clean),
        path=trace(matte),
        guides=subject_guides(matte),
        dpi=(300.0, 72.0),
    )


@pytest.fixture(scope="session")
def magick() -> Callable[..., bytes]:
    """Run ImageMagick; `magick("identify", ...)` or `magick("convert", ...)`."""
    new, old = shutil.which("magick"), shutil.which("identify-im6.q16")
    if new is None and old is None:
        pytest.skip("ImageMagick is not installed (apt-get install imagemagick)")

    def run(tool: str, *arguments: object) -> bytes:
        command = [new, tool] if new else [old.replace("identify", tool)]
        words = [*command, *map(str, arguments)]
        return subprocess.run(words, capture_output=True, check=True).stdout

    return run
