"""From a file's bytes to a cut-out with its score and route: what every address shares."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from maskworks.apps.http.work_queue import Ticket
from maskworks.core.errors import TooLargeError, UnreadableError
from maskworks.core.exif import orientation_of
from maskworks.core.formats import open_format, sniff
from maskworks.core.reading import Limits, Picture, read_picture
from maskworks.core.structure import StructureError
from maskworks.core.trimaps import trimap_of
from maskworks.core.values import Box, Image, Matte
from maskworks.cutouts.cutout import Cutout
from maskworks.cutouts.cutting import CutOptions, cut_and_refine, cut_out, refine_edge
from maskworks.cutouts.scoring.reason import Reason
from maskworks.cutouts.scoring.score_model import load_score_model
from maskworks.refine.refinement import Method, RefineOptions
from maskworks.studio.pipeline import NO_SUBJECT, Item, assess, decide
from maskworks.studio.route import Route, Rules

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

    from maskworks.models import Model

_HEAD_BYTES = 64
_QUARTER_TURNS = (5, 6, 7, 8)
_RULES = Rules(spot_check=0.0)
NAME = "picture"
"""What a picture that came over HTTP is called in messages."""


@dataclass(frozen=True, kw_only=True)
class CutRequest:
    """How a picture is cut out.

    Parameters
    ----------
    most_pixels : int, optional
        A larger picture is made smaller first.
    region : Box, optional
        In the picture as it came; what lies outside is background.
    scored : bool
        Measure what speaks against the cut-out and decide on a route.
    """

    edges: Method = "auto"
    most_pixels: int | None = None
    region: Box | None = None
    scored: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """A cut-out and what is thought of it; `original` is the picture's size as it came, (H, W)."""

    cutout: Cutout
    original: tuple[int, int]
    score: float | None = None
    route: Route | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def has_subject(self) -> bool:
        """Whether there is a subject."""
        return self.cutout.status != NO_SUBJECT


def header_size(data: bytes, limits: Limits) -> tuple[int, int]:
    """Return the size (H, W), upright, that a file says it has, without decoding it.

    Raises
    ------
    UnreadableError
        If it is no picture.
    TooLargeError
        If it has more pixels than allowed.
    """
    kind = sniff(data[:_HEAD_BYTES])
    if kind is None:
        read_picture(data, limits, name=NAME)  # says what is wrong with it
        raise UnreadableError(NAME, "is not a picture", "send a JPEG, PNG or WebP")
    try:
        opened = open_format(kind, BytesIO(data))
    except StructureError as error:
        remedy = "open it in a program for pictures and export it again"
        raise UnreadableError(NAME, str(error), remedy) from error
    except Exception as error:  # decoders of hostile bytes raise anything
        raise UnreadableError(NAME, f"the {kind} file is damaged", "export it again") from error
    width, height = opened.size
    if width * height > limits.max_pixels:
        raise TooLargeError(NAME, width * height, limits.max_pixels)
    return (width, height) if _is_turned(opened) else (height, width)


def make(data: bytes, model: Model, wanted: CutRequest, limits: Limits, ticket: Ticket) -> Answer:
    """Read a picture and cut its subject out.

    Raises
    ------
    ImageError
        If it cannot be read, or is too large.
    ModelError
        If the model fails.
    GoneError
        If nobody waits for it any more.
    """
    with ticket.step("read"):
        whole = read_picture(data, limits, name=NAME)
        picture = smaller(whole, wanted.most_pixels)
    original = whole.image.size
    del whole
    seen = only(picture, _scaled(wanted.region, original, picture.image.size))
    if wanted.scored or wanted.edges != "off":  # even "off" measures the edge, for the score
        options = CutOptions(refinement=RefineOptions(method=wanted.edges))
        found = cut_and_refine(seen, model, options, step=ticket.step)
    else:
        with ticket.step("cut"):
            found = cut_out(seen, model)
    found = replace(found, image=picture.image)
    if not wanted.scored:
        return Answer(cutout=found, original=original)
    with ticket.step("score"):
        item = Item(content=_digest(data), picture=picture, variants=(), cutout=found)
        item = decide(assess(item, load_score_model()), _RULES)
    return Answer(
        cutout=found,
        original=original,
        score=item.score,
        route=item.decision.route if item.decision else None,
        reasons=item.reasons,
    )


