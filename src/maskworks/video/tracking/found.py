"""What a detector found in one frame, and the detectors: a network, or what moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UsageError
from maskworks.core.rle import Rle, encode_mask
from maskworks.core.values import Image

if TYPE_CHECKING:
    from maskworks.core.values import Pixels
    from maskworks.models.labelling import Segmenter

MOVING = "moving"
"""The class of everything that a background model finds: it does not know what moves."""

BACKGROUND = "background"
"""The name by which the background model is asked for, in the place of a network's."""


@dataclass(frozen=True, eq=False)
class Found:
    """The objects of one frame.

    `boxes` is float64 (N, 4), x1 y1 x2 y2 in pixels of the frame; `scores` (N,) in [0, 1];
    `kinds` (N,) names of classes; `masks` one a box, None where the detector gives boxes alone.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    kinds: tuple[str, ...]
    masks: tuple[Rle, ...] | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, chosen: NDArray[np.intp]) -> Found:
        """Return these objects, by their places."""
        masks = None if self.masks is None else tuple(self.masks[at] for at in chosen)
        kinds = tuple(self.kinds[at] for at in chosen)
        return Found(self.boxes[chosen], self.scores[chosen], kinds, masks)


@dataclass(frozen=True, kw_only=True)
class Detector:
    """Finds the objects of a frame, uint8 (H, W, 3).

    `described` says in words what it is, for the report; `classes` are the names it can give;
    `cut` gives the masks of boxes (N, 4), where `find` gives boxes alone. One that is `moving`
    must see every frame, in order.
    """

    name: str
    described: str
    classes: tuple[str, ...]
    find: Callable[[Pixels], Found]
    cut: Callable[[Pixels, NDArray[np.float64]], list[Rle]] | None = None
    moving: bool = False


def of_segmenter(segmenter: Segmenter, wanted: tuple[str, ...] = ()) -> Detector:
    """Return any model of objects of `maskworks segment` as a detector.

    Raises
    ------
    UsageError
        If the model has no objects, or a wanted class is none of its own.
    """
    if segmenter.own == "semantic":
        raise UsageError(
            f"{segmenter.name} tells classes of pixels, not objects; name a model of objects, or "
            f"{BACKGROUND} for a fixed camera"
        )
    things = segmenter.taxonomy.things
    names = tuple(each.name for each in things)
    strange = [each for each in wanted if each not in names]
    if strange:
        raise UsageError(
            f"{segmenter.name} knows no class {strange[0]!r}, it knows {', '.join(names)}"
        )
    allowed = {each.id: each.name for each in things if not wanted or each.name in wanted}
    parts = segmenter.boxes

    def find(pixels: Pixels) -> Found:
        if parts is None:
            return _with_masks(pixels, segmenter, allowed)
        boxes = parts.find(Image(pixels))
        kinds = [names[int(kind)] for kind in boxes.kinds]
        found = Found(boxes.edges.astype(np.float64), boxes.scores.astype(np.float64), tuple(kinds))
        return found.select(np.flatnonzero([kind in allowed.values() for kind in kinds]))

    def cut(pixels: Pixels, boxes: NDArray[np.float64]) -> list[Rle]:
        return [] if parts is None else parts.cut(Image(pixels), boxes.astype(np.float32))

    return Detector(
        name=segmenter.name,
        described=f"the model {segmenter.name}",
        classes=wanted or names,
        find=find,
        cut=None if parts is None else cut,
    )


def _with_masks(pixels: Pixels, segmenter: Segmenter, allowed: dict[int, str]) -> Found:
    from maskworks.models.labelling import label_picture

    things = label_picture(Image(pixels), segmenter, "instance").instances
    if things is None:
        raise UsageError(f"{segmenter.name} answered no objects; name a model of objects")
    good = [int(label) in allowed for label in things.labels]
    things = things.select(np.flatnonzero(np.array(good, bool) & (things.areas > 0)))
    kinds = tuple(allowed[int(each)] for each in things.labels)
    boxes = things.boxes[:, [1, 0, 3, 2]].astype(np.float64)
    return Found(boxes, things.scores.astype(np.float64), kinds, things.masks)


@dataclass
class MovingObjects:
    """What differs from a background that is learnt as the clip goes on; for fixed cameras.

    Zivkovic and van der Heijden, Efficient adaptive density estimation per image pixel, PRL
    2006 (OpenCV's MOG2): shadows are left out. The first `warm_up` frames give nothing.
    """

    least_area: float = 0.0005  # of the frame
    warm_up: int = 5
    seen: int = 0
    model: object = field(default=None, repr=False)

    def __call__(self, pixels: Pixels) -> Found:
        """Return the moving regions of the next frame."""
        import cv2

        if self.model is None:
            self.model = cv2.createBackgroundSubtractorMOG2(500, 24, detectShadows=True)
        factor = min(1.0, 640 / max(pixels.shape[:2]))
        size = (round(pixels.shape[1] * factor), round(pixels.shape[0] * factor))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        marks = self.model.apply(small)  # type: ignore[attr-defined]
        self.seen += 1
        if self.seen <= self.warm_up:
            return nothing()
        sure = (marks == 255).astype(np.uint8)  # 127 is a shadow
        sure = cv2.morphologyEx(sure, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        joined = cv2.morphologyEx(sure, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
        count, pieces, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
        boxes, scores, masks = [], [], []
        for at in range(1, count):
            left, top, width, height, area = (int(each) for each in stats[at])
            if area < self.least_area * small.shape[0] * small.shape[1]:
                continue
            boxes.append(np.array([left, top, left + width, top + height]) / factor)
            scores.append(area / (width * height))
            whole = (pixels.shape[1], pixels.shape[0])
            mask = cv2.resize((pieces == at).astype(np.uint8), whole, interpolation=0)
            masks.append(encode_mask(mask.astype(bool)))
        if not boxes:
            return nothing()
        return Found(np.stack(boxes), np.array(scores), (MOVING,) * len(boxes), tuple(masks))


def nothing() -> Found:
    """Return the answer "no objects"."""
    return Found(np.zeros((0, 4)), np.zeros(0), (), ())


def of_background(wanted: tuple[str, ...] = ()) -> Detector:
    """Return a detector of what moves before a fixed camera.

    Raises
    ------
    UsageError
        If classes are asked for, which it cannot tell.
    """
    if wanted and wanted != (MOVING,):
        raise UsageError(
            f"a background model cannot tell {', '.join(wanted)} apart; leave --classes out, or "
            "name a model of objects"
        )
    return Detector(
        name=BACKGROUND,
        described="a background model (MOG2) of a fixed camera: what moves, whatever it is",
        classes=(MOVING,),
        find=MovingObjects(),
        moving=True,
    )
