"""Long clips: memory does not grow with them, and a run that was killed goes on to the same end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from maskworks.video.reading import open_clip

HERE = Path(__file__).parent

RED = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from conftest import red_network
from maskworks.apps.cli import main
from maskworks.models import Model, load_catalogue
from maskworks.video import request
request.load_model = lambda *_, **__: Model(load_catalogue().find("cutout"), red_network)
sys.exit(main(sys.argv[1:]))
"""
"""The command with a network that finds red: what is measured is all but the network."""


def read(path):
    with open_clip(path) as clip:
        return [(frame.time_s, frame.pixels, frame.alpha) for frame in clip.frames()]


def test_memory_does_not_grow_with_the_clip(clip, cut, draw, tmp_path):
    size, base = (192, 256), [draw(at, (192, 256)) for at in range(12)]
    peaks = []
    for times in (2, 5):
        path = clip(f"{times}.mkv", frames=base * times, form="bgr0")
        tracemalloc.start()
        (row,) = cut(path, tmp_path / f"{times}.webm", steady="off", refine="off")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert row.frames == 12 * times
    of_a_frame = 3 * size[0] * size[1]
    assert peaks[1] - peaks[0] < 12 * of_a_frame  # 36 frames more, of which none may stay


@pytest.mark.slow
def test_a_long_clip_takes_no_more_memory_than_a_short_one(clip, draw, tmp_path):
    base = [draw(at, (360, 640), count=25) for at in range(25)]
    peaks = []
    for times in (4, 24):
        path = clip(
            f"{times}.mkv",
            frames=base * times,
            codec="mpeg4",
            setting={"bit_rate": 4_000_000},
        )
        command = [sys.executable, "-c", RED, "video", path.name, "-o", f"{times}.webm"]
        process = subprocess.Popen([*command, "--threads", "1"], cwd=tmp_path)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        peaks.append(used.ru_maxrss / 1024)
    assert peaks[1] - peaks[0] < 100  # the 500 frames more are 345 MB


@pytest.mark.slow
@pytest.mark.parametrize("form", ["ffv1", "webm"])
def test_a_run_that_is_killed_goes_on_to_the_same_result(clip, draw, tmp_path, form):
    shots = [draw(at, (96, 128)) for at in range(12)]
    shots += [np.roll(255 - draw(at, (96, 128), count=60), 40, axis=1) for at in range(60)]
    path = clip("in.mkv", frames=shots, form="bgr0")
    command = [sys.executable, "-c", RED, "video", path.name, "--format", form, "--threads", "1"]
    subprocess.run([*command, "-o", "whole"], cwd=tmp_path, check=True)
    suffix = {"ffv1": "mkv", "webm": "webm"}[form]
    state = tmp_path / f"out/.maskworks-parts/in.{suffix}/state.jsonl"
    process = subprocess.Popen([*command, "-o", "out"], cwd=tmp_path)
    deadline = time.monotonic() + 300
    while not (state.exists() and state.read_text().count("\n") > 1):
        assert time.monotonic() < deadline
        assert process.poll() is None, "it was over before the first shot was noted"
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / f"out/in.{suffix}").exists()
    subprocess.run([*command, "-o", "out", "--resume"], cwd=tmp_path, check=True)
    ours, whole = read(tmp_path / f"out/in.{suffix}"), read(tmp_path / f"whole/in.{suffix}")
    assert len(ours) == len(whole) == 72
    for (time_s, pixels, alpha), (when_s, colours, matte) in zip(ours, whole, strict=True):
        assert time_s == when_s
        assert (alpha == matte).all()
        assert (pixels == colours).all()
