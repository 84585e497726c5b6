"""What a clip sounds like: its first audio stream as mono samples, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UnreadableError
from maskworks.video.library import pyav


def sound_of(source: Path, rate: int) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Yield the sound of a clip; nothing if it has none.

    Parameters
    ----------
    source : Path
    rate : int
        Samples a second that come out.

    Yields
    ------
    float, float32 (N,)
        Where the block begins, seconds, and its samples in -1 to 1, channels averaged.

    Raises
    ------
    UnreadableError
        If the file cannot be opened. Damage further on ends the sound there.
    UsageError
        If the extra `[video]` is not installed.
    """
    av = pyav()
    try:
        container = av.open(f"file:{source}", options={"protocol_whitelist": "file"})
    except (av.error.FFmpegError, OSError) as error:
        raise UnreadableError(
            str(source), "cannot be opened for its sound", "copy or export it again"
        ) from error
    with container:
        if not container.streams.audio:
            return
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        done, begins = 0, None
        try:
            for frame in container.decode(container.streams.audio[0]):
                if begins is None:
                    begins = float(frame.time or 0.0)
                for each in resampler.resample(frame):
                    samples = each.to_ndarray().reshape(-1).astype(np.float32)
                    yield begins + done / rate, samples
                    done += samples.size
        except (av.error.FFmpegError, OSError):
            return
