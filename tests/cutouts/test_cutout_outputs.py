from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as PillowImage

from maskworks.core.errors import UsageError
from maskworks.core.reading import Details
from maskworks.core.values import Image, Matte
from maskworks.cutouts.cutout import Cutout


@pytest.fixture
def found():
    image = Image(np.full((4, 6, 3), (10, 20, 30), np.uint8))
    alpha = np.zeros((4, 6), np.float32)
    alpha[:, 3:] = 1
    return Cutout(image, Matte(alpha), 0.9, "ok", Details("PNG"), image)


def test_a_cut_out_becomes_a_pillow_image(found):
    assert np.array_equal(np.asarray(found.to_pil()), found.rgba())
    white = np.asarray(found.to_pil(background="white"))
    assert white[0, 0].tolist() == [255, 255, 255]
    assert white[0, 5].tolist() == [10, 20, 30]


def test_a_cut_out_becomes_bytes_and_goes_into_a_file_object(found):
    stream = io.BytesIO()
    found.save(stream)
    assert stream.getvalue() == found.to_bytes("png")
    with PillowImage.open(io.BytesIO(found.to_bytes("jpeg", background="#ff0000"))) as opened:
        assert opened.format == "JPEG"
        assert opened.getpixel((0, 0))[0] > 240


def test_wrong_types_are_errors_with_the_way_out(found, tmp_path):
    with pytest.raises(UsageError, match="not to int"):
        found.save(3)
    with pytest.raises(UsageError, match="choose one of png"):
        found.to_bytes("bmp")
    with pytest.raises(UsageError, match="not tuple"):
        found.to_bytes(background=(1, 2, 3))
    with pytest.raises(UsageError, match="must end in"):
        found.save(tmp_path / "a.doc")
