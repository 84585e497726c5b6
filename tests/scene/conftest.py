"""Drawn clips: moving pictures with a subtitle in them, a bang in the sound, subtitles beside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import av
import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

FONT = Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
SIZE = (320, 568)
RATE = 8
SOUND_RATE = 16_000


@dataclass(frozen=True)
class Drawn:
    """One stretch of a clip: so many frames, a text at its foot."""

    frames: int
    text: str = ""
    shift: int = 0


def draw(size, at, text="", shift=0, font_px=26):
    """Return a moving picture, uint8 (H, W, 3), with a text as subtitles are drawn."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    colours = np.stack([(x + 5 * at + shift) % 256, (y * 2 + at) % 256, (x + y + shift) % 256], -1)
    picture = Image.fromarray((colours // (2 + shift // 40)).astype(np.uint8))
    if text:
        brush = ImageDraw.Draw(picture)
        font = ImageFont.truetype(FONT, font_px)
        wide = brush.textlength(text, font)
        place = ((width - wide) / 2, height - 2 * font_px)
        brush.text(place, text, font=font, fill="white", stroke_width=2, stroke_fill="black")
    return np.asarray(picture)


def write_clip(path, parts, *, sound=None, subtitles=None, size=SIZE):
    """Write a clip of drawn stretches; `sound` is float (N,), `subtitles` the path of an SRT."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg4", rate=RATE)
        video.width, video.height, video.pix_fmt = size[1], size[0], "yuv420p"
        video.bit_rate = 4_000_000
        audio = None if sound is None else out.add_stream("pcm_s16le", rate=SOUND_RATE)
        if audio is not None:
            audio.layout = "mono"
        given = None if subtitles is None else av.open(str(subtitles))
        text = given and out.add_stream_from_template(given.streams.subtitles[0])
        at = 0
        for part in parts:
            for _ in range(part.frames):
                pixels = draw(size, at, part.text, part.shift)
                out.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
                at += 1
        out.mux(video.encode())
        if audio is not None:
            samples = (np.clip(sound, -1, 1) * 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = SOUND_RATE
            out.mux(audio.encode(frame))
            out.mux(audio.encode())
        if given is not None:
            for packet in given.demux():
                if packet.size:
                    packet.stream = text
                    out.mux(packet)
            given.close()
    return path


SRT = """1
00:00:01,000 --> 00:00:02,000
Er hat sich ein Gewehr gekauft.

2
00:00:03,000 --> 00:00:04,500
Was für eine Scheiße!
"""


@pytest.fixture(scope="session")
def drawing():
    """What draws: `draw`, `write_clip`, `Drawn` and the text `SRT`."""
    return SimpleNamespace(draw=draw, write_clip=write_clip, Drawn=Drawn, SRT=SRT)


@pytest.fixture(scope="session")
def bang():
    """Six seconds of faint noise with one bang at 3.0 s."""
    noise = np.random.default_rng(1).normal(0, 0.002, 6 * SOUND_RATE)
    begin = 3 * SOUND_RATE
    noise[begin : begin + 3000] += 0.9 * np.sin(np.arange(3000) * 0.4)
    return noise


@pytest.fixture(scope="session")
def clip(tmp_path_factory, bang):
    """Six seconds, a text in the picture for the first three, a cut, sound, subtitles inside."""
    folder = tmp_path_factory.mktemp("clip")
    srt = folder / "inside.srt"
    srt.write_text(SRT, encoding="utf-8")
    parts = [Drawn(24, "They robbed the bank"), Drawn(24, "Good morning", shift=120)]
    return write_clip(folder / "drawn.mkv", parts, sound=bang, subtitles=srt)


@pytest.fixture(scope="session")
def mute(tmp_path_factory):
    """Two seconds without sound, text or subtitles."""
    return write_clip(Path(tmp_path_factory.mktemp("mute")) / "mute.mp4", [Drawn(16)])
