"""What breaks trainings, found before one begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from maskworks.core.errors import RecipeError
from maskworks.core.exif import orientation_of
from maskworks.core.public import public
from maskworks.train.labels.coco import UNCOVERED
from maskworks.train.labels.drawing import draw_pair
from maskworks.train.labels.finding import MOST_IDS, LabelledPath, stored_labels

Bits = NDArray[np.uint8]
Thumbnail = NDArray[np.float32]
SIDE = 8
"""Rows and columns of a picture's fingerprint."""

NEAR_BITS = 3
"""Pictures whose fingerprints of 64 bits differ by at most this many are the same."""

THUMBNAIL_SIDE = 16
ALIKE = 0.95
"""Correlation of two looks from which pictures whose fingerprints are near show the same."""

_WHITE = 255  # inside, in masks; no label, in label maps
_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap height and width


@dataclass
class SplitFound:
    """What one split holds: pixels and pictures of each class, and what is wrong with it.

    `pixels` has one more place than there are classes, for those without a label; `uncovered` are
    those that nothing in a COCO file covers, `raw` the ids that PNGs hold.
    """

    name: str
    pictures: int
    pixels: NDArray[np.int64]
    in_pictures: NDArray[np.int64]
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    uncovered: int = 0
    raw: set[int] = field(default_factory=set)
    unknown_ids: Counter[int] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    fingerprints: Bits = field(default_factory=lambda: np.zeros((0, SIDE * SIDE // 8), np.uint8))
    looks: Thumbnail = field(default_factory=lambda: np.zeros((0, THUMBNAIL_SIDE**2), np.float32))
    stems: list[str] = field(default_factory=list)


@public
def check_split(
    name: str, pairs: Sequence[LabelledPath], table: NDArray[np.int32], classes: Sequence[str]
) -> SplitFound:
    """Read a whole split and count what is in it.

    Parameters
    ----------
    pairs : its pictures and labels
    table : int32 (65536,), the place of each stored id; len(classes) without a label, -1 none
    classes : their names

    Examples
    --------
    >>> check_split("train", pairs, table, ["road", "sky"]).pictures  # doctest: +SKIP
    """
    wide = len(classes) + 1
    found = SplitFound(name, len(pairs), np.zeros(wide, np.int64), np.zeros(wide, np.int64))
    seen: list[tuple[Bits, Thumbnail]] = []
    for pair in pairs:
        try:
            seen.append(_signatures_of(pair, table, found))
            found.stems.append(pair.name)
        except (RecipeError, OSError, SyntaxError, ValueError) as error:
            found.problems.append(f"{pair.picture}: cannot be used ({error})")
    if seen:
        found.fingerprints = np.stack([bits for bits, _ in seen])
        found.looks = np.stack([look for _, look in seen])
    for number, times in sorted(found.unknown_ids.items()):
        found.problems.append(f"id {number} is of no class: {times} pixels")
    if 0 in found.raw and _WHITE in found.raw and len(found.raw) == 2 and len(classes) > 1:
        found.problems.append(
            f"all labels hold 0 and {_WHITE} alone, as masks do: read them with --binary, or say "
            "binary = true in the recipe"
        )
    share = found.pixels[-1] / max(1, found.pixels.sum())
    if share > 0.5:
        found.problems.append(f"{share:.1%} of the pixels have no label and count nowhere")
    found.problems += [
        f"class {label} is in no picture"
        for label, times in zip(classes, found.in_pictures, strict=False)
        if times == 0
    ]
    return found


def _signatures_of(
    pair: LabelledPath, table: NDArray[np.int32], found: SplitFound
) -> tuple[Bits, Thumbnail]:
    if pair.drawn is not None:
        pixels, ids = draw_pair(pair.picture.name, pair.drawn)
        orientation, stored = 1, ids.shape
        seen = _signatures(PilImage.fromarray(pixels))
    else:
        ids, _ = stored_labels(pair)
        with PilImage.open(pair.picture) as opened:
            orientation, stored = orientation_of(opened), (opened.height, opened.width)
            seen = _signatures(opened)
    upright = stored[::-1] if orientation in _SIDEWAYS else stored
    if orientation != 1:
        lie = "as it is stored" if ids.shape == stored else "otherwise"
        found.problems.append(
            f"{pair.picture}: its EXIF says to turn it (orientation {orientation}), its labels "
            f"lie {lie}; turn the picture's pixels and take the tag away"
        )
    elif ids.shape != upright:
        found.problems.append(
            f"{pair.labels}: is {ids.shape[1]}x{ids.shape[0]}, its picture "
            f"{upright[1]}x{upright[0]}"
        )
    found.sizes[upright] += 1
    if pair.coco is not None:
        found.uncovered += int(np.count_nonzero(ids == UNCOVERED))
    places = table[ids.clip(0, MOST_IDS - 1)]
    if pair.coco is None and pair.drawn is None:
        found.raw.update(np.unique(ids).tolist())
    found.unknown_ids.update(Counter(ids[places < 0].ravel().tolist()))
    counts = np.bincount(places[places >= 0].ravel(), minlength=len(found.pixels))
    found.pixels += counts
    found.in_pictures += counts > 0
    return seen


def _signatures(picture: PilImage.Image) -> tuple[Bits, Thumbnail]:
    return fingerprint(picture), thumbnail(picture)


def fingerprint(picture: PilImage.Image) -> Bits:
    """Return whether each of 8 x 8 cells is brighter than the one to its left, as 8 bytes.

    Examples
    --------
    >>> ramp = PilImage.linear_gradient("L").rotate(90)
    >>> int(np.unpackbits(fingerprint(ramp)).sum()) in (0, 64)
    True
    """
    small = picture.convert("L").resize((SIDE + 1, SIDE), PilImage.Resampling.BOX)
    grey = np.asarray(small).astype(np.int16)
    return np.packbits(grey[:, 1:] > grey[:, :-1])


def thumbnail(picture: PilImage.Image) -> Thumbnail:
    """Return 16 x 16 cells of grey, of mean 0 and length 1; of nothing but one grey, zeros.

    Fingerprints of pages and other pictures with few edges are near by chance; looks are not.
    """
    small = picture.convert("L").resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), PilImage.Resampling.BOX)
    grey = np.asarray(small, np.float32).ravel()
    grey = grey - grey.mean()
    return grey / max(float(np.linalg.norm(grey)), 1.0)


def near_pairs(ours: Bits, theirs: Bits) -> list[tuple[int, int]]:
    """List the places (i, j) of fingerprints that differ by at most `NEAR_BITS` bits."""
    pairs: list[tuple[int, int]] = []
    for i, one in enumerate(ours):
        apart = np.unpackbits(theirs ^ one, axis=1).sum(1)
        pairs += [(i, int(j)) for j in np.flatnonzero(apart <= NEAR_BITS)]
    return pairs


def _alike(ours: Thumbnail, theirs: Thumbnail) -> bool:
    plain = not ours.any() and not theirs.any()
    return plain or float(ours @ theirs) >= ALIKE


def duplicates(splits: Sequence[SplitFound]) -> list[str]:
    """Name the pictures of one split that another shows too, whatever they are called."""
    lines = []
    for number, one in enumerate(splits):
        for other in splits[number + 1 :]:
            for i, j in near_pairs(one.fingerprints, other.fingerprints):
                if not _alike(one.looks[i], other.looks[j]):
                    continue
                first, second = f"{one.name}/{one.stems[i]}", f"{other.name}/{other.stems[j]}"
                lines.append(f"{first} and {second} look the same")
    return lines


def as_record(
    splits: Sequence[SplitFound], same: Sequence[str], classes: Sequence[str]
) -> Mapping[str, object]:
    """Return everything that was found, for a file of JSON."""
    return {
        "classes": list(classes),
        "duplicates": list(same),
        "splits": {
            each.name: {
                "pictures": each.pictures,
                "sizes": {f"{w}x{h}": n for (h, w), n in each.sizes.most_common()},
                "pixels": each.pixels[:-1].tolist(),
                "pixels_without_label": int(each.pixels[-1]),
                "pixels_without_annotation": each.uncovered,
                "in_pictures": each.in_pictures[:-1].tolist(),
                "problems": each.problems,
            }
            for each in splits
        },
    }
