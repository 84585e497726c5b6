"""A window of a given aspect that follows the subject smoothly."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from maskworks.core.errors import UsageError
from maskworks.core.values import Box, Float2D

SETTLING_S = 0.5
"""How long the window takes for two thirds of its way to the subject, seconds."""

STILL = 0.03
"""How far the subject may be from the middle before the window moves, a share of its side."""


def parse_aspect(text: str) -> Fraction:
    """Return width by height of "9:16".

    Raises
    ------
    UsageError
        If it is no aspect, or narrower than 1:10 or wider than 10:1.

    Examples
    --------
    >>> parse_aspect("9:16")
    Fraction(9, 16)
    """
    width, _, height = text.partition(":")
    try:
        found = Fraction(int(width), int(height))
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"--crop {text}: give width by height, such as 9:16 or 1:1") from error
    if not Fraction(1, 10) <= found <= 10:
        raise UsageError(f"--crop {text}: is thinner than 1:10; give a wider window")
    return found


class Follower:
    """Where the window lies in each frame; it jumps only where a shot begins.

    Parameters
    ----------
    aspect : width by height
    rate : frames a second
    carry : what an earlier run left
    """

    def __init__(self, aspect: Fraction, rate: float, carry: dict[str, Any] | None = None) -> None:
        self._aspect = aspect
        self._share = 1 - math.exp(-1 / (SETTLING_S * max(rate, 1.0)))
        centre = (carry or {}).get("centre")
        self._centre: tuple[float, float] | None = None
        if centre is not None:
            self._centre = centre[0], centre[1]

    @property
    def carry(self) -> dict[str, Any]:
        """Where it is, as plain values."""
        return {"centre": None if self._centre is None else list(self._centre)}

    def window(self, alpha: Float2D, *, begins: bool) -> Box:
        """Return the window in the next frame.

        Parameters
        ----------
        alpha : float32 (H, W) in [0, 1]
        begins : whether a shot begins with it
        """
        size = window_size(alpha.shape, self._aspect)
        wanted = _middle(alpha)
        if begins or self._centre is None:
            middle = alpha.shape[0] / 2, alpha.shape[1] / 2
            self._centre = wanted or self._centre or middle
        elif wanted is not None:
            y, x = (
                here + self._share * _beyond(there - here, STILL * side)
                for here, there, side in zip(self._centre, wanted, size, strict=True)
            )
            self._centre = y, x
        top, left = (
            round(min(max(0.0, middle - side / 2), whole - side))
            for middle, side, whole in zip(self._centre, size, alpha.shape, strict=True)
        )
        return Box(top, left, top + size[0], left + size[1])


def window_size(size: tuple[int, int], aspect: Fraction) -> tuple[int, int]:
    """Return (height, width) of the largest window with an aspect, both even where there is room.

    Examples
    --------
    >>> window_size((720, 1280), Fraction(9, 16)), window_size((100, 40), Fraction(1))
    ((720, 404), (40, 40))
    """
    height, width = size
    wide = min(width, round(height * aspect))
    high = min(height, round(width / aspect))
    return max(1, high - high % 2), max(1, wide - wide % 2)


def _middle(alpha: Float2D) -> tuple[float, float] | None:
    rows, columns = alpha.sum(axis=1, dtype=np.float64), alpha.sum(axis=0, dtype=np.float64)
    total = float(rows.sum())
    if total < 1:
        return None
    return (
        float(rows @ np.arange(rows.size)) / total + 0.5,
        float(columns @ np.arange(columns.size)) / total + 0.5,
    )


def _beyond(way: float, still: float) -> float:
    return math.copysign(max(0.0, abs(way) - still), way)
