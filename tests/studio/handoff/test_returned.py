from __future__ import annotations

import struct
import unicodedata
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage
from psd_tools import PSDImage
from psd_tools.constants import Resource

from maskworks.core.errors import TooLargeError, UnreadableError, UsageError
from maskworks.core.reading import Limits
from maskworks.core.values import Image, Matte
from maskworks.studio.handoff import encode_psd, encode_tiff, match_returned, read_returned

SIZE = (24, 40)


@pytest.fixture
def rgba(rng) -> np.ndarray:
    pixels = rng.integers(0, 256, (*SIZE, 4), dtype=np.uint8)
    pixels[:4, :, 3], pixels[4:8, :, 3] = 0, 255
    return pixels


@pytest.fixture
def save(tmp_path):
    """Write a file; an array or Pillow image is saved as its suffix says."""

    def write(name, content) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            PillowImage.fromarray(content).save(path)
        return path

    return write


def _saved(document: PSDImage) -> bytes:
    stream = BytesIO()
    document.save(stream)
    return stream.getvalue()


def _error(found: Image, expected: Image, matte: Matte) -> float:
    """Return how far colours are off at most, as seen through the matte."""
    off = np.abs(found.pixels.astype(float) - expected.pixels).max(axis=2)
    return float((off * matte.alpha).max())


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_a_flat_picture_comes_back_with_its_alpha(rgba, save, name):
    path = save(name, rgba)
    if name == "a.webp":
        PillowImage.fromarray(rgba).save(path, lossless=True, exact=True)
    found = read_returned(path, original=SIZE)
    np.testing.assert_array_equal(found.image.pixels, rgba[..., :3])
    np.testing.assert_array_equal(np.rint(found.matte.alpha * 255), rgba[..., 3])
    assert (found.scale, found.notes) == (1, ())


