"""The live picture in a browser: pictures come, the newest first, from this machine alone."""

from __future__ import annotations

import contextlib
import http.client
import re
import subprocess
import sys
import threading
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli.main import main
from maskworks.core.errors import UsageError
from maskworks.video.live.preview import MOST_VIEWERS, SHOWN_PX, jpeg_of, open_preview

pytest.importorskip("av")

HIGH, WIDE = 96, 160


def asked(url, path, **headers):
    address = re.search(r"127\.0\.0\.1:\d+", url)[0]
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


def next_picture(answer):
    """Read one picture of a multipart answer."""
    length = None
    while (line := answer.readline().strip()) or length is None:
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return np.asarray(Image.open(BytesIO(answer.read(length))))


def test_a_viewer_gets_the_newest_picture_and_then_the_next():
    with open_preview(0) as preview:
        preview.show(np.full((HIGH, WIDE, 3), (200, 30, 60), np.uint8))
        answer = asked(preview.url, "/pictures")
        assert answer.headers["Content-Type"].startswith("multipart/x-mixed-replace")
        assert np.abs(next_picture(answer).astype(int) - (200, 30, 60)).max() < 6
        preview.show(np.full((HIGH, WIDE, 3), (10, 120, 240), np.uint8))
        assert np.abs(next_picture(answer).astype(int) - (10, 120, 240)).max() < 6
    assert answer.read() in (b"", b"\r\n")  # the end of the run ends it


def test_the_page_shows_pictures_and_says_the_rate():
    with open_preview(0) as preview:
        preview.say("30.0 frames a second of 30.0 wanted")
        assert b'src="/pictures"' in asked(preview.url, "/").read()
        assert asked(preview.url, "/rate").read() == b"30.0 frames a second of 30.0 wanted"
        assert asked(preview.url, "/other").status == 404
        assert asked(preview.url, "/", Host="evil.example").status == 421


def test_more_viewers_than_there_is_room_for_are_told():
    with open_preview(0) as preview:
        preview.show(np.zeros((HIGH, WIDE, 3), np.uint8))
        looking = [asked(preview.url, "/pictures") for _ in range(MOST_VIEWERS)]
        assert [each.status for each in looking] == [200] * MOST_VIEWERS
        assert asked(preview.url, "/pictures").status == 503


def test_a_port_that_is_taken_is_told():
    with open_preview(0) as preview:
        port = int(re.search(r":(\d+)/", preview.url)[1])
        with pytest.raises(UsageError, match=f"--preview {port}: 127.0.0.1 takes no viewers"):
            open_preview(port).__enter__()


def test_clear_parts_are_grey_and_large_pictures_smaller():
    clear = np.zeros((HIGH, WIDE, 4), np.uint8)
    shown = np.asarray(Image.open(BytesIO(jpeg_of(clear))))
    assert np.abs(shown.astype(int) - 128).max() < 4
    large = np.zeros((2160, 3840, 3), np.uint8)
    assert Image.open(BytesIO(jpeg_of(large))).size == (SHOWN_PX, SHOWN_PX * 9 // 16)


def test_pictures_that_go_nowhere_are_refused(tmp_path, capsys):
    assert main(["video", "live", "--source", str(tmp_path / "a.mp4")]) == 2
    assert "give --to PATH, --preview PORT, or both" in capsys.readouterr().err


def test_what_comes_through_a_pipe_is_seen_in_the_browser_while_it_runs():
    frame = np.full((HIGH, WIDE, 3), (70, 90, 120), np.uint8)
    frame[30:66, 60:100] = (225, 70, 40)
    command = [
        *("video", "live", "--source", "-", "--size", f"{WIDE}x{HIGH}", "--rate", "5"),
        *("--preview", "0", "--background", "green", "--side", "96"),
    ]
    script = "import sys; from maskworks.apps.cli.main import main; sys.exit(main(sys.argv[1:]))"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script, *command], stdin=pipe, stderr=pipe) as run:
        over = threading.Event()

        def feed():
            with contextlib.suppress(BrokenPipeError):  # the run has failed, which is told below
                while not over.is_set():
                    run.stdin.write(frame.tobytes())
                run.stdin.close()

        url = run.stderr.readline().decode()
        assert url.startswith("look at http://127.0.0.1:")
        feeding = threading.Thread(target=feed, daemon=True)
        feeding.start()
        told = []
        listening = threading.Thread(target=lambda: told.extend(run.stderr), daemon=True)
        listening.start()
        answer = asked(url, "/pictures")
        corners = [next_picture(answer)[2, 2].astype(int) for _ in range(2)]
        over.set()
        feeding.join(60)
        assert run.wait(60) == 0
        listening.join(60)
    assert np.abs(np.array(corners) - (0, 177, 64)).max() < 12
    assert b"frames a second of 5.0 wanted" in told[-1]
