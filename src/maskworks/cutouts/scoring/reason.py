"""One thing that speaks against a picture, measured and in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One thing that speaks against delivering a picture unseen.

    Parameters
    ----------
    name : str
        ``soft-edge``, ``transparent``, ``low-contrast``, ``touches-border``,
        ``several-subjects``, ``no-subject``, ``torn``, ``colours-unsure``, ``small-subject``,
        ``blurred``, ``fill-out-of-range``, ``low-score``, ``spot-check``, ``gate:RULE`` or
        ``exception:RULE``.
    value : float
        What was measured.
    limit : float or None
        What it was compared with, None where there is no single number.
    text : str
        The same in a sentence, for people.
    """

    name: str
    value: float
    limit: float | None
    text: str
