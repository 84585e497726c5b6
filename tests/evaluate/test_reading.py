from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms

from maskworks.core.errors import ImageError, TooLargeError, UnreadableError
from maskworks.core.reading import Limits
from maskworks.evaluate.reading import may_hold_matte, read_matte, read_trimap

LEVELS = np.array([[0, 64, 128], [191, 254, 255]], np.uint8)


def rgb(levels):
    return np.repeat(levels[..., np.newaxis], 3, axis=2)


def cut_out(alpha):
    colours = np.arange(alpha.size * 3, dtype=np.uint8).reshape(*alpha.shape, 3) * 9
    return np.dstack([colours, alpha])


@pytest.fixture
def write(tmp_path):
    def save(picture, name="matte.png", **options):
        path = tmp_path / name
        if not isinstance(picture, Image.Image):
            picture = Image.fromarray(picture)
        picture.save(path, **options)
        return path

    return save


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "gif"])
def test_a_grey_picture_is_a_matte(write, suffix):
    assert np.array_equal(
        read_matte(write(LEVELS, f"m.{suffix}")).alpha, LEVELS.astype(np.float32) / 255
    )


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(LEVELS, id="L"),
        pytest.param(rgb(LEVELS), id="RGB"),
        pytest.param(cut_out(LEVELS), id="RGBA"),
        pytest.param(np.dstack([rgb(LEVELS), np.full_like(LEVELS, 255)]), id="grey-opaque-RGBA"),
        pytest.param(np.dstack([np.full_like(LEVELS, 9), LEVELS]), id="LA"),
        pytest.param(Image.fromarray(LEVELS).convert("P"), id="palette"),
        pytest.param(LEVELS.astype(np.uint16) * 257, id="16-bit"),
    ],
)
def test_every_kind_of_file_gives_the_same_matte(write, picture):
    assert np.array_equal(read_matte(write(picture)).alpha, LEVELS.astype(np.float32) / 255)


def test_lossy_grey_is_grey_still(write):
    soft = rgb(np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1)))
    for name in ("m.jpg", "m.webp"):
        found = read_matte(write(soft, name, quality=80)).alpha
        assert np.abs(found - soft[..., 0] / 255).max() < 0.05


def test_sixteen_bits_are_rounded_to_eight(write):
    samples = np.array([[0, 128, 129, 65535]], np.uint16)
    assert (read_matte(write(samples)).alpha * 255).tolist() == [[0, 0, 1, 255]]


def test_a_cut_out_that_is_opaque_everywhere_fills_the_frame(write):
    assert read_matte(write(cut_out(np.full_like(LEVELS, 255)))).alpha.min() == 1.0


def test_a_photo_is_no_matte(write):
    with pytest.raises(ImageError, match="is in colours and has no alpha channel"):
        read_matte(write(cut_out(LEVELS)[..., :3]))


def test_a_mattes_orientation_is_heeded(write):
    exif = Image.Exif()
    exif[0x0112] = 6
    found = read_matte(write(LEVELS, exif=exif)).alpha * 255
    assert np.array_equal(found, np.rot90(LEVELS, -1))


def grey_profile(gamma):
    """A grey ICC profile (version 2) with this gamma."""
    curve = b"curv" + bytes(4) + (1).to_bytes(4, "big") + int(gamma * 256).to_bytes(2, "big")
    white = b"XYZ " + bytes(4) + b"".join(n.to_bytes(4, "big") for n in (63190, 65536, 54061))
    name = b"desc" + bytes(4) + (5).to_bytes(4, "big") + b"grey\0" + bytes(78)
    tags = {b"desc": name, b"wtpt": white, b"kTRC": curve + bytes(2)}
    table, body = len(tags).to_bytes(4, "big"), b""
    for tag, data in tags.items():
        at = 128 + 4 + 12 * len(tags) + len(body)
        table += tag + at.to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += data + bytes(-len(data) % 4)
    head = bytes(4) + bytes(4) + b"\2\x40\0\0mntrGRAYXYZ " + bytes(12) + b"acsp" + bytes(28)
    head += b"".join(n.to_bytes(4, "big") for n in (63190, 65536, 54061)) + bytes(48)
    return (128 + len(table + body)).to_bytes(4, "big") + head[4:] + table + body


def test_a_profile_that_changes_grey_is_refused(write):
    path = write(LEVELS, icc_profile=grey_profile(1.0))
    with pytest.raises(ImageError, match=r"changes grey values by up to .* save it without"):
        read_matte(path)
    with pytest.raises(ImageError, match="changes grey values"):
        read_trimap(path)


def test_a_profile_that_leaves_grey_alone_is_fine(write):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for picture in (LEVELS, rgb(LEVELS)):
        path = write(picture, icc_profile=profile)
        assert np.array_equal(read_matte(path).alpha, LEVELS.astype(np.float32) / 255)
    broken = write(LEVELS, icc_profile=b"nonsense" * 40)
    assert np.array_equal(read_matte(broken).alpha, LEVELS.astype(np.float32) / 255)


def test_a_profile_says_nothing_of_an_alpha_channel(write):
    path = write(np.dstack([np.full_like(LEVELS, 9), LEVELS]), icc_profile=grey_profile(1.0))
    assert np.array_equal(read_matte(path).alpha, LEVELS.astype(np.float32) / 255)


def test_a_trimap_may_be_drawn_roughly(write):
    levels = np.array([[0, 10, 11, 244, 245, 255]], np.uint8)
    for picture in (levels, rgb(levels)):
        assert read_trimap(write(picture)).levels.tolist() == [[0, 0, 128, 128, 255, 255]]


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        pytest.param(np.array([[0, 255]], np.uint8), "no unknown pixel", id="nothing-unknown"),
        pytest.param(np.zeros((2, 2), np.uint8), "is background everywhere", id="black"),
        pytest.param(cut_out(LEVELS)[..., :3], "is in colours, a trimap is grey", id="colours"),
        pytest.param(np.dstack([rgb(LEVELS), LEVELS]), "is partly transparent and", id="alpha"),
    ],
)
def test_what_is_no_trimap_is_refused(write, picture, message):
    with pytest.raises(ImageError, match=message):
        read_trimap(write(picture))


def test_files_are_refused_as_everywhere(write, tmp_path):
    (tmp_path / "letter.png").write_text("Dear Sir")
    with pytest.raises(UnreadableError, match="is not a picture"):
        read_matte(tmp_path / "letter.png")
    with pytest.raises(TooLargeError, match="has 6 pixels, the limit is 5"):
        read_matte(write(LEVELS), Limits(max_pixels=5))
    with pytest.raises(TooLargeError, match="--max-pixels 6"):
        read_trimap(write(LEVELS), Limits(max_pixels=5))


def test_headers_tell_what_may_hold_a_matte(write, tmp_path):
    assert may_hold_matte(write(LEVELS))
    assert may_hold_matte(write(LEVELS.astype(np.uint16)))
    assert may_hold_matte(write(cut_out(LEVELS)))
    assert not may_hold_matte(write(rgb(LEVELS)))
    assert not may_hold_matte(tmp_path / "nowhere.png")
