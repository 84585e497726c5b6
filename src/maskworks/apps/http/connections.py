"""Connections that hold nothing for ever: how many, how long to say what, how long to listen.

Without it a handful of machines that send a header a byte at a time, or never read an answer,
take every file descriptor of the process.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

ANSWER_S = 60.0
"""How long a caller may take for the next piece of an answer."""

LEAST_CHUNK = 128
"""Bytes of a chunk of a body, on the average: each costs the event loop as much as a request."""

_FEW_LINES = 1000
_PIECE_BYTES = 1 << 15  # that are read and parsed before anybody else has a turn


class BoundedConnection(H11Protocol):
    """HTTP/1.1 over one connection, within bounds; `most` and `header_s` are set by `bounded`."""

    most = 512
    header_s = 10.0

    _late: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _lines = _bytes = 0  # of a body in chunks

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection in, unless there are too many."""
        full = len(self.connections) >= self.most
        super().connection_made(transport)
        if full:
            transport.abort()
            return
        transport.max_size = _PIECE_BYTES  # type: ignore[attr-defined]  # asyncio's own
        self._expect_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let it go."""
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in; what begins a request must be whole within its time."""
        if self._is_crumbs(data):
            self.transport.abort()
            return
        super().data_received(data)
        if self._in_hand:
            self._cancel_late()
        elif self._late is None and not self.transport.is_closing():
            self._expect_header()

    def pause_writing(self) -> None:
        """Wait for a caller who does not read, but not for ever."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(ANSWER_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    @property
    def _in_hand(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _is_crumbs(self, data: bytes) -> bool:
        """Say whether a body comes in chunks of next to nothing."""
        if self.conn.their_state is not h11.SEND_BODY:
            self._lines = self._bytes = 0
            return False
        if not any(name == b"transfer-encoding" for name, _ in self.headers):
            return False
        self._lines += data.count(b"\r\n")
        self._bytes += len(data)
        return self._lines > _FEW_LINES + 2 * self._bytes // LEAST_CHUNK

    def _expect_header(self) -> None:
        self._late = self.loop.call_later(self.header_s, self._end_if_late)

    def _end_if_late(self) -> None:
        self._late = None
        if not self._in_hand:
            self.transport.abort()

    def _cancel_late(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _cancel(self) -> None:
        self._cancel_late()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


def bounded(*, most: int, header_s: float) -> type[BoundedConnection]:
    """Return the protocol with bounds of its own.

    Parameters
    ----------
    most : connections at once; a further one is closed as it comes
    header_s : seconds until the head of a request must be there, also of the first
    """
    return type("Connection", (BoundedConnection,), {"most": most, "header_s": header_s})
