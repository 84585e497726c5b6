"""Clips that were cut out, to be looked at again: their frames, their mattes, their keys.

A frame of the clip is found by its time stamp and its matte by counting packets, so that picture
and matte stay in step whatever the containers make of time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.batch.manifest import read_manifest
from maskworks.batch.work import Status
from maskworks.core.errors import UnreadableError
from maskworks.core.reading import Limits, read_picture
from maskworks.core.values import Pixels
from maskworks.video.decoding import decode_packets
from maskworks.video.frame_pixels import upright_pixels
from maskworks.video.library import pyav
from maskworks.video.parts import FrameRow
from maskworks.video.reading import Frame, open_clip, opened
from maskworks.video.reporting import report_paths

KEYS_SUFFIX = ".keys"
"""Of the folder with a clip's key masks, behind its output's name."""

MANIFEST = "manifest.jsonl"

_KEY_DIGITS = 5
_SAME_S = 1e-6
_READ_BACK = (".webm", ".mkv", ".mov")

Levels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class CutClip:
    """A clip and what was made of it; both paths are absolute."""

    source: Path
    output: Path
    status: Status
    confidence: float | None
    notes: tuple[str, ...] = ()

    @property
    def keys(self) -> Path:
        """The folder of its key masks; `maskworks video fix` reads them there."""
        return keys_beside(self.output)

    def key(self, frame: int) -> Path:
        """Return where the key mask of a frame lies, or would."""
        return self.keys / f"{frame:0{_KEY_DIGITS}d}.png"

    def drawn(self) -> list[int]:
        """Return the frames that have a key mask, in order."""
        found = (path.stem for path in self.keys.glob("*.png"))
        return sorted(int(stem) for stem in found if stem.isdigit())

    def asked(self) -> list[int]:
        """Return the frames that `maskworks video fix` asked for, in order."""
        start, end = f"{self.output.name}.ask-", ".png"
        names = (path.name for path in self.output.parent.glob("*.ask-*.png"))
        found = (n[len(start) : -len(end)] for n in names if n.startswith(start))
        return sorted(int(number) for number in found if number.isdigit())

    def rows(self) -> list[FrameRow]:
        """Return what was said of each frame.

        Raises
        ------
        UnreadableError
            If the rows do not lie beside the output.
        """
        path = report_paths(self.output)[1]
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            return [FrameRow(**json.loads(line)) for line in lines]
        except (OSError, ValueError, TypeError) as error:
            raise UnreadableError(
                str(path),
                "holds no rows of frames",
                "cut the clip out without --no-report, its rows lie beside the output then",
            ) from error


def keys_beside(output: Path) -> Path:
    """Return the folder of the key masks of an output: beside it, under its name."""
    return output.with_name(output.name + KEYS_SUFFIX)


def cut_clips(manifest: Path) -> list[CutClip]:
    """Return the clips of a run whose outputs are there, in the order of their names.

    Parameters
    ----------
    manifest : Path
        As `maskworks video` wrote it, or the folder that it lies in.

    Raises
    ------
    UsageError
        If the file is no manifest.
    OutputError
        If it cannot be read.
    """
    path = (manifest / MANIFEST if manifest.is_dir() else manifest).absolute()
    found = [
        CutClip(
            source=Path(row.source),
            output=Path(row.output),
            status=row.status,
            confidence=row.confidence,
            notes=row.notes,
        )
        for row in read_manifest(path).values()
        if row.output is not None and row.frames
    ]
    return sorted((each for each in found if each.output.exists()), key=lambda each: each.output)


def watched(
    clip: CutClip, rows: list[FrameRow], first: int, limits: Limits
) -> Iterator[tuple[FrameRow, Pixels, Levels | None]]:
    """Yield frames from number `first` on with the mattes that were written of them.

    Yields
    ------
    row, pixels of uint8 (H, W, 3), matte of uint8 (H, W) or None
        None where the output holds no alpha of the whole frame: it is opaque, cropped, or an
        animation.

    Raises
    ------
    UnreadableError
        If the clip or its output cannot be read, or has fewer frames than rows.
    TooLargeError
        If a frame is too large.
    """
    frames = _frames_from(clip.source, rows[first], limits)
    mattes = _mattes_from(clip.output, first, limits)
    for row in rows[first:]:
        frame, matte = next(frames, None), next(mattes, None)
        if frame is None:
            raise UnreadableError(
                str(clip.source), f"has no frame {row.frame} any more", "cut it out again"
            )
        same = matte is not None and matte.shape == frame.pixels.shape[:2]
        yield row, frame.pixels, matte if same else None


def _frames_from(path: Path, row: FrameRow, limits: Limits) -> Iterator[Frame]:
    """Yield frames from a row's on: by its time stamp, else by counting from the first."""
    begun = False
    if row.frame > 0:
        with open_clip(path, limits) as clip:
            clip.jump(row.time_s)
            for frame in clip.frames(interlaced=True):
                begun |= abs(frame.time_s - row.time_s) < _SAME_S
                if begun:
                    yield frame
                elif frame.time_s > row.time_s:
                    break
    if begun:
        return
    with open_clip(path, limits) as clip:
        yield from clip.frames(first=row.frame, interlaced=True)


def _mattes_from(output: Path, first: int, limits: Limits) -> Iterator[Levels]:
    """Yield the mattes of an output from a frame on; nothing if it holds none."""
    if output.is_dir():
        number = first
        while (path := output / f"{number:06d}.png").is_file():
            matte = read_picture(path, limits).matte
            if matte is None:
                return
            yield np.rint(matte.alpha * 255).astype(np.uint8)
            number += 1
        return
    if output.suffix.lower() not in _READ_BACK:
        return
    with open_clip(output, limits) as clip:
        alpha = clip.facts.alpha
    if not alpha and output.suffix.lower() != ".mov":
        return
    for pixels, own in _decoded_from(output, first):
        yield own if own is not None else pixels[..., 0]


def _decoded_from(output: Path, first: int) -> Iterator[tuple[Pixels, Levels | None]]:
    """Yield the frames of an output of ours from a number on: each packet is one frame."""
    av = pyav()
    key = _key_packet(output, first)
    with opened(output) as container:
        stream = container.streams.video[0]
        decoder: Any = stream.codec_context
        if decoder.name == "vp9":  # FFmpeg's own drops alpha
            decoder = av.CodecContext.create("libvpx-vp9", "r")
        packets = (packet for packet in container.demux(stream) if packet.size)
        packets = (packet for at, packet in enumerate(packets) if at >= key)
        decoded = decode_packets(packets, decoder, lambda _: None)
        for at, raw in enumerate(decoded, start=key):
            if at >= first:
                yield upright_pixels(raw, (raw.width, raw.height))


def _key_packet(output: Path, first: int) -> int:
    """Return the number of the last packet up to `first` that can be decoded by itself."""
    key = 0
    with opened(output) as container:
        packets = (each for each in container.demux(container.streams.video[0]) if each.size)
        for at, packet in enumerate(packets):
            if at > first:
                break
            if packet.is_keyframe:
                key = at
    return key
