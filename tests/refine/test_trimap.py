from __future__ import annotations

import numpy as np
import pytest

from maskworks.core import Image, ImageError, Matte, UsageError
from maskworks.refine import TrimapOptions, make_trimap


def disc(size, softness=0.02):
    rows, columns = np.mgrid[0:size, 0:size]
    distance = np.hypot(rows - size / 2, columns - size / 2) / size
    return Matte(np.clip((0.3 - distance) / softness + 0.5, 0, 1).astype(np.float32))


def flat(size):
    return Image(np.full((size, size, 3), 120, np.uint8))


def test_the_band_is_a_share_of_the_picture_at_every_size():
    shares = [make_trimap(disc(size), flat(size)).unknown.mean() for size in (800, 1600, 3000)]
    assert max(shares) / min(shares) < 1.15


def test_every_partial_value_is_unknown_and_what_is_far_from_the_edge_is_sure():
    matte = disc(500)
    trimap = make_trimap(matte, flat(500))
    partial = (matte.alpha > 0.1) & (matte.alpha < 0.9)
    assert trimap.unknown[partial].all()
    assert trimap.foreground[250, 250]
    assert trimap.background[3, 3]


def test_the_band_is_wider_where_texture_is_fine(rng):
    matte = disc(600)
    grainy = flat(600).pixels.copy()
    grainy[:, 300:] = rng.integers(60, 190, (600, 300, 3), np.uint8)
    unknown = make_trimap(matte, Image(grainy)).unknown
    assert unknown[:, 320:].sum() > 1.3 * unknown[:, :280].sum()


def test_a_network_that_saw_more_leaves_a_narrower_band():
    matte = disc(900, softness=0.002)
    wide = make_trimap(matte, flat(900), TrimapOptions(network_px=320)).unknown.sum()
    narrow = make_trimap(matte, flat(900), TrimapOptions(network_px=900)).unknown.sum()
    assert narrow < 0.7 * wide


@pytest.mark.parametrize(
    ("alpha", "level"),
    [pytest.param(0.0, 0, id="empty"), pytest.param(1.0, 255, id="full")],
)
def test_an_empty_and_a_full_matte_are_sure_throughout(alpha, level):
    trimap = make_trimap(Matte(np.full((20, 30), alpha, np.float32)), flat_of(20, 30))
    assert (trimap.levels == level).all()


def flat_of(height, width):
    return Image(np.full((height, width, 3), 90, np.uint8))


def test_the_inside_of_glass_is_unknown():
    alpha = np.zeros((300, 300), np.float32)
    alpha[60:240, 60:240] = 0.4
    trimap = make_trimap(Matte(alpha), flat(300))
    assert trimap.unknown[100:200, 100:200].all()


def test_the_middle_of_a_thin_strap_stays_sure():
    alpha = np.zeros((400, 400), np.float32)
    alpha[:, 198:203] = 1
    trimap = make_trimap(Matte(alpha), flat(400), TrimapOptions(network_px=160))
    assert trimap.foreground[100:300, 198:203].any(axis=1).all()


def test_a_gap_that_the_network_closed_is_opened_where_the_picture_shows_the_background():
    rows, columns = np.mgrid[0:500, 0:500]
    far = np.hypot(rows - 250, columns - 250)
    pixels = np.full((500, 500, 3), (40, 120, 220), np.uint8)
    pixels[far < 150] = (200, 60, 40)
    pixels[far < 50] = (40, 120, 220)
    alpha = np.clip((150 - far) / 4 + 0.5, 0, 1)
    alpha[far < 50] = 0.75
    image, matte = Image(pixels), Matte(alpha.astype(np.float32))
    assert make_trimap(matte, image).background[240:260, 240:260].all()
    closed = make_trimap(matte, image, TrimapOptions(openings=False))
    assert not closed.background[240:260, 240:260].any()


def test_sizes_that_differ_are_refused():
    with pytest.raises(ImageError, match="resize the matte first"):
        make_trimap(disc(40), flat(41))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"network_px": 0}, "network_px must be at least 1", id="network"),
        pytest.param({"sure": 0.5}, r"sure must lie in \(0, 0.5\)", id="sure"),
        pytest.param({"narrow": 0.01}, "narrow and wide need", id="narrow above wide"),
        pytest.param({"textured": float("nan")}, "smooth and textured need", id="NaN"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        TrimapOptions(**options)
