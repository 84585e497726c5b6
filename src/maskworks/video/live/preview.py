"""The live picture in a browser of this machine: JPEG after JPEG in one answer (multipart).

A viewer gets the newest picture whenever it has taken the one before, so that a slow one misses
pictures and holds nothing up. Pictures are encoded only while somebody looks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UsageError

HOST = "127.0.0.1"
SHOWN_PX = 960
"""Long side of the picture that is shown, at most."""

MOST_VIEWERS = 4

_QUALITY = 80
_GREY = 128
_BOUNDARY = "picture"
_WAIT_S = 0.5
_POLICY = "default-src 'none'; img-src 'self'; script-src 'self'; connect-src 'self'"

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Maskworks live</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<script src="/rate.js" defer></script>
<h1>Live</h1><p><img src="/pictures" width="100%" alt="The live picture"></p>
<p id="rate" role="status"></p></html>
"""
_SCRIPT = """setInterval(async () => {
  const answer = await fetch("/rate").catch(() => null);
  document.getElementById("rate").textContent = answer?.ok ? await answer.text() : "It has ended.";
}, 1000);
"""


class LivePreview:
    """Holds the newest picture for viewers; `url` is where they look."""

    def __init__(self) -> None:
        self.url = ""
        self.ended = False
        self._new = threading.Condition()
        self._picture: NDArray[np.uint8] | None = None
        self._number = 0
        self._viewers = 0
        self._rate = ""

    def show(self, pixels: NDArray[np.uint8]) -> None:
        """Take the next picture, uint8 (H, W, 3), or (H, W, 4) that is shown on grey."""
        with self._new:
            self._picture = pixels
            self._number += 1
            self._new.notify_all()

    def say(self, rate: str) -> None:
        """Take the sentence that stands below the picture."""
        self._rate = rate

    @property
    def rate(self) -> str:
        """What was said last."""
        return self._rate

    @contextmanager
    def viewer(self) -> Iterator[bool]:
        """Count a viewer while it looks; yields False if there are too many."""
        with self._new:
            admitted = self._viewers < MOST_VIEWERS
            self._viewers += admitted
        try:
            yield admitted
        finally:
            with self._new:
                self._viewers -= admitted

    def pictures(self) -> Iterator[bytes]:
        """Yield the newest picture as JPEG, again and again, until the run ends."""
        seen = 0
        while not self.ended:
            picture, now = self._newest(seen)
            if picture is not None and now != seen:
                seen = now
                yield jpeg_of(picture)

    def _newest(self, seen: int) -> tuple[NDArray[np.uint8] | None, int]:
        """Wait for another picture than number `seen`, a while; return the newest."""
        with self._new:
            self._new.wait_for(lambda: self._number != seen or self.ended, _WAIT_S)
            return self._picture, self._number

    def end(self) -> None:
        """Let go of every viewer."""
        with self._new:
            self.ended = True
            self._new.notify_all()


def jpeg_of(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture as JPEG, its long side at most `SHOWN_PX`; clear parts are grey.

    Parameters
    ----------
    pixels : uint8 (H, W, 3), or (H, W, 4) with alpha
    """
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, SHOWN_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    if small.shape[2] == 4:
        alpha = small[..., 3:].astype(np.float32) / np.float32(255)
        small = np.rint(small[..., :3] * alpha + _GREY * (1 - alpha)).astype(np.uint8)
    _, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return data.tobytes()


@contextmanager
def open_preview(port: int) -> Iterator[LivePreview]:
    """Listen on 127.0.0.1 while the context lasts.

    Parameters
    ----------
    port : int in [0, 65535]
        0 takes a free one.

    Raises
    ------
    UsageError
        If nothing can listen there.
    """
    preview = LivePreview()

    class Handler(_Handler):
        shown = preview

    try:
        server = ThreadingHTTPServer((HOST, port), Handler)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(
            f"--preview {port}: {HOST} takes no viewers there ({why}); give another port, or 0 "
            "for a free one"
        ) from error
    server.daemon_threads = True
    preview.url = f"http://{HOST}:{server.server_address[1]}/"
    listening = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    listening.start()
    try:
        yield preview
    finally:
        preview.end()
        server.shutdown()
        server.server_close()
        listening.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers viewers; names of other hosts are refused, so that no web page can look in."""

    shown: ClassVar[LivePreview]
    timeout = 30

    def do_GET(self) -> None:
        """Answer with the page, its script, the rate, or pictures without end."""
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        if host not in (HOST, "localhost"):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, f"ask {HOST}")
        elif self.path == "/":
            self._answer("text/html; charset=utf-8", _PAGE)
        elif self.path == "/rate.js":
            self._answer("text/javascript; charset=utf-8", _SCRIPT)
        elif self.path == "/rate":
            self._answer("text/plain; charset=utf-8", self.shown.rate)
        elif self.path == "/pictures":
            self._send_pictures()
        else:
            self.send_error(HTTPStatus.NOT_FOUND, "there is / and /pictures")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by http.server
        """Say nothing: standard error tells the rate."""

    def _answer(self, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.end_headers()
        self.wfile.write(data)

    def _send_pictures(self) -> None:
        with self.shown.viewer() as admitted:
            if not admitted:
                self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, f"{MOST_VIEWERS} look already")
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            try:
                for data in self.shown.pictures():
                    head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\n"
                    head += f"Content-Length: {len(data)}\r\n\r\n"
                    self.wfile.write(head.encode() + data + b"\r\n")
            except OSError:  # the viewer has gone, or takes nothing any more
                return
