"""HOTA, CLEAR MOT and identity measures of tracks against the truth.

Luiten et al., HOTA, IJCV 2021; Bernardin and Stiefelhagen, CLEAR MOT, 2008; Ristani et al.,
Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking, 2016. Each is
computed as TrackEval computes it, ties included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]

ALPHAS: Float = np.arange(0.05, 0.99, 0.05)
"""The 19 thresholds of HOTA."""

_EPS = float(np.finfo("float").eps)
_TINY = 1e-10
_NEVER = 1e10


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """One frame: the ids that are there, those that were found, and how alike each pair is.

    `true` int64 (G,), `found` int64 (P,), `alike` float64 (G, P) in [0, 1], such as the IoU. An
    id occurs once in a frame.
    """

    true: Int
    found: Int
    alike: Float


@dataclass(frozen=True, kw_only=True, eq=False)
class HotaScore:
    """HOTA and its parts at each of `ALPHAS`; float64 (19,).

    `tp`, `fn` and `fp` are counts of detections; `assa`, `assre`, `asspr` the association's
    accuracy, recall and precision; `loca` the mean likeness of what matched.
    """

    tp: Float
    fn: Float
    fp: Float
    assa: Float
    assre: Float
    asspr: Float
    loca: Float

    @property
    def deta(self) -> Float:
        """The accuracy of detection."""
        found: Float = self.tp / np.maximum(1.0, self.tp + self.fn + self.fp)
        return found

    @property
    def hota(self) -> Float:
        """The geometric mean of detection's and association's accuracy."""
        found: Float = np.sqrt(self.deta * self.assa)
        return found


@dataclass(frozen=True, kw_only=True)
class ClearScore:
    """CLEAR MOT at one threshold.

    `tp`, `fn`, `fp` are detections; `switches` how often a true object's id changed,
    `fragments` how often its track was taken up again; `mostly_tracked` and `mostly_lost` true
    objects found in more than 80 %, in less than 20 % of their frames; `likeness` the sum over
    the matches.
    """

    tp: int
    fn: int
    fp: int
    switches: int
    fragments: int
    mostly_tracked: int
    mostly_lost: int
    objects: int
    likeness: float

    @property
    def mota(self) -> float:
        """1 less misses, false alarms and switches by the number of true detections."""
        return (self.tp - self.fp - self.switches) / max(1.0, self.tp + self.fn)

    @property
    def motp(self) -> float:
        """The mean likeness of what matched."""
        return self.likeness / max(1.0, self.tp)


@dataclass(frozen=True, kw_only=True)
class IdentityScore:
    """Detections that bear the right id under the best assignment of ids, at one threshold."""

    tp: int
    fn: int
    fp: int

    @property
    def f1(self) -> float:
        """IDF1."""
        return self.tp / max(1.0, self.tp + 0.5 * self.fp + 0.5 * self.fn)

    @property
    def recall(self) -> float:
        """IDR."""
        return self.tp / max(1.0, self.tp + self.fn)

    @property
    def precision(self) -> float:
        """IDP."""
        return self.tp / max(1.0, self.tp + self.fp)


def hota(frames: Sequence[TrackedFrame]) -> HotaScore:
    """Measure a sequence by HOTA.

    A sequence with nothing true or nothing found scores 0; with neither the counts are 0 and
    the likeness is 1.
    """
    from scipy.optimize import linear_sum_assignment

    numbered, true_count, found_count = _numbered(frames)
    trues, founds = np.zeros(true_count), np.zeros(found_count)
    shared = np.zeros((true_count, found_count))
    for frame in numbered:
        sums = frame.alike.sum(0)[np.newaxis] + frame.alike.sum(1)[:, np.newaxis] - frame.alike
        ratio = np.divide(frame.alike, sums, out=np.zeros_like(sums), where=sums > _EPS)
        shared[np.ix_(frame.true, frame.found)] += ratio
        trues[frame.true] += 1
        founds[frame.found] += 1
    together = shared / np.maximum(trues[:, np.newaxis] + founds[np.newaxis] - shared, _EPS)
    count = len(ALPHAS)
    tp, fn, fp, near = (np.zeros(count) for _ in range(4))
    matches = np.zeros((count, true_count, found_count))
    for frame in numbered:
        rows, columns = linear_sum_assignment(
            -together[np.ix_(frame.true, frame.found)] * frame.alike
        )
        alike = frame.alike[rows, columns]
        for at, alpha in enumerate(ALPHAS):
            good = alike >= alpha - _EPS
            hits = int(good.sum())
            tp[at] += hits
            fn[at] += len(frame.true) - hits
            fp[at] += len(frame.found) - hits
            near[at] += alike[good].sum()
            matches[at, frame.true[rows[good]], frame.found[columns[good]]] += 1
    union = np.maximum(1, trues[:, np.newaxis] + founds[np.newaxis] - matches)
    least = np.maximum(1, tp)
    return HotaScore(
        tp=tp,
        fn=fn,
        fp=fp,
        assa=(matches * matches / union).sum((1, 2)) / least,
        assre=(matches * matches / np.maximum(1, trues)[:, np.newaxis]).sum((1, 2)) / least,
        asspr=(matches * matches / np.maximum(1, founds)[np.newaxis]).sum((1, 2)) / least,
        loca=np.maximum(_TINY, near) / np.maximum(_TINY, tp),
    )


def clear_mot(frames: Sequence[TrackedFrame], *, threshold: float = 0.5) -> ClearScore:
    """Measure a sequence by CLEAR MOT; a match of the frame before is kept where it can be."""
    from scipy.optimize import linear_sum_assignment

    numbered, true_count, _ = _numbered(frames)
    tp = fn = fp = switches = 0
    likeness = 0.0
    seen, matched = np.zeros(true_count), np.zeros(true_count)
    taken_up = np.zeros(true_count)
    last = np.full(true_count, -1)  # the id that an object had when it was last matched
    before = np.full(true_count, -1)  # the id that it had in the frame before
    for frame in numbered:
        if not len(frame.true):
            fp += len(frame.found)
            continue  # as TrackEval: the frame before stays the one before
        seen[frame.true] += 1
        if not len(frame.found):
            fn += len(frame.true)
            continue
        kept = frame.found[np.newaxis] == before[frame.true][:, np.newaxis]
        score = 1000 * kept + frame.alike
        score[frame.alike < threshold - _EPS] = 0
        rows, columns = linear_sum_assignment(-score)
        good = score[rows, columns] > _EPS
        rows, columns = rows[good], columns[good]
        objects, ids = frame.true[rows], frame.found[columns]
        known = last[objects]
        switches += int(((known >= 0) & (known != ids)).sum())
        matched[objects] += 1
        fresh = before[objects] < 0
        taken_up[objects[fresh]] += 1
        last[objects] = ids
        before[:] = -1
        before[objects] = ids
        tp += len(rows)
        fn += len(frame.true) - len(rows)
        fp += len(frame.found) - len(rows)
        likeness += float(frame.alike[rows, columns].sum())
    share = matched[seen > 0] / seen[seen > 0]
    return ClearScore(
        tp=tp,
        fn=fn,
        fp=fp,
        switches=switches,
        fragments=int(np.maximum(taken_up - 1, 0)[taken_up > 0].sum()),
        mostly_tracked=int((share > 0.8).sum()),
        mostly_lost=int((share < 0.2).sum()),
        objects=true_count,
        likeness=likeness,
    )


def identity(frames: Sequence[TrackedFrame], *, threshold: float = 0.5) -> IdentityScore:
    """Measure a sequence by the identities of the best assignment of found ids to true ones."""
    from scipy.optimize import linear_sum_assignment

    numbered, true_count, found_count = _numbered(frames)
    trues, founds = np.zeros(true_count), np.zeros(found_count)
    may = np.zeros((true_count, found_count))
    for frame in numbered:
        rows, columns = np.nonzero(frame.alike >= threshold)
        may[frame.true[rows], frame.found[columns]] += 1
        trues[frame.true] += 1
        founds[frame.found] += 1
    if not true_count or not found_count:
        return IdentityScore(tp=0, fn=int(trues.sum()), fp=int(founds.sum()))
    size = true_count + found_count
    misses, alarms = np.zeros((size, size)), np.zeros((size, size))
    alarms[true_count:, :found_count] = _NEVER
    misses[:true_count, found_count:] = _NEVER
    for at in range(true_count):
        misses[at, :found_count] = trues[at]
        misses[at, found_count + at] = trues[at]
    for at in range(found_count):
        alarms[:true_count, at] = founds[at]
        alarms[true_count + at, at] = founds[at]
    misses[:true_count, :found_count] -= may
    alarms[:true_count, :found_count] -= may
    rows, columns = linear_sum_assignment(misses + alarms)
    fn, fp = int(misses[rows, columns].sum()), int(alarms[rows, columns].sum())
    return IdentityScore(tp=int(trues.sum()) - fn, fn=fn, fp=fp)


def _numbered(frames: Sequence[TrackedFrame]) -> tuple[list[TrackedFrame], int, int]:
    """Return the frames with their ids numbered from 0, and how many of each there are."""
    true = np.unique(np.concatenate([np.zeros(0, np.int64), *(each.true for each in frames)]))
    found = np.unique(np.concatenate([np.zeros(0, np.int64), *(each.found for each in frames)]))
    numbered = [
        TrackedFrame(
            np.searchsorted(true, each.true), np.searchsorted(found, each.found), each.alike
        )
        for each in frames
    ]
    return numbered, len(true), len(found)
