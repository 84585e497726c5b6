from __future__ import annotations

import contextlib
import os
import pickle
import struct
import tracemalloc
import zlib
from io import BytesIO

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage
from PIL import ImageFile

from maskworks.core.errors import ImageError, TooLargeError, UnreadableError
from maskworks.core.reading import Limits, read_picture

KINDS = {
    "JPEG": {},
    "progressive": {"progressive": True},
    "PNG": {},
    "WEBP": {},
    "lossless": {"lossless": True},
    "TIFF": {},
    "deflate": {"compression": "tiff_adobe_deflate"},
    "BMP": {},
    "GIF": {},
    "HEIF": {},
    "AVIF": {},
}
FORMATS = {"progressive": "JPEG", "lossless": "WEBP", "deflate": "TIFF"}


@pytest.fixture
def noise(rng) -> np.ndarray:
    return rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)


@pytest.fixture
def file(save, noise):
    return lambda kind: save(noise, FORMATS.get(kind, kind), **KINDS[kind])


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97])
@pytest.mark.parametrize("kind", KINDS)
def test_read_picture_refuses_a_truncated_file(file, kind, share):
    content = file(kind)
    with pytest.raises(UnreadableError, match=r"^a\.jpg: .+; (copy or export|save) it"):
        read_picture(content[: int(len(content) * share)], name="a.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "progressive", "PNG", "WEBP", "lossless", "HEIF", "AVIF"])
def test_read_picture_refuses_a_download_whose_rest_is_still_zero(file, kind):
    content = file(kind)
    half = len(content) // 2
    with pytest.raises(UnreadableError, match=r"cut off|damaged|ends in zero bytes"):
        read_picture(content[:half] + bytes(len(content) - half))


def test_read_picture_refuses_a_jpeg_without_its_last_row(file):
    with pytest.raises(UnreadableError, match="the JPEG file is cut off"):
        read_picture(file("JPEG")[:-40])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.parametrize("kind", KINDS)
def test_read_picture_raises_its_own_errors_only_whatever_the_bytes(file, kind, data):
    content = bytearray(file(kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(4, min(600, len(content) - 1)))] = data.draw(
            st.integers(0, 255)
        )
    with contextlib.suppress(ImageError):
        read_picture(bytes(content), Limits(max_pixels=100_000))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", r"the file is empty \(0 bytes\); copy or export it again", id="empty"),
        pytest.param(
            b"Dear Sir or Madam", "not a picture .*Dear Sir.*; save it as JPEG", id="text"
        ),
        pytest.param(b"%PDF-1.7\n", "is a PDF file, which is not read", id="pdf"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG file", id="svg"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n", "is an EPS file", id="postscript"),
        pytest.param(b"\0" * 5000, "is not a picture", id="zeros"),
        pytest.param(b"\xff\xd8\xff", "the JPEG file is", id="three-bytes-of-jpeg"),
        pytest.param(b"BM", "the BMP file is", id="two-bytes-of-bmp"),
    ],
)
def test_read_picture_refuses_what_is_no_picture(tmp_path, content, message):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=rf"photo\.jpg: .*{message}"):
        read_picture(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("missing.jpg", "there is no such file; check the path", id="missing"),
        pytest.param("", "is a folder; name the pictures in it", id="folder"),
        pytest.param("file.txt/photo.jpg", "there is no such file", id="under-a-file"),
        pytest.param("n" * 300, "cannot be opened .*name too long", id="long-name"),
        pytest.param("a\0b", "cannot be opened .*null", id="nul"),
        pytest.param("pipe", "is not a regular file; pipe its content", id="pipe"),
    ],
)
def test_read_picture_says_why_a_path_cannot_be_read(tmp_path, name, message):
    (tmp_path / "file.txt").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableError, match=f"(?i){message}"):
        read_picture(tmp_path / name)


def test_read_picture_says_that_a_file_may_not_be_read(locked_folder, unprivileged):
    with pytest.raises(UnreadableError, match=r"permission denied.*; allow this user to read it"):
        read_picture(locked_folder / "secret.jpg")


