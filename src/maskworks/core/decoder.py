"""The other side of `maskworks.core.apart`: a process that reads pictures until it is ended."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from maskworks.core.apart import Head, Part, receive, send, serialised
from maskworks.core.errors import ImageError
from maskworks.core.picture import Limits
from maskworks.core.reading import read_picture

_BYTES_A_PIXEL = 64  # 16-bit samples decoded twice, a profile, turning: 40 at most
_BYTES_BESIDE = 1 << 30


def main() -> None:
    """Read pictures that are asked for on standard input until it ends."""
    from PIL import Image as PillowImage

    PillowImage.MAX_IMAGE_PIXELS = None  # `Limits` was checked before
    serve(_answer)


def serve(answer: Callable[[Head, list[Part]], tuple[Head, list[Part]]]) -> None:
    """Answer what comes on standard input until it ends, each within its time and memory.

    A question's `seconds` is its time or None, `pixels` those that are allowed, `bytes` what may
    be taken beside them.
    """
    answers = os.fdopen(os.dup(1), "wb", 0)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # for whatever a library may print
    questions = os.fdopen(os.dup(0), "rb", 0)
    while True:
        try:
            asked, content = receive(questions)
        except EOFError:
            return
        with _bounded(asked):
            head, parts = answer(asked, content)
        send(answers, head, *parts)


def _answer(asked: Head, content: list[Part]) -> tuple[Head, list[Part]]:
    source = Path(asked["path"]) if "path" in asked else content.pop().tobytes()
    limits = Limits(asked["pixels"], seconds=None)  # ours ends with this process
    try:
        picture = read_picture(source, limits, name=asked["name"], least_side=asked["least_side"])
    except ImageError as error:
        return {"error": type(error).__name__, "args": error.args}, []
    return serialised(picture)


class _bounded(contextlib.AbstractContextManager[None]):  # noqa: N801 - a context manager
    """End this process when the picture's time is over, though its parent be gone by then."""

    def __init__(self, asked: Head) -> None:
        self._seconds = asked["seconds"]
        self._most = _BYTES_BESIDE + _BYTES_A_PIXEL * asked["pixels"] + asked.get("bytes", 0)

    def __enter__(self) -> None:
        if sys.platform == "win32":
            return
        import resource

        if self._seconds is not None:
            signal.setitimer(signal.ITIMER_REAL, self._seconds + 1)  # its default: the end
        with contextlib.suppress(ValueError, OSError):  # a lower one holds already
            resource.setrlimit(
                resource.RLIMIT_AS, (self._most, resource.getrlimit(resource.RLIMIT_AS)[1])
            )

    def __exit__(self, *_: object) -> None:
        if sys.platform != "win32":
            signal.setitimer(signal.ITIMER_REAL, 0)
