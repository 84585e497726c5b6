"""Frames into a file of one format; time stamps are given frame by frame."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.atomic import FULL
from maskworks.core.errors import OutputError
from maskworks.core.values import Pixels
from maskworks.video.formats import ClipFormat
from maskworks.video.library import pyav

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import OutputContainer

Grey = NDArray[np.uint8]

_BT709, _LIMITED, _FULL = 1, 1, 2
_SUBSAMPLED = ("yuv420p", "yuva420p")
_NO_ROOM = {errno.ENOSPC: FULL[0], errno.EDQUOT: FULL[1]}


@dataclass(frozen=True, eq=False)
class Rendered:
    """A finished frame: `pixels` is uint8 (H, W, 3), `alpha` uint8 (H, W) or None for opaque."""

    index: int
    pts: int
    pixels: Pixels
    alpha: Grey | None


class FrameEncoder:
    """Encodes frames of one size into an open container.

    Parameters
    ----------
    container : of PyAV, open for writing
    form : ClipFormat
    size : (H, W)
    rate : frames a second, on average
    time_base : unit of the time stamps, seconds
    """

    def __init__(
        self,
        container: OutputContainer,
        form: ClipFormat,
        size: tuple[int, int],
        *,
        rate: Fraction,
        time_base: Fraction,
    ) -> None:
        self._container, self._form, self._time_base = container, form, time_base
        stream: Any = container.add_stream(
            form.codec, rate=rate.limit_denominator(100_000), options=dict(form.options)
        )
        height, width = size
        self._even = form.codec == "libx264"
        stream.height = height + height % 2 if self._even else height
        stream.width = width + width % 2 if self._even else width
        stream.pix_fmt = form.pixel_format
        stream.time_base = time_base
        codec = stream.codec_context
        codec.time_base = time_base
        codec.thread_count = 0
        if form.pixel_format.startswith("yuv"):
            codec.colorspace = codec.color_primaries = codec.color_trc = _BT709
            codec.color_range = _LIMITED
        self._stream = stream

    def add(self, frame: Rendered, pts: int) -> None:
        """Encode the next frame with its time stamp."""
        raw = self._raw(frame)
        raw.pts, raw.time_base = pts, self._time_base
        self._container.mux(self._stream.encode(raw))

    def finish(self) -> None:
        """Encode what the encoder still holds."""
        self._container.mux(self._stream.encode(None))

    def _raw(self, frame: Rendered) -> VideoFrame:
        av, form = pyav(), self._form
        alpha = frame.alpha if frame.alpha is not None else _opaque(frame.pixels)
        if form.matte_only:
            picture, given = np.repeat(alpha[..., None], 3, axis=2), "rgb24"
        elif form.alpha:
            picture, given = np.dstack([frame.pixels, alpha]), "rgba"
        else:
            picture, given = frame.pixels, "rgb24"
        if self._even:
            odd = [(0, side % 2) for side in picture.shape[:2]]
            picture = np.pad(picture, [*odd, (0, 0)], mode="edge")
        raw: VideoFrame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=given)
        if not form.pixel_format.startswith("yuv"):
            return raw.reformat(format=form.pixel_format)
        made = raw.reformat(
            format=form.pixel_format,
            dst_colorspace=_BT709,
            src_color_range=_FULL,
            dst_color_range=_LIMITED,
        )
        made.colorspace, made.color_range = _BT709, _LIMITED
        return made


def _opaque(pixels: Pixels) -> Grey:
    return np.full(pixels.shape[:2], 255, np.uint8)


@contextmanager
def writing(path: Path, container: str) -> Iterator[OutputContainer]:
    """Open a file for writing beside its place; it gets its name once it is whole.

    Raises
    ------
    OutputError
        If it cannot be written, the disk is full, or a codec is missing.
    """
    import os

    av = pyav()
    half = path.with_name(f".maskworks-{os.getpid()}-{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(f"file:{half}", "w", format=container) as opened:
            yield opened
        half.replace(path)
    except (av.error.FFmpegError, av.codec.codec.UnknownCodecError, OSError) as error:
        raise explained(error, path) from error
    finally:
        half.unlink(missing_ok=True)


def explained(error: Exception, path: Path) -> OutputError:
    """Return why a clip cannot be written, and what to do."""
    number = getattr(error, "errno", None)
    if number in _NO_ROOM:
        return OutputError(
            path, _NO_ROOM[number], "make room or choose another disk, then `--resume`"
        )
    if isinstance(error, PermissionError):
        return OutputError(path, "may not be written (permission denied)", "choose another folder")
    if type(error).__name__ in ("UnknownCodecError", "EncoderNotFoundError"):
        return OutputError(
            path,
            f"this FFmpeg has no encoder for it ({error})",
            "choose another --format, or install the wheel of PyAV: pip install av",
        )
    reason = getattr(error, "strerror", None) or str(error)
    return OutputError(path, f"cannot be written ({reason})", "check the path and the disk")


class PartEncoder:
    """One part of a clip: frames whose time stamps are their numbers, one thousandth a step."""

    UNIT = Fraction(1, 1000)

    def __init__(self, path: Path, form: ClipFormat, size: tuple[int, int], rate: Fraction) -> None:
        self.path, self.count = path, 0
        self._context = writing(path, form.part_container)
        container = self._context.__enter__()
        try:
            self._encoder = FrameEncoder(container, form, size, rate=rate, time_base=self.UNIT)
        except BaseException as error:
            if not self._context.__exit__(type(error), error, error.__traceback__):
                raise

    def add(self, frame: Rendered, stamp: int | None = None) -> None:
        """Encode the next frame; its number is its time stamp unless another is given."""
        pts = self.count if stamp is None else stamp
        self._guarded(lambda: self._encoder.add(frame, pts))
        self.count += 1

    def close(self) -> None:
        """Finish the part; it gets its name now."""
        self._guarded(self._encoder.finish)
        self._context.__exit__(None, None, None)

    def drop(self) -> None:
        """Leave the part unfinished; nothing stays of it."""
        error = InterruptedError()
        try:
            self._context.__exit__(type(error), error, None)
        except (OutputError, InterruptedError):
            return

    def _guarded(self, do: Any) -> None:  # noqa: ANN401 - a function without arguments
        try:
            do()
        except BaseException as error:
            self._context.__exit__(type(error), error, error.__traceback__)
            raise
