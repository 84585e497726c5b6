"""Decoding in a process of its own, which is ended when the time of its picture is over.

A decoder in C cannot be stopped from outside, and a file can be made on which it works for
hours, or breaks. What may take long is decoded by a helper: a process that is kept for the next
picture, killed at the deadline, and bounded in its memory. Nothing that it says is executed: its
answer is JSON and pixels. A helper can start no other one, whatever asks it to.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, get_args

import numpy as np
from numpy.typing import NDArray

from maskworks.core.deadline import go_on, time_left
from maskworks.core.errors import (
    ImageError,
    MaskworksError,
    ModelError,
    TooLargeError,
    UnreadableError,
    UsageError,
)
from maskworks.core.picture import Details, Limits, Picture
from maskworks.core.provenance import SourceType
from maskworks.core.values import Image, Matte

_MAIN = (
    "import importlib, json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "importlib.import_module(sys.argv[2]).main()"
)
_MODULE = "maskworks.core.decoder"
_MOST_KEPT = os.cpu_count() or 1
_MOST_PICTURES = 500  # of one helper: what leaks in a decoder goes with it
_LONGEST_S = 1e8  # timers take no more than some centuries
_MOST_HEAD_BYTES = 128 << 20
_DECODER = "MASKWORKS_DECODER"  # in the environment of a helper, and of whatever it starts
_ERRORS = {
    kind.__name__: kind
    for kind in (ImageError, ModelError, TooLargeError, UnreadableError, UsageError)
}
_EXPORT_AGAIN = "open it in a program for pictures and export it again"

Head = dict[str, Any]
Part = NDArray[np.uint8]


def read_apart(
    source: Path | bytes, limits: Limits, *, name: str, least_side: int | None
) -> Picture:
    """Do what `read_picture` does, in a process that ends with this picture's time.

    Raises
    ------
    ImageError
        As `read_picture`.
    TooSlowError
        If the time is over; the decoder has been ended.
    MaskworksError
        If no process can be started.
    """
    head = {"name": name, "pixels": limits.max_pixels, "least_side": least_side}
    parts = []
    if isinstance(source, Path):
        head["path"] = os.fspath(source.absolute())
    else:
        parts = [np.frombuffer(source, np.uint8)]
    go_on(name)
    helper = take_helper(_MODULE)
    answer, found = helper.ask(head, *parts, most_bytes=4 * limits.max_pixels)
    give_back(helper)
    return _picture(answer, found)


def raise_answered(answer: Head) -> None:
    """Raise the error that an answer tells of; return if it tells of none.

    Examples
    --------
    >>> raise_answered({"error": "UnreadableError", "args": ["a.tif", "is cut off", "copy"]})
    Traceback (most recent call last):
    maskworks.core.errors.UnreadableError: a.tif: is cut off; copy
    """
    if "error" in answer:
        raise _ERRORS[answer["error"]](*answer["args"])


def _picture(answer: Head, parts: list[Part]) -> Picture:
    raise_answered(answer)
    size, fields = answer["size"], answer["details"]
    matte = None
    if len(parts) > 1:
        alpha = parts[1].reshape(size).astype(np.float32)
        alpha /= 255
        matte = Matte(alpha)
    term = fields["source_type"]
    details = Details(
        format=fields["format"],
        dpi=None if fields["dpi"] is None else tuple(fields["dpi"]),
        exif=None if fields["exif"] is None else fields["exif"].encode("latin-1"),
        icc_name=fields["icc_name"],
        notes=tuple(fields["notes"]),
        source_type=term if term in get_args(SourceType) else None,
        colours_sure=fields["colours_sure"],
    )
    return Picture(Image(parts[0].reshape(*size, 3)), matte, details)


def serialised(picture: Picture) -> tuple[Head, list[Part]]:
    """Return what a helper answers with: what `read_apart` makes the picture of again."""
    details = picture.details
    fields = {
        **vars(details),
        "exif": None if details.exif is None else details.exif.decode("latin-1"),
    }
    parts = [np.ascontiguousarray(picture.image.pixels)]
    if picture.matte is not None:  # as read from 8 bits: nothing is lost
        parts.append(np.rint(picture.matte.alpha * np.float32(255)).astype(np.uint8))
    return {"size": picture.image.size, "details": fields}, parts


# ---------------------------------------------------------------- messages


def send(stream: IO[bytes], head: Head, *parts: Part) -> None:
    """Write a message: the length of its head, the head as JSON, and its parts as they are."""
    said = json.dumps({**head, "parts": [part.nbytes for part in parts]}).encode()
    pieces = [memoryview(struct.pack(">L", len(said)) + said), *(p.data.cast("B") for p in parts)]
    for left in pieces:
        while left:
            left = left[stream.write(left) :]  # noqa: PLW2901 - what is left of it


def receive(stream: IO[bytes], *, most_bytes: int | None = None) -> tuple[Head, list[Part]]:
    """Read a message, whose parts have so many bytes together at most.

    Raises
    ------
    EOFError
        If the other side is gone.
    ValueError
        If it is no such message.
    """
    (length,) = struct.unpack(">L", _exactly(stream, 4).tobytes())
    if length > _MOST_HEAD_BYTES:
        message = f"a head of {length} bytes"
        raise ValueError(message)
    head: Head = json.loads(_exactly(stream, length).tobytes())
    sizes = head.pop("parts")
    if most_bytes is not None and sum(sizes) > most_bytes:
        message = f"parts of {sizes} bytes"
        raise ValueError(message)
    return head, [_exactly(stream, size) for size in sizes]


def _exactly(stream: IO[bytes], size: int) -> Part:
    made = np.empty(size, np.uint8)
    left = made.data
    while left:
        count = stream.readinto(left)  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        left = left[count:]
    return made


# ---------------------------------------------------------------- helpers


class Helper:
    """A process that decodes by the `main` of a module; `pictures` is how many it was asked for."""

    def __init__(self, module: str) -> None:
        if _DECODER in os.environ:  # or one starts another, and that one another
            raise MaskworksError(
                f"a process that decodes a picture may start no other; {_DECODER} is in the "
                "environment: unset it if this is no such process"
            )
        python = sys.executable or "python3"
        command = [python, "-I", "-c", _MAIN, json.dumps(sys.path), module]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this very interpreter
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is this process's alone
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", _DECODER: "1"},
            )
        except OSError as error:
            raise MaskworksError(
                f"no process can be started to decode a picture in ({error}); allow more "
                "processes or memory, or use fewer threads"
            ) from error
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        self.stdin, self.stdout = self._process.stdin, self._process.stdout
        self.module, self.pictures = module, 0

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def ask(self, head: Head, *parts: Part, most_bytes: int | None) -> tuple[Head, list[Part]]:
        """Send a message and return the answer; whatever goes wrong is this process's end.

        Parameters
        ----------
        head : its `name` is what messages call the picture
        most_bytes : of the answer's parts; None is without limit

        Raises
        ------
        TooSlowError
            If the time is over before it has answered.
        UnreadableError
            If it has broken.
        """
        name, left = head["name"], time_left()
        left = None if left is None else min(max(left, 0.0), _LONGEST_S)
        watch = None if left is None else threading.Timer(left, self._process.kill)
        try:
            if watch is not None:
                watch.start()
            send(self.stdin, {**head, "seconds": left}, *parts)
            return receive(self.stdout, most_bytes=most_bytes)
        except (EOFError, OSError, ValueError) as error:
            self.end()
            go_on(name)
            raise UnreadableError(name, "the decoder broke on it", _EXPORT_AGAIN) from error
        except BaseException:
            self.end()
            raise
        finally:
            if watch is not None:
                watch.cancel()

    def end(self) -> None:
        """End it, whatever it does."""
        for stream in (self.stdin, self.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        self._process.kill()
        self._process.wait()


_idle: list[Helper] = []
_lock = threading.Lock()


def take_helper(module: str) -> Helper:
    """Return a process of a module that waits for work, or a new one.

    Raises
    ------
    MaskworksError
        If no process can be started.
    """
    while True:
        with _lock:
            helper = next((one for one in _idle if one.module == module), None)
            if helper is not None:
                _idle.remove(helper)
        if helper is None:
            return Helper(module)
        if helper.lives:
            return helper
        helper.end()


def give_back(helper: Helper) -> None:
    """Keep a process for the next picture, or end it if it has seen many or there are enough."""
    helper.pictures += 1
    with _lock:
        alike = sum(one.module == helper.module for one in _idle)
        if alike < _MOST_KEPT and helper.pictures < _MOST_PICTURES:
            _idle.append(helper)
            return
    helper.end()


@atexit.register
def end_helpers() -> None:
    """End the processes that wait for a picture; another one is started when one comes."""
    with _lock:
        ended = _idle[:]
        _idle.clear()
    for helper in ended:
        helper.end()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # two processes must not share a helper
