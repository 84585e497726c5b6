"""A picture that does not fit into memory: read, labelled and written part by part.

What is written is what fits: the label map, the shares, objects where the model gives them, and
an overlay of a reduced picture. The parts are those of the model's tiling; a model that sees
whole pictures labels a reduced one, whose classes are then enlarged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.atomic import write_parts_atomic
from maskworks.core.errors import UsageError
from maskworks.core.instances import Instances
from maskworks.core.label_map import LabelMap
from maskworks.core.rle import Rle, encode_mask
from maskworks.core.taxonomy import Taxonomy
from maskworks.core.values import Box, Image
from maskworks.labels.writing.label_png import label_png_parts
from maskworks.labels.writing.palettes import palette_of
from maskworks.labels.writing.targets import TARGETS
from maskworks.models.families.tiling import Tiling
from maskworks.models.labelling import Labelled, label_picture
from maskworks.models.tiled_labelling import labels_in_tiles, objects_in_tiles, tiling_for

if TYPE_CHECKING:
    from maskworks.labels.job import LabelJob
    from maskworks.labels.reading.window import Windows
    from maskworks.labels.writing.targets import LabelledItem

OVERVIEW_PIXELS = 4_000_000
"""What a model of whole pictures, and the overlay, see of a large picture."""

BAND_ROWS = 512

ALLOWED = frozenset({"overlay", "shares", "coco", "coco-polygons", "yolo", "labelme", "geojson"})
"""What can be written of a picture that was labelled part by part."""


@dataclass(eq=False)
class LargeCounts:
    """What is counted while the label map goes by."""

    pixels: NDArray[np.int64]
    thinned: list[NDArray[np.uint16]] = field(default_factory=list)
    rows: int = 0

    def add(self, ids: NDArray[np.uint16], step: int) -> None:
        """Count a band of ids and keep every `step`-th pixel of every `step`-th row."""
        self.pixels += np.bincount(ids.ravel(), minlength=len(self.pixels))
        first = -self.rows % step
        self.thinned.append(ids[first::step, ::step].copy())
        self.rows += len(ids)


@dataclass(frozen=True, eq=False, kw_only=True)
class LargeResult:
    """What is known of a large picture once its label map is written.

    `overview` and `labelled` are the reduced picture and its labels; `pixels` counts the full
    one by class id; `things` are objects in the full frame, None for a task without.
    """

    overview: Image
    labelled: Labelled
    pixels: dict[int, int]
    things: Instances | None


def label_large(windows: Windows, job: LabelJob, output: Path) -> LargeResult:
    """Label a picture part by part and write its label map as it goes.

    Raises
    ------
    UsageError
        If something was asked for that needs the whole picture in memory.
    """
    if job.task == "panoptic":
        raise UsageError(
            "--task panoptic needs the whole picture in memory; ask for semantic or instance"
        )
    for name in job.targets:
        if name not in ALLOWED:
            raise UsageError(
                f"--write {name} needs the whole picture in memory, which {windows.size[1]}x"
                f"{windows.size[0]} pixels do not fit into; leave it out"
            )
    segmenter = job.segmenter
    tiling = tiling_for(segmenter, windows.size, job.tiles)
    overview = Image(windows.overview(OVERVIEW_PIXELS))
    small = label_picture(overview, segmenter, job.task) if tiling is None else None
    things = _things(windows, job, tiling, small)
    if small is None and things is None and tiling is not None:
        bands = _tiled_bands(windows, job, tiling)
    elif small is None and things is not None:
        bands = _drawn_bands(things, windows.size)
    else:
        bands = _enlarged_bands(small, windows.size)
    taxonomy = segmenter.taxonomy
    most = max(*taxonomy.ids, taxonomy.ignore or 0) + 1
    tally = LargeCounts(np.zeros(most, np.int64))
    step = windows.step(OVERVIEW_PIXELS)
    palette = palette_of(taxonomy, job.overlay.palette)
    counted = _counted(bands, tally, step)
    write_parts_atomic(output, label_png_parts(counted, windows.size, palette))
    return _result(tally, overview, things, job)


def _counted(
    bands: Iterator[NDArray[np.uint16]], tally: LargeCounts, step: int
) -> Iterator[NDArray[np.uint16]]:
    for band in bands:
        tally.add(band, step)
        yield band


def _result(
    tally: LargeCounts, overview: Image, things: Instances | None, job: LabelJob
) -> LargeResult:
    taxonomy = job.segmenter.taxonomy
    ids = np.concatenate(tally.thinned)[: overview.size[0], : overview.size[1]]
    wide = max(*taxonomy.ids, taxonomy.ignore or 0) > 255
    labels = LabelMap(ids if wide else ids.astype(np.uint8), taxonomy)
    pixels = {at: int(tally.pixels[at]) for at in np.flatnonzero(tally.pixels).tolist()}
    labelled = Labelled(labels=labels, task="semantic", how="labelled part by part")
    return LargeResult(overview=overview, labelled=labelled, pixels=pixels, things=things)


def _things(
    windows: Windows, job: LabelJob, tiling: Tiling | None, small: Labelled | None
) -> Instances | None:
    """Return objects in the full frame: merged from tiles, or those of the reduced picture."""
    if small is not None:
        found = small.instances
        return None if found is None else enlarge_instances(found, windows.size)
    if job.segmenter.objects and tiling is not None:
        return objects_in_tiles(windows.read, windows.size, job.segmenter, tiling)
    if job.task == "instance":
        raise UsageError(
            f"{job.segmenter.name} gives classes; objects of them are connected regions, which "
            "need the whole picture in memory; ask for --task semantic"
        )
    return None


def enlarge_instances(things: Instances, size: tuple[int, int]) -> Instances:
    """Return the objects of a reduced picture in the full one, each by its box."""
    import cv2

    y, x = size[0] / things.size[0], size[1] / things.size[1]
    masks: list[Rle] = []
    for mask in things.masks:
        box = mask.box()
        if box is None:
            masks.append(encode_mask(np.zeros((1, 1), bool)).placed(size, top=0, left=0))
            continue
        top, left = int(box.top * y), int(box.left * x)
        bottom, right = min(size[0], round(box.bottom * y)), min(size[1], round(box.right * x))
        shape = (max(1, right - left), max(1, bottom - top))
        part = mask.to_crop(box).inside.astype(np.uint8)
        large = cv2.resize(part, shape, interpolation=cv2.INTER_NEAREST_EXACT)
        masks.append(encode_mask(np.asarray(large, bool)).placed(size, top=top, left=left))
    return replace(things, size=size, masks=tuple(masks))


def _tiled_bands(windows: Windows, job: LabelJob, tiling: Tiling) -> Iterator[NDArray[np.uint16]]:
    """Yield bands of class ids, a row of blocks each."""
    table = _table(job.segmenter.taxonomy)
    band: NDArray[np.uint16] | None = None
    for box, outputs, _ in labels_in_tiles(windows.read, windows.size, job.segmenter, tiling):
        if band is None or box.left == 0:
            band = np.empty((box.size[0], windows.size[1]), np.uint16)
        band[:, box.left : box.right] = table[outputs]
        if box.right == windows.size[1]:
            yield band


def _drawn_bands(things: Instances, size: tuple[int, int]) -> Iterator[NDArray[np.uint16]]:
    """Yield bands of the classes of objects, the best on top."""
    taxonomy = things.taxonomy
    rest = next((each.id for each in taxonomy.categories if each.name == "background"), None)
    empty = rest if rest is not None else taxonomy.ignore
    order = np.argsort(things.scores, kind="stable")
    for top in range(0, size[0], BAND_ROWS):
        bottom = min(top + BAND_ROWS, size[0])
        band = np.full((bottom - top, size[1]), empty or 0, np.uint16)
        for at in order:
            first, left, last, right = (int(edge) for edge in things.boxes[at])
            low, high = max(first, top), min(last, bottom)
            if low < high:
                inside = things.masks[at].to_crop(Box(low, left, high, right)).inside
                band[low - top : high - top, left:right][inside] = things.labels[at]
        yield band


def _enlarged_bands(small: Labelled | None, size: tuple[int, int]) -> Iterator[NDArray[np.uint16]]:
    """Yield bands of a reduced label map at full size, each pixel its nearest class."""
    if small is None:
        raise AssertionError(size)  # one of the three ways applies
    ids = small.labels.ids
    columns = np.arange(size[1]) * ids.shape[1] // size[1]
    for top in range(0, size[0], BAND_ROWS):
        rows = np.arange(top, min(top + BAND_ROWS, size[0])) * ids.shape[0] // size[0]
        yield ids[rows][:, columns].astype(np.uint16)


def _table(taxonomy: Taxonomy) -> NDArray[np.uint16]:
    return np.array(taxonomy.ids, np.uint16)


def large_record(
    result: LargeResult, size: tuple[int, int], *, source: str, output: str, model: str
) -> dict[str, Any]:
    """Return the record of a large picture; see `maskworks.labels.writing.found.record_of`."""
    from maskworks.labels.writing.found import objects_of

    taxonomy = result.labelled.labels.taxonomy
    total = size[0] * size[1]
    things = result.things
    classes = []
    for each in taxonomy.categories:
        mine = None if things is None else things.labels == each.id
        if each.id in result.pixels or (mine is not None and mine.any()):
            pixels = result.pixels.get(each.id, 0)
            score = None
            if things is not None and mine is not None and mine.any():
                score = round(float(things.scores[mine].mean()), 6)
            classes.append(
                {
                    "id": each.id,
                    "name": each.name,
                    "pixels": pixels,
                    "percent": round(100 * pixels / total, 6),
                    "objects": None if mine is None else int(mine.sum()),
                    "score": score,
                }
            )
    record: dict[str, Any] = {
        "picture": source,
        "labels": output,
        "model": model,
        "task": "semantic" if things is None else "instance",
        "taxonomy": taxonomy.name,
        "width": size[1],
        "height": size[0],
        "how": result.labelled.how,
        "classes": classes,
        "unlabelled": result.pixels.get(taxonomy.ignore, 0) if taxonomy.ignore is not None else 0,
    }
    return record if things is None else {**record, "objects": objects_of(things)}


def large_files(
    subject: LabelledItem, result: LargeResult, targets: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    """Yield what is written of a large picture besides its label map and record.

    Objects are in the full picture's pixels, the overlay is of the reduced one.
    """
    full = replace(subject, things=result.things)
    for name in targets:
        if name == "overlay":
            yield from TARGETS[name](subject)
        elif name in TARGETS and result.things is not None:
            yield from TARGETS[name](full)
        elif name in TARGETS:
            raise UsageError(
                f"--write {name} of classes needs the whole picture in memory; leave it out"
            )
