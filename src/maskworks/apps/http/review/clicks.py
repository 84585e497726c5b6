"""What a click points at: GrabCut finds it, or a SAM where the operator has one."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UsageError
from maskworks.core.values import Image

if TYPE_CHECKING:
    from maskworks.models.families.prompted import EncodedImage, Prompted

Bool2D = NDArray[np.bool_]

_DISC_PX = 5
_ROUNDS = 3
_ALIKE = 14  # of 255, in each channel of Lab
_GRABCUT_PX = 512
_SAM_PX = 1024
_PICTURES = 2


@dataclass(frozen=True, kw_only=True)
class Click:
    """Points (x, y) at a thing that is to be kept (`wanted`) or taken away.

    `others` are points of earlier clicks of the other kind: the thing does not reach there.
    """

    points: tuple[tuple[float, float], ...]
    others: tuple[tuple[float, float], ...] = ()
    wanted: bool = True


@dataclass(frozen=True, kw_only=True)
class Finder:
    """Finds what was clicked at.

    Parameters
    ----------
    side_px : the long side at which it looks at a picture, at most
    find : from the picture (H, W), what is subject now (H, W) and a click to what is subject
        then (H, W)
    """

    side_px: int
    find: Callable[[Image, Bool2D, Click], Bool2D]


def discs(size: tuple[int, int], points: Sequence[tuple[float, float]]) -> Bool2D:
    """Return where clicks are, (H, W): a disc around each point.

    Examples
    --------
    >>> int(discs((20, 20), [(10, 10)]).sum()), discs((3, 3), []).any().item()
    (81, False)
    """
    import cv2

    drawn = np.zeros(size, np.uint8)
    for x, y in points:
        cv2.circle(drawn, (round(x), round(y)), _DISC_PX, 1, -1)
    return drawn > 0


def grabcut(image: Image, now: Bool2D, click: Click) -> Bool2D:
    """Return what is subject by colour, where the clicks are sure and the rest is as it was.

    What has the colour of a click around it counts for the click, so that a thing in its own
    colour goes as a whole.

    References
    ----------
    Rother, Kolmogorov and Blake, GrabCut, SIGGRAPH 2004.
    """
    import cv2

    labels = np.where(now, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    likely, sure = (cv2.GC_PR_BGD, cv2.GC_PR_FGD), (cv2.GC_BGD, cv2.GC_FGD)
    labels[alike(image, click)] = likely[click.wanted]
    labels[discs(now.shape, click.others)] = sure[not click.wanted]
    labels[discs(now.shape, click.points)] = sure[click.wanted]
    front = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if front.all() or not front.any():  # two colour models need two kinds of pixels
        return now
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(image.pixels, labels, (0, 0, 1, 1), *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.asarray(np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)))


def alike(image: Image, click: Click) -> Bool2D:
    """Return the pixels, (H, W), around a click that have its colour and hang together with it.

    Not farther than a quarter of the picture's shorter side. Where that much is alike and the
    thing is wanted it is a backdrop, and nothing is returned for that point.
    """
    import cv2

    height, width = image.size
    lab = cv2.cvtColor(image.pixels, cv2.COLOR_RGB2LAB)
    reach = max(_DISC_PX, min(height, width) // 4)
    found = np.zeros((height, width), np.bool_)
    for x, y in click.points:
        if not (0 <= round(x) < width and 0 <= round(y) < height):
            continue
        around = np.zeros((height, width), np.uint8)
        cv2.circle(around, (round(x), round(y)), reach, 1, -1)
        mask = np.pad(1 - around, 1, constant_values=1)
        near = (_ALIKE,) * 3
        flags = cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (2 << 8)
        cv2.floodFill(lab, mask, (round(x), round(y)), 0, near, near, flags)
        same = mask[1:-1, 1:-1] == 2
        rim = cv2.erode(around, np.ones((3, 3), np.uint8), borderValue=1) < around
        if not (click.wanted and (same & rim).any()):
            found |= same
    return found


GRABCUT = Finder(side_px=_GRABCUT_PX, find=grabcut)


class Sam:
    """A SAM that answers clicks; the image embedding is cached for the next ones.

    Parameters
    ----------
    load : opens the model, at the first click
    """

    def __init__(self, load: Callable[[], Prompted]) -> None:
        self._load = load
        self._model: Prompted | None = None
        self._seen: OrderedDict[bytes, EncodedImage] = OrderedDict()
        self._turn = threading.Lock()  # Torch takes every core for one picture

    def find(self, image: Image, now: Bool2D, click: Click) -> Bool2D:
        """Return what is subject with the thing that was pointed at, or without it."""
        from maskworks.models.prompts import Prompt

        inside, outside = (_within(image.size, each) for each in (click.points, click.others))
        with self._turn:
            if self._model is None:
                self._model = self._load()
            prompt = Prompt(inside=inside, outside=outside)
            found = self._model.answer(self._look(self._model, image), [prompt])
        thing = found.masks[0].to_mask().inside
        return now | thing if click.wanted else now & ~thing

    def _look(self, model: Prompted, image: Image) -> EncodedImage:
        name = hashlib.blake2b(image.pixels.tobytes(), digest_size=16).digest()
        if name not in self._seen:
            self._seen[name] = model.encode(image)
            while len(self._seen) > _PICTURES:
                self._seen.popitem(last=False)
        self._seen.move_to_end(name)
        return self._seen[name]


def _within(
    size: tuple[int, int], points: Sequence[tuple[float, float]]
) -> tuple[tuple[float, float], ...]:
    """Return points (x, y) as (row, column) that lie in the picture: a hand slips over its rim."""
    height, width = size
    return tuple((min(max(y, 0.0), height), min(max(x, 0.0), width)) for x, y in points)


def finder_of(name: str | None, *, threads: int = 0) -> Finder:
    """Return the finder that an operator chose: None is GrabCut.

    Parameters
    ----------
    name : a folder with a SAM of transformers, or ``hf:OWNER/NAME`` in the cache
    threads : of its network, 0 for every core

    Raises
    ------
    UsageError
        If there is no such folder, or what lies there is no SAM.
    ModelError
        If its files are missing.
    """
    if name is None:
        return GRABCUT
    from maskworks.models.families.prompted import open_prompted
    from maskworks.models.families.transformers_models import prompted_of
    from maskworks.models.model_folder import folder_of, read_config

    folder = folder_of(name)
    architecture = prompted_of(read_config(folder, name))
    if architecture is None:
        raise UsageError(f"{name}: is no SAM, so it answers no clicks; leave --clicks out")
    sam = Sam(lambda: open_prompted(folder, architecture, threads=threads))
    return Finder(side_px=_SAM_PX, find=sam.find)
