from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageCms
from psd_tools import PSDImage
from psd_tools.api.layers import Layer
from psd_tools.constants import Resource

from maskworks.core.errors import ImageError
from maskworks.core.values import Image, Matte
from maskworks.core.writing import compose
from maskworks.studio.handoff import Guides, Handover, encode_psd, psd, subject_guides


def _read(handover: Handover) -> PSDImage:
    return PSDImage.open(BytesIO(encode_psd(handover)))


def _plain(layer: Layer) -> np.ndarray:
    return np.asarray(layer.topil(apply_icc=False))


def test_a_document_has_the_original_hidden_under_the_cut_out(handover):
    layers = list(_read(handover))
    assert [layer.name for layer in layers] == ["Original", "Cut-out", "Edge colours"]
    assert [layer.visible for layer in layers] == [False, True, True]
    assert [layer.clipping for layer in layers] == [False, False, True]
    assert layers[0].locks


def test_a_document_keeps_every_pixel(handover, levels):
    original, cut_out, edge = _read(handover)
    for layer in (original, cut_out):
        np.testing.assert_array_equal(_plain(layer)[..., :3], handover.image.pixels)
    np.testing.assert_array_equal(np.asarray(cut_out.mask.topil()), levels(handover.matte))
    there = _plain(edge)[..., 3] == 255
    changed = (handover.foreground.pixels != handover.image.pixels).any(axis=2)
    np.testing.assert_array_equal(there, changed)
    np.testing.assert_array_equal(_plain(edge)[there, :3], handover.foreground.pixels[there])


def test_layers_put_together_by_psd_tools_are_the_cut_out(handover, levels):
    shown = np.asarray(_read(handover).composite(ignore_preview=True, apply_icc=False))
    np.testing.assert_array_equal(shown[..., 3], levels(handover.matte))
    seen = levels(handover.matte) > 0
    np.testing.assert_allclose(shown[seen, :3], handover.foreground.pixels[seen], atol=1)


def test_without_foreground_colours_there_are_two_layers(handover, levels):
    bare = replace(handover, foreground=None)
    document = _read(bare)
    assert [layer.name for layer in document] == ["Original", "Cut-out"]
    shown = np.asarray(document.composite(ignore_preview=True, apply_icc=False))
    seen = levels(handover.matte) > 0
    np.testing.assert_allclose(shown[seen, :3], handover.image.pixels[seen], atol=1)


def test_the_merged_picture_is_the_cut_out_on_white(handover, levels):
    merged = np.asarray(PillowImage.open(BytesIO(encode_psd(handover))))
    alpha = levels(handover.matte)
    expected = compose(handover.foreground.pixels, alpha, (255, 255, 255))
    np.testing.assert_array_equal(merged[..., :3], expected)
    np.testing.assert_array_equal(merged[..., 3], alpha)


def test_a_document_says_where_its_guides_path_and_profile_are(handover):
    document = _read(handover)
    resources = document.image_resources
    guides = [
        (place / 32, way) for place, way in resources.get_data(Resource.GRID_AND_GUIDES_INFO).data
    ]
    box = handover.matte.threshold().box()
    assert guides[:3] == [(box.top, 1), (120, 1), (box.bottom, 1)]
    assert guides[3:] == [(box.left, 0), (120, 0), (box.right, 0)]
    assert resources.get_data(Resource.CLIPPING_PATH_NAME) == "Subject"
    assert resources[Resource.PATH_INFO_0].name == "Subject"
    resolution = resources.get_data(Resource.RESOLUTION_INFO)
    assert (resolution.horizontal / 65536, resolution.vertical / 65536) == (300, 72)
    profile = BytesIO(resources.get_data(Resource.ICC_PROFILE))
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(profile))
    assert document.has_preview()
    xmp = resources.get_data(Resource.XMP_METADATA).decode()
    assert "Schuh &amp; Söhne &lt;1&gt;" in xmp


