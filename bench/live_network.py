"""Measure the networks of live pictures: what they reach, what they take, how steady they are.

``python bench/live_network.py DATA [--model NAME ...] [--kinds A,B] [--clips N] [--recipe FILE]``.
DATA is laid out as the recipes want it; of a recipe's sources the reserved pictures, which nothing
was learnt from or chosen by, are scored at the size of a live frame. Prints a JSON row a measure:
IoU at alpha .5 of dev pictures that are squashed to 144 x 256 and 256 x 256, milliseconds of one
thread, and the warp error and J of sequences: frame by frame, with the matte of the frame before,
and as `maskworks video live` does it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from maskworks.core.values import Float2D, Image, Pixels
from maskworks.models import Model
from maskworks.models.families.saliency import input_size
from maskworks.train.mattes.dev import dev_pictures, iou_where_known, read_pair
from maskworks.train.mattes.pack import pictures_of
from maskworks.train.mattes.recipe import load_recipe
from maskworks.video.flow import FrameView, warp_error
from maskworks.video.live.seeing import LiveEye, live_model
from maskworks.video.reading import open_clip

Frame = tuple[Pixels, np.ndarray | None]


def main() -> None:
    """Measure each model and print the rows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", nargs="+", default=["cutout-live", "cutout"])
    parser.add_argument("--kinds", default="people,ccp_alpha,ccp")
    parser.add_argument("--recipe", type=Path)
    parser.add_argument("--clips", type=int, default=60, help="Frames of each; 0 leaves them out.")
    asked = parser.parse_args()
    for name in asked.model:
        model = live_model(name, threads=1)
        for size in ((144, 256), (256, 256)):
            print(json.dumps({"model": name, **pictures(model, size, asked)}), flush=True)
        if asked.recipe is not None:
            print(json.dumps({"model": name, **reserved(model, asked)}), flush=True)
        for clip, frames in sequences(asked.data, asked.clips):
            print(
                json.dumps({"model": name, "clip": clip, **steadiness(model, frames)}), flush=True
            )


def squashing(model: Model, size: tuple[int, int]) -> Model:
    """Return a model that sees pictures of one size, in multiples of 32 where it needs them."""
    step = 16 if model.spec.input.previous else 32
    height, width = (-(-side // step) * step for side in size)
    seen = {"height": height, "width": width, "resize": "squash"}
    rule = model.spec.input.model_copy(update=seen)
    return Model(model.spec.model_copy(update={"input": rule}), model.network)


def pictures(model: Model, size: tuple[int, int], asked: argparse.Namespace) -> dict[str, object]:
    """Return the IoU of each kind and the time of a picture, at one size."""
    model = squashing(model, size)
    row: dict[str, object] = {"size": [model.spec.input.height, model.spec.input.width]}
    for kind, paths in dev_pictures(asked.data / "subjects" / "dev").items():
        if kind in asked.kinds.split(","):
            row[kind] = score(model, paths)
    batch = np.zeros((1, 3 + model.spec.input.previous, *row["size"]), np.float32)  # type: ignore[misc]
    took = []
    for _ in range(60):
        began = time.process_time()
        model.network(batch)
        took.append(time.process_time() - began)
    return row | {"median_ms": 1000 * float(np.median(took)), "least_ms": 1000 * min(took)}


def score(model: Model, paths: list[Path]) -> float:
    """Return the mean IoU of pictures with their truth beside them."""
    pairs = (read_pair(path) for path in paths)
    found = [iou_where_known(model.predict(i).matte.alpha, truth) for i, truth in pairs]
    return round(float(np.mean(found)), 4)


def reserved(model: Model, asked: argparse.Namespace) -> dict[str, object]:
    """Return the IoU of each source's reserved pictures, 100 at most, in their own aspect."""
    row: dict[str, object] = {"reserved": str(asked.recipe)}
    for source in load_recipe(asked.recipe).source:
        if source.reserve and source.label != "empty":
            paths = pictures_of(asked.data, source, reserved=True)[:100]
            row[f"{source.folder} ({len(paths)})"] = score(model, paths)
    return row


def sequences(data: Path, count: int) -> Iterator[tuple[str, list[Frame]]]:
    """Yield the clips' first frames, and the DAVIS frames at hand, every fifth, with masks."""
    if not count:
        return
    for path in sorted((data / "video").glob("*.mp4")):
        with open_clip(path) as clip:
            yield path.stem, [(frame.pixels, None) for frame in islice(clip.frames(), count)]
    davis: dict[str, list[Path]] = defaultdict(list)
    for path in sorted((data / "subjects/dev/davis").glob("*.webp")):
        davis[path.stem.rstrip("0123456789").rstrip("_-")].append(path)
    for name, paths in davis.items():
        pairs = (read_pair(path) for path in paths)
        yield f"davis {name}", [(image.pixels, truth) for image, truth in pairs]


def steadiness(model: Model, frames: list[Frame]) -> dict[str, float]:
    """Return warp error, and J where there is a truth, of the three ways."""
    row: dict[str, float] = {}
    size = input_size(frames[0][0].shape[:2], model.spec.input)
    views = [FrameView.at(pixels, size) for pixels, _ in frames]
    eye = LiveEye(model, 1e-3)  # no hurry: the network sees every frame
    ways = {
        "alone": [_seen(model, view, None) for view in views],
        "live": [eye.see(pixels).alpha for pixels, _ in frames],
    }
    if model.spec.input.previous:
        ways["remembering"] = []
        for view in views:
            before = ways["remembering"][-1] if ways["remembering"] else None
            ways["remembering"].append(_seen(model, view, before))
    for way, mattes in ways.items():
        errors = [
            warp_error(views[at], views[at - 1], (mattes[at], mattes[at - 1]))
            for at in range(1, len(views))
        ]
        row[f"{way}_warp_error"] = round(float(np.nanmean(errors)), 4)
        truths = [(m, t) for m, (_, t) in zip(mattes, frames, strict=True) if t is not None]
        if truths:
            row[f"{way}_J"] = round(float(np.mean([_iou(m, t) for m, t in truths])), 4)
    return row


def _seen(model: Model, view: FrameView, before: Float2D | None) -> Float2D:
    return model.predict(Image(view.colours), before=before).matte.alpha


def _iou(matte: Float2D, truth: np.ndarray) -> float:
    large = PillowImage.fromarray(matte).resize(truth.shape[::-1], PillowImage.Resampling.BILINEAR)
    return iou_where_known(np.asarray(large, np.float32), truth)


if __name__ == "__main__":
    main()
