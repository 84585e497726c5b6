"""Packets in, frames out: what a decoder cannot use is told by its own time stamp."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from maskworks.video.library import pyav

if TYPE_CHECKING:
    from av import VideoFrame

_FRAME_THREADS = 1 << 12  # AV_CODEC_CAP_FRAME_THREADS of FFmpeg
_MOST_THREADS = 64  # of a decoder; FFmpeg takes 16 by itself


def decode_packets(
    packets: Iterable[Any],
    decoder: Any,  # noqa: ANN401 - PyAV's
    lose: Callable[[int | None], None],
) -> Iterator[VideoFrame]:
    """Yield what a decoder gives for packets of one stream, then what is left in it.

    Parameters
    ----------
    lose : called with the stamp of each packet that gave no frame; a decoder with threads says
        so some packets later

    Raises
    ------
    av.error.FFmpegError
        If memory is out.
    """
    av = pyav()
    stamps: deque[int | None] = deque(maxlen=_MOST_THREADS)
    for packet in packets:
        stamps.append(packet.pts if packet.pts is not None else packet.dts)
        try:
            yield from decoder.decode(packet)
        except av.error.FFmpegError as error:
            if error.errno == errno.ENOMEM:
                raise
            lose(stamps[max(0, len(stamps) - _threads(decoder))])
    for last in range(_threads(decoder), 0, -1):
        try:
            yield from decoder.decode(None)
        except av.error.EOFError:  # nothing is left in it
            return
        except av.error.FFmpegError:
            lose(stamps[max(0, len(stamps) - last)] if stamps else None)


def _threads(decoder: Any) -> int:  # noqa: ANN401 - PyAV's
    """Return how many frames a decoder works on at once."""
    in_step = not decoder.codec.capabilities & _FRAME_THREADS or decoder.thread_type.name == "SLICE"
    return 1 if in_step else max(1, int(decoder.thread_count))
