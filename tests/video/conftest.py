"""Clips that the tests draw: a red disc that moves over blue squares."""

from __future__ import annotations

import threading
from fractions import Fraction

import av
import numpy as np
import pytest

from maskworks.models import Model, load_catalogue
from maskworks.video import request
from maskworks.video.request import VideoRequest, open_video

MILLISECONDS = Fraction(1, 1000)


def draw_frame(index, size=(48, 64), *, count=12):
    """Return uint8 (H, W, 3); its upper left corner has the grey index * 16 modulo 256."""
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    picture = np.empty((height, width, 3), np.uint8)
    picture[...] = (40, 60, 150)
    picture[(rows // 6 + columns // 6) % 2 == 0] = (60, 80, 180)
    centre = width * (0.3 + 0.4 * index / max(1, count - 1))
    disc = (rows - height * 0.55) ** 2 + (columns - centre) ** 2 < (height * 0.28) ** 2
    picture[disc] = (220, 60, 40)
    picture[: height // 6, : width // 6] = (index * 16) % 256
    return picture


@pytest.fixture
def draw():
    """Draw one frame: `draw(index, size, count=...)`."""
    return draw_frame


@pytest.fixture
def clip(tmp_path):
    """Write a clip of drawn or given frames and return its path."""

    def write(
        name="clip.mkv",
        frames=None,
        *,
        count=12,
        size=(48, 64),
        codec="ffv1",
        form="yuv420p",
        pts_ms=None,
        turn=0,
        sound=False,
        words=(),
        setting=None,
        **options,
    ):
        frames = (
            [draw_frame(i, size, count=count) for i in range(count)] if frames is None else frames
        )
        unit = MILLISECONDS if pts_ms is not None else Fraction(1, 25)
        path = tmp_path / name
        with av.open(str(path), "w", options=options) as container:
            video = container.add_stream(codec, rate=25)
            if frames:
                video.height, video.width = frames[0].shape[:2]
            video.pix_fmt = form
            video.codec_context.time_base = unit
            for key, value in (setting or {}).items():
                setattr(video.codec_context, key, value)
            if turn:
                video.set_display_rotation(turn)
            audio = _add_sound(container, path) if sound else None
            for index, pixels in enumerate(frames):
                raw = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                raw.pts = index if pts_ms is None else pts_ms[index]
                raw.time_base = unit
                container.mux(video.encode(raw))
            container.mux(video.encode())
            if audio is not None:
                _write_sound(container, audio, len(frames) / 25)
        return path

    return write


def _add_sound(container, path):
    audio = container.add_stream(
        "aac" if path.suffix in (".mp4", ".mov") else "libopus", rate=48000
    )
    audio.layout = "mono"
    return audio


def _write_sound(container, audio, seconds):
    samples = np.arange(int(48000 * seconds))
    tone = (np.sin(samples * 0.06) * 0.3).astype(np.float32)
    resampler = av.AudioResampler(
        format=audio.codec_context.format, layout="mono", rate=48000, frame_size=960
    )
    raw = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
    raw.sample_rate, raw.pts, raw.time_base = 48000, 0, Fraction(1, 48000)
    for frame in [*resampler.resample(raw), *resampler.resample(None)]:
        container.mux(audio.encode(frame))
    container.mux(audio.encode(None))


def red_network(batch):
    """Answer like the network of `cutout`: what is red is the subject."""
    red, green, blue = (batch[0] + 1) / 2
    found = ((red > 0.55) & (green < 0.45) & (blue < 0.45)).astype(np.float32)
    seen = np.float32(found.mean() > 0.002)
    return found[None, None], np.array([[0.9 * seen]], np.float32), np.array([[seen]], np.float32)


@pytest.fixture
def red_model():
    """The row of `cutout` with a network that finds red."""
    return Model(load_catalogue().find("cutout"), red_network)


@pytest.fixture
def cut(red_model, monkeypatch):
    """Run `maskworks video` with the red network; returns its rows."""
    monkeypatch.setattr(request, "load_model", lambda *_, **__: red_model)

    def run(path, output, *, stop=None, tell=lambda _: None, **options):
        asked = VideoRequest(inputs=(str(path),), output=str(output), **options)
        opened = open_video(asked, tell)
        rows = list(opened.rows(stop or threading.Event()))
        return [*opened.plan.kept, *rows]

    return run
