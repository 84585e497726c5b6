from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

pytest.importorskip("torch", reason="training needs the extra [torch]")

RECIPE = """
name = "shapes"
task = "labels"
network = "unet"
channels = 4
classes = ["ground", "disc", "bar"]
ignore = 255
height = 48
width = 64
lr = 1e-2
steps = 6
warm_up = 1
dev_steps = 3
ema = 0.5

[train]
folder = "train"

[dev]
folder = "dev"

[losses]
lovasz = 1.0
class_weights = "balanced"

[views]
colour = 0.5

[[stage]]
share = 1
height = 32
width = 48
batch = 2
zoom = [0.7, 1.5]
"""


def scene(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a bright disc and a red bar on dark noise; return pixels and ids, 48 x 64."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :64]
    ids = np.zeros((48, 64), np.uint8)
    left = int(rng.integers(4, 50))
    ids[:, left : left + 8] = 2
    row, column = rng.integers(14, 34), rng.integers(14, 50)
    ids[np.hypot(y - row, x - column) < 11] = 1
    colours = np.array([[40, 40, 40], [230, 230, 90], [200, 30, 30]])
    pixels = colours[ids] + rng.integers(-30, 30, (48, 64, 3))
    ids[:2] = 255
    return pixels.clip(0, 255).astype(np.uint8), ids


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """Drawn scenes in two splits, ids as PNG beside WebP pictures."""
    root = tmp_path_factory.mktemp("scenes")
    for first, (split, count) in enumerate((("train", 6), ("dev", 3))):
        (root / split).mkdir()
        for number in range(count):
            pixels, ids = scene(100 * first + number)
            stem = root / split / f"{split}{number}"
            PilImage.fromarray(pixels).save(stem.with_suffix(".webp"), lossless=True)
            PilImage.fromarray(ids).save(stem.with_suffix(".png"))
    return root


@pytest.fixture(scope="session")
def draw_scene():
    """Draw the scene of a number: pixels and ids, 48 x 64."""
    return scene


@pytest.fixture(scope="session")
def recipe_text():
    """The recipe of the drawn scenes."""
    return RECIPE


@pytest.fixture
def recipe_file(tmp_path):
    """Write a recipe: the drawn scenes', with some parts of its text replaced."""

    def write(**replaced: str) -> Path:
        text = RECIPE
        for key, value in replaced.items():
            lines = [
                f"{key} = {value}" if line.startswith(f"{key} =") else line
                for line in text.splitlines()
            ]
            text = "\n".join(lines)
        path = tmp_path / "shapes.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture(scope="session")
def train():
    """Train for some minutes and return the lines it reported."""
    from maskworks.train.budget import Budget
    from maskworks.train.labels.run import train_labels
    from maskworks.train.labels.watch import ProgressListener

    def run(recipe: Path, data: Path, folder: Path, minutes: float = 5) -> list[str]:
        lines: list[str] = []
        budget = Budget(minutes=minutes, threads=1)
        train_labels(recipe, data, folder, budget, watch=ProgressListener(lines.append))
        return lines

    return run
