"""What every evaluation says besides its figures: counts, rules, versions; and its problems."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from maskworks.core.errors import EvaluationError, MaskworksError
from maskworks.evaluate.pairing import MissingError, Pairing

WORKERS = 2
"""Pictures in hand at once."""

RESIZE_RULE = "none: a prediction of another size than its truth is an error"

ALLOW_MISSING = (
    "correct these, or count missing predictions as empty with --allow-missing where that is what "
    "they are"
)

Item = TypeVar("Item")
Row = TypeVar("Row")


def measured(
    work: Callable[[Item], Row], items: Sequence[Item], *, remedy: str = ALLOW_MISSING
) -> Iterator[Row]:
    """Yield what `work` makes of each item, in order; raise once all were tried if any failed.

    Parameters
    ----------
    work : function
        Raises `MaskworksError` for an item that cannot be measured.
    items : taken in order, a few at once
    remedy : str
        What the error says to do.

    Raises
    ------
    EvaluationError
        With the message of every item that failed. What was yielded before is of no use then.
    """

    def attempt(item: Item) -> Row | str:
        try:
            return work(item)
        except MaskworksError as error:
            return str(error)

    problems: list[str] = []
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        try:
            for row in pool.map(attempt, items):
                if isinstance(row, str):
                    problems.append(row)
                elif not problems:
                    yield row
        finally:
            pool.shutdown(cancel_futures=True)
    if problems:
        raise EvaluationError(problems, remedy)


def refuse_problems(pairing: Pairing) -> tuple[str, ...]:
    """Raise if a truth has no prediction; return the names of predictions without a truth.

    Raises
    ------
    EvaluationError
        With every reason but those of predictions that nobody asked for.
    """
    spare = tuple(name for name, error in pairing.problems if _is_spare(error))
    problems = [str(error) for _, error in pairing.problems if not _is_spare(error)]
    if problems:
        raise EvaluationError(problems, ALLOW_MISSING)
    return spare


def _is_spare(error: Exception) -> bool:
    return isinstance(error, MissingError) and error.kind == "truth"


def empty_notes(empty: Sequence[bool]) -> list[str]:
    """Return what to mind if truths hold no subject: an empty answer is perfect there.

    Examples
    --------
    >>> empty_notes([False, True, False]), empty_notes([False])
    (['1 of 3 truths hold no subject; an empty answer counts as perfect there'], [])
    """
    if not any(empty):
        return []
    share = f"{sum(empty)} of {len(empty)} truths hold no subject"
    return [f"{share}; an empty answer counts as perfect there"]


def finite(value: float) -> float | None:
    """Return a number as JSON can hold it: None if it is not one.

    Examples
    --------
    >>> finite(0.5), finite(float("nan"))
    (0.5, None)
    """
    return float(value) if math.isfinite(value) else None


def finite_record(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return numbers by name as JSON can hold them."""
    return {name: finite(value) for name, value in values.items()}


def versions() -> dict[str, str]:
    """Return the versions of what makes the figures."""
    from importlib.metadata import version

    import cv2
    import PIL
    import scipy

    modules = {"numpy": np, "scipy": scipy, "opencv": cv2, "pillow": PIL}
    others = {name: str(module.__version__) for name, module in modules.items()}
    return {"maskworks": version("maskworks")} | others
