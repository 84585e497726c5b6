from __future__ import annotations

import json
import lzma
import resource
import subprocess
import sys
import zlib
from contextlib import closing

import numpy as np
import pytest
import tifffile
from PIL import Image as Pil

from maskworks.apps.cli import main
from maskworks.core.errors import TooSlowError, UnreadableError, UsageError
from maskworks.core.values import Box
from maskworks.labels.reading import window, windows
from maskworks.labels.reading.windows import open_windows


@pytest.fixture
def everything_is_large(monkeypatch):
    """Take the way of large pictures for small ones too."""
    from maskworks.labels import labelling

    monkeypatch.setattr(windows, "WINDOWED_PIXELS", 1000)
    monkeypatch.setattr(labelling, "WINDOWED_PIXELS", 1000)


FORMS = {
    "plain": {},
    "deflated strips": {"compression": "zlib", "rowsperstrip": 16},
    "deflated tiles": {"compression": "zlib", "tile": (32, 48)},
    "predictor": {"compression": "zlib", "predictor": True, "tile": (64, 64)},
    "planes apart": {"planarconfig": "separate", "tile": (32, 32), "compression": "zlib"},
    "planes apart, plain": {"planarconfig": "separate"},
    "big-endian": {"byteorder": ">"},
}


def write(path, pixels, *, byteorder=None, **options):
    apart = options.get("planarconfig") == "separate"
    data = np.moveaxis(pixels, -1, 0) if apart else pixels
    with tifffile.TiffWriter(path, byteorder=byteorder) as writer:
        writer.write(data, photometric="rgb", **options)
    return path


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_any_part_of_a_tiff_is_read(tmp_path, rng, everything_is_large, form, kind):
    pixels = rng.integers(0, np.iinfo(kind).max, (150, 131, 3), endpoint=True).astype(kind)
    path = write(tmp_path / "a.tif", pixels, **FORMS[form])
    expected = pixels if kind is np.uint8 else np.rint(pixels / 257).astype(np.uint8)
    opened = open_windows(path)
    assert opened.size == (150, 131)
    for box in (Box(0, 0, 150, 131), Box(3, 5, 40, 99), Box(149, 130, 150, 131)):
        part = expected[box.top : box.bottom, box.left : box.right]
        assert abs(opened.read(box).astype(int) - part).max() <= (kind is np.uint16)
    opened.close()


def test_bands_are_chosen_and_grey_is_three_times_grey(tmp_path, rng):
    many = rng.integers(0, 256, (20, 30, 6)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "many.tif", many, photometric="minisblack", planarconfig="contig")
    opened = open_windows(tmp_path / "many.tif", bands=(4, 3, 2))
    assert (opened.read(Box(0, 0, 20, 30)) == many[..., [3, 2, 1]]).all()
    opened.close()
    opened = open_windows(tmp_path / "many.tif", bands=(5,))
    assert (opened.read(Box(2, 2, 4, 4)) == many[2:4, 2:4, [4, 4, 4]]).all()
    opened.close()


@pytest.mark.parametrize("bands", [(7, 1, 1), (0,), (1, 2)])
def test_bands_that_are_not_there_are_refused(tmp_path, rng, bands):
    many = rng.integers(0, 256, (20, 30, 6)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "many.tif", many, photometric="minisblack", planarconfig="contig")
    with pytest.raises(UsageError, match="bands 1 to 6"):
        open_windows(tmp_path / "many.tif", bands=bands)


def test_small_picture_is_read_at_once(tmp_path, rng):
    write(tmp_path / "a.tif", rng.integers(0, 256, (20, 30, 3)).astype(np.uint8))
    assert open_windows(tmp_path / "a.tif") is None
    assert open_windows(tmp_path / "a.jpg") is None


def test_overview_takes_every_nth_pixel(tmp_path, rng, everything_is_large):
    pixels = rng.integers(0, 256, (1300, 900, 3)).astype(np.uint8)
    opened = open_windows(write(tmp_path / "a.tif", pixels, compression="zlib", tile=(128, 128)))
    assert (opened.overview(50_000) == pixels[::5, ::5]).all()
    opened.close()


@pytest.mark.parametrize("compression", ["zlib", "lzma"])
def test_part_that_inflates_beyond_its_size_is_refused(
    tmp_path, rng, everything_is_large, monkeypatch, compression
):
    """A tile of 12 kB whose bytes inflate to 512 MB: nobody makes them all."""
    pixels = rng.integers(0, 256, (150, 131, 3)).astype(np.uint8)
    write(tmp_path / "a.tif", pixels, compression=compression, tile=(64, 64))
    bomb = (zlib if compression == "zlib" else lzma).compress(bytes(512 << 20))
    opened = open_windows(tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        at, size = (list(file.pages[0].tags[tag].value) for tag in (324, 325))
    at[0], size[0] = (tmp_path / "a.tif").stat().st_size, len(bomb)
    opened.close()
    with (tmp_path / "a.tif").open("ab") as end:
        end.write(bomb)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        file.pages[0].tags[324].overwrite(at)
        file.pages[0].tags[325].overwrite(size)
    opened = open_windows(tmp_path / "a.tif")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UnreadableError, match="part 1 holds more than the 12,288 bytes"):
        opened.read(Box(0, 0, 10, 10))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB
    assert (opened.read(Box(64, 0, 100, 60)) == pixels[64:100, :60]).all()
    opened.close()


