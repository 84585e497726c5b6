"""A matted frame becomes a finished one: edge, colours, what lies behind it, and its frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.colour import parse_colour
from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits
from maskworks.core.values import Box, Float2D, Image, Matte, Pixels
from maskworks.cutouts.backgrounds import Backdrop, Background, blend, parse_background, put_behind
from maskworks.cutouts.resizing import cover
from maskworks.refine.refinement import RefineOptions, refine
from maskworks.video.encoding import Rendered
from maskworks.video.following import Follower
from maskworks.video.portrait import portrait
from maskworks.video.reading import open_clip
from maskworks.video.steadying import MattedFrame

GREEN = (0, 177, 64)
"""The green of a set, for a program that keys it out."""

CLIP_SUFFIXES = frozenset(
    {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts"}
    | {".wmv", ".flv", ".3gp", ".ogv", ".mxf", ".y4m", ".vob", ".m2v", ".f4v", ".asf", ".dv"}
)
"""Suffixes of clips, lower case, with the dot."""

_MARGIN = 0.04
"""How far around a subject edges are looked for, a share of the diagonal."""

_FAINT = 1 / 255
_REACH_PX = 9
"""How far outside the subject its colours are kept: scaling and chroma subsampling mix them in."""


@dataclass(frozen=True)
class ClipBackdrop:
    """A clip that runs behind the subject, over and over."""

    path: Path
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, kw_only=True, eq=False)
class ClipRenderOptions:
    """How frames are finished.

    Parameters
    ----------
    refinement : RefineOptions
        How the edge is refined, as on photos.
    background : Background, ClipBackdrop or None
        None keeps alpha.
    portrait : bool
        Keep the subject sharp and blur what lies behind, more the farther from its edge.
    crop : Fraction, optional
        Width by height of a window that follows the subject.
    """

    refinement: RefineOptions = field(default_factory=RefineOptions)
    background: Background | ClipBackdrop | None = None
    portrait: bool = False
    crop: Fraction | None = None

    @property
    def opaque(self) -> bool:
        """Whether something lies behind the subject."""
        return self.portrait or self.background is not None


def behind_of(text: str | None, limits: Limits) -> Background | ClipBackdrop | None:
    """Return the background that a text names: also "green" and the path of a clip.

    Raises
    ------
    UsageError
        If it is none of these.
    """
    if text is None or text == "none":
        return None
    if text == "green":
        return parse_background("#{:02x}{:02x}{:02x}".format(*GREEN))
    path = Path(text)
    if path.is_file() and path.suffix.lower() in CLIP_SUFFIXES:
        with open_clip(path, limits):
            return ClipBackdrop(path, limits)
    if not path.is_file() and text != "blur":
        try:
            parse_colour(text)
        except UsageError as error:
            raise UsageError(
                f"--background {text}: there is no such picture or clip and no such colour; give "
                "none, blur, green, a path, or a colour such as white or #f4f1ec"
            ) from error
    return parse_background(text, limits)


class Finisher:
    """Finishes frames of one clip in order.

    Parameters
    ----------
    render : ClipRenderOptions
    seen_px : long side of what the network saw
    rate : frames a second
    carry : what an earlier run left, see `carry`
    """

    def __init__(
        self,
        render: ClipRenderOptions,
        *,
        seen_px: int,
        rate: float,
        carry: dict[str, Any] | None = None,
    ) -> None:
        self._render, self._seen_px = render, seen_px
        self._follower = None if render.crop is None else Follower(render.crop, rate, carry)
        self._moving = (
            MovingBackdrop(render.background)
            if isinstance(render.background, ClipBackdrop)
            else None
        )
        still = render.background
        self._still: Background | None = None if isinstance(still, ClipBackdrop) else still

    @property
    def carry(self) -> dict[str, Any]:
        """What the next part needs of this one, plain values."""
        return {} if self._follower is None else self._follower.carry

    def finish(self, matted: MattedFrame) -> Rendered:
        """Return the finished frame."""
        frame = matted.frame
        image = Image(frame.pixels)
        if matted.status == "no-subject":
            matte, fore = Matte(np.zeros(image.size, np.float32)), image
        else:
            matte, fore = refined_edge(image, matted.alpha, self._render.refinement, self._seen_px)
        if frame.alpha is not None:  # what was clear stays clear
            own = frame.alpha.astype(np.float32) / 255
            matte = Matte(np.minimum(matte.alpha, own))
        alpha: NDArray[np.uint8] | None = None
        if self._render.portrait:
            pixels = portrait(image, matte, fore).pixels
        elif self._render.background is not None:
            pixels = self._in_front(image, matte, fore, frame.time_s).pixels
        else:
            alpha = np.rint(matte.alpha * 255).astype(np.uint8)
            pixels = _cleared(fore.pixels, alpha)
        if self._follower is not None:
            box = self._follower.window(matte.alpha, begins=matted.begins)
            part = slice(box.top, box.bottom), slice(box.left, box.right)
            pixels = np.ascontiguousarray(pixels[part])
            alpha = None if alpha is None else np.ascontiguousarray(alpha[part])
        return Rendered(frame.index, frame.pts, pixels, alpha)

    def _in_front(self, image: Image, matte: Matte, fore: Image, time_s: float) -> Image:
        if self._moving is not None:
            return blend(fore, matte, cover(self._moving.at(time_s), image.size))
        if isinstance(self._still, Backdrop) and self._still.image.size != image.size:
            self._still = Backdrop(cover(self._still.image, image.size))  # scaled once
        if self._still is None:
            return image
        return put_behind(image, matte, self._still, foreground=fore)


def refined_edge(
    image: Image, alpha: Float2D, options: RefineOptions, seen_px: int
) -> tuple[Matte, Image]:
    """Refine a matte at the frame's own resolution, in the part of it that holds the subject.

    Parameters
    ----------
    image : Image of shape (H, W)
    alpha : float32 (h, w) in [0, 1]
    options : RefineOptions
    seen_px : long side of what the network saw of the whole frame

    Returns
    -------
    matte, colours
    """
    import cv2

    height, width = image.size
    large = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR)
    whole = np.clip(np.asarray(large, np.float32), 0, 1)
    if options.method == "off":
        return Matte(whole), image
    box = _around(whole)
    if box is None:
        return Matte(np.zeros_like(whole)), image
    part = slice(box.top, box.bottom), slice(box.left, box.right)
    inner = max(16, round(seen_px * max(box.size) / max(image.size)))
    drawn = replace(
        options,
        trimap=replace(options.trimap, network_px=inner),
        fast=replace(options.fast, network_px=inner),
    )
    done = refine(
        Image(np.ascontiguousarray(image.pixels[part])),
        Matte(np.ascontiguousarray(whole[part])),
        drawn,
    )
    found = np.zeros_like(whole)
    found[part] = done.matte.alpha
    colours = image.pixels.copy()
    colours[part] = done.foreground.pixels
    return Matte(found), Image(colours)


def _around(alpha: Float2D) -> Box | None:
    """Return the box of what is not clear with a margin, None where all is."""
    height, width = alpha.shape
    rows = np.flatnonzero(alpha.max(axis=1) > _FAINT)
    columns = np.flatnonzero(alpha.max(axis=0) > _FAINT)
    if rows.size == 0:
        return None
    margin = max(8, round(_MARGIN * float(np.hypot(height, width))))
    return Box(
        max(0, int(rows[0]) - margin),
        max(0, int(columns[0]) - margin),
        min(height, int(rows[-1]) + 1 + margin),
        min(width, int(columns[-1]) + 1 + margin),
    )


def _cleared(pixels: Pixels, alpha: NDArray[np.uint8]) -> Pixels:
    """Return the colours black where nothing of the subject is near: they need no bits there."""
    import cv2

    reach = np.ones((2 * _REACH_PX + 1, 2 * _REACH_PX + 1), np.uint8)
    near = cv2.dilate(np.minimum(alpha, 1), reach)
    return np.asarray(cv2.bitwise_and(pixels, pixels, mask=np.asarray(near) * 255))


class MovingBackdrop:
    """Frames of a clip by time, over and over; one is in hand."""

    def __init__(self, backdrop: ClipBackdrop) -> None:
        self._backdrop = backdrop
        self._frames = self._over_and_over()
        self._now, self._next = next(self._frames), next(self._frames)

    def at(self, time_s: float) -> Image:
        """Return what is shown at a time; times never go back."""
        while self._next[0] <= time_s + 1e-6:
            self._now, self._next = self._next, next(self._frames)
        return self._now[1]

    def _over_and_over(self) -> Iterator[tuple[float, Image]]:
        start = 0.0
        while True:
            end = start
            with open_clip(self._backdrop.path, self._backdrop.limits) as clip:
                step = 1 / float(clip.facts.rate)
                first: float | None = None
                for frame in clip.frames():
                    first = frame.time_s if first is None else first
                    at = start + frame.time_s - first
                    end = at + step
                    yield at, Image(frame.pixels)
            start = end
