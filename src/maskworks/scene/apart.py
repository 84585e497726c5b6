"""Assess a clip in a process of its own, which is ended when its time is over.

Decoders and readers in C cannot be stopped from outside, and a file can be made on which they
work for hours, or break. The process writes its files itself and says how far it is; nothing
that it says is executed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from maskworks.core.errors import (
    ImageError,
    MaskworksError,
    ModelError,
    OutputError,
    TooLargeError,
    UnreadableError,
    UsageError,
)
from maskworks.core.reading import Limits
from maskworks.scene.assessing import assess_suitability
from maskworks.scene.gathering import thumbnail
from maskworks.scene.options import SuitabilityOptions
from maskworks.scene.signals.protocol import SignalChoices
from maskworks.scene.writing.files import write_record
from maskworks.video import open_clip

_MAIN = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from maskworks.scene.apart import main; main()"
)
_ERRORS = {
    kind.__name__: kind
    for kind in (ImageError, ModelError, OutputError, TooLargeError, UnreadableError, UsageError)
}
_LOOK_S = 0.2
_BESIDE_BYTES = 4 << 30  # addresses, of which networks and their threads reserve most
_BYTES_A_PIXEL = 64
_SHORTER = "cut it into shorter clips, or allow it more time"


def assess_apart(
    path: Path,
    folder: Path,
    options: SuitabilityOptions,
    *,
    seconds: float,
    stop: threading.Event | None = None,
    progress: Callable[[float], None] | None = None,
) -> bool:
    """Assess a clip or picture and write its files, within so many seconds.

    Parameters
    ----------
    path, folder : Path
        What is assessed, and where its files go.
    options : SuitabilityOptions
    seconds : float, > 0
        After which the process is ended.
    stop : Event, optional
        Ends it at once.
    progress : function, optional
        Is called with the seconds of the clip that were looked at.

    Returns
    -------
    bool
        False if `stop` was set before it was done.

    Raises
    ------
    UnreadableError
        If the time is over, or the process broke or took more memory than it may.
    MaskworksError
        As `assess_suitability` and `write_record`.
    """
    order = {
        "what": "assess",
        "path": str(path),
        "folder": str(folder),
        "seconds": seconds,
        "options": _plain(options),
    }

    def heard(told: Mapping[str, Any]) -> None:
        if progress is not None:
            progress(float(told["at"]))

    return _done(order, path.name, stop, heard)


@dataclass(frozen=True)
class SmallFrame:
    """A frame of a clip as a small JPEG, with its index and time."""

    index: int
    time_ms: int
    jpeg: bytes


def frames_apart(
    path: Path, indices: Sequence[int], *, limits: Limits, seconds: float
) -> list[SmallFrame]:
    """Return frames of a clip, small, decoded in a process that ends after so many seconds.

    Parameters
    ----------
    path : Path
    indices : of frames, in rising order; what lies behind the end is left out
    limits : Limits
    seconds : float, > 0

    Raises
    ------
    UnreadableError
        If it is no clip, or the time is over.
    """
    order = {
        "what": "frames",
        "path": str(path),
        "indices": list(indices),
        "pixels": limits.max_pixels,
        "seconds": seconds,
    }
    found: list[SmallFrame] = []

    def heard(told: Mapping[str, Any]) -> None:
        jpeg = base64.b64decode(told["jpeg"])
        found.append(SmallFrame(int(told["index"]), int(told["time_ms"]), jpeg))

    _done(order, path.name, None, heard)
    return found


def _done(
    order: Mapping[str, Any],
    name: str,
    stop: threading.Event | None,
    heard: Callable[[Mapping[str, Any]], None],
) -> bool:
    """Have an order done by a process; False if it was stopped."""
    process = _started(order)
    said: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    listening = threading.Thread(target=_listen, args=(process.stdout, said), daemon=True)
    listening.start()
    seconds = float(order["seconds"])
    until = time.monotonic() + seconds
    try:
        while True:
            if stop is not None and stop.is_set():
                return False
            if time.monotonic() > until:
                raise UnreadableError(name, f"takes longer than {seconds:g} s", _SHORTER)
            try:
                told = said.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if told is None:
                raise UnreadableError(
                    name,
                    "a decoder broke on it, or it takes more memory than is allowed",
                    "export it again, smaller",
                )
            if "error" in told:
                raise _error(told)
            if "done" in told:
                return True
            heard(told)
    finally:
        process.kill()
        process.wait()
        listening.join()
        process.stdout.close()


def _started(order: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-c", _MAIN, json.dumps(sys.path)]
    try:
        process = subprocess.Popen(  # noqa: S603 - this very interpreter
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is this process's alone
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
    except OSError as error:
        raise MaskworksError(
            f"no process can be started to assess a clip in ({error}); allow more processes or "
            "memory"
        ) from error
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    with contextlib.suppress(OSError), process.stdin as stream:
        stream.write(json.dumps(order).encode())
    return process


def _listen(stream: IO[bytes], said: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    """Pass on what a process says, line by line; None at its end."""
    with contextlib.suppress(OSError, ValueError):
        for line in stream:
            said.put(json.loads(line))
    said.put(None)


def _error(told: Mapping[str, Any]) -> MaskworksError:
    kind = _ERRORS.get(str(told["error"]))
    if kind is None:
        return MaskworksError(str(told["message"]))
    return kind(*told["args"])


def _plain(options: SuitabilityOptions) -> dict[str, Any]:
    said = {**vars(options), "choices": asdict(options.choices), "limits": asdict(options.limits)}
    return {name: str(each) if isinstance(each, Path) else each for name, each in said.items()}


def _options(said: Mapping[str, Any]) -> SuitabilityOptions:
    made: dict[str, Any] = {**said}
    for name in ("policy", "subtitles"):
        made[name] = said[name] and Path(said[name])
    made["choices"], made["limits"] = SignalChoices(**said["choices"]), Limits(**said["limits"])
    return SuitabilityOptions(**made)


# ---------------------------------------------------------------- the other side


def main() -> None:
    """Do what standard input orders; say on standard output how far it is."""
    answers = os.fdopen(os.dup(1), "wb", 0)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # for whatever a library may print
    order = json.loads(sys.stdin.buffer.read())

    def say(told: Mapping[str, Any]) -> None:
        answers.write(json.dumps(told).encode() + b"\n")  # nobody there any more: it ends here

    try:
        {"assess": _assess, "frames": _show}[order["what"]](order, say)
    except MaskworksError as error:
        given = [each if isinstance(each, int | float) else str(each) for each in error.args]
        say({"error": type(error).__name__, "args": given, "message": str(error)})
        return
    say({"done": True})


def _assess(order: Mapping[str, Any], say: Callable[[Mapping[str, Any]], None]) -> None:
    options = _options(order["options"])
    _bound(order["seconds"], options.limits.max_pixels)
    made = assess_suitability(order["path"], options, progress=lambda at: say({"at": round(at, 3)}))
    write_record(Path(order["folder"]), made.record, made.pictures)


def _show(order: Mapping[str, Any], say: Callable[[Mapping[str, Any]], None]) -> None:
    _bound(order["seconds"], order["pixels"])
    wanted = set(order["indices"])
    if not wanted:
        return
    with open_clip(Path(order["path"]), Limits(order["pixels"])) as clip:
        for frame in clip.frames(min(wanted), max(wanted) + 1, interlaced=True):
            if frame.index in wanted:
                jpeg = base64.b64encode(thumbnail(frame.pixels)).decode()
                say({"index": frame.index, "time_ms": round(1000 * frame.time_s), "jpeg": jpeg})


def _bound(seconds: float, pixels: int) -> None:
    """End this process when its time is over, though its parent be gone; bound its memory."""
    if sys.platform == "win32":
        return
    import resource

    signal.setitimer(signal.ITIMER_REAL, seconds + 1)  # its default: the end
    most = _BESIDE_BYTES + _BYTES_A_PIXEL * pixels
    with contextlib.suppress(ValueError, OSError):  # a lower one holds already
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
