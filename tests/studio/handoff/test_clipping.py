from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from psd_tools.psd.vector import Path as PhotoshopPath
from scipy.spatial import cKDTree
from skimage import data

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import Image, Matte
from maskworks.models import load_model
from maskworks.studio.handoff import ClippingPath, PathOptions, clipping, trace
from maskworks.studio.handoff.clipping import path_records
from maskworks.studio.handoff.contours import iso_lines

EVERYTHING = PathOptions(smallest_px2=0)


def _dense(line: np.ndarray) -> np.ndarray:
    """Sample a closed line of points every twentieth of a pixel."""
    after = np.roll(line, -1, axis=0)
    counts = np.maximum(1, np.ceil(np.hypot(*(after - line).T) * 20).astype(int))
    of = np.repeat(np.arange(len(line)), counts)
    share = (np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)) / counts[of]
    return line[of] + (after - line)[of] * share[:, None]


@pytest.fixture
def distance(curve_points) -> Callable[[Matte, ClippingPath], float]:
    """The Hausdorff distance between the iso-line of a matte and its path, both sampled."""

    def measure(matte, path):
        line = np.concatenate([_dense(line) for line in iso_lines(matte)])
        curves = np.concatenate([_dense(curve_points(sub.knots)) for sub in path.subpaths])
        there, back = cKDTree(curves).query(line)[0], cKDTree(line).query(curves)[0]
        return max(there.max(), back.max())

    return measure


@pytest.fixture(scope="module")
def astronaut() -> Matte:
    return load_model("cutout").predict(Image(data.astronaut())).matte


@pytest.mark.parametrize(
    ("name", "most_knots"),
    [
        pytest.param("circle", 6, id="circle"),
        pytest.param("ring", 10, id="ring"),
        pytest.param("square", 4, id="square"),
        pytest.param("tilted", 12, id="tilted"),
        pytest.param("letters", 80, id="letters"),
        pytest.param("hair", 1500, id="hair"),
        pytest.param("hard-circle", 90, id="hard-circle"),
        pytest.param("hard-letters", 250, id="hard-letters"),
        pytest.param("hard-tilted", 120, id="hard-tilted"),
    ],
)
def test_curves_stay_within_half_a_pixel_of_the_line_with_few_knots(
    shape, distance, name, most_knots
):
    matte = shape(name)
    path = trace(matte, EVERYTHING)
    assert distance(matte, path) <= 0.5
    assert path.knots <= most_knots


def test_curves_stay_within_half_a_pixel_of_the_astronaut(astronaut, distance):
    path = trace(astronaut, EVERYTHING)
    assert distance(astronaut, path) <= 0.5
    assert path.knots <= 250


@pytest.mark.parametrize("tolerance_px", [0.1, 0.2, 0.3])
def test_a_tighter_tolerance_is_kept(shape, distance, tolerance_px):
    matte = shape("letters")
    path = trace(matte, PathOptions(tolerance_px, 0))
    assert distance(matte, path) <= tolerance_px + 0.05


@pytest.mark.parametrize("seed", range(12))
def test_any_matte_has_curves_as_near_as_promised(distance, seed):
    rng = np.random.default_rng(seed)
    alpha = rng.random(rng.integers(2, 40, 2), dtype=np.float32)
    matte = Matte(np.round(alpha) if seed % 3 == 0 else alpha)
    assert distance(matte, trace(matte, EVERYTHING)) <= 0.5


@pytest.mark.parametrize(
    ("name", "least"), [("circle", 0.99), ("ring", 0.99), ("letters", 0.985), ("hair", 0.94)]
)
def test_a_filled_path_is_the_matte(shape, curve_points, overlap, name, least):
    matte = shape(name)
    curves = [curve_points(sub.knots) for sub in trace(matte).subpaths]
    assert overlap(curves, matte.threshold().inside) > least


def test_a_hole_is_a_subpath_of_its_own(shape):
    path = trace(shape("ring"))
    assert len(path.subpaths) == 2
    assert [sub.smooth.all() for sub in path.subpaths] == [True, True]


def test_a_square_has_four_sharp_corners_in_place(shape):
    (sub,) = trace(shape("square")).subpaths
    corners = {tuple(corner) for corner in sub.knots[:, 1].round(1).tolist()}
    assert corners == {(40.0, 40.0), (40.0, 200.0), (200.0, 200.0), (200.0, 40.0)}
    assert not sub.smooth.any()


def test_specks_have_no_curve_and_are_counted():
    alpha = np.zeros((60, 60), np.float32)
    alpha[10:40, 10:40] = 1
    alpha[20, 20] = 0  # a hole
    alpha[50, 50] = alpha[50, 5:8] = 1
    path = trace(Matte(alpha))
    assert (len(path.subpaths), path.dropped) == (1, 3)
    assert len(trace(Matte(alpha), EVERYTHING).subpaths) == 4


def test_nothing_has_no_path():
    path = trace(Matte(np.zeros((5, 5), np.float32)))
    assert (path.subpaths, path.knots, path.dropped) == ((), 0, 0)


@pytest.mark.parametrize("name", ["square", "letters"])
def test_records_are_read_by_psd_tools(shape, name):
    path = trace(shape(name))
    records = path_records(path)
    assert len(records) % 26 == 0
    read = [item for item in PhotoshopPath.read(BytesIO(records)) if hasattr(item, "is_closed")]
    assert len(read) == len(path.subpaths)
    for theirs, ours in zip(read, path.subpaths, strict=True):
        assert theirs.is_closed()
        knots = np.array([(knot.preceding, knot.anchor, knot.leaving) for knot in theirs])
        np.testing.assert_allclose(knots * path.size, ours.knots, atol=240 / 2**24)
        linked = [type(knot).__name__ == "ClosedKnotLinked" for knot in theirs]
        assert linked == ours.smooth.tolist()


def test_smooth_knots_lie_on_one_straight_line(shape):
    for sub in trace(shape("letters")).subpaths:
        before, on, after = sub.knots[sub.smooth].transpose(1, 0, 2)
        back, forth = on - before, after - on
        sine = back[:, 0] * forth[:, 1] - back[:, 1] * forth[:, 0]
        reach = np.hypot(*back.T) * np.hypot(*forth.T)
        assert (np.abs(sine) <= 0.002 * reach).all()


def test_an_outline_with_more_knots_than_the_format_counts_is_refused(shape, monkeypatch):
    monkeypatch.setattr(clipping, "MOST_KNOTS", 3)
    with pytest.raises(ImageError, match=r"needs 4 knots, a clipping path holds 3 .* smooth"):
        trace(shape("square"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"tolerance_px": 0.0}, r"\(0, 0.5\], got 0.0", id="no-tolerance"),
        pytest.param({"tolerance_px": 0.6}, r"\(0, 0.5\], got 0.6", id="too-loose"),
        pytest.param({"tolerance_px": float("nan")}, "got nan", id="nan"),
        pytest.param({"smallest_px2": -1.0}, "at least 0, got -1.0", id="negative-area"),
    ],
)
def test_options_outside_their_range_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        PathOptions(**options)
