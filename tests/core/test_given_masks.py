"""Every function that asks for a mask takes the same forms of one, and gives the same answer."""

from __future__ import annotations

import numpy as np
import pytest

import maskworks as mw

INSIDE = np.zeros((40, 40), bool)
INSIDE[10:30, 10:30] = True
FORMS = {
    "bool": INSIDE,
    "0-1": INSIDE.astype(np.uint8),
    "0-255": INSIDE.astype(np.uint8) * 255,
    "int64-0-255": INSIDE.astype(np.int64) * 255,
    "uint16-0-65535": INSIDE.astype(np.uint16) * 65535,
    "float": INSIDE.astype(np.float64),
    "float32": INSIDE.astype(np.float32),
    "float-0-255": INSIDE.astype(np.float32) * 255,
    "one-channel": INSIDE[..., np.newaxis],
    "channel-first": INSIDE[np.newaxis].astype(np.float32),
}
PHOTO = np.full((40, 40, 3), 90, np.uint8)


@pytest.fixture(params=FORMS)
def form(request):
    return FORMS[request.param]


def test_refine_mask_takes_every_form(form):
    fine = mw.refine_mask(PHOTO, form)
    assert fine.status == "ok"
    assert fine.matte.alpha[20, 20] > 0.9
    assert fine.matte.alpha[2, 2] < 0.1


def test_encode_mask_takes_every_form(form):
    assert mw.encode_mask(form).area == 400


def test_mask_and_matte_are_made_of_every_form(form):
    assert np.array_equal(mw.Mask.of(form).inside, INSIDE)
    assert np.array_equal(mw.Matte.of(form).alpha, INSIDE.astype(np.float32))


def test_trimap_is_made_of_every_form(form):
    levels = mw.make_trimap(form, mw.Image(PHOTO)).levels
    assert (levels[20, 20], levels[2, 2]) == (255, 0)


@pytest.mark.parametrize("measure", ["evaluate_masks", "evaluate_mattes"])
def test_measures_take_every_form(form, measure):
    report = getattr(mw, measure)([INSIDE], [form]).record()
    assert (report["MAE"] if measure == "evaluate_masks" else report["SAD"]) == 0


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        pytest.param(np.array([[0, 1, 2]]), "as ids of classes do; write `ids == 2`", id="ids"),
        pytest.param(np.array([[-3.0, 4.0]]), r"got float64 in \[-3, 4\]", id="logits"),
        pytest.param(np.array([[0.0, 1.5]]), r"got float64 in \[0, 1.5\]", id="above-1"),
        pytest.param(np.array([[np.nan, 1.0]]), "nan", id="nan"),
        pytest.param(np.zeros((4, 4, 3), np.uint8), r"got uint8 \(4, 4, 3\)", id="colours"),
        pytest.param([[1], [1, 0]], "rows of unequal length", id="ragged"),
        pytest.param("mask.png", "got str", id="text"),
    ],
)
def test_what_is_no_mask_is_refused_by_what_it_is(mask, message):
    with pytest.raises(mw.ImageError, match=message):
        mw.encode_mask(mask)
