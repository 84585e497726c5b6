"""Where a training stands in its recipe: the stage, and the learning rate's factor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, Protocol, TypeVar


class _Stage(Protocol):
    @property
    def share(self) -> float: ...


S = TypeVar("S", bound=_Stage)


def stage_at(stages: Sequence[S], progress: float) -> S:
    """Return the stage in which `progress` in [0, 1] lies; each takes its `share` of the whole.

    Examples
    --------
    >>> from maskworks.train.mattes.recipe import Stage
    >>> small, large = (Stage(share=0.5, size=size, batch=1) for size in (64, 128))
    >>> [stage_at((small, large), at).size for at in (0.2, 0.5, 1.0)]
    [64, 128, 128]
    """
    end = 0.0
    for stage in stages:
        end += stage.share
        if progress < end:
            return stage
    return stages[-1]


def rate_at(
    progress: float,
    *,
    warm: float,
    schedule: Literal["poly", "cosine"] = "cosine",
    floor: float = 0.0,
) -> float:
    """Return the learning rate's factor: a warm-up, then poly (0.9) or a half cosine to `floor`.

    Parameters
    ----------
    progress : how much of the decay is done; clipped to [0, 1]
    warm : how much of the warm-up is done, above 0; clipped at 1
    floor : the factor at the end

    Examples
    --------
    >>> rate_at(0.0, warm=0.5), rate_at(0.5, warm=1.0), rate_at(1.0, warm=1.0, floor=0.02)
    (0.5, 0.5, 0.02)
    """
    done = min(1.0, max(0.0, progress))
    left = (1 - done) ** 0.9 if schedule == "poly" else 0.5 * (1 + math.cos(math.pi * done))
    return float(min(1.0, warm) * (floor + (1 - floor) * left))
