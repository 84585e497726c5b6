"""Where live frames come from: a camera, a clip, Y4M or raw RGB through a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np

from maskworks.core.errors import TooLargeError, UnreadableError, UsageError
from maskworks.core.reading import Limits
from maskworks.core.values import Pixels
from maskworks.video.frame_pixels import upright_pixels
from maskworks.video.library import pyav
from maskworks.video.reading import open_clip

_MAGIC = b"YUV4MPEG2"
_LONGEST_HEADER = 1024
_CHROMA = {"420": "yuv420p", "422": "yuv422p", "444": "yuv444p", "mono": "gray"}
_LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class LiveSource:
    """Frames as they come: `frames` yields uint8 (H, W, 3); `live` says that none waits."""

    name: str
    size: tuple[int, int]
    rate: Fraction
    live: bool
    frames: Iterator[Pixels]


def open_source(
    text: str, *, size: tuple[int, int] | None = None, rate: Fraction | None = None
) -> LiveSource:
    """Open what ``--source`` names.

    Parameters
    ----------
    text : str
        The number or path of a camera (``0``, ``/dev/video0``), the path of a clip, or ``-``.
    size : (H, W), optional
        Of a camera's frames, or of raw RGB through a pipe, which does not say it.
    rate : frames a second, optional
        The same.

    Raises
    ------
    UnreadableError
        If there is no such clip or camera, or what comes through the pipe cannot be read.
    UsageError
        If raw RGB comes without its size, or a size is given that does not belong there.
    """
    if text == "-":
        return _pipe(sys.stdin.buffer, size, rate)
    if text.isdecimal() or text.startswith("/dev/"):
        path = f"/dev/video{text}" if text.isdecimal() else text
        return _camera(path, size, rate)
    if size is not None or rate is not None:
        raise UsageError("--size and --rate are for cameras and pipes; a clip says its own")
    return _clip(Path(text))


def _clip(path: Path) -> LiveSource:
    with open_clip(path, _LIMITS) as opened:
        facts = opened.facts

    def frames() -> Iterator[Pixels]:
        with open_clip(path, _LIMITS) as clip:
            for frame in clip.frames():
                yield frame.pixels

    return LiveSource(str(path), (facts.height, facts.width), facts.rate, False, frames())  # noqa: FBT003


def _camera(path: str, size: tuple[int, int] | None, rate: Fraction | None) -> LiveSource:
    av = pyav()
    wanted = rate or Fraction(30)
    options = {"framerate": str(wanted)}
    if size is not None:
        options["video_size"] = f"{size[1]}x{size[0]}"
    if not Path(path).exists():
        raise UnreadableError(
            path, "there is no camera", "plug one in, or name another: `ls /dev/video*`"
        )
    try:
        container = av.open(path, format="v4l2", options=options)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        said = str(getattr(error, "strerror", None) or error).lower()
        raise UnreadableError(
            path, f"is no camera that can be opened ({said})", "name another: `ls /dev/video*`"
        ) from error
    codec = container.streams.video[0].codec_context

    def frames() -> Iterator[Pixels]:
        with closing(container):
            for raw in container.decode(video=0):
                yield upright_pixels(raw, (raw.width, raw.height))[0]

    return LiveSource(path, (codec.height, codec.width), wanted, True, frames())  # noqa: FBT003


def _pipe(file: BinaryIO, size: tuple[int, int] | None, rate: Fraction | None) -> LiveSource:
    start = file.read(len(_MAGIC))
    if start == _MAGIC:
        if size is not None or rate is not None:
            raise UsageError("--size and --rate are for raw RGB; Y4M says its own")
        return _y4m(file)
    if size is None:
        raise UsageError(
            "what comes through the pipe is no Y4M; for raw RGB give --size WIDTHxHEIGHT, or send "
            "Y4M: `ffmpeg -i IN -f yuv4mpegpipe -pix_fmt yuv420p -`"
        )
    height, width = _checked(size)
    length = height * width * 3

    def frames() -> Iterator[Pixels]:
        data = start + file.read(length - len(start))
        while data:
            yield np.frombuffer(_whole(data, length), np.uint8).reshape(height, width, 3)
            data = file.read(length)

    return LiveSource("-", (height, width), rate or Fraction(30), False, frames())  # noqa: FBT003


def _y4m(file: BinaryIO) -> LiveSource:
    av = pyav()
    fields = file.readline(_LONGEST_HEADER).decode("ascii", "replace").split()
    said = {field[0]: field[1:] for field in fields if field[0] in "WHFIC"}
    try:
        height, width = _checked((int(said["H"]), int(said["W"])))
        rate = Fraction(said.get("F", "30:1").replace(":", "/"))
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise _bad_pipe(
            f"has a Y4M header that says no size or rate: {' '.join(fields)}"
        ) from error
    chroma = said.get("C", "420")
    kind = next((k for k in _CHROMA if chroma.startswith(k)), None)
    if kind is None or "p1" in chroma[3:]:
        raise _bad_pipe(f"is Y4M of C{chroma}; 8 bits of C420, C422, C444 or Cmono are read")
    if said.get("I", "p") not in ("p", "?"):
        raise _bad_pipe("is interlaced, its frames show two moments at once")
    form = _CHROMA[kind]
    planes = [(height, width)]
    if kind != "mono":
        wide = width if kind == "444" else -(-width // 2)
        planes += [(-(-height // 2) if kind == "420" else height, wide)] * 2
    length = sum(rows * columns for rows, columns in planes)

    def frames() -> Iterator[Pixels]:
        while line := file.readline(_LONGEST_HEADER):
            if not line.startswith(b"FRAME"):
                raise _bad_pipe("has something else where a frame should begin")
            data = _whole(file.read(length), length)
            raw = av.VideoFrame(width, height, form)
            at = 0
            for (rows, columns), plane in zip(planes, raw.planes, strict=True):
                into = np.frombuffer(plane, np.uint8).reshape(rows, plane.line_size)
                part = np.frombuffer(data, np.uint8, rows * columns, at)
                into[:, :columns] = part.reshape(rows, columns)
                at += rows * columns
            yield upright_pixels(raw, (width, height))[0]

    return LiveSource("-", (height, width), rate, False, frames())  # noqa: FBT003


def _checked(size: tuple[int, int]) -> tuple[int, int]:
    pixels = size[0] * size[1]
    if min(size) < 1:
        raise _bad_pipe(f"is {size[1]}x{size[0]}, a frame has a pixel at least")
    if pixels > _LIMITS.max_pixels:
        raise TooLargeError("-", pixels, _LIMITS.max_pixels)
    return size


def _whole(data: bytes, length: int) -> bytes:
    if len(data) < length:
        raise _bad_pipe(f"ends in the middle of a frame, after {len(data)} of {length} bytes")
    return data


def _bad_pipe(reason: str) -> UnreadableError:
    return UnreadableError("-", reason, "look at what writes into the pipe")
