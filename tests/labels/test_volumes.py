"""Any ONNX network over a volume: windows, grids, parts, and where the labels lie."""

from __future__ import annotations

import tracemalloc

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from maskworks.core.errors import ModelError, UnreadableError, UsageError
from maskworks.labels.reading.scans import Window
from maskworks.labels.volumes import VolumeNetwork, connected_parts, segment_volume
from maskworks.models.families.volume_windows import VolumeWindows, label_slices

nib = pytest.importorskip("nibabel")


def network(path, *, sides=(None, None, None), channels=1, classes=2, answers=5):
    """Write an ONNX file: class 1 where the mean of 3 x 3 x 3 voxels is above one half."""
    kernel = np.zeros((classes, channels, 3, 3, 3), np.float32)
    kernel[1] = 1 / 27
    kernel[0] = -1 / 27
    bias = np.zeros(classes, np.float32)
    bias[:2] = (0.5, -0.5)
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["y"], pads=[1] * 6),
    ]
    if answers != 5:
        nodes.append(helper.make_node("Flatten", ["y"], ["z"]))
    shape = [1, channels, *(each or f"side{at}" for at, each in enumerate(sides))]
    graph = helper.make_graph(
        nodes,
        "volume",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("z" if answers != 5 else "y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(kernel, "w"), numpy_helper.from_array(bias, "b")],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    return path


def scan(path, values, spacing=(1.0, 1.0, 1.0)):
    nib.save(nib.Nifti1Image(np.asarray(values, np.float32), np.diag([*spacing, 1])), path)
    return path


@pytest.fixture
def ball():
    """Values in Hounsfield units, 200 in a ball and -200 around it: (X, Y, Z)."""
    x, y, z = np.mgrid[-20:20, -16:16, -9:9]
    return np.where(np.sqrt(x**2 + y**2 + (1.5 * z) ** 2) < 11, 200.0, -200.0)


@pytest.mark.parametrize(
    ("shape", "sides", "overlap"),
    [
        pytest.param((20, 17, 23), (8, 8, 8), 0.5, id="halves"),
        pytest.param((5, 9, 9), (8, 4, 16), 0.5, id="shorter-than-a-window"),
        pytest.param((20, 20, 20), (8, 8, 8), 0.0, id="no-overlap"),
        pytest.param((30, 8, 8), (4, 8, 8), 0.75, id="many"),
    ],
)
def test_slabs_give_what_the_whole_volume_gives(rng, shape, sides, overlap):
    values = rng.normal(size=shape).astype(np.float32)
    uneven = rng.normal(size=sides).astype(np.float32)  # so that it matters where a window lies
    windows = VolumeWindows(sides, overlap)
    asked = []

    def predict(part):
        asked.append(part.shape)
        return np.stack([part + uneven, -part * uneven, part * part - 1])

    found = np.stack(list(label_slices(values, predict, windows)))
    more = [(0, max(0, side - have)) for side, have in zip(sides, shape, strict=True)]
    padded = np.pad(values, more, constant_values=values.min())
    total = np.zeros((3, *padded.shape))
    starts = [windows.starts(padded.shape[axis], sides[axis]) for axis in range(3)]
    for top in starts[0]:
        for row in starts[1]:
            for column in starts[2]:
                box = np.s_[top : top + sides[0], row : row + sides[1], column : column + sides[2]]
                total[(slice(None), *box)] += predict(padded[box]) * windows.weights()
    expected = total[:, : shape[0], : shape[1], : shape[2]].argmax(axis=0)
    assert found.shape == shape
    assert np.array_equal(found, expected)
    assert set(asked) == {sides}


def test_memory_follows_the_window_and_not_the_depth():
    def predict(part):
        return np.stack([part, part + 1, part - 1])

    peaks = []
    for depth in (32, 640):
        values = np.zeros((depth, 48, 48), np.float32)
        tracemalloc.start()
        slices = label_slices(values, predict, VolumeWindows((8, 24, 24)))
        assert sum(1 for _ in slices) == depth
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]  # of twenty times the depth


def test_weights_are_those_of_a_gaussian_an_eighth_wide():
    weights = VolumeWindows((16, 16, 16)).weights()
    assert weights.max() == 1
    assert weights.min() > 0
    middle = weights[:, 8, 8]
    assert middle[3] / middle[7] == pytest.approx(np.exp(-(4.5**2 - 0.5**2) / 2 / 2**2), rel=1e-5)


def test_labels_lie_where_the_scan_lies(tmp_path, ball):
    source = scan(tmp_path / "ct.nii.gz", ball, (1.0, 1.0, 2.0))
    given = VolumeNetwork(
        file=network(tmp_path / "net.onnx"),
        classes=("rest", "ball"),
        window=(8, 16, 16),
        shows=Window(0, 400),
    )
    found = segment_volume(source, given, threads=1)
    assert found.ids.shape == (18, 32, 40)
    assert found.spacing_mm == (2.0, 1.0, 1.0)
    written = nib.load(found.save(tmp_path / "labels.nii.gz"))
    assert np.array_equal(written.affine, nib.load(source).affine)
    labels = np.asarray(written.dataobj)
    assert labels.shape == ball.shape
    agree = labels == (ball > 0)
    assert agree.mean() > 0.97  # the network smooths by a voxel
    assert agree[ball.shape[0] // 2, ball.shape[1] // 2].all()
    expected = float((labels == 1).sum()) * 2 / 1000
    assert found.volumes_ml()["ball"] == pytest.approx(expected)


def test_windows_change_nothing_for_a_network_that_sees_near(tmp_path, ball):
    source = scan(tmp_path / "ct.nii", ball)
    file = network(tmp_path / "net.onnx")
    made = [
        segment_volume(
            source,
            VolumeNetwork(file=file, classes=("rest", "ball"), window=sides, shows=Window(0, 400)),
            threads=1,
        ).ids
        for sides in ((18, 32, 40), (6, 12, 12))
    ]
    assert (made[0] == made[1]).mean() > 0.995


def test_network_of_another_grid_labels_the_scans_own(tmp_path, ball):
    source = scan(tmp_path / "ct.nii.gz", ball)
    given = VolumeNetwork(
        file=network(tmp_path / "net.onnx"),
        classes=("rest", "ball"),
        window=(8, 16, 16),
        shows=Window(0, 400),
        spacing_mm=(2.0, 1.5, 1.5),
    )
    found = segment_volume(source, given, threads=1)
    assert found.ids.shape == (18, 32, 40)
    plain = np.flip(ball > 0, (0, 1)).transpose(2, 1, 0)
    inside = (found.ids == 1) & plain
    assert 2 * inside.sum() / ((found.ids == 1).sum() + plain.sum()) > 0.85


def test_parts_that_are_small_or_not_the_largest_go():
    ids = np.zeros((6, 8, 8), np.uint16)
    ids[1:4, 1:4, 1:4] = 1
    ids[5, 6, 6] = 1
    ids[0, 0, 7] = 2
    ids[3, 3, 6] = 2
    assert (connected_parts(ids, keep_largest=True) == 1).sum() == 27
    assert (connected_parts(ids, keep_largest=True) == 2).sum() == 1
    assert set(np.unique(connected_parts(ids, least_voxels=2))) == {0, 1}
    assert np.array_equal(connected_parts(ids), ids)
    corner = np.zeros((2, 2, 2), np.uint16)
    corner[0, 0, 0] = corner[1, 1, 1] = 1
    assert (connected_parts(corner, least_voxels=2) == 1).sum() == 2


def test_speck_is_left_out_by_millilitres(tmp_path, ball):
    ball[36:39, 26:29, 1:4] = 200
    source = scan(tmp_path / "ct.nii.gz", ball)
    given = VolumeNetwork(
        file=network(tmp_path / "net.onnx"),
        classes=("rest", "ball"),
        window=(8, 16, 16),
        shows=Window(0, 400),
    )
    whole, cleaned = (
        segment_volume(source, given, least_ml=least, threads=1).ids for least in (0.0, 0.1)
    )
    assert (whole != cleaned).any()
    assert not cleaned[1:4, 3:6, 1:4].any()


@pytest.mark.parametrize(
    ("make", "classes", "window", "message"),
    [
        pytest.param({"channels": 3}, 2, (8, 8, 8), "a volume is .1, 1, 8, 8, 8", id="colours"),
        pytest.param({"sides": (8, 8, 8)}, 2, (8, 8, 9), "correct `window`", id="another-window"),
        pytest.param({}, 3, (8, 8, 8), "`classes` names 3", id="classes"),
        pytest.param({"answers": 2}, 2, (8, 8, 8), r"answers \(1, 1024\)", id="flat"),
    ],
)
def test_network_that_does_not_fit_is_told(tmp_path, ball, make, classes, window, message):
    given = VolumeNetwork(
        file=network(tmp_path / "net.onnx", **make),
        classes=tuple(f"class {at}" for at in range(classes)),
        window=window,
    )
    with pytest.raises(ModelError, match=message):
        segment_volume(scan(tmp_path / "ct.nii.gz", ball), given, threads=1)


def test_wrong_use_is_told(tmp_path, ball):
    file = network(tmp_path / "net.onnx")
    with pytest.raises(UsageError, match="two names at least"):
        VolumeNetwork(file=file, classes=("one",), window=(8, 8, 8))
    given = VolumeNetwork(file=file, classes=("rest", "ball"), window=(8, 8, 8))
    with pytest.raises(UsageError, match="read from NIfTI"):
        segment_volume(tmp_path / "a.dcm", given)
    (tmp_path / "a.nii.gz").write_bytes(b"nothing")
    with pytest.raises(UnreadableError):
        segment_volume(tmp_path / "a.nii.gz", given, threads=1)
    found = segment_volume(scan(tmp_path / "ct.nii.gz", ball), given, threads=1)
    with pytest.raises(UsageError, match=r"name a \.nii\.gz file"):
        found.save(tmp_path / "labels.png")
    with pytest.raises(UsageError, match="overlap by 0 to less than 1"):
        VolumeWindows((8, 8, 8), 1.0)
