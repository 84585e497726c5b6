"""What lies behind the subject: nothing, one colour, a picture, or the blurred photo itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskworks.core.colour import parse_colour
from maskworks.core.errors import UsageError
from maskworks.core.provenance import SourceType
from maskworks.core.reading import Limits, read_picture
from maskworks.core.values import Image, Matte
from maskworks.cutouts.resizing import cover

_BLUR_SIDE_PX = 512
_ROWS = 64
_LIMITS = Limits()


@dataclass(frozen=True)
class Plain:
    """One sRGB colour."""

    colour: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Backdrop:
    """A picture that fills the frame; what does not fit is cut off on both sides alike.

    `source_type` is how it says that it came about, see `maskworks.core.provenance`.
    """

    image: Image
    source_type: SourceType | None = None


@dataclass(frozen=True)
class Blurred:
    """The photo without its subject, blurred by `share` of its long side (one sigma)."""

    share: float = 0.025


Background = Plain | Backdrop | Blurred


def parse_background(text: str, limits: Limits = _LIMITS) -> Background | None:
    """Return the background that a text names, None for "none".

    Parameters
    ----------
    text : "none", "blur", a colour (see `parse_colour`) or the path of a picture
    limits : Limits
        For the picture.

    Raises
    ------
    UsageError
        If it is none of these.
    ImageError
        If the picture cannot be read.

    Examples
    --------
    >>> parse_background("#f4f1ec"), parse_background("blur"), parse_background("none")
    (Plain(colour=(244, 241, 236)), Blurred(share=0.025), None)
    """
    if text in ("none", "blur"):
        return Blurred() if text == "blur" else None
    path = Path(text)
    if path.is_file():
        picture = read_picture(path, limits)
        image = picture.image
        if picture.matte is not None:  # its clear parts become white
            image = blend(image, picture.matte, Image(np.full_like(image.pixels, 255)))
        return Backdrop(image, picture.details.source_type)
    try:
        return Plain(parse_colour(text))
    except UsageError as error:
        raise UsageError(
            f"--background {text}: there is no such picture and no such colour; give none, blur, "
            "the path of a picture, or a colour such as white, #f4f1ec or 244,241,236"
        ) from error


def put_behind(
    image: Image, matte: Matte, background: Background, *, foreground: Image | None = None
) -> Image:
    """Return the subject of `image` in front of `background`, opaque.

    Parameters
    ----------
    image : Image of shape (H, W)
    matte : Matte of shape (H, W)
    foreground : Image of shape (H, W), optional
        The subject's own colours, where they are better known than `image` shows them.

    Returns
    -------
    Image of shape (H, W)
    """
    height, width = image.size
    front = image if foreground is None else foreground
    if isinstance(background, Plain):
        colour = np.array(background.colour, np.uint8)
        return blend(front, matte, Image(np.broadcast_to(colour, (height, width, 3))))
    if isinstance(background, Backdrop):
        return blend(front, matte, cover(background.image, image.size))
    return blend(front, matte, blur_behind(image, matte, background.share))


def blend(front: Image, matte: Matte, behind: Image) -> Image:
    """Mix two pictures: ``alpha * front + (1 - alpha) * behind``, rounded.

    Parameters
    ----------
    front, behind : Image of shape (H, W)
    matte : Matte of shape (H, W)

    Examples
    --------
    >>> black, white = (Image(np.full((1, 3, 3), v, np.uint8)) for v in (0, 255))
    >>> matte = Matte(np.array([[0, 0.2, 1]], np.float32))
    >>> blend(white, matte, black).pixels[0, :, 0].tolist()
    [0, 51, 255]
    """
    mixed = np.empty_like(front.pixels)
    for top in range(0, len(mixed), _ROWS):  # the wide temporaries stay small
        rows = slice(top, top + _ROWS)
        alpha = matte.alpha[rows, :, np.newaxis]
        below = behind.pixels[rows].astype(np.float32)
        mixed[rows] = np.rint(below + alpha * (front.pixels[rows] - below)).astype(np.uint8)
    return Image(mixed)


def blur_behind(image: Image, matte: Matte, share: float) -> Image:
    """Return the photo without its subject, strongly blurred.

    Each pixel is a Gaussian average of what is not subject around it, so no ghost of the
    subject glows around its edge. Computed at 512 px, where such a blur has no detail.

    Parameters
    ----------
    image : Image of shape (H, W)
    matte : Matte of shape (H, W)
    share : sigma as a share of the long side
    """
    from PIL import Image as PillowImage
    from scipy.ndimage import gaussian_filter

    height, width = image.size
    scale = min(1.0, _BLUR_SIDE_PX / max(height, width))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    box = PillowImage.Resampling.BOX
    colours = np.asarray(PillowImage.fromarray(image.pixels).resize(small, box), np.float32)
    alpha = np.asarray(PillowImage.fromarray(matte.alpha).resize(small, box), np.float32)
    weight: NDArray[np.float32] = (np.clip(1 - alpha, 0, 1) ** 2 + 1e-4)[..., np.newaxis]
    sigma = share * max(small)
    around = (sigma, sigma, 0)
    mean = gaussian_filter(colours * weight, around) / gaussian_filter(weight, around)
    soft = PillowImage.fromarray(np.clip(np.rint(mean), 0, 255).astype(np.uint8))
    return Image(np.asarray(soft.resize((width, height), PillowImage.Resampling.BICUBIC)))
