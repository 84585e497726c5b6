"""Fit the score model on pictures with a truth, and write cutouts/scoring/score_model.toml.

    python bench/fit_score.py RESERVE EMPTY ...     four minutes a thousand pictures and core
    python bench/fit_score.py RESERVE --dry-run     print what would be written

Each folder holds KIND/STEM.webp (or .jpg, .png) with the truth as KIND/STEM.png beside; a KIND
without a single truth holds pictures without a subject, each of which is a bad cut-out if one is
made of it. None of it comes with the project, and nothing of it but the coefficients gets into
the project. Give it what training never saw. What is scored is what a campaign makes by default:
one pass of the network, and the edge refined.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from maskworks.core.reading import read_picture
from maskworks.core.values import Mask, Matte
from maskworks.cutouts.scoring.score import evidence_values
from maskworks.cutouts.scoring.score_model import (
    DEFAULT_FILE,
    EVIDENCE,
    Confidence,
    EvidenceName,
    Floats,
    Limit,
    ScoreModel,
    chance,
    logit,
    to_toml,
    write_score_model,
)
from maskworks.models import Model, ModelSpec, load_catalogue, load_model
from maskworks.models.store import ready
from maskworks.quality import iou
from maskworks.refine.refinement import DEFAULTS
from maskworks.studio.calibration.calibrate import flag_rate, measure_reliability
from maskworks.studio.calibration.logistic import Coefficients, fit_logistic
from maskworks.studio.pipeline import Item, cut, evidence_of
from maskworks.studio.route import Rules

FEWEST = 1000
"""Fewer pictures do not make a score file."""

PER_KIND = 300
"""The most of one kind by default, evenly over the sorted names: no kind may outweigh all."""

SUFFIXES = (".webp", ".jpg", ".jpeg")
MODEL = "cutout"
GOOD_IOU = 0.85
CLIP = (0.1, 0.99)  # of the confidence: below, it is no worse; one picture must not outweigh others
RIDGE = 1.0  # on each evidence's weight
FOLDS = 10
SEEDS = range(10)  # the folds are dealt so often; which film is left out matters much

FIXED: dict[EvidenceName, Limit] = {
    "no-subject": Limit(below=(0.5, 0.0)),  # the model's own operating point
    "touches-border": Limit(above=(0.02, 0.5)),
    "several-subjects": Limit(above=(0.1, 0.5)),
    "small-subject": Limit(below=(0.05, 0.01)),
    "fill-out-of-range": Limit(above=(0.95, 1.0), below=(0.03, 0.0)),
}
"""Limits that a person set: they say what a picture is like, not how sure the edge is."""

FOUND: tuple[EvidenceName, ...] = ("soft-edge", "transparent", "low-contrast", "blurred")
"""Limits found in the data: what nine in ten good cut-outs stay within."""


@dataclass(frozen=True)
class Picture:
    """One picture: its kind, where it lies, and where its truth does; None: nothing to cut out."""

    kind: str
    path: Path
    truth: Path | None


@dataclass(frozen=True)
class Example:
    """One picture: its evidence, the IoU reached, and what it must not be parted from."""

    kind: str
    group: str
    iou: float
    confidence: float
    values: Mapping[EvidenceName, float]

    @property
    def good(self) -> bool:
        """Tell whether the cut-out is good."""
        return self.iou >= GOOD_IOU


class UnfitError(Exception):
    """The folders do not hold what can be fitted on."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", help="each holds KIND/STEM.webp and .png")
    parser.add_argument("--per-kind", type=int, default=PER_KIND, help="the most of one kind")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--out", type=Path, default=DEFAULT_FILE, help="where to write")
    parser.add_argument("--dry-run", action="store_true", help="print, write nothing")
    return parser.parse_args(arguments)


def chosen_pictures(folders: Sequence[Path], per_kind: int, fewest: int) -> list[Picture]:
    """Return at most `per_kind` pictures of each kind in all folders together.

    Raises
    ------
    UnfitError
        If a folder is one of training, holds no pictures, or lacks a picture's truth, or if
        there are fewer than `fewest` in all.
    """
    kinds: dict[str, list[Picture]] = {}
    for folder in folders:
        if "train" in folder.parts:
            raise UnfitError(f"{folder}: a score fitted on training pictures flatters; name others")
        before = sum(map(len, kinds.values()))
        for kind in sorted(path for path in folder.glob("*") if path.is_dir()):
            kinds.setdefault(kind.name, []).extend(_pictures_of(kind))
        if sum(map(len, kinds.values())) == before:
            raise UnfitError(f"{folder}: holds no KIND/STEM.webp; name the folder above the kinds")
    chosen = [one for kind in sorted(kinds) for one in _evenly(kinds[kind], per_kind)]
    if len(chosen) < fewest:
        raise UnfitError(f"{len(chosen)} pictures; {fewest} or more are needed, of all kinds")
    return chosen


