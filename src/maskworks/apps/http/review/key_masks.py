"""Key masks that are drawn on the review page: kept where `maskworks video fix` reads them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.review.clicks import Finder
from maskworks.apps.http.review.clips import FrameSource
from maskworks.apps.http.review.strokes import (
    Stroke,
    draw,
    plain_strokes,
    read_strokes,
    refine_touched,
)
from maskworks.core.atomic import write_atomic
from maskworks.core.reading import Details
from maskworks.core.values import Matte
from maskworks.core.writing import Encoding, encode_matte
from maskworks.studio.output_folder import make_folder
from maskworks.video.cut_clips import CutClip

NO_KEY = "none"
"""The version of a frame on which nobody has drawn."""


def version_of(clip: CutClip, frame: int) -> str:
    """Return what tells one key mask of a frame from another."""
    try:
        return hashlib.sha256(clip.key(frame).read_bytes()).hexdigest()[:16]
    except OSError:
        return NO_KEY


def check_version(clip: CutClip, frame: int, seen: str) -> None:
    """Return if nobody has drawn on a frame since a page was told of it.

    Raises
    ------
    ApiError
        409 if somebody has.
    """
    if version_of(clip, frame) != seen:
        raise ApiError(
            409,
            "decided",
            f"somebody else has changed the mask of frame {frame} meanwhile; open the frame again",
        )


def keep_unfinished(clip: CutClip, frame: int, strokes: Sequence[Stroke]) -> None:
    """Keep strokes that are not saved yet, beside the mask; none takes them away."""
    path = clip.key(frame).with_suffix(".strokes.json")
    if not strokes:
        path.unlink(missing_ok=True)
        return
    make_folder(clip.keys)
    write_atomic(path, json.dumps(plain_strokes(strokes)).encode())


def unfinished(clip: CutClip, frame: int) -> list[Any]:
    """Return the strokes that were kept of a frame; none if they cannot be read."""
    path = clip.key(frame).with_suffix(".strokes.json")
    try:
        return plain_strokes(read_strokes(json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, ApiError):
        return []


def save_key(
    frames: FrameSource,
    clip: CutClip,
    frame: int,
    strokes: Sequence[Stroke],
    *,
    finder: Finder,
    refine: bool,
) -> list[int]:
    """Write the mask of a frame with strokes on it; return the frames that have one now.

    Raises
    ------
    ApiError
        404 if the clip has no such frame.
    MaskworksError
        If the clip cannot be read, or the mask not be written.
    """
    picture, before = frames.frame(clip, frame)
    matte = draw(picture.image, before, strokes, finder=finder)
    if refine:
        matte = refine_touched(picture.image, before, matte)
    if 0 < matte.alpha.max() < 1:  # `video fix` would take such levels for numbers of objects
        matte = Matte((matte.alpha >= 0.5).astype(np.float32))
    make_folder(clip.keys)
    write_atomic(clip.key(frame), encode_matte(matte, Encoding("png"), Details(format="")))
    keep_unfinished(clip, frame, ())
    return clip.drawn()


def remove_key(clip: CutClip, frame: int) -> list[int]:
    """Take the mask of a frame away; return the frames that have one now.

    Raises
    ------
    ApiError
        404 if it has none.
    """
    try:
        clip.key(frame).unlink()
    except FileNotFoundError as error:
        raise ApiError(404, "not_found", f"frame {frame} has no mask of its own") from error
    return clip.drawn()
