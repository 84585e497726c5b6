"""How good a clip becomes with a key mask every so many frames: `python bench/video_keys.py DIR`.

DIR holds NAME_NNNNN.webp (or .jpg) and NAME_NNNNN.png, frames and masks of sequences; numbers are
those of the clip, and may leave frames out. Key frames are given, so they do not count. Prints J
and F of DAVIS as `maskworks evaluate video` measures them, and the warp error of per-frame mattes
and of steadied ones.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from maskworks import evaluate_video, load_model
from maskworks.core.reading import Limits, read_picture
from maskworks.core.values import Image, Pixels
from maskworks.models.families.saliency import input_size
from maskworks.video.encoding import PartEncoder, Rendered
from maskworks.video.formats import STORE
from maskworks.video.keyed import KeyMasks, Propagated, propagate
from maskworks.video.reading import open_clip
from maskworks.video.steadying import Seen, matted


def sequences(folder: Path) -> dict[str, list[Path]]:
    """Return the masks of each sequence, in order."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.glob("*.png")):
        found[path.stem.rpartition("_")[0]].append(path)
    return dict(found)


def picture_of(mask: Path) -> Path:
    """Return the frame of a mask."""
    return next(p for end in (".webp", ".jpg") if (p := mask.with_suffix(end)).exists())


def inside(path: Path) -> np.ndarray:
    """Return a mask as bool (H, W)."""
    return np.asarray(PillowImage.open(path).convert("L")) >= 128


def stored(masks: list[Path], place: Path) -> tuple[int, int]:
    """Write the frames as a lossless clip; return their size."""
    frames = [read_picture(picture_of(mask)).image.pixels for mask in masks]
    size = frames[0].shape[:2]
    part = PartEncoder(place, STORE, size, Fraction(25))
    for index, pixels in enumerate(frames):
        part.add(Rendered(index, index, pixels, None))
    part.close()
    return size


def written(found: Propagated, masks: list[Path], keys: set[int], out: Path, title: str) -> None:
    """Write what keys brought and the truth, at the truth's size, without the key frames."""
    for index, mask in enumerate(masks):
        if index in keys:
            continue
        truth = inside(mask)
        grey = PillowImage.fromarray(np.rint(found.alpha(index) * 255).astype(np.uint8))
        size = truth.shape[1], truth.shape[0]
        ours = np.asarray(grey.resize(size, PillowImage.Resampling.BILINEAR)) >= 128
        for kind, picture in (("ours", ours), ("truth", truth)):
            place = out / kind / title / f"{index:05d}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            PillowImage.fromarray(picture.astype(np.uint8) * 255).save(place)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", default="10,20,40", help="frames of the clip between two keys")
    parser.add_argument("--step", type=int, default=5, help="frames of the clip between two files")
    parser.add_argument("--only", default="", help="sequences, with commas")
    given = parser.parse_args()
    model = load_model(threads=1)
    known: dict[bytes, Seen] = {}

    def see(pixels: Pixels) -> Seen:
        key = pixels.tobytes()
        if key not in known:
            found = model.predict(Image(pixels))
            known[key] = Seen(found.matte.alpha, "ok", found.confidence)
        return known[key]

    steady: dict[str, list[float]] = {"off": [], "quick": []}
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        chosen = sequences(given.folder)
        if given.only:
            chosen = {each: chosen[each] for each in given.only.split(",")}
        for title, masks in chosen.items():
            place = work / f"{title}.mkv"
            height, width = stored(masks, place)
            size = input_size((height, width), model.spec.input)
            for way in steady:
                with open_clip(place) as clip:
                    done = list(matted(clip.frames(), see, size, steady=way))
                steady[way] += [e.warp_error for e in done if e.warp_error is not None]
            for every in map(int, given.every.split(",")):
                apart = max(1, every // given.step)
                at = {*range(0, len(masks), apart), len(masks) - 1}
                keys = KeyMasks({i: inside(masks[i]).astype(np.float32) for i in at})
                found = propagate(place, keys, see, size, limits=Limits())
                written(found, masks, at, work / str(every), title)
            print(title, len(masks), file=sys.stderr, flush=True)
        for every in map(int, given.every.split(",")):
            report = evaluate_video(work / f"{every}/truth", work / f"{every}/ours", holds="mask")
            figures = report.figures()
            print(
                f"a key in {every}: J {figures['J']:.3f}, F {figures['F']:.3f}, "
                f"J&F {figures['J&F']:.3f}",
                {s.name: round(float(s.objects[0].j.mean()), 2) for s in report.sequences},
            )
    print("warp error", {way: round(float(np.mean(each)), 4) for way, each in steady.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