def refine_with(data: bytes, trimap: bytes, limits: Limits, ticket: Ticket) -> Cutout:
    """Return the matte of a picture whose sure parts a trimap names.

    Raises
    ------
    ImageError
        If one of them cannot be read, their sizes differ, or one is no trimap.
    """
    with ticket.step("read"):
        picture = read_picture(data, limits, name=NAME)
        drawn = read_picture(trimap, limits, name="trimap")
        levels = trimap_of(drawn, "trimap")
    start = Matte((levels.levels / np.float32(255)).astype(np.float32))
    begun = Cutout(picture.image, start, None, "ok", picture.details, picture.image)
    with ticket.step("edges"):
        return refine_edge(begun, picture, RefineOptions(method="fine"), trimap=levels)


def size_within(size: tuple[int, int], most_pixels: int | None) -> tuple[int, int]:
    """Return the size (H, W) that a picture of `size` has within so many pixels.

    Examples
    --------
    >>> size_within((100, 400), 10_000), size_within((100, 400), None)
    ((50, 200), (100, 400))
    """
    height, width = size
    if most_pixels is None or height * width <= most_pixels:
        return size
    scale = (most_pixels / (height * width)) ** 0.5
    return max(1, int(height * scale)), max(1, int(width * scale))


def smaller(picture: Picture, most_pixels: int | None) -> Picture:
    """Return a picture of at most so many pixels, its sides in the same proportion.

    Examples
    --------
    >>> from maskworks.core.reading import Details
    >>> plain = Picture(Image(np.zeros((100, 400, 3), np.uint8)), None, Details("PNG"))
    >>> smaller(plain, 10_000).image.size, smaller(plain, None) is plain
    ((50, 200), True)
    """
    height, width = size_within(picture.image.size, most_pixels)
    if (height, width) == picture.image.size:
        return picture
    from PIL import Image as PillowImage

    size = width, height
    area = PillowImage.Resampling.LANCZOS
    pixels = PillowImage.fromarray(picture.image.pixels).resize(size, area, reducing_gap=3.0)
    matte = None
    if picture.matte is not None:
        box = PillowImage.Resampling.BOX
        alpha = np.asarray(PillowImage.fromarray(picture.matte.alpha).resize(size, box))
        matte = Matte(np.clip(alpha, 0, 1))
    return Picture(Image(np.asarray(pixels)), matte, picture.details)


def only(picture: Picture, region: Box | None) -> Picture:
    """Return the picture with everything outside a region clear."""
    if region is None:
        return picture
    inside = np.zeros(picture.image.size, np.float32)
    rows, columns = slice(region.top, region.bottom), slice(region.left, region.right)
    inside[rows, columns] = 1 if picture.matte is None else picture.matte.alpha[rows, columns]
    return Picture(picture.image, Matte(inside), picture.details)


def _scaled(region: Box | None, was: tuple[int, int], now: tuple[int, int]) -> Box | None:
    """Return a box of one size of a picture in another, at least a pixel."""
    if region is None:
        return None
    down, right = now[0] / was[0], now[1] / was[1]
    top, left = min(int(region.top * down), now[0] - 1), min(int(region.left * right), now[1] - 1)
    bottom, edge = round(region.bottom * down), round(region.right * right)
    return Box(top, left, max(top + 1, min(bottom, now[0])), max(left + 1, min(edge, now[1])))


def _is_turned(opened: ImageFile) -> bool:
    """Say whether a picture is turned by a quarter to stand upright."""
    try:
        return orientation_of(opened) in _QUARTER_TURNS
    except Exception:  # noqa: BLE001 - a damaged EXIF block is ignored when the picture is read
        return False


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
