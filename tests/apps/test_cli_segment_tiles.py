"""Pictures of awkward sizes through the command: objects on seams, a pixel, a strip."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main
from maskworks.core.rle_coco import from_coco

COLOURS = {"red": (230, 30, 30), "green": (30, 230, 30), "blue": (30, 30, 230)}


def label(source, out, model, *words):
    """Run the command and return its label map."""
    words = ["--model", str(model), "--quiet", "--threads", "1", *map(str, words)]
    assert main(["segment", str(source), "-o", str(out), *words]) == 0
    with Image.open(out / f"{source.stem}.png") as picture:
        return np.asarray(picture)


def objects(out):
    """Name, score and mask of each object."""
    coco = json.loads((out / "instances.json").read_text())
    names = {each["id"]: each["name"] for each in coco["categories"]}
    return {
        (names[row["category_id"]], at): from_coco(row["segmentation"]).to_mask().inside
        for at, row in enumerate(coco["annotations"])
    }


def blobs(size):
    """A disc, a ring and a long bar, larger than tiles or across their seams, by name."""
    rows, columns = np.ogrid[: size[0], : size[1]]
    away = np.hypot(rows - size[0] * 0.4, columns - size[1] * 0.5)
    inside = {
        "red": away < min(size) * 0.22,
        "green": (away > min(size) * 0.28) & (away < min(size) * 0.35),
        "blue": (abs(rows - size[0] * 0.9) < size[0] * 0.02) & (columns > 9),
    }
    pixels = np.full((*size, 3), 20, np.uint8)
    for name, mask in inside.items():
        pixels[mask] = COLOURS[name]
    return pixels, inside


@pytest.mark.parametrize("task", ["instance", "panoptic"])
def test_objects_across_seams_of_four_megapixels_are_whole_and_one(tiny_models, tmp_path, task):
    pixels, inside = blobs((1800, 2300))
    source = tmp_path / "blobs.png"
    Image.fromarray(pixels).save(source, compress_level=1)
    model = tiny_models["instance"]
    whole = label(source, tmp_path / "whole", model, "--task", task, "--write", "coco")
    words = ("--task", task, "--write", "coco", "--tile", "512")
    tiled = label(source, tmp_path / "tiled", model, *words)
    assert (whole != tiled).mean() < 0.005
    found = objects(tmp_path / "tiled")
    assert sorted(name for name, _ in found) == ["blue", "green", "red"]
    for (name, _), mask in found.items():
        assert (mask != inside[name]).mean() < 1e-4, name


def test_objects_of_one_kind_that_do_not_touch_stay_apart_across_tiles(tiny_models, tmp_path):
    pixels = np.full((200, 330, 3), 20, np.uint8)
    pixels[20:60, 10:90] = pixels[20:60, 240:320] = COLOURS["red"]
    source = tmp_path / "two.png"
    Image.fromarray(pixels).save(source)
    label(source, tmp_path / "out", tiny_models["instance"], "--tile", "128")
    assert [int(mask.sum()) for mask in objects(tmp_path / "out").values()] == [3200, 3200]


def test_tiles_that_do_not_overlap_cannot_make_objects_whole(tiny_models, tmp_path, capsys):
    pixels, _ = blobs((200, 300))
    Image.fromarray(pixels).save(tmp_path / "blobs.png")
    words = ["--model", str(tiny_models["instance"]), "--tile", "128", "--overlap", "0"]
    code = main(["segment", str(tmp_path / "blobs.png"), "-o", str(tmp_path / "out"), *words])
    assert code == 1
    assert "objects on seams are made whole where tiles overlap" in capsys.readouterr().out


@pytest.mark.parametrize("tile", [(), ("--tile", 1024)], ids=["whole", "tiles"])
@pytest.mark.parametrize("task", ["semantic", "instance", "panoptic"])
@pytest.mark.parametrize("model", ["semantic", "instance"])
@pytest.mark.parametrize("size", [(1, 1), (1, 30_000)], ids=["pixel", "strip"])
def test_a_pixel_and_a_strip_are_labelled_by_networks(
    tiny_models, tmp_path, size, model, task, tile
):
    """Red from a third of the way on, which is bright only to the model of objects."""
    pixels = np.full((*size, 3), 20, np.uint8)
    along = pixels.reshape(-1, 3)
    along[len(along) // 3 :] = COLOURS["red"] if model == "instance" else 240
    source = tmp_path / "thin.png"
    Image.fromarray(pixels).save(source)
    words = ("--task", task, "--write", "overlay,shares", *tile)
    ids = label(source, tmp_path / "out", tiny_models[model], *words)
    expected = np.zeros(size[0] * size[1], np.uint8)
    expected[len(along) // 3 :] = 1
    assert ids.shape == size
    assert (ids.ravel() == expected).all()
    shares = json.loads((tmp_path / "out/classes.json").read_text())
    assert shares["pixels"] == size[0] * size[1]
    if task != "semantic" and model == "instance":
        assert sum(each["objects"] or 0 for each in shares["classes"]) == 1


def shaded(path, size):
    """Write a picture whose columns go from black to white."""
    shade = np.linspace(0, 255, size[1]).astype(np.uint8)
    Image.fromarray(np.tile(shade[np.newaxis, :, np.newaxis], (size[0], 1, 3))).save(path)
    return path


@pytest.mark.parametrize("size", [(1, 1), (1, 30_000)], ids=["pixel", "strip"])
@pytest.mark.parametrize("model", ["otsu", "multi-otsu", "kmeans", "slic", "watershed", "grabcut"])
def test_a_pixel_and_a_strip_are_labelled_without_weights(tmp_path, model, size):
    source = shaded(tmp_path / "thin.png", size)
    assert label(source, tmp_path / "out", model, "--task", "panoptic").shape == size


@pytest.mark.parametrize(
    ("size", "tile"),
    [
        pytest.param((1, 1), (), id="pixel"),
        pytest.param((1, 30_000), (), id="strip"),
        pytest.param((1, 1100), ("--tile", 1024), id="strip-tiles", marks=pytest.mark.slow),
        pytest.param((30_000, 1), (), id="column", marks=pytest.mark.slow),
        pytest.param((1, 30_000), ("--tile", 8192), id="strip-long-tiles", marks=pytest.mark.slow),
    ],
)
def test_a_pixel_and_a_strip_are_labelled_by_street(tmp_path, size, tile):
    source = shaded(tmp_path / "thin.png", size)
    assert label(source, tmp_path / "out", "street", "--write", "none", *tile).shape == size


def test_a_column_is_labelled_as_a_strip_is(tiny_models, tmp_path):
    source = shaded(tmp_path / "strip.png", (1, 30_000))
    Image.open(source).transpose(Image.Transpose.ROTATE_270).save(tmp_path / "column.png")
    for words in ((), ("--tile", 2048)):
        strip, column = (
            label(tmp_path / f"{name}.png", tmp_path / f"{name}{len(words)}",
                  tiny_models["semantic"], *words)
            for name in ("strip", "column")
        )  # fmt: skip
        np.testing.assert_array_equal(strip[0], column[:, 0])
