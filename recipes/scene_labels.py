"""Label the pictures that recipes/scene.toml learns from: truth where there is one, else a teacher.

    python recipes/scene_labels.py DATA --camvid DIR --facades DIR --rooms DIR --teacher FILE

writes DATA/scene/{train,dev,held}: pictures, and ids of `scene-17` as PNG of the same stem.

- CamVid (street/{train,val}): its truth. Cars are told from trucks and buses, riders from their
  bicycles, by the teacher; what has no label gets the teacher's where that is sure.
- LabelMeFacade (cvjena/labelmefacade): its truth; what is "various" there has no label. Cities of
  `HELD` are never learnt from: they lie in held.
- Rooms: indoor, all of it, where the teacher sees next to no sky, road or plants.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional as F

from maskworks.core.taxonomy import load_taxonomy
from maskworks.core.taxonomy_mapping import load_mapping
from maskworks.models.networks.espnet import EspNet

HELD = (
    "barcelona",
    "madrid",
    "paris",
    "london",
    "coruna",
    "gerona",
    "italy",
    "wuhan",
    "bolivia",
    "newyork",
    "palafrugel",
    "davis",
    "village_outdoor",
    "bay_area",
)
"""Parts of the names of LabelMeFacade's pictures from cities that are only measured on."""

LEARNT = ("boston", "cambridge", "palma", "mallorca", "porter", "harvard", "highland", "hanover")

SURE = 0.85
IGNORE = 255
SCENE = {each.name: each.id for each in load_taxonomy("scene-17").categories}
CAMVID = [
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "vegetation",
    "sign",
    "fence",
    "car",
    "person",
    "rider",
]  # names of scene-17, in the order of CamVid's ids
FACADES = {
    (128, 0, 0): "building",
    (128, 0, 128): "car",
    (128, 128, 0): "window",  # doors
    (128, 128, 128): "pavement",
    (128, 64, 0): "road",
    (0, 128, 128): "sky",
    (0, 128, 0): "vegetation",
    (0, 0, 128): "window",
}
Ids = NDArray[np.uint8]
Pixels = NDArray[np.uint8]


class Teacher:
    """ESPNetv2 of Cityscapes (sacmehta/EdgeNets, MIT): classes of scene-17 and how sure it is."""

    def __init__(self, path: Path) -> None:
        self.network = EspNet(20)
        self.network.load_state_dict(load_file(path))
        self.network.eval()
        self.table = load_mapping("cityscapes-19", "scene-17").table().astype(np.uint8)

    @torch.inference_mode()
    def label(self, pixels: Pixels, area: int = 480 * 640) -> tuple[Ids, NDArray[np.float32]]:
        """Return ids (H, W) and the chance of the class each pixel got, of RGB (H, W, 3)."""
        height, width = pixels.shape[:2]
        scale = (area / (height * width)) ** 0.5
        size = [max(32, round(side * scale / 32) * 32) for side in (height, width)]
        x = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
        x = F.interpolate(x, size=size, mode="bilinear", antialias=scale < 1)
        mean, std = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))
        logits = self.network((x - mean[:, None, None]) / std[:, None, None])[:, :19]
        logits = F.interpolate(logits, size=(height, width), mode="bilinear")
        chance, found = logits.softmax(1)[0].max(0)
        return self.table[found.numpy()], chance.numpy()


def camvid_labels(truth: Ids, taught: Ids, chance: NDArray[np.float32]) -> Ids:
    """Return ids of scene-17 from CamVid's, told apart further where the teacher can."""
    table = np.full(256, IGNORE, np.uint8)
    table[: len(CAMVID)] = [SCENE[name] for name in CAMVID]
    ids = table[truth]
    large = np.isin(taught, [SCENE["truck"], SCENE["bus"]]) & (chance > 0.6)
    ids[(ids == SCENE["car"]) & large] = taught[(ids == SCENE["car"]) & large]
    riding = ids == SCENE["rider"]
    ids[riding] = IGNORE
    ids[riding & (taught == SCENE["bicycle"])] = SCENE["bicycle"]
    ids[riding & np.isin(taught, [SCENE["rider"], SCENE["person"]])] = SCENE["rider"]
    return _filled(ids, taught, chance)


def facade_truth(truth: Pixels) -> Ids:
    """Return ids of scene-17 from LabelMeFacade's colours, "various" without a label."""
    ids = np.full(truth.shape[:2], IGNORE, np.uint8)
    for colour, name in FACADES.items():
        ids[(truth == colour).all(2)] = SCENE[name]
    return ids


def _filled(ids: Ids, taught: Ids, chance: NDArray[np.float32]) -> Ids:
    return np.where((ids == IGNORE) & (chance > SURE), taught, ids)


def _read(path: Path) -> Pixels:
    return np.asarray(Image.open(path).convert("RGB"))


def _write(folder: Path, stem: str, pixels: Pixels, ids: Ids) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    scale = min(1.0, 640 / max(pixels.shape[:2]))
    if scale < 1:
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        ids = cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST)
    Image.fromarray(pixels).save(folder / f"{stem}.jpg", quality=92)
    Image.fromarray(ids).save(folder / f"{stem}.png")


def label_camvid(folder: Path, out: Path, teacher: Teacher) -> None:
    """Label every second picture of CamVid's train split, and every tenth of val for dev."""
    for split, to, step in (("val", "dev", 10), ("train", "train", 2)):
        for path in sorted((folder / split).glob("*.webp"))[::step]:
            pixels = _read(path)
            truth = np.asarray(Image.open(path.with_suffix(".png")))
            ids = camvid_labels(truth, *teacher.label(pixels))
            _write(out / to, f"camvid-{path.stem}", pixels, ids)


def label_facades(folder: Path, out: Path) -> None:
    """Label LabelMeFacade: cities of `HELD` into held, every 40th of the others into dev."""
    learnt = 0
    for path in sorted((folder / "images").glob("*.jpg")):
        truth = _read(folder / "labels" / f"{path.stem}.png")
        pixels = _read(path)
        if any(part in path.stem for part in HELD):
            _write(out / "held", path.stem, pixels, facade_truth(truth))
        elif any(part in path.stem for part in LEARNT):
            learnt += 1
            _write(
                out / ("train" if learnt % 40 else "dev"), path.stem, pixels, facade_truth(truth)
            )


def label_rooms(folder: Path, out: Path, teacher: Teacher, *, most: int) -> None:
    """Label rooms as indoor where the teacher sees no street, spread over the sorted names."""
    outside = [SCENE[name] for name in ("sky", "road", "vegetation", "ground")]
    paths = sorted(folder.glob("*.webp"))
    for path in paths[:: max(1, len(paths) // most)]:
        pixels = _read(path)
        taught, _ = teacher.label(pixels, 192 * 256)
        if np.isin(taught, outside).mean() < 0.05:
            _write(
                out / "train", f"room-{path.stem}", pixels, np.full_like(taught, SCENE["indoor"])
            )


def main() -> None:
    """Label what the options name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    for name in ("camvid", "facades", "rooms", "teacher"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--most-rooms", type=int, default=80)
    given = parser.parse_args()
    teacher, out = Teacher(given.teacher), given.data / "scene"
    label_facades(given.facades, out)
    label_rooms(given.rooms, out, teacher, most=given.most_rooms)
    label_camvid(given.camvid, out, teacher)
    for split in ("train", "dev", "held"):
        print(split, len(list((out / split).glob("*.jpg"))))


if __name__ == "__main__":
    main()