def test_our_own_tiff_comes_back(handover, save):
    found = read_returned(save("a.tif", encode_tiff(handover)), original=(240, 240))
    np.testing.assert_array_equal(found.image.pixels, handover.foreground.pixels)
    np.testing.assert_allclose(found.matte.alpha, handover.matte.alpha, atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("white", [255, 65535])
def test_a_tiff_whose_fourth_channel_is_unnamed_is_cut_out_by_it(rgba, save, white):
    path = save("a.tif", b"")
    samples = rgba if white == 255 else rgba.astype(np.uint16) * 257
    tifffile.imwrite(path, samples, photometric="rgb", extrasamples=["unspecified"])
    found = read_returned(path)
    np.testing.assert_array_equal(np.rint(found.matte.alpha * 255), rgba[..., 3])
    assert found.notes == ("its fourth channel says not what it is and was taken as alpha",)


def test_our_own_document_comes_back(handover, save):
    found = read_returned(save("a.psd", encode_psd(handover)), original=(240, 240))
    np.testing.assert_allclose(found.matte.alpha, handover.matte.alpha, atol=0.5 / 255 + 1e-6)
    assert _error(found.image, handover.foreground, found.matte) <= 1
    assert found.notes == ()


def test_a_document_without_a_real_merged_picture_is_put_together_from_its_layers(handover, save):
    document = PSDImage.open(BytesIO(encode_psd(handover)))
    document.image_resources[Resource.VERSION_INFO].data.has_composite = False
    document._record.image_data.set_data([bytes(240 * 240)] * 4, document._record.header)
    found = read_returned(save("a.psd", _saved(document)))
    np.testing.assert_allclose(found.matte.alpha, handover.matte.alpha, atol=0.5 / 255 + 1e-6)
    assert _error(found.image, handover.foreground, found.matte) <= 1


def test_the_original_left_visible_is_left_out_and_said(handover, save):
    document = PSDImage.open(BytesIO(encode_psd(handover)))
    document[0].visible = True
    found = read_returned(save("a.psd", _saved(document)))
    np.testing.assert_allclose(found.matte.alpha, handover.matte.alpha, atol=0.5 / 255 + 1e-6)
    assert found.notes == ("its layer 'Original' was visible and was left out",)


def test_a_repainted_mask_counts(handover, save):
    document = PSDImage.open(BytesIO(encode_psd(handover)))
    cut_out = document[1]
    cut_out.remove_mask()
    cut_out.create_mask(PillowImage.new("L", (240, 240), 128))
    found = read_returned(save("a.psd", _saved(document)))
    assert set(np.unique(np.rint(found.matte.alpha * 255))) == {128}


def test_a_deep_document_is_scaled(save):
    document = PSDImage.new("RGB", (8, 6), depth=16)
    red = PillowImage.new("RGBA", (8, 6), (200, 100, 50, 255))
    red.putalpha(PillowImage.new("L", (8, 6), 51))
    document.create_pixel_layer(red)
    found = read_returned(save("a.psd", _saved(document)))
    assert found.image.pixels[0, 0] == pytest.approx([200, 100, 50], abs=2)
    assert found.matte.alpha.max() == pytest.approx(0.2, abs=0.005)


def _flat_document(rgba: np.ndarray) -> bytes:
    """A document without layers whose fourth channel is a saved selection, as number 1."""
    height, width = rgba.shape[:2]
    header = struct.pack(">4sH6xH2L2H", b"8BPS", 1, 4, height, width, 8, 3)
    resource = b"8BIM" + struct.pack(">HHLL", 1053, 0, 4, 1)
    sections = struct.pack(">LL", 0, len(resource)) + resource + struct.pack(">LH", 0, 0)
    return header + sections + rgba.transpose(2, 0, 1).tobytes()


def test_a_flat_document_is_cut_out_by_its_extra_channel(rgba, save):
    found = read_returned(save("a.psd", _flat_document(rgba)))
    np.testing.assert_array_equal(found.image.pixels, rgba[..., :3])
    np.testing.assert_array_equal(np.rint(found.matte.alpha * 255), rgba[..., 3])
    assert found.notes == ("it has no transparency and was cut out by its first extra channel",)


@pytest.mark.parametrize("name", ["a.png", "a.psd"])
def test_what_is_opaque_everywhere_is_refused_with_the_way_out(rgba, save, name):
    rgba[..., 3] = 255
    path = save(name, _flat_document(rgba) if name == "a.psd" else rgba)
    with pytest.raises(UnreadableError, match=rf"{name}: is opaque everywhere; hide everything"):
        read_returned(path)


@pytest.mark.parametrize("name", ["a.png", "a.psd"])
def test_what_shows_nothing_is_refused(rgba, save, name):
    rgba[..., 3] = 0
    path = save(name, _flat_document(rgba) if name == "a.psd" else rgba)
    with pytest.raises(UnreadableError, match=rf"{name}: shows nothing: every pixel is clear"):
        read_returned(path)


@pytest.mark.parametrize(
    ("original", "scale"),
    [
        pytest.param((24, 40), 1, id="the-same"),
        pytest.param((12, 20), 2, id="twice"),
        pytest.param((8, 40), None, id="one-side-only"),
        pytest.param((48, 80), None, id="half"),
        pytest.param((40, 24), None, id="turned"),
        pytest.param((23, 40), None, id="a-row-more"),
        pytest.param((16, 27), None, id="no-whole-multiple"),
    ],
)
def test_a_size_is_the_original_or_a_whole_multiple(rgba, save, original, scale):
    path = save("a.png", rgba)
    if scale is not None:
        assert read_returned(path, original=original).scale == scale
        return
    message = f"a.png: is 40x24, the original is {original[1]}x{original[0]}; return it in"
    with pytest.raises(UnreadableError, match=message):
        read_returned(path, original=original)


def test_a_damaged_document_is_an_error_wherever_it_is_cut(handover, save):
    whole = encode_psd(replace(handover, foreground=None))
    for end in (1, 4, 20, 26, 30, 60, 400, 2000, len(whole) // 2, len(whole) - 300):
        with pytest.raises(UnreadableError, match=r"a\.psd: "):
            read_returned(save("a.psd", whole[:end]))


@pytest.mark.parametrize("seed", range(8))
def test_a_document_with_wrong_bytes_is_read_or_refused(handover, save, seed):
    rng = np.random.default_rng(seed)
    data = bytearray(encode_psd(handover))
    for place in rng.integers(12, 9000, 20):
        data[place] = rng.integers(256)
    path = save("a.psd", bytes(data))
    try:
        assert read_returned(path).image.size
    except (UnreadableError, TooLargeError) as error:
        assert "a.psd" in str(error)  # noqa: PT017 - both ends are right


@pytest.mark.parametrize("name", ["a.png", "a.psd"])
def test_a_large_file_is_refused_before_it_is_decoded(rgba, save, name):
    path = save(name, _flat_document(rgba) if name == "a.psd" else rgba)
    with pytest.raises(TooLargeError, match="has 960 pixels, the limit is 959"):
        read_returned(path, limits=Limits(959))


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UnreadableError, match="there is no such file"):
        read_returned(tmp_path / "a.psd")


EXPECTED = {"k1": Path("shoe.psd"), "k2": Path("IMG_1.jpg"), "k3": Path("Öl final.tif")}


def _folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "shoe.psd",
        "shoe.png",
        "SHOE.TIF",
        "deep/er/shoe.psb",
        "shoe_final.psd",
        "shoe-retouched.png",
        "shoe_FINAL_v2.psd",
        "shoe copy 2.png",
        "shoe copy.png",
        "shoe (1).png",
        "shoe(1).png",
        "shoe_v03.psd",
        "shoe.final.psd",
        "shoe_cut-out_final (2).png",
    ],
)
def test_a_file_is_matched_by_its_name_and_what_people_add_to_it(tmp_path, name):
    matching = match_returned(_folder(tmp_path, name), EXPECTED)
    assert matching.matches == {"k1": tmp_path / name}
    assert matching.unmatched == ()
    assert matching.missing == ("k2", "k3")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("shoe_2.psd", id="another-number"),
        pytest.param("shoefinal.psd", id="one-word"),
        pytest.param("shoe_red.psd", id="unknown-word"),
        pytest.param("my shoe.psd", id="word-before"),
        pytest.param("final_shoe.psd", id="tail-before"),
        pytest.param("sho.psd", id="shorter"),
        pytest.param("shoe.txt", id="no-picture"),
        pytest.param("brief.csv", id="the-brief"),
        pytest.param("_final.psd", id="tail-alone"),
    ],
)
def test_other_files_are_reported_not_dropped(tmp_path, name):
    matching = match_returned(_folder(tmp_path, name), EXPECTED)
    assert matching == ({}, (tmp_path / name,), ("k1", "k2", "k3"))


