"""One picture: cut its subject out, judge the answer, render it. Pure but for reading."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.reading import Details, Limits, Picture, read_picture
from maskworks.core.values import Image, Matte
from maskworks.core.writing import Encoding, Format, encode, encode_matte, write_atomic
from maskworks.models.families.saliency import NO_SUBJECT_BELOW, SMALLEST_SUBJECT
from maskworks.studio.aim import WRITABLE, writable_format
from maskworks.studio.backgrounds import Background, Blurred, Plain, blend, put_behind
from maskworks.studio.item import Status

if TYPE_CHECKING:
    from PIL import Image as PillowImage

    from maskworks.models import Model

WHITE = (255, 255, 255)
_DARK = (64, 64, 64)
_BRIGHT = 170


@dataclass(frozen=True)
class Look:
    """How a cut-out is rendered.

    Parameters
    ----------
    encoding : Encoding
    background : Background, optional
        None keeps the alpha.
    mask_only : bool
        Write the matte as 8-bit grey instead of the picture.
    """

    encoding: Encoding
    background: Background | None = None
    mask_only: bool = False


@dataclass(frozen=True, eq=False)
class Cutout:
    """A picture and the matte of its subject.

    `image` and `matte` are (H, W); `confidence` is the predicted IoU of the matte, or, where
    `status` is "no-subject", the confidence in that answer; None if the model has none.
    """

    image: Image = field(repr=False)
    matte: Matte = field(repr=False)
    confidence: float | None
    status: Status
    details: Details = field(repr=False)

    def rgba(self) -> NDArray[np.uint8]:
        """Return uint8 (H, W, 4), straight (not premultiplied) alpha."""
        alpha = np.rint(self.matte.alpha * 255).astype(np.uint8)
        return np.dstack([self.image.pixels, alpha])

    def save(self, path: str | Path, *, background: Background | None = None) -> None:
        """Write PNG, WebP or TIFF with alpha, or JPEG on white, as the suffix says.

        Parameters
        ----------
        path : str or Path
            An existing file is replaced, in one atomic step.
        background : Background, optional
            `Plain`, `Backdrop` or `Blurred` of `maskworks.studio`.

        Raises
        ------
        UsageError
            If the suffix is none that can be written.
        OutputError
            If the file cannot be written.
        """
        target = Path(path)
        form = writable_format(target)
        if form is None:
            raise UsageError(f"{target}: the name must end in {', '.join(WRITABLE)}")
        look = look_for(form, background)
        write_atomic(target, render(self, look))


def look_for(
    form: str,
    background: Background | None = None,
    *,
    mask_only: bool = False,
    keep_metadata: bool = False,
) -> Look:
    """Return the look for one of the writable formats; JPEG gets white if it has nothing."""
    known: dict[str, Format] = {"png": "png", "webp": "webp", "tiff": "tiff", "jpg": "jpg"}
    encoding = Encoding(known[form], keep_metadata=keep_metadata)
    if form == "jpg" and background is None:
        background = Plain(WHITE)
    return Look(encoding, background, mask_only)


def cut_out(picture: Picture, model: Model, *, min_confidence: float = 0.0) -> Cutout:
    """Find the subject of a picture and judge the answer.

    The picture's own alpha is multiplied into the matte: what was clear stays clear.

    Parameters
    ----------
    picture : Picture
    model : Model
    min_confidence : float in [0, 1]
        A lower confidence gives the status "review".

    Raises
    ------
    NetworkError
        If the network's answer is not what its row promises.
    """
    prediction = model.predict(_seen(picture))
    matte = prediction.matte
    if picture.matte is not None:
        matte = Matte(matte.alpha * picture.matte.alpha)
    status, confidence = judge(
        prediction.confidence, prediction.presence, covered(matte), min_confidence=min_confidence
    )
    return Cutout(picture.image, matte, confidence, status, picture.details)


def covered(matte: Matte) -> float:
    """Return the share of pixels with alpha >= 0.5."""
    return np.count_nonzero(matte.alpha >= 0.5) / matte.alpha.size


def judge(
    confidence: float | None, presence: float | None, covered: float, *, min_confidence: float
) -> tuple[Status, float | None]:
    """Decide the status of an answer and how sure it is.

    Parameters
    ----------
    confidence : predicted IoU, None if the model has none
    presence : probability that there is a subject, None if the model has none
    covered : share of pixels with alpha >= 0.5
    min_confidence : below it an answer with a subject is for review

    Returns
    -------
    status, confidence
        For "no-subject" the confidence is ``1 - presence``. A tie is "ok".

    Examples
    --------
    >>> judge(0.9, 0.99, 0.3, min_confidence=0.8)
    ('ok', 0.9)
    >>> judge(0.7, 0.99, 0.3, min_confidence=0.8)
    ('review', 0.7)
    >>> judge(0.9, 0.25, 0.3, min_confidence=0.8)
    ('no-subject', 0.75)
    """
    absent = presence is not None and presence < NO_SUBJECT_BELOW
    if absent or covered < SMALLEST_SUBJECT:
        return "no-subject", None if presence is None else 1 - presence
    if confidence is not None and confidence < min_confidence:
        return "review", confidence
    return "ok", confidence


def render(cutout: Cutout, look: Look) -> bytes:
    """Encode a cut-out; equal arguments give equal bytes."""
    if look.mask_only:
        return encode_matte(cutout.matte, look.encoding, cutout.details)
    if look.background is None:
        return encode(cutout.image, cutout.matte, look.encoding, cutout.details)
    composed = put_behind(cutout.image, cutout.matte, look.background)
    return encode(composed, None, look.encoding, cutout.details)


def _seen(picture: Picture) -> Image:
    """Return what the network sees: clear parts hold arbitrary colours, so they become plain."""
    if picture.matte is None:
        return picture.image
    alpha = picture.matte.alpha
    grey = picture.image.pixels.mean(axis=2, dtype=np.float32)
    brightness = float((grey * alpha).sum() / max(float(alpha.sum()), 1.0))
    colour = np.array(_DARK if brightness > _BRIGHT else WHITE, np.uint8)
    plain = Image(np.broadcast_to(colour, picture.image.pixels.shape))
    return blend(picture.image, picture.matte, plain)


def cutout(
    source: str | Path | bytes | NDArray[np.uint8] | PillowImage.Image,
    model: Model | str = "cutout",
    *,
    min_confidence: float = 0.0,
    max_pixels: int = Limits().max_pixels,
) -> Cutout:
    """Cut the subject out of one picture.

    Parameters
    ----------
    source : path, file content, uint8 array (H, W), (H, W, 3) or (H, W, 4), or Pillow image
    model : Model or its name
        A name is opened once and kept; `load_model` gives more choice.
    min_confidence : float in [0, 1]
        A lower confidence gives the status "review".
    max_pixels : int
        A larger picture is refused before it is decoded.

    Returns
    -------
    Cutout

    Raises
    ------
    ImageError
        If the picture cannot be read or is too large.
    ModelError
        If the model is unknown, not on this machine, or fails.
    """
    picture = to_picture(source, Limits(max_pixels))
    opened = _opened(model) if isinstance(model, str) else model
    return cut_out(picture, opened, min_confidence=min_confidence)


@lru_cache(maxsize=2)
def _opened(name: str) -> Model:
    from maskworks.models import load_model

    return load_model(name)


def to_picture(source: Any, limits: Limits) -> Picture:  # noqa: ANN401 - what a caller has
    """Return the picture that a path, bytes, an array or a Pillow image holds.

    Raises
    ------
    ImageError
        If it is none of these, cannot be read or is too large.
    """
    if isinstance(source, str | Path):
        return read_picture(Path(source), limits)
    if isinstance(source, bytes | bytearray | memoryview):
        return read_picture(bytes(source), limits)
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if hasattr(source, "getbands"):
        return read_picture(_as_tiff(source), limits, name="Pillow image")
    raise ImageError(
        f"a picture is a path, bytes, a uint8 array or a Pillow image, got "
        f"{type(source).__name__}; convert it first"
    )


def _from_array(array: NDArray[Any]) -> Picture:
    channels = array.shape[2] if array.ndim == 3 else 0
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or channels not in (0, 3, 4):
        raise ImageError(
            "an array must be uint8 (H, W), (H, W, 3) or (H, W, 4), got "
            f"{array.dtype} {array.shape}; scale and convert it first"
        )
    matte = None
    if channels == 4 and array.size and int(array[..., 3].min()) < 255:
        matte = Matte(array[..., 3].astype(np.float32) / np.float32(255))
    colours = np.repeat(array[..., np.newaxis], 3, axis=2) if channels == 0 else array[..., :3]
    return Picture(Image(np.ascontiguousarray(colours)), matte, Details(format="array"))


def _as_tiff(picture: PillowImage.Image) -> bytes:
    from io import BytesIO

    from PIL import ImageOps

    upright = ImageOps.exif_transpose(picture)
    if upright.mode in ("P", "PA", "La", "RGBa", "HSV"):
        upright = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    written = BytesIO()
    try:
        upright.save(written, format="TIFF", icc_profile=picture.info.get("icc_profile"))
    except (OSError, ValueError) as error:
        raise ImageError(
            f"a Pillow image of mode {picture.mode} cannot be used ({error}); convert it to RGB"
        ) from error
    return written.getvalue()


__all__ = [
    "NO_SUBJECT_BELOW",
    "SMALLEST_SUBJECT",
    "Blurred",
    "Cutout",
    "Look",
    "covered",
    "cut_out",
    "cutout",
    "judge",
    "look_for",
    "render",
    "to_picture",
]
