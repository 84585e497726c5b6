"""Fairness: scores by group, with intervals and a permutation test of the gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits
from maskworks.core.taxonomy import Taxonomy
from maskworks.evaluate.group_file import Groups, read_groups
from maskworks.evaluate.outcome import (
    RESIZE_RULE,
    empty_notes,
    finite,
    measured,
    refuse_problems,
    versions,
)
from maskworks.evaluate.pairing import Pair, pair_files
from maskworks.evaluate.picture_groups import LABEL_RULES, label_scores, pictures_properties
from maskworks.evaluate.properties import PROPERTIES, property_groups
from maskworks.evaluate.reading import LIMITS
from maskworks.evaluate.subject_scores import UNCLEAR, SubjectScore, score_subject
from maskworks.quality.groups import RESAMPLES, bootstrap_interval, gap_chance, holm

FEW = 30
"""Below so many pictures a group is called too small to tell."""

CHANCE = 0.05
MEASURED = ("iou", "boundary_iou", "sad")
KEYS = {"iou": "IoU", "boundary_iou": "boundary_IoU", "sad": "SAD"}

PROTECTED = (
    "age", "disability", "ethnicity", "gender", "health", "monk", "nationality", "origin", "race",
    "region", "religion", "sex", "skin", "tone",
)  # fmt: skip
"""What words in the name of a property say that it is about people."""

RULES = (
    "groups come from the user's file or from measured properties of the picture; attributes of "
    "people are never guessed from pictures. Intervals are 95 % percentile bootstrap of the mean; "
    "the gap is best less worst mean IoU, its chance by permutation of the pictures among the "
    "groups, corrected after Holm for the number of attributes"
)


@dataclass(frozen=True)
class Measuring:
    """Properties of pictures to be used as groups: names of `PROPERTIES`, and the photos.

    Raises
    ------
    UsageError
        If a name is unknown, or one but "size" is given without the folder of photos.
    """

    properties: tuple[str, ...]
    photos: Path | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.properties if name not in PROPERTIES]
        if unknown and any(word in unknown[0].lower() for word in PROTECTED):
            raise UsageError(
                f"--property {unknown[0]}: an attribute of people is never guessed from pictures; "
                "bring it as a column of --groups groups.csv, as people stated it"
            )
        if unknown:
            raise UsageError(f"--property {unknown[0]}: there are {', '.join(PROPERTIES)}")
        blind = [name for name in self.properties if name != "size"]
        if blind and self.photos is None:
            raise UsageError(
                f"--property {blind[0]} needs the pictures; name them with --photos DIR"
            )


@dataclass(frozen=True)
class Reading:
    """How files are read.

    `allow_missing` counts missing predictions as empty, `skip_unclear` leaves true pixels of 64
    to 191 out (`maskworks.evaluate.subject_scores`). With a `taxonomy` files are label maps: a
    picture's IoU is the mean over the classes in its truth, and there is no SAD. `binary` is that
    of `read_matte`.
    """

    limits: Limits = LIMITS
    allow_missing: bool = False
    skip_unclear: bool = False
    taxonomy: Taxonomy | None = None
    binary: bool | None = None


@dataclass(frozen=True)
class GroupScore:
    """One group of one attribute: how many pictures, and mean and interval of each measure."""

    name: str
    n: int
    means: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]

    @property
    def too_small(self) -> bool:
        """Whether it has too few pictures to tell."""
        return self.n < FEW


@dataclass(frozen=True)
class AttributeScore:
    """One attribute: its groups, worst first, the gap in mean IoU and its corrected chance.

    `gap` and `chance` are NaN where there is one group only.
    """

    name: str
    groups: tuple[GroupScore, ...]
    gap: float
    chance: float
    without: int

    @property
    def exceeds_chance(self) -> bool | None:
        """Whether the gap is larger than chance explains; None if it cannot be told."""
        return None if np.isnan(self.chance) else self.chance < CHANCE

    def warnings(self) -> list[str]:
        """Return what keeps this attribute from being judged."""
        small = [f"{each.name} ({each.n})" for each in self.groups if each.too_small]
        found = [f"too small to tell, below {FEW} pictures: {', '.join(small)}"] if small else []
        if self.without:
            found.append(f"{self.without} pictures have no group")
        if len(self.groups) < 2:
            found.append("one group only, so there is no gap")
        return found


@dataclass(frozen=True)
class FairnessReport:
    """Scores by group for each attribute, and for crossings of two, one at least the user's."""

    truth: Path
    predictions: Path
    groups: Path | None
    scores: tuple[SubjectScore, ...]
    pairs: tuple[Pair, ...]
    attributes: tuple[AttributeScore, ...]
    crossings: tuple[AttributeScore, ...]
    skip_unclear: bool = False
    taxonomy: Taxonomy | None = None

    def record(self) -> dict[str, object]:
        """Return what the JSON file holds."""
        told = [each for each in self.attributes if not np.isnan(each.gap)]
        widest = max(told, key=lambda each: each.gap, default=None)
        missing = [pair.name for pair in self.pairs if pair.prediction is None]
        everyone = _group("all", self.scores)
        return {
            "task": "fairness",
            **{KEYS[name]: finite(everyone.means[name]) for name in MEASURED},
            **{f"{KEYS[name]}_interval": _ends(everyone.intervals[name]) for name in MEASURED},
            "widest": None if widest is None else {"attribute": widest.name} | _summary(widest),
            "attributes": {each.name: _attribute(each) for each in self.attributes},
            "crossings": {each.name: _attribute(each) for each in self.crossings},
            "truth": str(self.truth),
            "predictions": str(self.predictions),
            "groups": None if self.groups is None else str(self.groups),
            "taxonomy": None if self.taxonomy is None else self.taxonomy.name,
            "ignore_label": self._ignored(),
            "resize_rule": RESIZE_RULE,
            "rules": RULES if self.taxonomy is None else f"{LABEL_RULES}; {RULES}",
            "unit": "IoU and boundary_IoU from 0 to 1; SAD in thousand pixels of full coverage",
            "small_below": FEW,
            "resamples": RESAMPLES,
            "counts": {
                "pictures": len(self.scores),
                "attributes": len(self.attributes),
                "crossings": len(self.crossings),
                "missing_counted_as_empty": len(missing),
            },
            "missing": missing,
            "notes": empty_notes([each.empty_truth for each in self.scores]),
            "versions": versions(),
        }

    def _ignored(self) -> str | int | None:
        if self.taxonomy is not None:
            return self.taxonomy.ignore
        return f"grey {UNCLEAR[0]} to {UNCLEAR[1]}" if self.skip_unclear else None


