from __future__ import annotations

import cv2
import numpy as np
import pytest

from maskworks.refine.mosaic import mosaics

SIZES = [
    pytest.param((96, 128), 4, id="whole-tiles"),
    pytest.param((101, 77), 4, id="tiles-that-reach-back"),
    pytest.param((20, 300), 8, id="lower-than-a-tile"),
    pytest.param((1, 1), 1, id="one-pixel"),
    pytest.param((130, 130), 64, id="blocks-larger-than-a-tile"),
]


def blocks_of(size, side):
    return tuple(-(-length // side) for length in size)


@pytest.mark.parametrize(("size", "side"), SIZES)
def test_every_touched_pixel_lies_in_a_tile_and_comes_back_as_it_was(size, side):
    rng = np.random.default_rng(0)
    touched = rng.random(blocks_of(size, side)) < 0.2
    touched.flat[-1] = True
    picture = rng.integers(0, 256, (*size, 3), np.uint8)
    copy, seen = np.zeros_like(picture), np.zeros(size, np.uint8)
    for mosaic in mosaics(touched, side, size):
        mosaic.put(copy, mosaic.of(picture))
        mosaic.put(seen, np.ones_like(mosaic.of(seen)))
    wanted = np.kron(touched, np.ones((side, side), np.bool_))[: size[0], : size[1]]
    assert (seen[wanted] == 1).all()
    assert (copy[seen == 1] == picture[seen == 1]).all()
    assert not copy[seen == 0].any()


@pytest.mark.parametrize(("size", "side"), SIZES)
def test_a_copy_is_enlarged_as_opencv_enlarges_all_of_it(size, side):
    high, wide = blocks_of(size, side)
    small = np.random.default_rng(1).random((2, high, wide), np.float32)
    large = [
        cv2.resize(plane, (wide * side, high * side), interpolation=cv2.INTER_LINEAR)
        for plane in small
    ]
    whole = np.stack(large, axis=-1)[: size[0], : size[1]]
    for mosaic in mosaics(np.ones((high, wide), np.bool_), side, size):
        np.testing.assert_allclose(mosaic.enlarged(small, side), mosaic.of(whole), atol=1e-5)
