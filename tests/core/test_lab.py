from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

from maskworks.core.lab import to_lab, to_lab_bytes


def formula(colours):
    """CIE Lab in float64, without a table."""
    unit = colours / 255
    light = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    matrix = np.array(
        [
            [0.412453, 0.357580, 0.180423],
            [0.212671, 0.715160, 0.072169],
            [0.019334, 0.119193, 0.950227],
        ]
    )
    part = light @ (matrix / matrix.sum(axis=1, keepdims=True)).T
    x, y, z = np.moveaxis(np.where(part > 0.008856, np.cbrt(part), 7.787 * part + 16 / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


COLOURS = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)


@pytest.mark.parametrize("darker", [1, 16], ids=["any", "dark"])
def test_lab_is_that_of_the_formula(darker):
    colours = COLOURS // darker
    assert np.abs(to_lab(colours) - formula(colours)).max() < 0.25


def test_lab_in_bytes_is_that_of_opencv_but_for_rounding():
    theirs = cv2.cvtColor(COLOURS, cv2.COLOR_RGB2LAB).astype(int)
    apart = np.abs(to_lab_bytes(COLOURS) - theirs)
    assert apart.max() <= 2
    assert apart.mean() < 0.15


def test_lab_of_nothing_is_nothing():
    assert to_lab(np.empty((0, 3), np.uint8)).shape == (0, 3)


def test_the_way_of_a_plain_cut_out_does_without_the_tables_of_opencv():
    code = (
        "import cv2, numpy as np\n"
        "import maskworks as mw\n"
        "cv2.cvtColor = lambda pixels, how, old=cv2.cvtColor: (print(how), old(pixels, how))[1]\n"
        "rows, columns = np.indices((120, 160))\n"
        "disk = np.hypot(rows - 60, columns - 80) < 40\n"
        "mw.cutout(np.where(disk[..., None], np.uint8((200, 40, 40)), np.uint8(240)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    used = set(map(int, done.stdout.split()))
    assert not used & {cv2.COLOR_RGB2LAB, cv2.COLOR_BGR2LAB, cv2.COLOR_RGB2Luv}
