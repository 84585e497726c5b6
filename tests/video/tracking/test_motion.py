from __future__ import annotations

import numpy as np
import pytest

from maskworks.video.tracking import motion


def test_boxes_become_states_and_back():
    boxes = np.array([[1.0, 2, 5, 10], [0, 0, 3, 3]])
    assert motion.to_boxes(motion.to_state(boxes)) == pytest.approx(boxes)


def test_a_steady_motion_is_learnt_and_carried_on():
    boxes = np.array([[0.0, 0, 20, 40]])
    mean, spread = motion.start(boxes)
    for step in range(1, 30):
        mean, spread = motion.predict(mean, spread)
        mean, spread = motion.correct(mean, spread, boxes + [3 * step, 0, 3 * step, 0])
    ahead, _ = motion.predict(mean, spread, 5)
    assert mean[0, 4] == pytest.approx(3, abs=0.05)
    assert ahead[0, 0] == pytest.approx(10 + 3 * 34, abs=0.5)


def test_one_step_is_the_textbook_filter():
    """Against the scalar equations of Kalman's paper, for the x of one box."""
    mean, spread = motion.start(np.array([[0.0, 0, 10, 20]]))
    place, speed = (2 * 20 / 20) ** 2, (10 * 20 / 160) ** 2
    noise_place, noise_speed, seen = (20 / 20) ** 2, (20 / 160) ** 2, (20 / 20) ** 2
    predicted = place + speed + noise_place
    mean, spread = motion.predict(mean, spread)
    assert spread[0, 0, 0] == pytest.approx(predicted)
    assert spread[0, 4, 4] == pytest.approx(speed + noise_speed)
    mean, spread = motion.correct(mean, spread, np.array([[4.0, 0, 14, 20]]))
    gain = predicted / (predicted + seen)
    assert mean[0, 0] == pytest.approx(5 + gain * 4)
    assert spread[0, 0, 0] == pytest.approx(predicted - gain * gain * (predicted + seen))
