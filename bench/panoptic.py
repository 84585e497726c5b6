"""Panoptic quality against two plain ways to compute it: `python bench/panoptic.py`.

One way goes segment by segment, a mask each, as the definition reads. The other is that of the
COCO panoptic API: the pairs of ids that occur, by a sort of all pixels. Pictures are drawn:
regions of nearest points with ragged borders, a prediction that is a little off, void and crowds.
All three must give the same counts.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from maskworks.core.panoptic import Segment
from maskworks.quality.panoptic_quality import MATCH, PanopticCounts, SegmentMap, panoptic_counts

CATEGORIES = tuple(range(1, 21))
SIZES = {"COCO, 640 x 480": (480, 640), "Cityscapes, 2048 x 1024": (1024, 2048)}
SEGMENTS = 40
TARGET = 5.0
WIDE = 1 << 24


class Speed(NamedTuple):
    """Seconds a picture, median over the pictures."""

    ours: float
    by_segment: float
    by_pairs: float


def draw(size: tuple[int, int], seed: int) -> tuple[SegmentMap, SegmentMap]:
    """Return a prediction and a truth of about `SEGMENTS` segments each."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1, (SEGMENTS, 2)) * size
    kinds = rng.integers(1, len(CATEGORIES) + 1, SEGMENTS)
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    waves = 4 * np.sin(rows / 7) + 4 * np.cos(columns / 9)
    sides = []
    for shift in (0.0, 3.0):
        moved = points + rng.normal(0, 1, points.shape) * shift
        nearest, best = np.zeros(size, np.int32), np.full(size, np.inf, np.float32)
        for at, (y, x) in enumerate(moved.astype(np.float32)):
            away = np.hypot(rows - y + waves, columns - x - waves)
            closer = away < best
            nearest[closer], best[closer] = at, away[closer]
        ids = (nearest * 257 + 1).astype(np.int32)
        ids[nearest % 13 == 12] = 0  # void
        found = [int(each) for each in np.unique(ids) if each]
        crowds = set(rng.choice(found, 2).tolist()) if shift == 0 else set()
        segments = [Segment(each, int(kinds[each // 257]), crowd=each in crowds) for each in found]
        sides.append(SegmentMap(ids, segments, {}))
    return sides[1], sides[0]


def by_segment(ours: SegmentMap, truth: SegmentMap) -> PanopticCounts:
    """Count as the definition reads: a mask a segment, every pair of one class compared."""
    counts = _empty()
    void = truth.ids == 0
    theirs = [truth.ids == each.id for each in truth.segments]
    matched: set[int] = set()
    for mine in ours.segments:
        guess = ours.ids == mine.id
        partner = False
        free = void
        for at, true in enumerate(truth.segments):
            if true.category != mine.category:
                continue
            if true.crowd:
                free = void | theirs[at]
                continue
            union = (theirs[at] | (guess & ~void)).sum()
            iou = (theirs[at] & guess).sum() / union
            if iou > MATCH:
                partner = True
                matched.add(at)
                _add(counts.iou, counts.matched, mine.category, iou)
        if not partner and (guess & free).sum() <= guess.sum() / 2:
            counts.spurious[CATEGORIES.index(mine.category)] += 1
    for at, true in enumerate(truth.segments):
        if at not in matched and not true.crowd:
            counts.missed[CATEGORIES.index(true.category)] += 1
    return counts


def by_pairs(ours: SegmentMap, truth: SegmentMap) -> PanopticCounts:
    """Count as the COCO panoptic API does: the pairs of ids by `numpy.unique`."""
    counts = _empty()
    found, pixels = np.unique(truth.ids.astype(np.int64) * WIDE + ours.ids, return_counts=True)
    shared = dict(zip(found.tolist(), pixels.tolist(), strict=True))
    area = {each.id: 0 for each in ours.segments}
    true_area = {each.id: 0 for each in truth.segments}
    for key, count in shared.items():
        theirs, mine = divmod(key, WIDE)
        true_area[theirs] = true_area.get(theirs, 0) + count
        area[mine] = area.get(mine, 0) + count
    kinds = {each.id: each for each in truth.segments}
    guesses = {each.id: each for each in ours.segments}
    matched: set[int] = set()
    partners: set[int] = set()
    for key, count in shared.items():
        theirs, mine = divmod(key, WIDE)
        if theirs not in kinds or mine not in guesses or kinds[theirs].crowd:
            continue
        if kinds[theirs].category != guesses[mine].category:
            continue
        iou = count / (true_area[theirs] + area[mine] - count - shared.get(mine, 0))
        if iou > MATCH:
            matched.add(theirs)
            partners.add(mine)
            _add(counts.iou, counts.matched, guesses[mine].category, iou)
    _left_over(ours, truth, counts, (matched, partners), (shared, area))
    return counts


def _left_over(
    ours: SegmentMap,
    truth: SegmentMap,
    counts: PanopticCounts,
    taken: tuple[set[int], set[int]],
    pixels: tuple[dict[int, int], dict[int, int]],
) -> None:
    """Count true and predicted segments without a partner."""
    (matched, partners), (shared, area) = taken, pixels
    crowds = {each.category: each.id for each in truth.segments if each.crowd}
    for each in ours.segments:
        free = shared.get(each.id, 0)
        if each.category in crowds:
            free += shared.get(crowds[each.category] * WIDE + each.id, 0)
        if each.id not in partners and free <= area[each.id] / 2:
            counts.spurious[CATEGORIES.index(each.category)] += 1
    for each in truth.segments:
        if each.id not in matched and not each.crowd:
            counts.missed[CATEGORIES.index(each.category)] += 1


def _empty() -> PanopticCounts:
    count = len(CATEGORIES)
    return PanopticCounts(np.zeros(count), *(np.zeros(count, np.int64) for _ in range(3)))


def _add(iou: NDArray[np.float64], matched: NDArray[np.int64], category: int, value: float) -> None:
    place = CATEGORIES.index(category)
    iou[place] += value
    matched[place] += 1


def ours_of(ours: SegmentMap, truth: SegmentMap) -> PanopticCounts:
    """Count as Maskworks does."""
    return panoptic_counts(ours, truth, categories=CATEGORIES)


def agree(first: PanopticCounts, second: PanopticCounts) -> bool:
    """Say whether two counts are the same, IoU to 1e-9."""
    same = all(
        (getattr(first, name) == getattr(second, name)).all()
        for name in ("matched", "spurious", "missed")
    )
    return same and bool(np.abs(first.iou - second.iou).max() < 1e-9)


def measure(size: tuple[int, int], pictures: int) -> Speed:
    """Time the three ways in turn over drawn pictures, and hold their counts together.

    Raises
    ------
    AssertionError
        If they do not agree.
    """
    ways: tuple[Callable[[SegmentMap, SegmentMap], PanopticCounts], ...]
    ways = (ours_of, by_segment, by_pairs)
    seconds: list[list[float]] = [[], [], []]
    for seed in range(pictures):
        sides = draw(size, seed)
        results = []
        for way, taken in zip(ways, seconds, strict=True):
            began = time.perf_counter()
            results.append(way(*sides))
            taken.append(time.perf_counter() - began)
        if not all(agree(results[0], each) for each in results[1:]):
            raise AssertionError(f"the counts of picture {seed} differ")
    return Speed(*map(median, seconds))


def main() -> int:
    """Print a line a size; return 0 if each is at least `TARGET` times as fast by segment."""
    fine = True
    for name, size in SIZES.items():
        speed = measure(size, 5)
        ratio = speed.by_segment / speed.ours
        fine &= ratio >= TARGET
        print(
            f"{name:24} {1e3 * speed.ours:6.1f} ms; segment by segment "
            f"{1e3 * speed.by_segment:7.1f} ms, {ratio:5.1f} times; pairs of ids "
            f"{1e3 * speed.by_pairs:6.1f} ms, {speed.by_pairs / speed.ours:4.1f} times  "
            f"{'pass' if ratio >= TARGET else 'MISS'}",
            flush=True,
        )
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
