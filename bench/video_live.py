"""Measure live mattes: raw 720p in and out through pipes, against a plain copy loop.

``python bench/video_live.py [--frames 150] [--background blur] [--clip FILE]``: frames a second and
processor time a frame. Frames are made, a disc over noise, unless a clip is named.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIZE = (720, 1280)
COPY = "import sys,shutil; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer, 2764800)"


def main() -> None:
    """Run both and print a row each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--background", default="blur")
    parser.add_argument("--clip", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.rgb"
        write_frames(source, asked.frames, asked.clip)
        live = [sys.executable, "-m", "maskworks.apps.cli", "video", "live"]
        live += ["--source", "-", "--to", "-"]
        live += ["--size", "1280x720", "--write", "rgb", "--background", asked.background, "--json"]
        for name, command in (("copy", [sys.executable, "-c", COPY]), ("live", live)):
            print(json.dumps({"way": name, **timed(command, source, asked.frames)}))


def write_frames(path: Path, count: int, clip: Path | None) -> None:
    """Write raw RGB frames of 720p."""
    import cv2

    with path.open("wb") as file:
        if clip is not None:
            from maskworks.video.reading import open_clip

            with open_clip(clip) as opened:
                for frame in opened.frames(last=count):
                    file.write(cv2.resize(frame.pixels, SIZE[::-1]).tobytes())
            return
        noise = np.random.default_rng(0).integers(60, 120, (*SIZE, 3), np.uint8)
        for at in range(count):
            frame = noise.copy()
            cv2.circle(frame, (300 + 4 * at % 700, 360), 200, (225, 70, 40), -1)
            file.write(frame.tobytes())


def timed(command: list[str], source: Path, frames: int) -> dict[str, float]:
    """Return frames a second, start included and not, and milliseconds of processor a frame."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with source.open("rb") as file, Path(os.devnull).open("wb") as null:
        done = subprocess.run(command, stdin=file, stdout=null, stderr=subprocess.PIPE, check=True)
    took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    row = {"with_start": frames / took, "cpu_ms_a_frame": 1000 * used / frames}
    said = done.stderr.decode().strip().splitlines()
    return row | (json.loads(said[-1]) if said else {})


if __name__ == "__main__":
    main()
