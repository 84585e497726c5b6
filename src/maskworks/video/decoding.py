"""Packets in, frames out: a packet that a decoder cannot use is told by its own time stamp."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from maskworks.video.library import pyav

if TYPE_CHECKING:
    from av import VideoFrame


def decode_packets(
    packets: Iterable[Any],
    decoder: Any,  # noqa: ANN401 - PyAV's
    lose: Callable[[int | None], None],
) -> Iterator[VideoFrame]:
    """Yield what a decoder gives for packets of one stream, then what is left in it.

    The decoder works on one frame at a time, whatever the machine has: FFmpeg's frame threads
    say packets later that one could not be used, and give up what they hold when that happens
    at the end.

    Parameters
    ----------
    lose : called with the stamp of each packet that gave no frame

    Raises
    ------
    av.error.FFmpegError
        If memory is out.
    """
    av = pyav()
    decoder.thread_type = "SLICE"
    stamp = None
    for packet in packets:
        stamp = packet.pts if packet.pts is not None else packet.dts
        try:
            yield from decoder.decode(packet)
        except av.error.FFmpegError as error:
            if error.errno == errno.ENOMEM:
                raise
            lose(stamp)
    try:
        yield from decoder.decode(None)
    except av.error.EOFError:  # nothing is left in it
        return
    except av.error.FFmpegError:
        lose(stamp)
