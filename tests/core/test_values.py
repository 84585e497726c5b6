from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

import maskworks.core
from maskworks.core import errors
from maskworks.core.errors import ImageError, MaskworksError
from maskworks.core.values import Box, Image, Mask, Matte


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        pytest.param(
            np.zeros((2, 2), np.uint8), r"3-D uint8 array, got 2-D uint8 \(2, 2\)", id="2-D"
        ),
        pytest.param(np.zeros((2, 2, 3)), "got 3-D float64", id="float"),
        pytest.param(np.zeros((2, 2, 4), np.uint8), "with 3 channels, got", id="rgba"),
        pytest.param(np.zeros((0, 2, 3), np.uint8), "at least 1x1 pixel", id="no-rows"),
        pytest.param([[1]], "got list; convert it with numpy.asarray", id="list"),
    ],
)
def test_image_refuses_what_is_no_picture(pixels, message):
    with pytest.raises(ImageError, match=message):
        Image(pixels)


@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        pytest.param(np.zeros((2, 2), np.uint8), "got 2-D uint8", id="bytes"),
        pytest.param(np.full((2, 2), 255, np.float32), r"got \[255, 255\]", id="0-to-255"),
        pytest.param(np.full((2, 2), -0.1, np.float32), r"got \[-0.1, -0.1\]", id="negative"),
        pytest.param(np.full((2, 2), np.nan, np.float32), r"got \[nan, nan\]", id="nan"),
        pytest.param(np.float32([[0, np.nan]]), r"got \[nan, nan\]", id="one-nan"),
        pytest.param(np.full((2, 2), np.inf, np.float32), r"got \[inf, inf\]", id="infinite"),
        pytest.param(np.zeros((2, 0), np.float32), "at least 1x1 pixel", id="no-columns"),
    ],
)
def test_matte_refuses_what_is_not_alpha(alpha, message):
    with pytest.raises(ImageError, match=message):
        Matte(alpha)


def test_mask_refuses_what_is_not_bool():
    with pytest.raises(ImageError, match="2-D bool array, got 2-D uint8"):
        Mask(np.zeros((2, 2), np.uint8))


@pytest.mark.parametrize("corners", [(0, 0, 0, 1), (-1, 0, 1, 1), (2, 0, 1, 1), (0, 3, 1, 2)])
def test_box_refuses_corners_that_hold_no_pixel(corners):
    with pytest.raises(ImageError, match="a box needs 0 <= top < bottom"):
        Box(*corners)


def test_values_are_frozen():
    with pytest.raises(AttributeError, match="cannot assign"):
        Mask(np.ones((1, 1), bool)).inside = None


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=6)))
def test_mask_box_is_the_smallest_that_holds_every_pixel_inside(inside):
    box = Mask(inside).box()
    rows, columns = np.nonzero(inside)
    if rows.size == 0:
        assert box is None
    else:
        corners = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
        assert (box.top, box.left, box.bottom, box.right) == corners


def test_every_error_has_a_code_of_its_own():
    found = [
        v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, MaskworksError)
    ]
    assert len({error.code for error in found}) == len(found) == 17
    assert all(error.code == error.code.lower() for error in found)


def test_every_public_name_can_be_imported_and_every_error_is_public():
    for name in maskworks.core.__all__:
        assert getattr(maskworks.core, name) is not None
    named = {name for name in vars(errors) if name.endswith("Error")}
    assert named <= set(maskworks.core.__all__)
    with pytest.raises(AttributeError, match="no attribute 'utils'"):
        maskworks.core.utils  # noqa: B018


def test_importing_core_imports_neither_numpy_nor_pillow():
    script = "import sys, maskworks.core; print({'numpy', 'PIL', 'isal'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
