"""The network of live pictures: what it was, it leans on; what was wrong, it lets go of."""

from __future__ import annotations

import numpy as np
import pytest

from maskworks.apps.demo.photos import samples
from maskworks.core.reading import read_picture
from maskworks.core.values import Image
from maskworks.models.families.resampling import shrink
from maskworks.video.live.seeing import MODEL, LiveEye, live_model

SIZE = (192, 192)


@pytest.fixture(scope="module")
def model():
    return live_model(MODEL, 192, threads=1)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    (found,) = [one for one in samples() if one.name == "astronaut.png"]
    return shrink(read_picture(found.content).image.pixels, *SIZE)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Return the IoU of two mattes at .5."""
    return float(((one > 0.5) & (other > 0.5)).sum() / ((one > 0.5) | (other > 0.5)).sum())


def test_the_matte_before_takes_flicker_out(model, photo):
    """Of a still picture under the noise of a dim room."""
    rng = np.random.default_rng(5)
    frames = [
        np.clip(photo + rng.normal(0, 25, photo.shape), 0, 255).astype(np.uint8) for _ in range(8)
    ]
    alone = [model.predict(Image(frame)).matte.alpha for frame in frames]
    leaning = [alone[0]]
    for frame in frames[1:]:
        leaning.append(model.predict(Image(frame), before=leaning[-1]).matte.alpha)
    assert np.abs(np.diff(leaning, axis=0)).mean() < 0.95 * np.abs(np.diff(alone, axis=0)).mean()


@pytest.mark.parametrize("wrong", ["inverted", "everything", "elsewhere"])
def test_a_wrong_matte_is_let_go_of_within_a_few_frames(model, photo, wrong):
    alone = model.predict(Image(photo)).matte.alpha
    before = {
        "inverted": 1 - alone,
        "everything": np.ones_like(alone),
        "elsewhere": np.roll(alone, 64, axis=1),
    }[wrong]
    for _ in range(6):
        before = model.predict(Image(photo), before=before).matte.alpha
    assert overlap(before, alone) > 0.9


def test_live_mattes_follow_a_cut_to_another_picture(model, photo):
    other = np.ascontiguousarray(photo[:, ::-1])
    eye = LiveEye(model, 25)
    for _ in range(3):
        eye.see(photo)
    after = eye.see(other).alpha
    assert overlap(after, model.predict(Image(other)).matte.alpha) > 0.9
