"""`--watch` and `--metrics`: a real process that is fed and stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main


def draw(path, level):
    pixels = np.full((48, 48, 3), 20, np.uint8)
    pixels[12:36, 12:36] = level
    part = path.with_suffix(".part")
    Image.fromarray(pixels).save(part, "PNG")
    part.replace(path)


def wait_for(true, within_s=300):
    until = time.monotonic() + within_s  # of a busy machine
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def test_what_comes_into_a_watched_folder_is_cut_out_once_and_counted(
    model_home, tmp_path, free_port
):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    words = ["cutout", str(photos), "-o", str(out), "--model", "bright", "--watch", "--json"]
    command = [sys.executable, "-m", "maskworks.apps.cli", *words, "--metrics", str(free_port)]
    environment = os.environ | {"MASKWORKS_HOME": str(model_home)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            draw(photos / "a.png", 250)
            wait_for((out / "a.png").exists)
            draw(photos / "b.png", 230)
            (photos / "torn.jpg").write_bytes(b"\xff\xd8\xff and no more")
            wait_for(lambda: "torn.jpg" in (out / "manifest.jsonl").read_text())
            wait_for((out / "b.png").exists)
            with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/metrics") as answer:
                said = answer.read().decode()
            process.send_signal(signal.SIGINT)
            told, err = process.communicate(timeout=300)
        finally:
            process.kill()
    rows = [json.loads(line) for line in told.splitlines()]
    assert sorted(row["source"].rpartition("/")[2] for row in rows) == [
        "a.png",
        "b.png",
        "torn.jpg",
    ]
    assert (process.returncode, "Traceback" in err) == (1, False), err
    assert 'maskworks_run_pictures_total{status="failed"} 1.0' in said
    assert "maskworks_run_pictures_left 0.0" in said
    kept = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert len(kept) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--watch",), "--watch looks at one folder"),
        (("--metrics", "nowhere"), "--metrics nowhere is no address; write PORT, or HOST:PORT"),
    ],
)
def test_what_cannot_be_watched_or_served_is_refused(tmp_path, capsys, words, message):
    draw(tmp_path / "a.png", 250)
    code = main(["cutout", str(tmp_path / "a.png"), "-o", str(tmp_path / "out"), *words])
    assert (code, message in capsys.readouterr().err) == (2, True)
