"""Score predicted mattes against the truth, a picture at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from maskworks.core.errors import ImageError, MaskworksError
from maskworks.core.reading import Limits
from maskworks.core.values import Mask, Matte
from maskworks.evaluate.measures import MEASURES, THOUSAND, USUAL_NAMES, Measure
from maskworks.evaluate.outcome import RESIZE_RULE, WORKERS, empty_notes, versions
from maskworks.evaluate.pairing import Pair
from maskworks.evaluate.reading import LIMITS, read_matte, read_trimap
from maskworks.quality import (
    boundary_f_score,
    boundary_iou,
    connectivity_error,
    gradient_error,
    iou,
    mean_squared_error,
    sum_absolute_difference,
)


@dataclass(frozen=True, kw_only=True)
class Score:
    """What one picture reached; the measures are those of `MEASURES`, with their units.

    `pixels` counts those of the region of SAD, MSE, gradient and connectivity; of an `empty_truth`
    no pixel is inside.
    """

    name: str
    height: int
    width: int
    pixels: int
    empty_truth: bool = False
    sad: float
    mse: float
    gradient: float
    connectivity: float
    iou: float
    boundary_iou: float
    boundary_f: float


@dataclass(frozen=True)
class Failure:
    """A picture that could not be scored; `code` is that of the error."""

    name: str
    code: str
    message: str


@dataclass(frozen=True)
class Report:
    """All there is to say of a run: the folders, the rows in order of their names.

    `missing` names the pictures whose missing prediction was counted as empty; `binary` says
    whether files were read as masks, see `read_matte`.
    """

    truth: Path
    predictions: Path
    trimaps: Path | None
    scores: tuple[Score, ...]
    failures: tuple[Failure, ...] = ()
    missing: tuple[str, ...] = ()
    binary: bool | None = None

    def means(self) -> dict[str, float] | None:
        """Return the mean of each measure over the scored pictures, None if there is none."""
        if not self.scores:
            return None
        names = [measure.name for measure in MEASURES]
        return {n: float(np.mean([getattr(row, n) for row in self.scores])) for n in names}

    def notes(self) -> list[str]:
        """Return what may mislead whoever reads the means alone."""
        return empty_notes([row.empty_truth for row in self.scores])

    def record(self) -> dict[str, object]:
        """Return what the JSON file holds: rows, means, definitions and versions."""
        means = self.means() or {}
        return {
            "task": "mattes",
            **{key: means.get(name) for key, name in USUAL_NAMES.items()},
            "truth": str(self.truth),
            "predictions": str(self.predictions),
            "trimaps": None if self.trimaps is None else str(self.trimaps),
            "region": "whole" if self.trimaps is None else "unknown",
            "ignore_label": None,
            "binary": self.binary,
            "resize_rule": RESIZE_RULE,
            "scored": len(self.scores),
            "failed": len(self.failures),
            "missing": list(self.missing),
            "notes": self.notes(),
            "means": self.means(),
            "pictures": [asdict(row) for row in self.scores],
            "failures": [asdict(row) for row in self.failures],
            "measures": {
                m.name: _definition(m, limited=self.trimaps is not None) for m in MEASURES
            },
            "versions": versions(),
        }


def score_pair(pair: Pair, limits: Limits = LIMITS, *, binary: bool | None = None) -> Score:
    """Read one pair and measure it.

    Parameters
    ----------
    pair : Pair
        Without a trimap every pixel counts in every measure; without a prediction alpha is 0.
    binary : bool, optional
        As `read_matte`.

    Raises
    ------
    ImageError
        If a file cannot be read, holds no matte, has another size than the truth, or the
        trimap has no unknown pixel.
    """
    truth = read_matte(pair.truth, limits, binary=binary)
    if pair.prediction is None:
        predicted = Matte(np.zeros(truth.size, np.float32))
    else:
        predicted = read_matte(pair.prediction, limits, binary=binary)
        _same_size("prediction", pair.prediction, predicted.size, truth.size)
    where = None
    if pair.trimap is not None:
        trimap = read_trimap(pair.trimap, limits)
        _same_size("trimap", pair.trimap, trimap.size, truth.size)
        where = Mask(trimap.unknown)
    return _score(pair.name, predicted, truth, where)


def score_pairs(
    pairs: Sequence[Pair],
    limits: Limits = LIMITS,
    *,
    binary: bool | None = None,
    workers: int = WORKERS,
    stop: threading.Event | None = None,
) -> Iterator[Score | Failure]:
    """Yield the row of each pair, in order; one that fails does not stop the others.

    Parameters
    ----------
    pairs : taken in order
    binary : bool, optional
        As `read_matte`.
    workers : int, >= 1
        Pictures in hand at once; memory follows this and not the number of pairs.
    stop : Event, optional
        Once set, pictures in hand are finished and no other is begun.
    """
    ended = stop or threading.Event()

    def work(pair: Pair) -> Score | Failure | None:
        if ended.is_set():
            return None
        try:
            return score_pair(pair, limits, binary=binary)
        except MaskworksError as error:
            return Failure(pair.name, error.code, str(error))
        except Exception as error:  # noqa: BLE001 - one bad picture never stops the rest
            name = type(error).__name__
            return Failure(pair.name, "internal", f"{pair.name}: unexpected {name} ({error})")

    with ThreadPoolExecutor(max_workers=workers) as pool:
        try:
            yield from (row for row in pool.map(work, pairs) if row is not None)
        finally:
            pool.shutdown(cancel_futures=True)


def _score(name: str, predicted: Matte, truth: Matte, where: Mask | None) -> Score:
    height, width = truth.size
    ours, theirs = predicted.threshold(), truth.threshold()
    return Score(
        name=name,
        height=height,
        width=width,
        pixels=height * width if where is None else int(np.count_nonzero(where.inside)),
        sad=sum_absolute_difference(predicted, truth, where=where) / THOUSAND,
        mse=mean_squared_error(predicted, truth, where=where),
        gradient=gradient_error(predicted, truth, where=where) / THOUSAND,
        connectivity=connectivity_error(predicted, truth, where=where) / THOUSAND,
        iou=iou(ours, theirs),
        boundary_iou=boundary_iou(ours, theirs),
        boundary_f=boundary_f_score(ours, theirs),
        empty_truth=not theirs.inside.any(),
    )


def _same_size(kind: str, path: Path, found: tuple[int, int], needed: tuple[int, int]) -> None:
    if found != needed:
        raise ImageError(
            f"{path}: the {kind} is {found[1]}x{found[0]} (width x height), the truth "
            f"{needed[1]}x{needed[0]}; write it at the size of the truth"
        )


def _definition(measure: Measure, *, limited: bool) -> dict[str, object]:
    """Return what a measure is; `limited` if there are trimaps."""
    return {
        "unit": measure.unit,
        "better": measure.better,
        "region": measure.region if limited else "whole",
        "definition": measure.definition,
        "source": measure.source,
    }
