"""Decoding that is ended: in a process of its own, with the very same result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from signal import SIGSEGV

import hostile_pictures as hostile
import numpy as np
import pytest
from PIL import Image

from maskworks.core import apart, decoder, reading
from maskworks.core.deadline import deadline
from maskworks.core.errors import MaskworksError, TooLargeError, TooSlowError, UnreadableError
from maskworks.core.reading import Limits, read_picture

UNBOUNDED = Limits(seconds=None)


@pytest.fixture
def helpers(monkeypatch):
    """Those that were started since; none before."""
    apart.end_helpers()
    started = []

    class Noted(apart.Helper):
        def __init__(self, module):
            super().__init__(module)
            started.append(self)

    monkeypatch.setattr(apart, "Helper", Noted)
    yield started
    apart.end_helpers()


@pytest.fixture
def every_picture(monkeypatch):
    """Have every picture decoded apart."""
    monkeypatch.setattr(reading, "_QUICK_PIXELS", 0)


def with_alpha(kind):
    from io import BytesIO

    pixels = np.full((20, 30, 4), (200, 30, 60, 255), np.uint8)
    pixels[:, :15, 3] = np.arange(15) * 17
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return stream.getvalue()


PICTURES = {
    **{
        kind: lambda kind=kind: hostile.written(kind)
        for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "HEIF", "AVIF", "JPEG2000")
    },
    "PNG with alpha": lambda: with_alpha("PNG"),
    "WEBP with alpha": lambda: with_alpha("WEBP"),
    "TIFF with dpi": lambda: hostile.written("TIFF", dpi=(300, 150)),
    "JPEG with EXIF": lambda: hostile.written("JPEG", exif=exif()),
}


def exif():
    made = Image.Exif()
    made[0x0112], made[0x010F] = 6, "Ümlaut"
    return made.tobytes()


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_the_same_wherever_it_is_decoded(name, every_picture, tmp_path):
    data = PICTURES[name]()
    path = tmp_path / "a picture"
    path.write_bytes(data)
    here = read_picture(data, UNBOUNDED)
    with deadline(60):
        for source in (data, path):
            there = read_picture(source)
            assert there.details == here.details
            assert np.array_equal(there.image.pixels, here.image.pixels)
            assert (there.matte is None) == (here.matte is None)
            if here.matte is not None:
                assert np.array_equal(there.matte.alpha, here.matte.alpha)


@pytest.mark.parametrize("kind", ["TIFF", "AVIF", "HEIF", "WEBP"])
def test_broken_file_is_told_of_alike(kind, every_picture):
    data = hostile.written(kind)
    data = data[: len(data) * 3 // 4]
    with pytest.raises(UnreadableError) as here:
        read_picture(data, UNBOUNDED, name="a.img")
    with deadline(60), pytest.raises(UnreadableError) as there:
        read_picture(data, name="a.img")
    assert str(there.value) == str(here.value)


def test_picture_without_a_time_limit_needs_no_process(every_picture, helpers):
    read_picture(hostile.written("TIFF"), UNBOUNDED)
    assert not helpers


def test_too_large_a_picture_needs_no_process(helpers):
    with deadline(60), pytest.raises(TooLargeError, match="has 3,072 pixels"):
        read_picture(hostile.written("TIFF"), Limits(1000))
    assert not helpers


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_small_picture_whose_cost_is_known_needs_no_process(kind, helpers):
    with deadline(60):
        read_picture(hostile.written(kind, (400, 300)))
    assert not helpers


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF", "HEIF", "AVIF", "JPEG2000"])
def test_decoder_of_every_format_is_ended_at_the_deadline(kind, every_picture, helpers):
    """The helper is stopped as a decoder that never comes back would be."""
    data = hostile.written(kind)
    with deadline(60):
        read_picture(data)
    (helper,) = helpers
    os.kill(helper._process.pid, signal.SIGSTOP)
    with deadline(1), pytest.raises(TooSlowError, match="takes longer than 1 s"):
        read_picture(data)
    assert helper._process.returncode == -signal.SIGKILL
    with deadline(60):
        assert read_picture(data).image.size == (48, 64)


def test_scans_are_ended_in_the_middle(helpers):
    data = hostile.jpeg_of_scans(480, side=3000)
    with deadline(0.5), pytest.raises(TooSlowError, match=r"a\.jpg: takes longer than 0\.5 s"):
        read_picture(data, name="a.jpg")
    assert len(helpers) == 1
    assert not helpers[0].lives


def test_time_of_the_limits_holds_without_a_deadline_around(helpers):
    data = hostile.jpeg_of_scans(480, side=3000)
    with pytest.raises(TooSlowError, match=r"takes longer than 0\.2 s"):
        read_picture(data, Limits(seconds=0.2))


def test_decoder_that_breaks_costs_its_picture_and_nothing_else(
    every_picture, helpers, monkeypatch
):
    data = hostile.written("HEIF")
    with deadline(60):
        read_picture(data)
        with monkeypatch.context() as patch:
            patch.setattr(apart, "send", lambda *_: helpers[0]._process.send_signal(SIGSEGV))
            with pytest.raises(UnreadableError, match=r"a\.heic: the decoder broke on it"):
                read_picture(data, name="a.heic")
        assert read_picture(data).image.size == (48, 64)
    assert helpers[0]._process.returncode == -SIGSEGV


def test_helper_that_died_while_it_was_idle_is_replaced(every_picture, helpers):
    with deadline(60):
        read_picture(hostile.written("TIFF"))
        helpers[0]._process.kill()
        helpers[0]._process.wait()
        assert read_picture(hostile.written("TIFF")).image.size == (48, 64)
    assert len(helpers) == 2


def test_memory_of_a_decoder_is_bounded():
    code = (
        "from maskworks.core.decoder import _bounded; import numpy as np\n"
        "with _bounded({'seconds': 30, 'pixels': 1_000_000}):\n"
        "    try: np.ones(4 << 30, np.uint8)\n"
        "    except MemoryError: print('bounded')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert done.stdout == b"bounded\n"


def test_helper_ends_with_the_picture_s_time_though_its_parent_is_gone():
    code = (
        "from maskworks.core.decoder import _bounded; import time\n"
        "with _bounded({'seconds': -0.9, 'pixels': 1}): time.sleep(60)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode == -signal.SIGALRM


def test_many_threads_share_the_helpers(every_picture, helpers):
    found = []

    def read(kind):
        with deadline(120):
            found.append((kind, read_picture(hostile.written(kind, (40, 30))).details.format))

    threads = [
        threading.Thread(target=read, args=(kind,)) for kind in ("TIFF", "HEIF", "AVIF", "PNG") * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    assert all(kind == read for kind, read in found)
    assert len(apart._idle) <= apart._MOST_KEPT


@pytest.mark.parametrize("kind", ["TIFF", "HEIF", "JPEG"])
def test_decoding_asks_for_no_helper(kind, every_picture, helpers):
    data = np.frombuffer(hostile.written(kind), np.uint8)
    asked = {"name": "a", "pixels": 10_000, "least_side": None, "seconds": 60}
    head, parts = decoder._answer(asked, [data])
    assert (head["size"], parts[0].nbytes) == ((48, 64), 48 * 64 * 3)
    assert not helpers


DECODERS = """
import multiprocessing, os, sys
from pathlib import Path

