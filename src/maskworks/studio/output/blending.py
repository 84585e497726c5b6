"""Alpha blending over a background; each function writes into its first argument."""

from __future__ import annotations

import numpy as np

from maskworks.core.values import Box, Mask, Matte, Pixels
from maskworks.cutouts.resizing import Weighed
from maskworks.studio.output.subject import SUBJECT_ALPHA

_ROWS = 64
_RING_PX = 2  # a demanded border: what is fainter than a subject is taken off it


def clear_ring(picture: Weighed, rect: Box, canvas: tuple[int, int]) -> None:
    """Take what is too faint to be subject off the outermost pixels of the canvas, in place."""
    near = (
        picture[: max(0, _RING_PX - rect.top)],
        picture[:, : max(0, _RING_PX - rect.left)],
        picture[max(0, canvas[0] - _RING_PX - rect.top) :],
        picture[:, max(0, canvas[1] - _RING_PX - rect.left) :],
    )
    for part in near:
        part[part[..., 3] < 255 * SUBJECT_ALPHA] = 0


def darken(ground: Pixels, shade: Matte) -> None:
    """Multiply `ground` by what the shadow lets through, in place."""
    box = Mask(shade.alpha > 0).box()
    if box is None:
        return
    part = ground[box.top : box.bottom, box.left : box.right]
    dark = shade.alpha[box.top : box.bottom, box.left : box.right]
    for top in range(0, len(part), _ROWS):
        rows = slice(top, top + _ROWS)
        part[rows] = np.rint(part[rows] * (1 - dark[rows, :, np.newaxis])).astype(np.uint8)


def blend_weighed(ground: Pixels, picture: Weighed, rect: Box) -> None:
    """Put a weighed picture over a rectangle of `ground`, in place."""
    import cv2

    part = ground[rect.top : rect.bottom, rect.left : rect.right]
    rest = cv2.bitwise_not(cv2.extractChannel(picture, 3))
    behind = cv2.multiply(np.ascontiguousarray(part), cv2.merge([rest] * 3), scale=1 / 255)
    part[:] = cv2.add(cv2.cvtColor(picture, cv2.COLOR_RGBA2RGB), behind)


def blend_plain(ground: Pixels, picture: Weighed, rect: Box, colour: tuple[int, int, int]) -> None:
    """Put a weighed picture over one colour, in place: colours + (255 - alpha) * colour / 255."""
    import cv2

    rest = cv2.bitwise_not(cv2.extractChannel(picture, 3))
    behind = [cv2.convertScaleAbs(rest, alpha=level / 255) for level in colour]
    part = ground[rect.top : rect.bottom, rect.left : rect.right]
    part[:] = cv2.add(cv2.cvtColor(picture, cv2.COLOR_RGBA2RGB), cv2.merge(behind))