def test_what_is_not_given_is_not_written(handover):
    bare = Handover("bare", handover.image, handover.matte)
    resources = _read(bare).image_resources
    absent = (Resource.GRID_AND_GUIDES_INFO, Resource.PATH_INFO_0, Resource.RESOLUTION_INFO)
    assert not any(number in resources for number in absent)


def test_imagemagick_reads_layers_and_merged_picture(handover, magick, tmp_path, levels):
    (tmp_path / "a.psd").write_bytes(encode_psd(handover))

    def plane(frame: int, *channels: str) -> np.ndarray:
        raw = magick("convert", f"{tmp_path}/a.psd[{frame}]", *channels, "-depth", 8, "rgb:-")
        return np.frombuffer(raw, np.uint8).reshape(240, 240, 3)

    assert magick("identify", "-format", "%m%wx%h ", tmp_path / "a.psd") == b"PSD240x240 " * 4
    np.testing.assert_array_equal(plane(1, "-alpha", "off"), handover.image.pixels)
    np.testing.assert_array_equal(plane(0, "-alpha", "extract")[..., 0], levels(handover.matte))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (7, 129), (129, 7)])
def test_every_size_can_be_read_back(rng, size, levels):
    image = Image(rng.integers(0, 256, (*size, 3), dtype=np.uint8))
    matte = Matte(rng.random(size, dtype=np.float32))
    document = _read(Handover("small", image, matte, guides=subject_guides(matte)))
    assert document.size == size[::-1]
    np.testing.assert_array_equal(_plain(document[1])[..., :3], image.pixels)
    np.testing.assert_array_equal(np.asarray(document[1].mask.topil()), levels(matte))


def test_flat_colours_are_stored_packed(handover):
    flat = Image(np.full((240, 240, 3), 90, np.uint8))
    document = encode_psd(Handover("flat", flat, handover.matte))
    assert len(document) < 240 * 240
    assert np.unique(_plain(PSDImage.open(BytesIO(document))[0])[..., :3]).tolist() == [90]


def test_equal_handovers_make_equal_files(handover):
    assert encode_psd(handover) == encode_psd(handover)


def test_arrays_that_are_read_only_or_repeated_are_written_too(handover):
    colour = np.broadcast_to(np.array([1, 2, 3], np.uint8), (240, 240, 3))
    alpha = handover.matte.alpha.copy()
    alpha.flags.writeable = False
    document = _read(Handover("plain", Image(colour), Matte(alpha)))
    np.testing.assert_array_equal(_plain(document[0])[..., :3], colour)


@pytest.mark.parametrize("size", [(30_000, 2), (2, 30_000)])
def test_the_longest_side_is_written(size):
    image, matte = Image(np.zeros((*size, 3), np.uint8)), Matte(np.ones(size, np.float32))
    assert _read(Handover("long", image, matte)).size == size[::-1]


@pytest.mark.parametrize("size", [(30_001, 2), (2, 30_001)])
def test_a_longer_side_is_refused_with_the_way_out(size):
    image, matte = Image(np.zeros((*size, 3), np.uint8)), Matte(np.ones(size, np.float32))
    with pytest.raises(ImageError, match=r"30,000 pixels a side.*30001.*hand over the TIFF"):
        encode_psd(Handover("longer", image, matte))


def test_a_file_beyond_the_format_is_refused(handover, monkeypatch):
    monkeypatch.setattr(psd, "LARGEST_FILE", 1000)
    with pytest.raises(ImageError, match=r"would have [\d,]+ bytes, the format allows 1,000"):
        encode_psd(handover)


@pytest.mark.parametrize("part", ["matte", "foreground", "path"])
def test_parts_of_different_sizes_are_refused(handover, part):
    other = {
        "matte": Matte(np.ones((3, 4), np.float32)),
        "foreground": Image(np.zeros((3, 4, 3), np.uint8)),
        "path": replace(handover.path, size=(3, 4)),
    }[part]
    with pytest.raises(ImageError, match=rf"the {part} is \(3, 4\), the image \(240, 240\)"):
        replace(handover, **{part: other})


def test_a_picture_without_subject_has_no_guides():
    assert subject_guides(Matte(np.zeros((4, 4), np.float32))) == Guides()
