"""Fit the score model on pictures with a truth, and write studio/scoring/score_model.toml.

    nice python bench/fit_score.py            about ten minutes
    python bench/fit_score.py --model cutout-fast
    python bench/fit_score.py --dry-run       print what would be written

It needs ../shared/data (or --data DIR) with subjects/dev/KIND/*.webp, the truth as .png
beside each, and photos/rooms/*.webp, which hold no subject. None of it comes with the project,
and nothing of it but the coefficients gets into the project. What is scored is what
a campaign makes: with the edge refined.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import numpy as np
from PIL import Image as PillowImage

from maskworks.core.reading import read_picture
from maskworks.core.values import Mask, Matte
from maskworks.models import Model, ModelSpec, load_catalogue, load_model
from maskworks.models.store import ready
from maskworks.quality import iou
from maskworks.refine.refinement import Method, RefineOptions
from maskworks.studio.calibration.calibrate import flag_rate, measure_reliability
from maskworks.studio.calibration.logistic import Coefficients, fit_logistic
from maskworks.studio.pipeline import Item, cut, evidence_of
from maskworks.studio.route import Rules
from maskworks.studio.scoring.evidence import Evidence
from maskworks.studio.scoring.score import evidence_values
from maskworks.studio.scoring.score_model import (
    EVIDENCE,
    Confidence,
    EvidenceName,
    Floats,
    Limit,
    ScoreModel,
    chance,
    logit,
    score_model_file,
    to_toml,
    write_score_model,
)

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared/data"

PICTURES = {"davis": 70, "pets": 90, "ccp": 20, "ccp_alpha": 16, "people": 6}
"""How many of each kind, evenly over the sorted names."""

ROOMS = range(0, 300, 15)
"""Of photos/rooms by name; training held every fifth out, and these are among them."""

GOOD_IOU = 0.85
CLIP = (0.1, 0.99)  # of the confidence: below, it is no worse; one picture must not outweigh others
RIDGE = 1.0  # on each evidence's weight; 8 weights, about 100 bad pictures
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
class Example:
    """One picture: its evidence, the IoU reached, and what it must not be parted from."""

    kind: str
    group: str
    iou: float
    evidence: Evidence

    @property
    def good(self) -> bool:
        """Tell whether the cut-out is good."""
        return self.iou >= GOOD_IOU


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=SHARED, help="../shared/data")
    parser.add_argument("--model", default="cutout", help="whose confidence it is")
    parser.add_argument("--method", default="auto", choices=get_args(Method), help="of refinement")
    parser.add_argument("--out", type=Path, help="where to write; default in src")
    parser.add_argument("--dry-run", action="store_true", help="print, write nothing")
    return parser.parse_args(arguments)


def chosen_pictures(data: Path) -> list[tuple[str, Path]]:
    """Return the kind and path of every picture of the sample."""
    pairs = [
        (kind, path)
        for kind, count in PICTURES.items()
        for path in _evenly(sorted((data / "subjects/dev" / kind).glob("*.webp")), count)
    ]
    rooms = sorted((data / "photos/rooms").glob("*.webp"))
    return pairs + [("rooms", rooms[index]) for index in ROOMS if index < len(rooms)]


def _evenly(paths: list[Path], count: int) -> list[Path]:
    count = min(count, len(paths))
    return [paths[index * len(paths) // count] for index in range(count)]


def identity(spec: ModelSpec) -> str:
    """Return a name that changes with the weights and with how they are used."""
    digest = hashlib.sha256(ready(spec).read_bytes() + repr(spec).encode())
    return f"{spec.name}-{digest.hexdigest()[:12]}"


def examine(kind: str, path: Path, model: Model, method: Method) -> Example | None:
    """Cut one picture out as a campaign does, compare it with its truth, measure its evidence.

    None where the model finds no subject: such a picture gets no score.
    """
    item = Item(content="", picture=read_picture(path), variants=())
    item = cut(item, model, RefineOptions(method=method))
    if not item.has_subject:
        return None
    reached = 0.0 if kind == "rooms" else _reached(item.cutout.matte, path.with_suffix(".png"))
    return Example(kind, _group(kind, path.stem), reached, evidence_of(item))


def _reached(matte: Matte, truth: Path) -> float:
    """Return the IoU where the truth is known: grey 64 to 191 is not."""
    with PillowImage.open(truth) as opened:
        grey = np.asarray(opened.convert("L"))
    return iou(matte.threshold(), Mask(grey >= 128), where=Mask((grey < 64) | (grey > 191)))


def _group(kind: str, stem: str) -> str:
    """Frames of one film belong together; people of both sets are numbered alike."""
    if kind == "davis":
        return stem.rsplit("_", 1)[0]
    return stem if kind.startswith("ccp") else f"{kind}-{stem}"


def limits(examples: Sequence[Example]) -> dict[EvidenceName, Limit]:
    """Return the limit of each evidence: fixed, or the 90 % point of the good cut-outs."""
    found = dict(FIXED)
    for name in FOUND:
        values = [(evidence_values(one.evidence).get(name), one.good) for one in examples]
        good = [value for value, fine in values if fine and value is not None]
        bad = [value for value, fine in values if not fine and value is not None]
        limit = float(f"{np.quantile(good, 0.9):.2g}")
        extreme = max(1.5 * limit, float(np.quantile(bad, 0.9)))
        found[name] = Limit(above=(limit, float(f"{extreme:.2g}")))
    return found


def features(examples: Sequence[Example], rules: dict[EvidenceName, Limit]) -> Floats:
    """Return (N, 2 + evidences): one, the confidence's logit, how far beyond each limit."""
    says = [one.evidence.confidence for one in examples]
    known = np.array([0.5 if value is None else value for value in says])
    rows = [
        [rules[name].excess(values[name]) if name in values else 0.0 for name in EVIDENCE]
        for values in (evidence_values(one.evidence) for one in examples)
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


def cross_validate(examples: Sequence[Example], seed: int, *, columns: int | None = None) -> Floats:
    """Return each picture's score from a model that saw nothing of its group.

    `columns` 2 leaves the evidence out.
    """
    groups = sorted({one.group for one in examples})
    order = np.random.default_rng(seed).permutation(len(groups))
    fold = {group: int(place) % FOLDS for group, place in zip(groups, order, strict=True)}
    scores = np.zeros(len(examples))
    for number in range(FOLDS):
        learn = [one for one in examples if fold[one.group] != number]
        test = [index for index, one in enumerate(examples) if fold[one.group] == number]
        rules = limits(learn)
        good = np.array([one.good for one in learn], np.float64)
        found = fit(features(learn, rules)[:, :columns], good, weigh(learn))
        held = features([examples[index] for index in test], rules)[:, :columns]
        scores[test] = chance(held @ found)
    return scores


def weigh(examples: Sequence[Example]) -> Floats:
    """Return each picture's weight: m frames of a film are like one another, and weigh sqrt(m)."""
    sizes = Counter(one.group for one in examples)
    return np.array([sizes[one.group] ** -0.5 for one in examples])


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
    scores = [cross_validate(examples, seed, columns=columns) for seed in SEEDS]
    found = [worth(one, good, weights) for one in scores]
    return {name: round(float(np.mean([row[name] for row in found])), 4) for name in found[0]}


def build(examples: Sequence[Example], options: argparse.Namespace) -> ScoreModel:
    """Fit on every example, and cross-validate what that is worth."""
    rules = limits(examples)
    rows = features(examples, rules)
    good = np.array([one.good for one in examples], np.float64)
    weights = weigh(examples)
    found = fit(rows, good, weights)
    said = np.array([one.evidence.confidence or 0.0 for one in examples])
    pulls = dict(zip(EVIDENCE, found[2:], strict=True))
    beyond = {
        name: {
            "good_beyond": round(float((rows[good > 0.5, 2 + index] > 0).mean()), 3),
            "bad_beyond": round(float((rows[good < 0.5, 2 + index] > 0).mean()), 3),
        }
        for index, name in enumerate(EVIDENCE)
    }
    kinds = sorted({one.kind for one in examples})
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
            "model": options.model,
            "weights": identity(load_catalogue().find(options.model)),
            "refinement": options.method,
            "data": counts,
            "n": len(examples),
            "good": int(good.sum()),
            "method": "logistic regression, slope >= 0, weights <= 0, ridge 1 on the weights, "
            "m frames of a film count as sqrt(m); "
            "limits of " + ", ".join(FOUND) + " are the 90 % point of the good cut-outs",
            "validation": f"{FOLDS} folds by group (a film, a person), mean of {len(SEEDS)} deals; "
            "limits found in each fold",
        },
        metrics={
            "confidence as it is": worth(said, good, weights),
            "confidence refitted, cross-validated": validated(examples, good, columns=2),
            "score, cross-validated": validated(examples, good),
            **beyond,
        },
    )


def main(arguments: list[str]) -> int:
    """Fit and write; return 0, or 1 if the data are not there."""
    options = parse(arguments)
    pictures = chosen_pictures(options.data)
    missing = sorted({*PICTURES, "rooms"} - {kind for kind, _ in pictures})
    if missing:
        print(
            f"fit_score: {options.data} has no pictures of {', '.join(missing)}; it needs "
            "subjects/dev/KIND/*.webp with the truth as .png beside, and photos/rooms/*.webp "
            "(name the folder with --data)",
            file=sys.stderr,
        )
        return 1
    model = load_model(options.model, threads=1)
    examples: list[Example] = []
    for number, (kind, path) in enumerate(pictures, start=1):
        found = examine(kind, path, model, options.method)
        examples += [] if found is None else [found]
        if number % 20 == 0:
            print(f"{number} of {len(pictures)}", file=sys.stderr, flush=True)
    fitted = build(examples, options)
    heading = "How confidence and evidence become a score; written by bench/fit_score.py."
    if options.dry_run:
        print(to_toml(fitted, heading=heading), end="")
    else:
        write_score_model(fitted, options.out or score_model_file(options.model), heading=heading)
    for name, row in fitted.metrics.items():
        print(name, dict(row), file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