@pytest.mark.parametrize("kind", KINDS)
def test_read_picture_refuses_more_pixels_than_the_limit(file, kind):
    content = file(kind)
    assert read_picture(content, Limits(max_pixels=64 * 48)).image.size == (48, 64)
    with pytest.raises(TooLargeError, match=r"b: has 3,072 pixels, the limit is 3,071; .*3072"):
        read_picture(content, Limits(max_pixels=64 * 48 - 1), name="b")


@pytest.mark.parametrize("kind", ["HEIF", "AVIF", "TIFF", "WEBP", "GIF", "BMP", "JPEG"])
def test_read_picture_checks_the_size_before_it_decodes(monkeypatch, file, kind):
    content = file(kind)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(TooLargeError, match="the limit is 10"):
        read_picture(content, Limits(max_pixels=10))


def test_read_picture_refuses_a_bomb_without_decoding_it(png_file):
    row = zlib.compressobj(9)
    data = b"".join(row.compress(bytes(2501)) for _ in range(20000)) + row.flush()
    bomb = png_file((20000, 20000), 1, 0, [], data=data)
    assert len(bomb) < 60_000
    tracemalloc.start()
    with pytest.raises(TooLargeError, match="has 400,000,000 pixels, the limit is 100,000,000"):
        read_picture(bomb)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_read_picture_refuses_a_tiff_whose_header_lies_about_its_size(file):
    content = bytearray(file("TIFF"))
    at = content.index(struct.pack("<HHLL", 256, 4, 1, 64))
    struct.pack_into("<L", content, at + 8, 3_000_000)
    with pytest.raises(TooLargeError, match="has 144,000,000 pixels"):
        read_picture(bytes(content))


@pytest.mark.parametrize("kind", KINDS)
def test_pillows_own_limit_does_not_matter(monkeypatch, file, kind):
    few = 2000 if FORMATS.get(kind, kind) == "WEBP" else 10  # see the next test
    monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", few)
    assert read_picture(file(kind)).image.size == (48, 64)
    assert few == PillowImage.MAX_IMAGE_PIXELS


def test_read_picture_says_so_where_pillow_insists_on_its_own_limit(monkeypatch, file):
    monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(UnreadableError, match="lets Pillow read as WebP; save it as PNG"):
        read_picture(file("WEBP"))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_read_picture_allows_padding_after_the_end(file, kind):
    assert read_picture(file(kind) + bytes(5000)).image.size == (48, 64)


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        pytest.param("F", "32-bit or signed samples.*; save it with 8 or 16 bits", id="float"),
        pytest.param("I", "32-bit or signed samples", id="integer"),
    ],
)
def test_read_picture_refuses_samples_without_a_white(save, mode, message):
    with pytest.raises(UnreadableError, match=message):
        read_picture(save(PillowImage.new(mode, (2, 2)), "TIFF"))


def test_read_picture_refuses_16_bit_planes_that_pillow_would_garble(rng):
    stream = BytesIO()
    planes = rng.integers(0, 65536, (3, 8, 8), dtype=np.uint16)
    tifffile.imwrite(stream, planes, photometric="rgb", planarconfig="separate")
    with pytest.raises(UnreadableError, match="16-bit samples in separate uncompressed planes"):
        read_picture(stream.getvalue())


def test_read_picture_refuses_camera_raw_whose_first_picture_is_a_preview(save, noise):
    content = save(noise, "TIFF", tiffinfo={50706: b"\1\4\0\0"})
    with pytest.raises(UnreadableError, match=r"camera raw file.*; develop it"):
        read_picture(content)


@pytest.mark.parametrize(
    "error", [UnreadableError("a", "b", "c"), TooLargeError("a", 3, 2)], ids=lambda e: e.code
)
def test_errors_survive_pickling(error):
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.args, str(copy)) == (type(error), error.args, str(error))
