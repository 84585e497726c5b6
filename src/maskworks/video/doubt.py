"""Which frames a person should look at first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskworks.video.parts import FrameRow

UNSTEADY = 3.0
"""A frame is unsteady if its warp error is so many times the clip's median, and above `LEAST`."""

LEAST = 0.08
DOUBTED_BELOW = 0.75
"""Confidence below which a frame is doubtful."""


def doubt(row: FrameRow, usual: float) -> float:
    """Return how doubtful a frame is, >= 0; from 1 on it is to be looked at.

    Parameters
    ----------
    row : FrameRow
    usual : the clip's median warp error
    """
    if row.status == "no-subject":
        return 0.0
    unsure = 0.0 if row.confidence is None else (1 - row.confidence) / (1 - DOUBTED_BELOW)
    moved = row.warp_error or 0.0
    unsteady = moved / max(LEAST, UNSTEADY * usual)
    said = 1.0 if row.status == "review" else 0.0
    return max(unsure, unsteady, said)


def usual_error(rows: Sequence[FrameRow]) -> float:
    """Return the median warp error of frames, 0 without any."""
    known = [row.warp_error for row in rows if row.warp_error is not None]
    return float(np.median(known)) if known else 0.0


def worst(rows: Sequence[FrameRow], most: int = 12, *, apart: int = 5) -> list[FrameRow]:
    """Return the most doubtful frames, the worst first, none within `apart` of another."""
    usual = usual_error(rows)
    order = sorted(rows, key=lambda row: (-doubt(row, usual), row.frame))
    chosen: list[FrameRow] = []
    for row in order:
        if len(chosen) == most or doubt(row, usual) <= 0:
            break
        if all(abs(row.frame - other.frame) >= apart for other in chosen):
            chosen.append(row)
    return chosen


def doubtful(rows: Sequence[FrameRow]) -> list[FrameRow]:
    """Return the frames that are to be looked at, in order."""
    usual = usual_error(rows)
    return [row for row in rows if doubt(row, usual) >= 1]
