"""Every format of labels is read to the same classes, checked, and learnt from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PilImage

from maskworks.apps.cli import main
from maskworks.core import encode_mask
from maskworks.core.rle_coco import to_coco
from maskworks.train.labels.reading import load_set
from maskworks.train.labels.recipe import load_label_recipe

Ids = NDArray[np.integer]
NAMES = ("ground", "disc", "bar")
GROUND, DISC, BAR, NONE = 0, 1, 2, 255


def save(path: Path, pixels: Ids) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    PilImage.fromarray(pixels.astype(np.uint8)).save(path)


def named(ids: Ids, ground: int, disc: int, bar: int, none: int) -> Ids:
    """Return a scene's ids as another data set numbers them."""
    table = np.full(256, none)
    table[[GROUND, DISC, BAR]] = ground, disc, bar
    return table[ids]


def voc(root: Path, split: str, scenes: list[tuple[Ids, Ids]]) -> None:
    names = [f"{split}{at}" for at in range(len(scenes))]
    for name, (pixels, ids) in zip(names, scenes, strict=True):
        save(root / "JPEGImages" / f"{name}.jpg", pixels)
        palette = PilImage.fromarray(named(ids, 0, 15, 7, 255).astype(np.uint8))
        palette.putpalette([*range(256)] * 3)
        (root / "SegmentationClass").mkdir(parents=True, exist_ok=True)
        palette.save(root / "SegmentationClass" / f"{name}.png")
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True, exist_ok=True)
    (lists / f"{split}.txt").write_text("\n".join(names))


def cityscapes(root: Path, split: str, scenes: list[tuple[Ids, Ids]]) -> None:
    for at, (pixels, ids) in enumerate(scenes):
        stem = f"{split}/town/{split}_{at}"
        save(root / "leftImg8bit" / f"{stem}_leftImg8bit.png", pixels)
        save(root / "gtFine" / f"{stem}_gtFine_labelIds.png", named(ids, 7, 24, 17, 0))


def ade20k(root: Path, split: str, scenes: list[tuple[Ids, Ids]]) -> None:
    for at, (pixels, ids) in enumerate(scenes):
        save(root / "images" / split / f"{split}{at}.jpg", pixels)
        save(root / "annotations" / split / f"{split}{at}.png", named(ids, 1, 13, 94, 0))


def coco(root: Path, split: str, scenes: list[tuple[Ids, Ids]]) -> None:
    images, rows = [], []
    for at, (pixels, ids) in enumerate(scenes):
        save(root / split / f"{split}{at}.png", pixels)
        images.append({"id": at, "file_name": f"{split}{at}.png", "height": 48, "width": 64})
        for place in range(3):
            mask = to_coco(encode_mask(ids == place))
            rows.append({"image_id": at, "category_id": 3 * place + 1, "segmentation": mask})
    write(root / f"{split}.json", images, rows)


def coco_panoptic(root: Path, split: str, scenes: list[tuple[Ids, Ids]]) -> None:
    images, rows = [], []
    for at, (pixels, ids) in enumerate(scenes):
        name = f"{split}{at}.png"
        save(root / split / name, pixels)
        numbers = named(ids, 500, 501, 502, 0)
        save(root / f"{split}-truth" / name, np.stack([numbers % 256, numbers // 256, 0 * ids], 2))
        images.append({"id": at, "file_name": name, "height": 48, "width": 64})
        found = [{"id": 500 + p, "category_id": 3 * p + 1} for p in range(3) if (ids == p).any()]
        rows.append({"image_id": at, "file_name": name, "segments_info": found})
    write(root / f"{split}-truth.json", images, rows)


def write(path: Path, images: list[dict[str, object]], rows: list[dict[str, object]]) -> None:
    categories = [{"id": 3 * p + 1, "name": name} for p, name in enumerate(NAMES)]
    whole = {"images": images, "annotations": rows, "categories": categories}
    path.write_text(json.dumps(whole))


OWN = f"classes = {list(NAMES)}".replace("'", '"')
Write = Callable[[Path, str, list[tuple[Ids, Ids]]], None]
FORMATS: dict[str, tuple[Write, str, tuple[str, str], str, tuple[int, int, int]]] = {
    "voc": (voc, 'folder = "."\nsplit = "SPLIT"', ("train", "val"), "voc-21", (0, 15, 7)),
    "cityscapes": (
        cityscapes,
        'folder = "."\nsplit = "SPLIT"',
        ("train", "val"),
        "cityscapes-19",
        (0, 11, 5),  # road, person, pole
    ),
    "ade20k": (
        ade20k,
        'folder = "."\nsplit = "SPLIT"',
        ("training", "validation"),
        "ade20k-150",
        (0, 12, 93),
    ),
    "coco": (
        coco,
        'folder = "SPLIT"\nlabels = "SPLIT.json"\nuncovered = "ignore"',
        ("train", "dev"),
        OWN,
        (0, 1, 2),
    ),
    "coco-panoptic": (
        coco_panoptic,
        'folder = "SPLIT"\nlabels = "SPLIT-truth.json"',
        ("train", "dev"),
        OWN,
        (0, 1, 2),
    ),
}
"""How each is written, its lines of a recipe, its splits, its classes, and their places."""


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_is_read_checked_and_learnt_from(form, tmp_path, recipe_file, draw_scene, capsys):
    write_set, lines, splits, classes, places = FORMATS[form]
    path, root = recipe_file(steps="1", dev_steps="1"), tmp_path / "data"
    text = path.read_text()
    own = classes if "=" in classes else f'taxonomy = "{classes}"'
    text = text.replace(OWN, own).replace("ignore = 255\n", "")
    truth = []
    for at, (key, split) in enumerate(zip(("train", "dev"), splits, strict=True)):
        scenes = [draw_scene(100 * at + number) for number in range(3)]
        write_set(root, split, scenes)
        truth.append([ids for _, ids in scenes])
        source = f'format = "{form}"\n{lines.replace("SPLIT", split)}'
        text = text.replace(f'folder = "{key}"', source)
    path.write_text(text)
    recipe = load_label_recipe(path)
    count = len(recipe.class_names)
    for rule, expected in zip((recipe.train, recipe.dev), truth, strict=True):
        for labels, ids in zip(load_set(root, recipe, rule).labels, expected, strict=True):
            np.testing.assert_array_equal(labels.numpy(), named(ids, *places, count))
    code = main(["data", "check", str(root), "--recipe", str(path)])
    said = capsys.readouterr().out
    assert code == int(count > 3)  # classes of the taxonomy that no scene shows
    assert "to mend" in said if count > 3 else "nothing to mend" in said
    if "=" not in classes:  # a data set's own layout needs no recipe to be checked
        found = tmp_path / "found.json"
        words = ["data", "check", str(root), "--taxonomy", classes, "--json", str(found)]
        assert main(words) == 1
        record = json.loads(found.read_text())["splits"]
        assert list(record) == list(splits)
        for split, expected in zip(splits, truth, strict=True):
            counts = [int((np.stack(expected) == place).sum()) for place in range(3)]
            assert [record[split]["pixels"][place] for place in places] == counts
        capsys.readouterr()
    words = ["train", str(path), "--data", str(root), "-o", str(tmp_path / "run")]
    assert main([*words, "--threads", "1"]) == 0
    assert "3 pictures to learn from, 3 to score on" in capsys.readouterr().out
