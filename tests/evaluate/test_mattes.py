from __future__ import annotations

import json
import threading
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import maskworks.evaluate
from maskworks.core.errors import ImageError
from maskworks.core.reading import Limits
from maskworks.core.values import Mask, Matte
from maskworks.evaluate.mattes import Failure, Report, Score, score_pair, score_pairs
from maskworks.evaluate.measures import MEASURES
from maskworks.evaluate.pairing import Pair
from maskworks.quality import (
    boundary_f_score,
    boundary_iou,
    connectivity_error,
    gradient_error,
    iou,
    mean_squared_error,
    sum_absolute_difference,
)


def disc(size=(40, 50), radius=12.0, shift=0.0):
    rows, columns = np.mgrid[: size[0], : size[1]]
    away = np.hypot(rows - size[0] / 2, columns - size[1] / 2 - shift)
    return np.round(np.clip((radius - away) / 4 + 0.5, 0, 1) * 255).astype(np.uint8)


@pytest.fixture
def make_pair(tmp_path):
    """Write a pair; any of the three may be an array or bytes."""

    def write(kind, name, content):
        path = tmp_path / kind / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            Image.fromarray(content).save(path)
        return path

    def make(name, truth, prediction, trimap=None):
        return Pair(
            name,
            write("truth", name, truth),
            write("predictions", name, prediction),
            None if trimap is None else write("trimaps", name, trimap),
        )

    return make


def band(levels):
    return np.where((levels > 0) & (levels < 255), 128, levels).astype(np.uint8)


@pytest.mark.parametrize("limited", [True, False], ids=["trimap", "whole"])
def test_a_score_is_what_the_measures_say(make_pair, limited):
    truth, prediction = disc(), disc(shift=3)
    row = score_pair(make_pair("a", truth, prediction, band(truth) if limited else None))
    ours, theirs = (Matte(p.astype(np.float32) / np.float32(255)) for p in (prediction, truth))
    where = Mask(band(truth) == 128) if limited else None
    assert row == Score(
        name="a",
        height=40,
        width=50,
        pixels=int((band(truth) == 128).sum()) if limited else 2000,
        sad=sum_absolute_difference(ours, theirs, where=where) / 1000,
        mse=mean_squared_error(ours, theirs, where=where),
        gradient=gradient_error(ours, theirs, where=where) / 1000,
        connectivity=connectivity_error(ours, theirs, where=where) / 1000,
        iou=iou(ours.threshold(), theirs.threshold()),
        boundary_iou=boundary_iou(ours.threshold(), theirs.threshold()),
        boundary_f=boundary_f_score(ours.threshold(), theirs.threshold()),
    )


def test_a_perfect_prediction_has_no_error(make_pair):
    row = score_pair(make_pair("a", disc(), disc(), band(disc())))
    assert (row.sad, row.mse, row.gradient, row.connectivity) == (0, 0, 0, 0)
    assert (row.iou, row.boundary_iou, row.boundary_f) == (1, 1, 1)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        pytest.param(
            (disc(), disc((20, 30))),
            r"predictions.*the prediction is 30x20 \(width x height\), the truth 50x40",
            id="prediction-size",
        ),
        pytest.param(
            (disc(), disc(), band(disc((20, 30)))), "trimaps.*the trimap is 30x20", id="trimap-size"
        ),
        pytest.param(
            (disc(), disc(), (disc() > 127).astype(np.uint8) * 255), "no unknown", id="no-unknown"
        ),
        pytest.param((disc(), b""), "predictions.*the file is empty", id="empty-file"),
        pytest.param((b"Dear Sir", disc()), "truth.*is not a picture", id="no-picture"),
    ],
)
def test_a_pair_that_cannot_be_compared_is_refused(make_pair, contents, message):
    with pytest.raises(ImageError, match=message):
        score_pair(make_pair("a", *contents))


@pytest.mark.parametrize("workers", [1, 3])
def test_one_bad_picture_does_not_stop_the_others(make_pair, workers):
    pairs = [make_pair(f"{at:02}", disc(), disc(shift=at)) for at in range(8)]
    pairs[3] = make_pair("03", disc(), b"cut off")
    rows = list(score_pairs(pairs, workers=workers))
    assert [row.name for row in rows] == [pair.name for pair in pairs]
    assert isinstance(rows[3], Failure)
    assert rows[3].code == "unreadable"
    assert rows[:3] + rows[4:] == [score_pair(pair) for pair in pairs[:3] + pairs[4:]]


def test_limits_reach_every_picture(make_pair):
    (row,) = score_pairs([make_pair("a", disc(), disc())], Limits(max_pixels=1999))
    assert isinstance(row, Failure)
    assert row.code == "too-large"


def test_a_stopped_run_begins_no_other_picture(make_pair):
    pairs = [make_pair(str(at), disc(), disc()) for at in range(6)]
    stop = threading.Event()
    rows = score_pairs(pairs, workers=1, stop=stop)
    next(rows)
    stop.set()
    assert len(list(rows)) < 5


def test_means_weigh_pictures_alike_and_the_record_says_what_they_are(make_pair):
    rows = tuple(
        score_pairs([make_pair("a", disc(), disc()), make_pair("b", disc(), disc(shift=4))])
    )
    report = Report(
        Path("t"), Path("p"), None, rows, (Failure("c", "unreadable", "c: is not a picture"),)
    )
    means = report.means()
    assert means["sad"] == pytest.approx((rows[0].sad + rows[1].sad) / 2)
    record = json.loads(json.dumps(report.record()))
    assert record["means"] == means
    assert (record["scored"], record["failed"], record["trimaps"]) == (2, 1, None)
    assert [row["name"] for row in record["pictures"]] == ["a", "b"]
    assert record["failures"][0]["message"] == "c: is not a picture"
    assert record["measures"]["sad"]["unit"] == "thousand pixels of full coverage"
    assert {each["region"] for each in record["measures"].values()} == {"whole"}
    assert set(record["versions"]) == {"maskworks", "numpy", "scipy", "opencv", "pillow"}


def test_the_record_of_a_run_with_trimaps_says_which_measures_they_limit():
    record = Report(Path("t"), Path("p"), Path("m"), ()).record()
    assert record["means"] is None
    limited = {name for name, each in record["measures"].items() if each["region"] == "unknown"}
    assert limited == {"sad", "mse", "gradient", "connectivity"}


def test_every_measure_is_a_field_of_a_score():
    names = [field.name for field in fields(Score)]
    assert names[-len(MEASURES) :] == [measure.name for measure in MEASURES]


@pytest.mark.parametrize("name", maskworks.evaluate.__all__)
def test_public_names_exist(name):
    assert getattr(maskworks.evaluate, name) is not None
