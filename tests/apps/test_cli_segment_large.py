"""Large pictures through the command: seams that do not show, and memory that follows the tile."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import large
import numpy as np
import pytest
from memory import follow
from PIL import Image

from maskworks.apps.cli import main

CLASSES = ("ground", "disc", "square")


def drawing(rng, side, count):
    """Red discs and blue squares on grey noise, and the ids."""
    pixels = rng.integers(40, 160, (side, side, 1)) + rng.integers(-9, 10, (side, side, 3))
    ids = np.zeros((side, side), np.uint8)
    for _ in range(count):
        kind, radius = int(rng.integers(1, 3)), int(rng.integers(6, 15))
        y, x = rng.integers(radius, side - radius, 2)
        rows, columns = np.mgrid[y - radius : y + radius, x - radius : x + radius]
        inside = (np.hypot(rows - y, columns - x) < radius) | (kind == 2)
        colour = ((200, 70, 60), (70, 80, 200))[kind - 1] + rng.normal(0, 25, (*inside.shape, 3))
        part = np.s_[y - radius : y + radius, x - radius : x + radius]
        pixels[part][inside] = colour[inside]
        ids[part][inside] = kind
    return np.clip(pixels, 0, 255).astype(np.uint8), ids


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with an ONNX network that learnt the drawings, and sees 30 pixels around."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    nn, rng = torch.nn, np.random.default_rng(0)
    module = nn.Sequential(
        nn.Conv2d(3, 12, 3, 2, 1), nn.ReLU(), nn.Conv2d(12, 16, 3, 2, 1), nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=2, dilation=2), nn.ReLU(), nn.Conv2d(16, 3, 1),
        nn.Upsample(scale_factor=4, mode="bilinear"),
    )  # fmt: skip
    optimiser = torch.optim.Adam(module.parameters(), 1e-2)
    for _ in range(80):
        pixels, ids = (
            np.stack(each) for each in zip(*[drawing(rng, 64, 4) for _ in range(4)], strict=True)
        )
        batch = torch.tensor(pixels).permute(0, 3, 1, 2).float() / 255
        loss = nn.functional.cross_entropy(module(batch), torch.tensor(ids).long())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    folder = large.write_network(tmp_path_factory.mktemp("trained"))
    row = (folder / "model.toml").read_text()
    names = ", ".join(f'"{name}"' for name in CLASSES)
    (folder / "model.toml").write_text(row.replace('"water", "soil", "rock"', names))
    axes = {2: "height", 3: "width"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), (torch.zeros(1, 3, 64, 64),), str(folder / "levels.onnx"), dynamo=False,
            input_names=["pixels"], output_names=["logits"], opset_version=17,
            dynamic_axes={"pixels": axes, "logits": axes},
        )  # fmt: skip
    return folder


def test_seams_of_four_megapixels_change_less_than_half_a_percent(trained, tmp_path):
    pixels, truth = drawing(np.random.default_rng(5), 2000, 2500)
    Image.fromarray(pixels).save(tmp_path / "a.png", compress_level=1)
    command = ["segment", str(tmp_path / "a.png"), "--model", str(trained), "--quiet"]
    assert main([*command, "-o", str(tmp_path / "whole.png")]) == 0
    assert main([*command, "-o", str(tmp_path / "tiles.png"), "--tile", "256"]) == 0
    whole, tiles = (np.asarray(Image.open(tmp_path / f"{n}.png")) for n in ("whole", "tiles"))
    assert (whole == truth).mean() > 0.95
    assert set(np.unique(whole)) == {0, 1, 2}
    assert (whole != tiles).mean() < 0.005


COMMAND = """
import sys
from maskworks.labels import labelling
from maskworks.labels.reading import windows
windows.WINDOWED_PIXELS = labelling.WINDOWED_PIXELS = int(sys.argv[1])
from maskworks.apps.cli import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("layout", "side", "above"),
    [
        pytest.param("plain", 4096, 1_000_000, id="17-megapixels"),
        pytest.param("tiles", 8192, 1_000_000, id="67-megapixels", marks=pytest.mark.slow),
    ],
)
def test_memory_follows_the_tile_and_not_the_picture(tmp_path, layout, side, above):
    """All of a picture takes less beside a band of it than half its probabilities would."""
    model = large.write_network(tmp_path / "levels")
    peaks = []
    for rows in (640, side):
        source, out = tmp_path / f"{rows}.tif", tmp_path / f"out{rows}"
        large.write_scene(source, (rows, side), layout)
        words = ["segment", str(source), "-o", str(out), "--model", str(model), "--threads", "1"]
        trace = follow([sys.executable, "-c", COMMAND, str(above), *words], dict(os.environ))
        assert trace.exit_code == 0
        assert large.share_right(out / f"{rows}.png", (rows, side)) > 0.99
        peaks.append(trace.peak)
    assert peaks[1] - peaks[0] < side * side * 4 * len(CLASSES) / 2 / 1024  # kB