def evaluate_fairness(
    truth: Path,
    predictions: Path,
    *,
    groups: Path | None = None,
    measuring: Measuring | None = None,
    rules: Reading = Reading(),
) -> FairnessReport:
    """Measure mattes by group.

    Parameters
    ----------
    truth, predictions : folders of mattes
    groups : CSV, optional
        See `read_groups`.
    measuring : Measuring, optional
        Properties of pictures to be used as groups, in three parts of equal number.

    Raises
    ------
    UsageError
        If there are neither groups nor properties, or a folder or file does not exist.
    EvaluationError
        If pictures do not fit, or the file of groups names unknown ones; it names them all.
    """
    if groups is None and measuring is None:
        raise UsageError(
            "name the groups with --groups groups.csv, or measure some with --property; they are "
            "never guessed"
        )
    limits = rules.limits
    pairing = pair_files(truth, predictions, allow_missing=rules.allow_missing)
    refuse_problems(pairing)
    names = [pair.name for pair in pairing.pairs]
    given = Groups({}) if groups is None else read_groups(groups, names)
    skip = rules.skip_unclear
    labels = rules.taxonomy is not None
    if measuring is not None and labels and "size" in measuring.properties:
        raise UsageError("--property size is of a subject, and label maps have none; leave it away")
    if rules.taxonomy is not None:
        scores = label_scores(
            truth,
            predictions,
            rules.taxonomy,
            limits=limits,
            allow_missing=rules.allow_missing,
            binary=bool(rules.binary),
        )
    else:
        work = partial(score_subject, limits=limits, skip_unclear=skip, binary=rules.binary)
        scores = tuple(measured(work, pairing.pairs))
    chosen = given
    if measuring is not None:
        values = pictures_properties(
            truth,
            pairing.pairs,
            measuring.photos,
            limits=limits,
            whole=labels,
            binary=rules.binary,
        )
        chosen = given.joined(property_groups(values, measuring.properties))
    by_name = {score.name: score for score in scores}
    crossed = chosen.crossed(given.attributes)
    attributes, crossings = _scored(chosen, by_name), _scored(crossed, by_name)
    return FairnessReport(
        truth,
        predictions,
        groups,
        scores,
        pairing.pairs,
        attributes,
        crossings,
        skip_unclear=skip,
        taxonomy=rules.taxonomy,
    )


def _scored(groups: Groups, scores: Mapping[str, SubjectScore]) -> tuple[AttributeScore, ...]:
    rows = [_attribute_score(name, of, scores) for name, of in groups.attributes.items()]
    known = [row for row in rows if not np.isnan(row.chance)]
    corrected = dict(zip([r.name for r in known], holm([r.chance for r in known]), strict=True))
    return tuple(
        AttributeScore(r.name, r.groups, r.gap, corrected.get(r.name, float("nan")), r.without)
        for r in rows
    )


def _attribute_score(
    name: str, of: Mapping[str, str], scores: Mapping[str, SubjectScore]
) -> AttributeScore:
    members: dict[str, list[SubjectScore]] = {}
    for picture, group in of.items():
        members.setdefault(group, []).append(scores[picture])
    rows = sorted((_group(g, m) for g, m in members.items()), key=lambda row: row.means["iou"])
    gap = chance = float("nan")
    if len(members) > 1:
        gap, chance = gap_chance([[score.iou for score in each] for each in members.values()])
    return AttributeScore(name, tuple(rows), gap, chance, len(scores) - len(of))


def _group(name: str, members: Sequence[SubjectScore]) -> GroupScore:
    values = {
        measure: [v for v in (getattr(each, measure) for each in members) if not np.isnan(v)]
        for measure in MEASURED
    }
    nothing = float("nan")
    return GroupScore(
        name,
        len(members),
        {measure: float(np.mean(v)) if v else nothing for measure, v in values.items()},
        {m: bootstrap_interval(v) if v else (nothing, nothing) for m, v in values.items()},
    )


def _ends(interval: tuple[float, float]) -> list[float] | None:
    return None if np.isnan(interval[0]) else list(interval)


def _summary(attribute: AttributeScore) -> dict[str, object]:
    groups = attribute.groups
    return {
        "worst_group": groups[0].name if groups else None,
        "best_group": groups[-1].name if groups else None,
        "gap": finite(attribute.gap),
        "p_value": finite(attribute.chance),
        "exceeds_chance": attribute.exceeds_chance,
        "warnings": attribute.warnings(),
    }


def _attribute(attribute: AttributeScore) -> dict[str, object]:
    rows = {}
    for each in attribute.groups:
        row: dict[str, object] = {"n": each.n, "too_small": each.too_small}
        for measure in MEASURED:
            row[KEYS[measure]] = finite(each.means[measure])
            row[f"{KEYS[measure]}_interval"] = _ends(each.intervals[measure])
        rows[each.name] = row
    return _summary(attribute) | {"groups": rows}
