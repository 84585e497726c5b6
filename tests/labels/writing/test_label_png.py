from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from maskworks.core.errors import ImageError
from maskworks.core.taxonomy import load_taxonomy, plain_taxonomy
from maskworks.labels.writing.label_png import label_png, label_png_parts, rgb_png
from maskworks.labels.writing.palettes import distinct, palette_of


def read(data):
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (37, 53)])
def test_indices_are_the_class_ids(rng, size):
    palette = palette_of(load_taxonomy("camvid-11"))
    ids = rng.integers(0, 12, size).astype(np.uint8)
    picture = read(label_png(ids, palette))
    assert picture.mode == "P"
    assert (np.asarray(picture) == ids).all()
    assert (np.asarray(picture.convert("RGB")) == palette[ids]).all()


def test_more_than_256_ids_take_16_bits(rng):
    ids = rng.integers(0, 60_000, (20, 30)).astype(np.uint16)
    found = np.asarray(read(label_png(ids, np.zeros((65_536, 3), np.uint8))))
    assert (found == ids).all()


def test_bands_make_the_same_picture_as_the_whole(rng):
    ids = rng.integers(0, 5, (40, 30)).astype(np.uint8)
    palette = palette_of(plain_taxonomy(5))
    parts = label_png_parts(np.split(ids, [7, 8, 33]), ids.shape, palette)
    assert (np.asarray(read(b"".join(parts))) == ids).all()


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        pytest.param([np.full((4, 4), 9)], r"holds the id 9, its taxonomy has 3", id="id"),
        pytest.param([np.zeros((3, 4), int)], "3 rows together, the picture 4", id="rows"),
        pytest.param([np.zeros((4, 5), int)], "5 columns, the picture 4", id="columns"),
    ],
)
def test_bands_that_do_not_fit_are_refused(bands, message):
    with pytest.raises(ImageError, match=message):
        list(label_png_parts(bands, (4, 4), np.zeros((3, 3), np.uint8)))


def test_rgb_is_exact(rng):
    pixels = rng.integers(0, 256, (9, 7, 3)).astype(np.uint8)
    assert (np.asarray(read(rgb_png(pixels))) == pixels).all()


def test_safe_palette_leaves_the_background_black_and_no_two_alike():
    voc = load_taxonomy("voc-21")
    palette = palette_of(voc, "safe")
    assert palette[0].tolist() == [0, 0, 0]
    assert len({tuple(palette[each]) for each in voc.ids}) == 21
    assert len(set(distinct(80))) == 80
