from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import tifffile
from psd_tools.constants import Resource
from psd_tools.psd.image_resources import ImageResource

from maskworks.core.errors import ImageError
from maskworks.core.reading import read_picture
from maskworks.core.values import Image, Matte
from maskworks.studio.handoff import Handover, encode_tiff, tiff, trace
from maskworks.studio.handoff.clipping import path_records


def _page(handover: Handover) -> tifffile.TiffPage:
    return tifffile.TiffFile(BytesIO(encode_tiff(handover))).pages.first


def _resources(data: bytes) -> dict[Resource, ImageResource]:
    stream, found = BytesIO(data), {}
    while stream.tell() < len(data):
        resource = ImageResource.read(stream)
        found[resource.key] = resource
    return found


def _svg_curves(svg: str) -> list[np.ndarray]:
    """Sample the curves of ImageMagick's SVG: lines of (row, column)."""
    curves = []
    (path,) = re.findall(r' d="([^"]*)"', svg)
    u = np.linspace(0, 1, 30)[:, None]
    for subpath in path.split("M")[1:]:
        line = []
        for step in re.split("[CLZ]", subpath):
            numbers = np.array([float(n) for n in re.findall(r"-?[\d.]+(?:e-?\d+)?", step)])
            points = numbers.reshape(-1, 2)[:, ::-1]
            if len(points) == 3:
                p0, (p1, p2, p3) = line[-1], points
                curve = p0 * (1 - u) ** 3 + 3 * p1 * u * (1 - u) ** 2
                points = curve + 3 * p2 * u**2 * (1 - u) + p3 * u**3
            line += list(points)
        curves.append(np.array(line))
    return curves


def test_tifffile_reads_every_pixel_and_what_the_alpha_is(handover, levels):
    page = _page(handover)
    pixels = page.asarray()
    np.testing.assert_array_equal(pixels[..., :3], handover.foreground.pixels)
    np.testing.assert_array_equal(pixels[..., 3], levels(handover.matte))
    assert [sample.name for sample in page.extrasamples] == ["UNASSALPHA"]
    assert page.compression.name == "ADOBE_DEFLATE"
    assert page.resolution == (300, 72)
    assert page.resolutionunit.name == "INCH"
    assert b"sRGB" in page.iccprofile or b"acsp" in page.iccprofile


def test_the_picture_is_whole_where_it_is_cut_off(handover):
    bare = replace(handover, foreground=None)
    np.testing.assert_array_equal(_page(bare).asarray()[..., :3], handover.image.pixels)


def test_our_own_reader_takes_it_back(handover, levels):
    picture = read_picture(encode_tiff(handover))
    np.testing.assert_array_equal(picture.image.pixels, handover.foreground.pixels)
    np.testing.assert_array_equal(levels(picture.matte), levels(handover.matte))
    assert picture.details.dpi == (300, 72)
    assert picture.details.notes == ()


def test_its_clipping_path_is_a_photoshop_resource(handover):
    found = _resources(_page(handover).tags[34377].value)
    assert found[Resource.PATH_INFO_0].name == "Subject"
    assert found[Resource.PATH_INFO_0].data == path_records(handover.path)
    name = found[Resource.CLIPPING_PATH_NAME].data.value
    assert name == "Subject"
    assert Resource.GRID_AND_GUIDES_INFO in found


@pytest.mark.parametrize(("name", "least"), [("ring", 0.99), ("letters", 0.985), ("hair", 0.94)])
def test_imagemagick_finds_the_path_that_is_the_matte(
    shape, magick, overlap, tmp_path, name, least
):
    matte = shape(name)
    grey = Image(np.zeros((240, 240, 3), np.uint8))
    handed = Handover(name, grey, matte, path=trace(matte))
    (tmp_path / "a.tif").write_bytes(encode_tiff(handed))
    svg = magick("identify", "-format", "%[8BIM:1999,2998:#1]", tmp_path / "a.tif").decode()
    assert 'fill-rule="evenodd"' in svg
    assert overlap(_svg_curves(svg), matte.threshold().inside) > least


def test_imagemagick_reads_every_pixel(handover, levels, magick, tmp_path):
    (tmp_path / "a.tif").write_bytes(encode_tiff(handover))
    raw = magick("convert", tmp_path / "a.tif", "-depth", 8, "rgba:-")
    pixels = np.frombuffer(raw, np.uint8).reshape(240, 240, 4)
    np.testing.assert_array_equal(pixels[..., :3], handover.foreground.pixels)
    np.testing.assert_array_equal(pixels[..., 3], levels(handover.matte))


@pytest.mark.parametrize("size", [(1, 1), (1, 70_000), (300, 1), (7, 129), (2000, 40)])
def test_every_size_can_be_read_back(rng, levels, size):
    image = Image(rng.integers(0, 256, (*size, 3), dtype=np.uint8))
    matte = Matte(rng.random(size, dtype=np.float32))
    pixels = _page(Handover("small", image, matte)).asarray().reshape(*size, 4)
    np.testing.assert_array_equal(pixels, np.dstack([image.pixels, levels(matte)]))


def test_arrays_that_are_read_only_or_repeated_are_written_too(handover):
    colour = np.broadcast_to(np.array([1, 2, 3], np.uint8), (240, 240, 3))
    pixels = _page(Handover("plain", Image(colour), handover.matte)).asarray()
    np.testing.assert_array_equal(pixels[..., :3], colour)


def test_without_path_guides_and_dpi_nothing_is_made_up(handover):
    tags = _page(Handover("bare", handover.image, handover.matte)).tags
    assert not any(tag in tags for tag in (34377, 282, 283, 296))


def test_equal_handovers_make_equal_files(handover):
    assert encode_tiff(handover) == encode_tiff(handover)


def test_a_file_beyond_the_format_is_refused(handover, monkeypatch):
    monkeypatch.setattr(tiff, "LARGEST_FILE", 1000)
    with pytest.raises(ImageError, match=r"would have [\d,]+ bytes, the format allows 1,000"):
        encode_tiff(handover)
