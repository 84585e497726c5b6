from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as PillowImage

from maskworks.core.exif import ORIENTATION, PREFIX, set_orientation
from maskworks.core.reading import read_picture

# How a stored array becomes upright, written with numpy alone (TIFF 6.0, tag 274).
UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: np.rot90(stored, 1),
}
INVERSE = {6: 8, 8: 6}

KINDS = {
    "JPEG": {"quality": 100, "subsampling": "4:4:4"},
    "PNG": {},
    "WEBP": {"lossless": True},
    "TIFF": {},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    "HEIF": {"quality": 100, "chroma": 444},
}


def turned(upright, orientation):
    return np.ascontiguousarray(UPRIGHT[INVERSE.get(orientation, orientation)](upright))


def exif_block(**tags) -> bytes:
    exif = PillowImage.Exif()
    for tag, value in tags.items():
        exif[int(tag.strip("_"))] = value
    return exif.tobytes()


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", KINDS)
def test_read_picture_turns_every_orientation_upright_once(save, patches, kind, orientation):
    exif = exif_block(_274=orientation)
    content = save(turned(patches, orientation), kind, exif=exif, **KINDS[kind])
    pixels = read_picture(content).image.pixels
    assert pixels.shape == patches.shape
    assert np.abs(pixels.astype(int) - patches).max() <= 12


def test_read_picture_turns_the_alpha_too(save, patches):
    alpha = patches[..., 0]
    rgba = turned(np.dstack([patches, alpha]), 6)
    picture = read_picture(save(rgba, "PNG", exif=exif_block(_274=6)))
    assert (np.rint(picture.matte.alpha * 255) == alpha).all()


@pytest.mark.parametrize("orientation", [6, 7])
def test_read_picture_turns_a_compressed_and_a_16_bit_tiff_once(save, patches, orientation):
    stored = turned(patches, orientation)
    exif = exif_block(_274=orientation)
    content = save(stored, "TIFF", exif=exif, compression="tiff_lzw")
    assert (read_picture(content).image.pixels == patches).all()
    grey = stored[..., 1].astype(np.uint16) * 257
    content = save(PillowImage.fromarray(grey), "TIFF", exif=exif)
    assert (read_picture(content).image.pixels[..., 0] == patches[..., 1]).all()


def test_read_picture_takes_an_unknown_orientation_as_upright(save, patches):
    assert (
        read_picture(save(patches, "PNG", exif=exif_block(_274=9))).image.pixels == patches
    ).all()


@pytest.mark.parametrize("kind", KINDS)
def test_read_picture_keeps_the_exif_with_orientation_1(save, patches, kind):
    exif = exif_block(_274=6, _315="A. Photographer", _271="Maker")
    kept = read_picture(save(turned(patches, 6), kind, exif=exif, **KINDS[kind])).details.exif
    assert kept.startswith(PREFIX)
    found = PillowImage.Exif()
    found.load(kept)
    assert (found[315], found[271]) == ("A. Photographer", "Maker")
    assert found.get(ORIENTATION, 1) == 1


def test_read_picture_notes_a_damaged_exif_block(save, patches):
    content = save(patches, "PNG", exif=b"Exif\0\0this is no EXIF block at all")
    picture = read_picture(content)
    assert (picture.image.pixels == patches).all()
    assert picture.details.exif is None
    assert "EXIF block is damaged" in picture.details.notes[0]


def test_set_orientation_changes_two_bytes_and_no_more():
    before = exif_block(_274=6, _315="A. Photographer")
    after = set_orientation(before)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_set_orientation_refuses_what_is_no_tiff_structure():
    with pytest.raises(ValueError, match="no TIFF structure"):
        set_orientation(b"Exif\0\0nonsense")
