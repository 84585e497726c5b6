"""Clips on the review page: film strip, frames, key masks, and the matte played over the clip."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.pictures.cutting import smaller
from maskworks.apps.http.review.previews import Preview, matte_shown, most_pixels
from maskworks.apps.http.settings import ServerSettings
from maskworks.core.errors import MaskworksError
from maskworks.core.reading import Details, Limits, Picture, read_picture
from maskworks.core.values import Image, Matte
from maskworks.core.writing import Encoding, encode
from maskworks.cutouts.cutting import cut_out, refine_edge
from maskworks.refine.refinement import RefineOptions
from maskworks.video.cut_clips import CutClip, cut_clips, watched
from maskworks.video.doubt import doubt, usual_error, worst
from maskworks.video.parts import FrameRow

if TYPE_CHECKING:
    from maskworks.models import Model

PLAYED_PX = 480
"""Long side of the clip as it is played."""

_NUMBER_DIGITS = 12
_NO_MATTE = (
    "this output holds no matte of the whole frame (it is opaque, cropped or an animation), so "
    "there is nothing to lay over the clip; cut it out as webm, mov, mkv or png without --crop"
)


@dataclass(frozen=True, kw_only=True)
class ClipFolder:
    """What one run of `maskworks video` wrote; `name` is what addresses call it."""

    name: str
    manifest: Path


def clip_folders(settings: ServerSettings) -> list[ClipFolder]:
    """Return those that the operator named, in the order of their names."""
    found: dict[str, ClipFolder] = {}
    for path in settings.clips:
        whole = path.absolute()
        name = whole.name if whole.is_dir() else whole.parent.name
        found.setdefault(name, ClipFolder(name=name, manifest=whole))
    return [found[name] for name in sorted(found)]


def find_clips(settings: ServerSettings, name: str) -> list[CutClip]:
    """Return the clips of a folder.

    Raises
    ------
    ApiError
        404 if there is no folder of this name.
    MaskworksError
        If its manifest cannot be read.
    """
    for each in clip_folders(settings):
        if each.name == name:
            return cut_clips(each.manifest)
    raise ApiError(404, "not_found", f"there are no clips {name[:80]!r}")


def number_of(clip: CutClip) -> str:
    """Return what addresses call a clip: it stays when others come or go."""
    return hashlib.sha256(str(clip.output).encode()).hexdigest()[:_NUMBER_DIGITS]


def find_clip(settings: ServerSettings, name: str, number: str) -> CutClip:
    """Return a clip of a folder: no other file is ever read.

    Raises
    ------
    ApiError
        404 if there is none.
    """
    for clip in find_clips(settings, name):
        if number_of(clip) == number:
            return clip
    raise ApiError(404, "not_found", f"there is no clip {number[:80]!r} here")


def clip_folder_rows(settings: ServerSettings) -> list[dict[str, Any]]:
    """Return what the first page says of each folder; why one cannot be read, if so."""
    rows: list[dict[str, Any]] = []
    for each in clip_folders(settings):
        try:
            clips = cut_clips(each.manifest)
        except MaskworksError as error:
            rows.append({"name": each.name, "clips": [], "why": str(error)})
            continue
        found = [
            {
                "number": number_of(clip),
                "name": clip.source.name,
                "status": clip.status,
                "confidence": clip.confidence,
                "keys": len(clip.drawn()),
            }
            for clip in clips
        ]
        why = "" if found else "no clip with a report was cut out there yet"
        rows.append({"name": each.name, "clips": found, "why": why})
    return rows


def clip_values(name: str, clip: CutClip) -> dict[str, Any]:
    """Return what the page of a clip shows.

    Raises
    ------
    UnreadableError
        If the rows of its frames do not lie beside its output.
    """
    rows = clip.rows()
    drawn, usual = clip.drawn(), usual_error(rows)
    asked = [frame for frame in clip.asked() if frame not in drawn]
    first = [frame for frame in dict.fromkeys([*asked, *drawn]) if frame < len(rows)]
    frames = [*first, *(row.frame for row in worst(rows) if row.frame not in first)]
    return {
        "name": name,
        "number": number_of(clip),
        "clip": clip,
        "frames": len(rows),
        "times": [round(row.time_s, 3) for row in rows],
        "strip": [
            {
                "frame": frame,
                "why": "asked for" if frame in asked else _why(rows[frame], usual),
                "drawn": frame in drawn,
            }
            for frame in frames
        ],
        "command": fix_command(clip),
    }


def _why(row: FrameRow, usual: float) -> str:
    said: list[str] = [row.status] if row.status != "ok" else []
    if row.confidence is not None:
        said.append(f"confidence {row.confidence:.2f}")
    if row.warp_error is not None and row.warp_error > usual:
        said.append(f"unsteady {row.warp_error:.2f}")
    return ", ".join(said) + ("" if doubt(row, usual) >= 1 else ", fine as far as is known")


def fix_command(clip: CutClip) -> str:
    """Return the line that carries the masks through the clip, files by their names alone."""
    return f"maskworks video fix {clip.source.name} -o {clip.output.name} --overwrite"


class FrameSource:
    """The frames of clips and their mattes, as a person sees and corrects them.

    Parameters
    ----------
    model : opens the model for frames of which no matte was written
    limits : Limits
        For each frame.
    """

    def __init__(self, model: Callable[[], Model], limits: Limits) -> None:
        self._model, self._limits = model, limits

    def frame(self, clip: CutClip, number: int) -> tuple[Picture, Matte]:
        """Return a frame and its matte: a person's, that which was written, or a new one.

        Raises
        ------
        ApiError
            404 if the clip has no such frame.
        MaskworksError
            If the clip cannot be read.
        """
        row, pixels, levels = next(self._watched(clip, number))
        picture = Picture(Image(pixels), None, Details(format="clip"))
        key = clip.key(row.frame)
        if key.is_file():
            drawn = read_picture(key, self._limits).image.pixels[..., 0]
            if drawn.shape == picture.image.size:
                return picture, _matte(drawn)
        if levels is not None:
            return picture, _matte(levels)
        found = refine_edge(cut_out(picture, self._model()), picture, RefineOptions(method="fast"))
        return picture, found.matte

    def check(self, clip: CutClip, number: int) -> None:
        """Return if the clip has such a frame.

        Raises
        ------
        ApiError
            404 if it has not.
        """
        self._watched(clip, number)

    def photo(self, clip: CutClip, number: int, side_px: int) -> Preview:
        """Return a frame for the page, its long side at most `side_px`."""
        _, pixels, _ = next(self._watched(clip, number))
        size = pixels.shape[0], pixels.shape[1]
        return Preview(data=_jpeg(pixels, side_px), media_type="image/jpeg", size=size)

    def played(self, clip: CutClip, first: int) -> Iterator[str]:
        """Yield frames from a number on as lines of JSON: picture and matte in base64.

        Raises
        ------
        ApiError
            404 if there is no such frame, 409 if no matte was written.
        """
        for row, pixels, levels in self._watched(clip, first):
            if levels is None:
                raise ApiError(409, "no_matte", _NO_MATTE)
            small = matte_shown(_matte(levels), whole=False, side_px=PLAYED_PX)
            line = {
                "frame": row.frame,
                "time_s": row.time_s,
                "width": pixels.shape[1],
                "photo": base64.b64encode(_jpeg(pixels, PLAYED_PX)).decode(),
                "matte": base64.b64encode(small.data).decode(),
            }
            yield json.dumps(line) + "\n"

    def _watched(
        self, clip: CutClip, first: int
    ) -> Iterator[tuple[FrameRow, np.ndarray[Any, np.dtype[np.uint8]], Any]]:
        rows = clip.rows()
        if not 0 <= first < len(rows):
            raise ApiError(404, "not_found", f"the clip has {len(rows)} frames, none of {first}")
        return watched(clip, rows, first, self._limits)


def _matte(levels: np.ndarray[Any, np.dtype[np.uint8]]) -> Matte:
    return Matte(levels.astype(np.float32) / np.float32(255))


def _jpeg(pixels: np.ndarray[Any, np.dtype[np.uint8]], side_px: int) -> bytes:
    picture = Picture(Image(pixels), None, Details(format="clip"))
    shown = smaller(picture, most_pixels(picture.image.size, side_px))
    return encode(shown.image, None, Encoding("jpg", quality=85), shown.details)