def test_names_match_whatever_their_unicode_form(tmp_path):
    decomposed = unicodedata.normalize("NFD", "öl final_final.png")
    matching = match_returned(_folder(tmp_path, decomposed), EXPECTED)
    assert list(matching.matches) == ["k3"]


def test_a_tail_that_is_part_of_the_name_is_kept(tmp_path):
    expected = {"a": Path("shoe.psd"), "b": Path("shoe_v2.psd")}
    folder = _folder(tmp_path, "shoe_v2_final.psd", "shoe_final.psd")
    assert match_returned(folder, expected).matches == {
        "a": tmp_path / "shoe_final.psd",
        "b": tmp_path / "shoe_v2_final.psd",
    }


def test_files_of_the_system_are_not_looked_at(tmp_path):
    folder = _folder(tmp_path, ".DS_Store", "._shoe.psd", ".hidden/shoe.psd", "shoe.psd")
    assert match_returned(folder, EXPECTED).matches == {"k1": tmp_path / "shoe.psd"}


def test_two_files_for_one_picture_are_refused_by_name(tmp_path):
    folder = _folder(tmp_path, "shoe.psd", "shoe_final.png", "IMG_1.png")
    with pytest.raises(UsageError, match=r"shoe\.psd and .*shoe_final\.png may be k1; leave one"):
        match_returned(folder, EXPECTED)


def test_one_file_for_two_pictures_is_refused_by_name(tmp_path):
    expected = {"a/shoe": Path("a/shoe.jpg"), "b/shoe": Path("b/Shoe.jpg")}
    with pytest.raises(UsageError, match=r"shoe\.psd may be a/shoe and b/shoe"):
        match_returned(_folder(tmp_path, "shoe.psd"), expected)
    assert match_returned(_folder(tmp_path / "empty", ".x"), expected).missing == tuple(expected)


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="is not a folder"):
        match_returned(tmp_path / "no", EXPECTED)