def test_part_has_a_time_limit_and_all_parts_together_have_none(
    tmp_path, rng, everything_is_large, capsys, monkeypatch
):
    pixels = rng.integers(0, 256, (150, 131, 3)).astype(np.uint8)
    write(tmp_path / "a.tif", pixels, compression="zlib", tile=(32, 32))
    words = ["segment", str(tmp_path / "a.tif"), "--model", "otsu", "--write", "none", "-o"]
    assert main([*words, str(tmp_path / "out"), "--picture-seconds", "1e-6"]) == 1
    heard = capsys.readouterr()
    assert "a.tif: takes longer than 1e-06 s" in heard.out + heard.err
    clock = iter(range(100))
    monkeypatch.setattr(window.time, "monotonic", lambda: float(next(clock)))
    with closing(open_windows(tmp_path / "a.tif")) as opened:
        timed = window.in_time(opened, 5, "a.tif")
        for top in range(0, 150, 10):  # 2 s of this clock for each
            assert (timed.read(Box(top, 0, top + 10, 9)) == pixels[top : top + 10, :9]).all()
        for _ in range(9):
            next(clock)  # what was done with the part
        with pytest.raises(TooSlowError, match=r"a\.tif: a part of it: takes longer than 5 s"):
            timed.read(Box(0, 0, 10, 10))


def test_large_tiff_of_another_compression_says_what_reads_it(
    tmp_path, rng, everything_is_large, monkeypatch
):
    pixels = rng.integers(0, 256, (150, 131, 3)).astype(np.uint8)
    Pil.fromarray(pixels).save(tmp_path / "a.tif", compression="tiff_lzw")
    monkeypatch.setattr(windows, "find_spec", lambda _: None)
    with pytest.raises(UnreadableError, match=r"compressed with LZW; .*pip install .*\[geo\]"):
        open_windows(tmp_path / "a.tif")


def drawn(size=(420, 560)):
    """Bright discs on dark, 100 pixels apart."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    grey = np.full(size, 20, np.uint8)
    for y in range(60, size[0], 100):
        for x in range(60, size[1], 100):
            grey[np.hypot(rows - y, columns - x) < 30] = 230
    return np.repeat(grey[..., None], 3, axis=2)


@pytest.mark.parametrize("model", ["otsu", "kmeans", "watershed", "grabcut"])
def test_method_of_whole_pictures_labels_a_large_one_like_a_small_one(
    tmp_path, everything_is_large, model, capsys
):
    write(tmp_path / "a.tif", drawn(), compression="zlib", tile=(64, 64))
    Pil.fromarray(drawn()).save(tmp_path / "b.png")
    for name in ("a.tif", "b.png"):
        task = ["--task", "instance"] if model == "watershed" else []
        out = str(tmp_path / name[0])
        assert main(["segment", str(tmp_path / name), "-o", out, "--model", model, *task]) == 0
    found, expected = (np.asarray(Pil.open(tmp_path / each)) for each in ("a/a.png", "b/b.png"))
    assert (found == expected).mean() > 0.995
    shares = [json.loads((tmp_path / each / "classes.json").read_text()) for each in "ab"]
    for ours, theirs in zip(shares[0]["classes"], shares[1]["classes"], strict=True):
        assert ours["percent"] == pytest.approx(theirs["percent"], abs=0.5)
        assert ours["objects"] == theirs["objects"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "panoptic"], "--task panoptic needs the whole picture"),
        (["--write", "scores"], "--write scores needs the whole picture"),
        (["--write", "geojson"], "--write geojson of classes needs the whole picture"),
    ],
)
def test_what_needs_the_whole_picture_is_refused(
    tmp_path, everything_is_large, capsys, arguments, message
):
    write(tmp_path / "a.tif", drawn())
    out = str(tmp_path / "out")
    code = main(["segment", str(tmp_path / "a.tif"), "-o", out, "--model", "otsu", *arguments])
    assert code == 1
    assert message in capsys.readouterr().out


MEMORY = """
import resource, sys
from maskworks.apps.cli import main
code = main(sys.argv[1:])
assert code == 0
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_400_megapixels_take_less_than_two_gigabytes(tmp_path):
    side, tile = 20_000, 512
    starts = range(0, side, tile)

    def tiles():
        for y in starts:
            for x in starts:
                rows, columns = np.mgrid[y : y + tile, x : x + tile]
                grey = (np.sin(rows / 300) + np.cos(columns / 410) + 2) * 60
                yield np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)

    path = tmp_path / "large.tif"
    tifffile.imwrite(
        path, tiles(), shape=(side, side, 3), dtype=np.uint8, tile=(tile, tile),
        compression="zlib", photometric="rgb",
    )  # fmt: skip
    arguments = ["segment", str(path), "-o", str(tmp_path / "out"), "--model", "otsu"]
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, *arguments], capture_output=True, text=True, check=True
    )
    peak_kb = int(done.stdout.split()[-1])
    assert peak_kb < 2_000_000
    assert resource.getpagesize()
    Pil.MAX_IMAGE_PIXELS = None
    with Pil.open(tmp_path / "out/large.png") as picture:
        assert picture.size == (side, side)
