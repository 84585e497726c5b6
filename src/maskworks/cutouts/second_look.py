"""A closer look: the network again, mirrored, and larger on the subject's own part.

A network sees a picture at its input's size. A second run on a crop around the subject, at a
larger size, shows edges that the first run never saw; what it gains stands in docs/edges.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.values import Box, Image, Mask, Matte
from maskworks.refine.parts import grown, slices
from maskworks.refine.reduced import block_means, block_side, enlarged

if TYPE_CHECKING:
    from maskworks.core.values import Bool2D, Float2D
    from maskworks.models import Model

GAINS_FROM = 1.25
"""How much larger, at least, the second run must show the subject."""

AGREE_FROM = 0.7
"""IoU of both looks below which the second is taken to have seen something else."""

LARGER_PX = 64
"""How much larger the mirror image is shown: two sizes err less alike than one."""

MARGIN = 0.1
"""What is kept around the subject on each side, as a share of its box's long side."""

SEEN_FROM = 0.1
"""Alpha from which a pixel belongs to the box."""

DOUBT = (0.05, 0.95)
"""Alphas between which the first look is in doubt; there and a little around the second counts."""

AROUND = 0.006
"""That little, as a share of the picture's long side."""


def crop_of(box: Box | None, size: tuple[int, int], first_px: int, second_px: int) -> Box | None:
    """Return the part of a picture that is worth a second look, None if it gains nothing.

    Parameters
    ----------
    box : Box
        Of the subject; None if there is none.
    size : (H, W) of the picture, pixels
    first_px, second_px : long side of the network's input in each look

    Examples
    --------
    >>> crop_of(Box(100, 100, 200, 180), (400, 400), 320, 320)
    Box(top=90, left=90, bottom=210, right=190)
    >>> crop_of(Box(0, 0, 400, 400), (400, 400), 320, 320) is None
    True
    """
    if box is None:
        return None
    crop = grown(box, round(MARGIN * max(box.size)), size)
    first = min(1.0, first_px / max(size))
    second = min(1.0, second_px / max(crop.size))
    return crop if second >= GAINS_FROM * first else None


@dataclass(frozen=True, eq=False)
class SecondLook:
    """A matte, and how finely its edge was seen.

    `seen_px` is the long side that the whole picture would have at the scale at which the
    network saw its edge.
    """

    matte: Matte = field(repr=False)
    seen_px: int


def look_closer(image: Image, matte: Matte, model: Model) -> SecondLook:
    """Look at the picture mirrored, then at the subject's part of it, larger and both ways round.

    A network is not quite symmetrical, nor alike at all sizes: the mean of a picture's answer
    and of its larger mirror image's is nearer to the truth than either. The second look shows
    edges that the first never saw: where the first was sure it stays; in its doubt the second
    counts, if both agree on what the subject is (IoU of at least `AGREE_FROM`). A picture that
    gains nothing from a second look keeps the mean of the first. A model that takes one size
    alone is shown the mirror image at that size.

    Parameters
    ----------
    image : Image of shape (H, W)
        A large one is looked at in a copy of about a thousand pixels (`reduced`), and so is
        the subject's part of it.
    matte : Matte of shape (H, W)
        The first look's.
    model : Model

    Returns
    -------
    SecondLook

    References
    ----------
    Averaging over mirrored and rescaled inputs at test time: Krizhevsky et al., ImageNet
    classification with deep convolutional neural networks, NeurIPS 2012.
    """
    rule = model.spec.input
    usual, long_side = max(rule.height, rule.width), max(matte.size)
    block = block_side(matte.size)  # no look needs a large picture's own pixels
    copy = _mirrored(Image(block_means(image.pixels, block)))
    if rule.detail is None:
        mirrored = model.predict(copy)
    else:
        mirrored = model.predict_closer(copy, usual + LARGER_PX)
    first = _mean(Matte(block_means(matte.alpha, block)), mirrored.matte)
    alpha = enlarged(first.alpha, block, matte.size, smooth=True)
    seen = SecondLook(Matte(alpha), min(long_side, usual))
    box = Mask(first.alpha >= SEEN_FROM).box()
    crop = crop_of(box and _of_blocks(box, block, matte.size), matte.size, usual, rule.detail or 0)
    if crop is None or rule.detail is None:
        return seen
    finer = block_side(crop.size)
    before = block_means(alpha[slices(crop)], finer)
    part = Image(block_means(np.ascontiguousarray(image.pixels[slices(crop)]), finer))
    second = _both_ways(part, model, rule.detail)
    ours, theirs = before >= 0.5, second >= 0.5
    either = int(np.count_nonzero(ours | theirs))
    if either == 0 or np.count_nonzero(ours & theirs) < AGREE_FROM * either:
        return seen
    near = _around(_doubtful(before), AROUND * long_side / finer)
    both = np.where(near, second, before)
    alpha[slices(crop)] = enlarged(both, finer, crop.size, smooth=True)
    return SecondLook(Matte(alpha), _seen_px(long_side, crop, rule.detail))


def _of_blocks(box: Box, block: int, size: tuple[int, int]) -> Box:
    """Return what a box of a copy is in the picture."""
    bottom, right = min(box.bottom * block, size[0]), min(box.right * block, size[1])
    return Box(box.top * block, box.left * block, bottom, right)


def _both_ways(image: Image, model: Model, side: int) -> Float2D:
    straight = model.predict_closer(image, side).matte
    return _mean(straight, model.predict_closer(_mirrored(image), side + LARGER_PX).matte).alpha


def _mirrored(image: Image) -> Image:
    return Image(np.ascontiguousarray(image.pixels[:, ::-1]))


def _mean(matte: Matte, mirrored: Matte) -> Matte:
    mean = matte.alpha + mirrored.alpha[:, ::-1]
    mean *= np.float32(0.5)
    return Matte(mean)


def _doubtful(alpha: Float2D) -> Bool2D:
    return np.asarray((alpha > DOUBT[0]) & (alpha < DOUBT[1]))


def _around(mask: Bool2D, radius_px: float) -> Bool2D:
    import cv2

    side = 2 * max(1, round(radius_px)) + 1
    return cv2.dilate(mask.view(np.uint8), np.ones((side, side), np.uint8)).view(np.bool_)


def _seen_px(long_side: int, crop: Box, side: int) -> int:
    return min(long_side, round(side * long_side / max(crop.size)))
