from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

pytest.importorskip("torch", reason="training needs the extra [torch]")

RECIPE = """
name = "tiny"
network = "mobile-pyramid"
context = 1
input_size = 64
mirrored_pass = true
mean = [0.5, 0.5, 0.5]
std = [0.5, 0.5, 0.5]
lr = 2e-3
ema = 0.5
frozen_norm = true
pack_size = 96
dev_pictures = 2

[judge]
pictures = 16
size = 64
steps = 20

[[stage]]
share = 1
size = 64
batch = 2

[[source]]
folder = "discs"
label = "matte"
foreground = true
hold_out = 2

[[source]]
folder = "pets"
label = "trimap"

[[source]]
folder = "rooms"
label = "empty"
backdrop = true
hold_out = 1
"""


def disc(size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a soft bright disc over dark noise; return pixels and matte."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    middle = rng.uniform(0.35, 0.65, 2) * size
    distance = np.hypot(y - middle[0], x - middle[1])
    alpha = np.clip(0.25 * size - distance + 0.5, 0, 1)
    back = rng.integers(0, 90, (size, size, 3))
    fore = np.array([230, 200, 60])
    pixels = alpha[..., None] * fore + (1 - alpha[..., None]) * back
    return pixels.astype(np.uint8), (alpha * 255).astype(np.uint8)


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """Drawn pictures: discs, pets with an unknown ring, empty rooms, a dev split."""
    root = tmp_path_factory.mktemp("data")
    for folder, count in {"discs": 8, "pets": 4, "subjects/dev/discs": 2}.items():
        (root / folder).mkdir(parents=True)
        for number in range(count):
            pixels, matte = disc(100, number)
            if folder == "pets":
                matte[(matte > 0) & (matte < 255)] = 128
            PilImage.fromarray(pixels).save(root / folder / f"{number}.webp", quality=95)
            PilImage.fromarray(matte).save(root / folder / f"{number}.png")
    (root / "rooms").mkdir()
    for number in range(4):
        noise = np.random.default_rng(50 + number).integers(0, 255, (80, 120, 3), np.uint8)
        PilImage.fromarray(noise).save(root / "rooms" / f"{number}.webp")
    return root


@pytest.fixture(scope="session")
def recipe_text() -> str:
    return RECIPE


@pytest.fixture
def recipe_file(tmp_path, recipe_text) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(recipe_text)
    return path


@pytest.fixture(scope="session")
def train():
    """Run the trainer for some minutes and return the lines it reported."""
    from maskworks.train.budget import Budget
    from maskworks.train.mattes.run import train_recipe

    def run(recipe: Path, data: Path, folder: Path, minutes: float) -> list[str]:
        lines: list[str] = []
        budget = Budget(minutes=minutes, checkpoint_s=1, report_s=1, threads=1)
        train_recipe(recipe, data, folder, budget, lines.append)
        return lines

    return run


@pytest.fixture(scope="session")
def finished(data, recipe_text, train, tmp_path_factory):
    """A recipe file, its finished run's folder, and what the run reported."""
    root = tmp_path_factory.mktemp("runs")
    recipe = root / "tiny.toml"
    recipe.write_text(recipe_text)
    return recipe, root / "tiny", train(recipe, data, root / "tiny", 0.1)
