"""Mix weighed pictures with what lies behind them; each function writes into its first argument."""

from __future__ import annotations

import numpy as np

from maskworks.core.values import Box, Mask, Matte, Pixels
from maskworks.studio.resizing import Float3D
from maskworks.studio.subject import SUBJECT_ALPHA

_ROWS = 64
_RING_PX = 2  # a demanded border: what is fainter than a subject is taken off it


def clear_ring(picture: Float3D, rect: Box, canvas: tuple[int, int]) -> None:
    """Take what is too faint to be subject off the outermost pixels of the canvas, in place."""
    near = (
        picture[: max(0, _RING_PX - rect.top)],
        picture[:, : max(0, _RING_PX - rect.left)],
        picture[max(0, canvas[0] - _RING_PX - rect.top) :],
        picture[:, max(0, canvas[1] - _RING_PX - rect.left) :],
    )
    for part in near:
        part[part[..., 3] < SUBJECT_ALPHA] = 0


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


def blend_weighed(ground: Pixels, picture: Float3D, rect: Box) -> None:
    """Put a weighed picture over a rectangle of `ground`, in place."""
    import cv2

    part = ground[rect.top : rect.bottom, rect.left : rect.right]
    for top in range(0, len(part), _ROWS):  # the wide temporaries stay small
        rows = slice(top, top + _ROWS)
        *colours, alpha = cv2.split(np.ascontiguousarray(picture[rows]))
        rest = 1 - alpha
        behind = cv2.split(np.ascontiguousarray(part[rows]))
        mixed = [c + b * rest for c, b in zip(colours, behind, strict=True)]
        part[rows] = cv2.convertScaleAbs(cv2.merge(mixed))  # rounds, and ends at 255


def blend_plain(ground: Pixels, picture: Float3D, rect: Box, colour: tuple[int, int, int]) -> None:
    """Put a weighed picture over one colour, in place: colours + (1 - alpha) * colour."""
    import cv2

    matrix = np.zeros((3, 5), np.float32)
    matrix[:, :3] = np.eye(3)
    matrix[:, 3] = -np.array(colour, np.float32)
    matrix[:, 4] = colour
    part = ground[rect.top : rect.bottom, rect.left : rect.right]
    part[:] = cv2.convertScaleAbs(cv2.transform(np.ascontiguousarray(picture), matrix))