def decoders():
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if b"maskworks.core.decoder" in (entry / "cmdline").read_bytes():
                found[int(entry.name)] = parent
        except OSError:
            continue
    mine = {os.getpid(), *(each.pid for each in multiprocessing.active_children())}
    ours = {number for number, parent in found.items() if parent in mine}
    return len(ours), len([n for n, parent in found.items() if parent in found])

def read(path):
    from maskworks.core.reading import read_picture
    return read_picture(Path(path)).image.size
"""
"""What counts the decoders of a script and its workers, and those that a decoder has started."""

SCRIPTS = {
    "without-main": "print([read(sys.argv[1]) for _ in range(3)][0], *decoders())",
    "spawn": """
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        sizes = pool.map(read, [sys.argv[1]] * 8, chunksize=1)
        print(sizes[0], *decoders())
""",
    "fork": """
read(sys.argv[1])
with multiprocessing.get_context("fork").Pool(2) as pool:
    sizes = pool.map(read, [sys.argv[1]] * 8, chunksize=1)
    print(sizes[0], *decoders())
""",
}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("name", SCRIPTS)
def test_decoder_never_starts_another(name, tmp_path):
    """From a script without `if __name__ == "__main__"`, and from workers that are spawned."""
    (tmp_path / "a.tif").write_bytes(hostile.written("TIFF"))
    script = tmp_path / "script.py"
    script.write_text(DECODERS + SCRIPTS[name])
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "a.tif")],
        capture_output=True, check=True, timeout=120, text=True,
    )  # fmt: skip
    size, count, theirs = done.stdout.rsplit(maxsplit=2)
    assert size == "(48, 64)"
    assert int(theirs) == 0
    assert 1 <= int(count) <= 3


def test_helper_that_is_asked_to_start_another_refuses(monkeypatch, every_picture, helpers):
    monkeypatch.setenv("MASKWORKS_DECODER", "1")
    with deadline(60), pytest.raises(MaskworksError, match="may start no other"):
        read_picture(hostile.written("TIFF"))
    assert not helpers


def test_helper_is_marked_as_one(every_picture, helpers):
    with deadline(60):
        read_picture(hostile.written("TIFF"))
    environment = Path(f"/proc/{helpers[0]._process.pid}/environ").read_bytes().split(b"\0")
    assert b"MASKWORKS_DECODER=1" in environment
