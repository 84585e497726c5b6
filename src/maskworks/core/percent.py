"""A share, as people read it."""

from __future__ import annotations


def percent(share: float) -> str:
    """Return a share in [0, 1] in whole percent; what is not nothing never shows as 0 %.

    Examples
    --------
    >>> percent(0.693), percent(0.001), percent(0.999), percent(1)
    ('69 %', '<1 %', '>99 %', '100 %')
    """
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return f"{share * 100:.0f} %"
