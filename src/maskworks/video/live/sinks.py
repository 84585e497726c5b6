"""Where live frames go: Y4M or raw RGB into a file or pipe, or a loopback camera."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import OutputError, UsageError
from maskworks.video.library import pyav

if TYPE_CHECKING:
    from av import VideoFrame

Write = Literal["y4m", "rgb", "rgba"]
Put = Callable[[NDArray[np.uint8]], None]

_HD_ROWS = 720
_BT709, _BT601 = 1, 5
_ELSEWHERE = "make room, or name another place"


@contextmanager
def open_sink(
    text: str, form: Write, size: tuple[int, int], rate: Fraction, *, overwrite: bool = False
) -> Iterator[Put]:
    """Open what ``--to`` names; yields what takes frames, uint8 (H, W, 3 or 4).

    Parameters
    ----------
    text : path of a file, of a loopback device (``/dev/video2``), or ``-``
    form : "y4m", "rgb" or "rgba", of a file or pipe
    size : (H, W)
    rate : frames a second

    Raises
    ------
    UsageError
        If the file is there and may not be replaced.
    OutputError
        If it cannot be written, or is no device that takes pictures.
    """
    with ExitStack() as stack:
        if text.startswith("/dev/video"):
            yield stack.enter_context(_device(text, size, rate))
            return
        file: BinaryIO = sys.stdout.buffer
        if text != "-":
            path = Path(text)
            if path.exists() and not overwrite and not stat.S_ISCHR(path.stat().st_mode):
                raise UsageError(f"--to {text} exists; give --overwrite, or another name")
            try:
                file = stack.enter_context(path.open("wb"))
            except OSError as error:
                raise OutputError(
                    path, f"cannot be written: {error.strerror}", _ELSEWHERE
                ) from error
        if form == "y4m":
            yield _y4m(file, size, rate)
        else:
            yield lambda pixels: _written(file, np.ascontiguousarray(pixels).data)


def _y4m(file: BinaryIO, size: tuple[int, int], rate: Fraction) -> Put:
    height, width = size
    even = height % 2 == 0 and width % 2 == 0
    form, chroma = ("yuv420p", "420jpeg") if even else ("yuv444p", "444")
    header = (
        f"YUV4MPEG2 W{width} H{height} F{rate.numerator}:{rate.denominator} Ip A1:1 C{chroma}\n"
    )
    _written(file, header.encode())

    def put(pixels: NDArray[np.uint8]) -> None:
        _written(file, b"FRAME\n")
        for plane in as_yuv(pixels, form).planes:
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
            _written(file, np.ascontiguousarray(rows[:, : plane.width]).data)

    return put


def as_yuv(pixels: NDArray[np.uint8], form: str) -> VideoFrame:
    """Return a frame in a planar format, BT.709 from 720 lines on, BT.601 below, as players do."""
    matrix = _BT709 if pixels.shape[0] >= _HD_ROWS else _BT601
    raw = pyav().VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    made: VideoFrame = raw.reformat(format=form, dst_colorspace=matrix)
    return made


def _written(file: BinaryIO, data: bytes | memoryview) -> None:
    try:
        file.write(data)
        file.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            str(getattr(file, "name", "-")), f"cannot be written: {error.strerror}", _ELSEWHERE
        ) from error


@contextmanager
def _device(path: str, size: tuple[int, int], rate: Fraction) -> Iterator[Put]:
    av = pyav()
    if not Path(path).exists():
        raise OutputError(
            path, "there is no such device", "make one: `modprobe v4l2loopback video_nr=2`"
        )
    try:
        container = av.open(path, "w", format="v4l2")
        stream = container.add_stream("rawvideo", rate=rate)
        stream.width, stream.height, stream.pix_fmt = size[1], size[0], "yuv420p"
        container.start_encoding()
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise OutputError(
            path, f"takes no pictures ({error})", "name a v4l2loopback device"
        ) from error

    def put(pixels: NDArray[np.uint8]) -> None:
        for packet in stream.encode(as_yuv(pixels, "yuv420p")):
            container.mux(packet)

    with container:
        yield put