def _pictures_of(kind: Path) -> list[Picture]:
    paths = sorted(path for path in kind.iterdir() if path.suffix in SUFFIXES)
    truths = [path.with_suffix(".png") for path in paths]
    if not any(truth.exists() for truth in truths):
        return [Picture(kind.name, path, None) for path in paths]
    missing = next((truth for truth in truths if not truth.exists()), None)
    if missing:
        raise UnfitError(f"{missing}: does not exist, and others of its kind have a truth")
    return [Picture(kind.name, path, truth) for path, truth in zip(paths, truths, strict=True)]


def _evenly(pictures: list[Picture], count: int) -> list[Picture]:
    count = min(count, len(pictures))
    return [pictures[index * len(pictures) // count] for index in range(count)]


def identity(spec: ModelSpec) -> str:
    """Return a name that changes with the weights and with how they are used."""
    digest = hashlib.sha256(ready(spec).read_bytes() + repr(spec).encode())
    return f"{spec.name}-{digest.hexdigest()[:12]}"


def examine(picture: Picture) -> Example | None:
    """Cut one picture out as a campaign does, compare it with its truth, measure its evidence.

    None where the model finds no subject: such a picture gets no score.
    """
    item = cut(Item(content="", picture=read_picture(picture.path), variants=()), _model())
    if not item.has_subject:
        return None
    reached = 0.0 if picture.truth is None else _reached(item.cutout.matte, picture.truth)
    evidence = evidence_of(item)
    if evidence.confidence is None:
        raise UnfitError(f"{MODEL} gives no confidence, so there is none to fit")
    group = _group(picture.kind, picture.path.stem)
    return Example(picture.kind, group, reached, evidence.confidence, evidence_values(evidence))


@cache
def _model() -> Model:
    return load_model(MODEL, threads=1, calibrated=False)


def _reached(matte: Matte, truth: Path) -> float:
    """Return the IoU where the truth is known: grey 64 to 191 is not."""
    with PillowImage.open(truth) as opened:
        grey = np.asarray(opened.convert("L"))
    return iou(matte.threshold(), Mask(grey >= 128), where=Mask((grey < 64) | (grey > 191)))


def _group(kind: str, stem: str) -> str:
    """Tell what belongs together: frames of a film, a car's neighbours, a person in both sets."""
    if kind == "davis":
        return stem.rsplit("_", 1)[0]
    if kind == "cars" and stem.isdecimal():
        return f"cars-{int(stem) // 6}"
    return stem if kind.startswith("ccp") else f"{kind}-{stem}"


def limits(examples: Sequence[Example]) -> dict[EvidenceName, Limit]:
    """Return the limit of each evidence: fixed, or the 90 % point of the good cut-outs."""
    found = dict(FIXED)
    for name in FOUND:
        good = [one.values[name] for one in examples if one.good and name in one.values]
        bad = [one.values[name] for one in examples if not one.good and name in one.values]
        limit = float(f"{np.quantile(good, 0.9):.2g}")
        extreme = max(1.5 * limit, float(np.quantile(bad, 0.9)))
        found[name] = Limit(above=(limit, float(f"{extreme:.2g}")))
    return found


def features(examples: Sequence[Example], rules: dict[EvidenceName, Limit]) -> Floats:
    """Return (N, 2 + evidences): one, the confidence's logit, how far beyond each limit."""
    known = np.array([one.confidence for one in examples])
    rows = [
        [rules[name].excess(one.values[name]) if name in one.values else 0.0 for name in EVIDENCE]
        for one in examples
    ]
    return np.column_stack(
        [np.ones(len(examples)), logit(known, low=CLIP[0], high=CLIP[1]), np.array(rows)]
    )


def fit(rows: Floats, good: Floats, weights: Floats) -> Floats:
    """Fit intercept, slope >= 0 and weights <= 0; as many columns as there are."""
    others = rows.shape[1] - 2
    free = float("inf")
    terms = Coefficients(
        lowest=[-free, 0.0, *[-free] * others],
        highest=[free, free, *[0.0] * others],
        ridge=[0.0, 0.0, *[RIDGE] * others],
        centre=[0.0] * (2 + others),
    )
    return fit_logistic(rows, good, terms, weights=weights)


def dealt(examples: Sequence[Example], seed: int) -> list[int]:
    """Deal the groups into folds; return each picture's."""
    groups = sorted({one.group for one in examples})
    order = np.random.default_rng(seed).permutation(len(groups))
    fold = {group: int(place) % FOLDS for group, place in zip(groups, order, strict=True)}
    return [fold[one.group] for one in examples]


def cross_validate(
    examples: Sequence[Example], folds: Sequence[int], *, columns: int | None = None
) -> Floats:
    """Return each picture's score from a model that saw nothing of its fold.

    `columns` 2 leaves the evidence out.
    """
    scores = np.zeros(len(examples))
    for number in sorted(set(folds)):
        learn = [one for one, fold in zip(examples, folds, strict=True) if fold != number]
        test = [index for index, fold in enumerate(folds) if fold == number]
        rules = limits(learn)
        good = np.array([one.good for one in learn], np.float64)
        found = fit(features(learn, rules)[:, :columns], good, weigh(learn))
        held = features([examples[index] for index in test], rules)[:, :columns]
        scores[test] = chance(held @ found)
    return scores


def weigh(examples: Sequence[Example]) -> Floats:
    """Return each picture's weight: m frames of a film are like one another, and weigh sqrt(m).

    So do m pictures of a kind: the largest set, which is the hardest, is not what users send.
    """
    films = Counter(one.group for one in examples)
    kinds = Counter(one.kind for one in examples)
    weights = [(films[one.group] * kinds[one.kind]) ** -0.5 for one in examples]
    return np.array(weights) * len(weights) / sum(weights)


def worth(scores: Floats, good: Floats, weights: Floats) -> dict[str, float]:
    """Return how well scores foretell what is good."""
    found = measure_reliability(scores, good, weights)
    rate = flag_rate(Rules().deliver_at, scores, good, weights)
    numbers = {
        "log_loss": found.log_loss,
        "auroc": found.auroc,
        "calibration_error": found.error,
        "flagged_at_0_85": rate.flagged,
        "bad_among_delivered": 0.0 if np.isnan(rate.wrong) else rate.wrong,
    }
    return {name: round(value, 4) for name, value in numbers.items()}


def validated(
    examples: Sequence[Example], good: Floats, *, columns: int | None = None
) -> dict[str, float]:
    """Return what cross-validated scores are worth, the mean over SEEDS."""
    weights = weigh(examples)
    deals = [dealt(examples, seed) for seed in SEEDS]
    scores = [cross_validate(examples, folds, columns=columns) for folds in deals]
    found = [worth(one, good, weights) for one in scores]
    return {name: round(float(np.mean([row[name] for row in found])), 4) for name in found[0]}


def build(examples: Sequence[Example]) -> ScoreModel:
    """Fit on every example, and cross-validate what that is worth."""
    rules = limits(examples)
    rows = features(examples, rules)
    good = np.array([one.good for one in examples], np.float64)
    weights = weigh(examples)
    found = fit(rows, good, weights)
    said = np.array([one.confidence for one in examples])
    pulls = dict(zip(EVIDENCE, found[2:], strict=True))
    beyond = {
        name: {
            "good_beyond": round(float((rows[good > 0.5, 2 + index] > 0).mean()), 3),
            "bad_beyond": round(float((rows[good < 0.5, 2 + index] > 0).mean()), 3),
        }
        for index, name in enumerate(EVIDENCE)
    }
    kinds = sorted({one.kind for one in examples})
    apart = cross_validate(examples, [kinds.index(one.kind) for one in examples])
    counts = tuple(
        f"{kind}: {sum(one.kind == kind for one in examples)} pictures, "
        f"{sum(one.kind == kind and one.good for one in examples)} good"
        for kind in kinds
    )
    return ScoreModel(
        version=1,
        fitted_on=datetime.now(UTC).date(),
        good_iou=GOOD_IOU,
        confidence=Confidence(
            intercept=round(float(found[0]), 4), slope=round(float(found[1]), 4), clip=CLIP
        ),
        evidence={
            name: rules[name].model_copy(update={"weight": round(min(0.0, float(w)), 4) or 0.0})
            for name, w in pulls.items()
        },
        fit={
            "script": "bench/fit_score.py",
            "model": MODEL,
            "weights": identity(load_catalogue().find(MODEL)),
            "refinement": DEFAULTS.method,
            "data": counts,
            "n": len(examples),
            "good": int(good.sum()),
            "method": "logistic regression, slope >= 0, weights <= 0, ridge 1 on the weights, "
            "m frames of a film count as sqrt(m), and so do m pictures of a kind; "
            "limits of " + ", ".join(FOUND) + " are the 90 % point of the good cut-outs",
            "validation": f"{FOLDS} folds by source (a film, a person, a photo), mean of "
            f"{len(SEEDS)} deals; limits found in each fold",
        },
        metrics={
            "confidence as it is": worth(said, good, weights),
            "confidence refitted, cross-validated": validated(examples, good, columns=2),
            "score, cross-validated": validated(examples, good),
            "score, each kind by the others": worth(apart, good, weights),
            **beyond,
        },
    )


def examined(pictures: Sequence[Picture], workers: int) -> list[Example]:
    """Examine every picture, in as many processes as there are workers."""
    examples: list[Example] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for number, found in enumerate(pool.map(examine, pictures, chunksize=8), start=1):
            examples += [] if found is None else [found]
            if number % 50 == 0:
                print(f"{number} of {len(pictures)}", file=sys.stderr, flush=True)
    return examples


def main(arguments: list[str]) -> int:
    """Fit and write; return 0, or 1 if the folders do not hold what is needed."""
    options = parse(arguments)
    try:
        fewest = 0 if options.dry_run else FEWEST
        pictures = chosen_pictures(options.folders, options.per_kind, fewest)
        fitted = build(examined(pictures, options.workers))
    except UnfitError as error:
        print(f"fit_score: {error}", file=sys.stderr)
        return 1
    heading = "How confidence and evidence become a score; written by bench/fit_score.py."
    if options.dry_run:
        print(to_toml(fitted, heading=heading), end="")
    else:
        write_score_model(fitted, options.out, heading=heading)
    for name, row in fitted.metrics.items():
        print(name, dict(row), file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
