"""Verdicts on the evidence of `maskworks suitability`, and how far reviewers agree.

The finding stays as it was; what a person said stands beside it. `verdicts.jsonl` keeps every
verdict in the order in which it was given, each sealed together with the one before it; the
record keeps the last of each reviewer.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from maskworks.core.errors import UnreadableError, UsageError
from maskworks.models.lock import locked
from maskworks.scene.record import (
    VERDICT_WORDS,
    EvidenceVerdict,
    Finding,
    SuitabilityRecord,
    VerdictWord,
)
from maskworks.scene.topics import nearest, topic_of
from maskworks.scene.writing.files import RECORD, read_pictures, read_record, write_record
from maskworks.studio.rate import Rate

TRAIL = "verdicts.jsonl"
LOCK = ".verdicts.lock"


def judge_evidence(
    folder: Path,
    finding: str,
    verdict: str,
    *,
    by: str,
    category: str | None = None,
    reason: str = "",
) -> tuple[Finding, EvidenceVerdict]:
    """Keep what a person says of a finding, beside it; record, tables and report are rewritten.

    Parameters
    ----------
    folder : Path
        That holds suitability.json.
    finding : str
        Its id, such as "f00001".
    verdict : "confirm", "dismiss" or "wrong category"
    by : str
        Who says so. A later verdict of the same reviewer takes the place of the earlier one.
    category : str, optional
        With "wrong category": the right one, by name or id.
    reason : str

    Raises
    ------
    UsageError
        If there is no such finding or verdict (the nearest is named), nobody is named, or a
        category goes with another verdict than "wrong category" or is missing there.
    UnreadableError
        If the folder holds no record.
    """
    word = next((each for each in VERDICT_WORDS if each == verdict), None)
    if word is None:
        raise UsageError(f"there is no verdict {verdict!r}; {nearest(verdict, VERDICT_WORDS)}")
    if not by.strip():
        raise UsageError("a verdict needs a name; say who decides")
    if (word == "wrong category") != (category is not None):
        raise UsageError(
            'name the right category with the verdict "wrong category", and with no other'
        )
    right = topic_of(category, where="category").name if category is not None else None
    said = EvidenceVerdict(
        finding=finding,
        reviewer=by.strip(),
        verdict=word,
        category=right,
        reason=reason,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    read_record(folder / RECORD)  # before a lock is laid beside what is no record
    with locked(folder / LOCK):
        record = read_record(folder / RECORD)
        known = {each.id: each for each in record.findings}
        if finding not in known:
            way = nearest(finding, known) if known else "it holds none"
            raise UsageError(f"{folder / RECORD}: there is no finding {finding!r}; {way}")
        _append(folder / TRAIL, said)
        others = (v for v in record.verdicts if (v.finding, v.reviewer) != (finding, said.reviewer))
        kept = record.model_copy(update={"verdicts": (*others, said)})
        write_record(folder, kept, read_pictures(folder, record))
    return known[finding], said


def _append(trail: Path, said: EvidenceVerdict) -> None:
    """Add a verdict to the trail, sealed together with the line before it."""
    lines = trail.read_bytes().splitlines() if trail.is_file() else []
    previous = str(json.loads(lines[-1]).get("digest", "")) if lines else ""
    row = {**said.model_dump(), "previous": previous}
    with trail.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps({**row, "digest": _seal(row)}, ensure_ascii=False) + "\n")


def _seal(row: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a verdict and the digest before it."""
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()


def verify_verdicts(folder: Path) -> tuple[int, str]:
    """Follow the trail of a folder's verdicts, and hold the record against it.

    Parameters
    ----------
    folder : Path
        That holds suitability.json.

    Returns
    -------
    int, str
        How many verdicts there are, and the last digest: noted elsewhere, it shows whether the
        end was cut off.

    Raises
    ------
    UnreadableError
        If a line was changed, taken out or put in, or the record says something else.
    """
    record, trail = read_record(folder / RECORD), folder / TRAIL
    lines = trail.read_text(encoding="utf-8").splitlines() if trail.is_file() else []
    before, last = "", {}
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            digest = row.pop("digest")
            said = EvidenceVerdict.model_validate({k: row[k] for k in row if k != "previous"})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _broken(trail, f"line {number} is no verdict") from error
        if row.get("previous") != before or _seal(row) != digest:
            raise _broken(trail, f"line {number} was changed, or one before it is missing")
        before, last[said.finding, said.reviewer] = digest, said
    if {(v.finding, v.reviewer): v for v in record.verdicts} != last:
        raise _broken(folder / RECORD, f"holds other verdicts than {TRAIL}")
    return len(lines), before


def _broken(path: Path, reason: str) -> UnreadableError:
    return UnreadableError(str(path), reason, "find out who wrote there; a backup has the rest")


@dataclass(frozen=True)
class EvidenceAgreement:
    """How far reviewers agree, and how many findings were right.

    `kappa` is Cohen's, by pair of reviewers, with how many findings both judged; None if it is
    not defined. `precision` is by (category, signal); a finding counts as right if more of its
    reviewers confirmed it than not, at a tie it counts as wrong.
    """

    kappa: dict[tuple[str, str], tuple[float | None, int]]
    precision: dict[tuple[str, str], Rate]


def measure_agreement(folders: Sequence[Path]) -> EvidenceAgreement:
    """Return agreement and precision over the records of folders, and of those below them.

    Raises
    ------
    UsageError
        If no record has a verdict.
    """
    said: defaultdict[str, dict[tuple[Path, str], VerdictWord]] = defaultdict(dict)
    precision: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    for path in sorted({p for folder in folders for p in folder.rglob(RECORD)}):
        record = read_record(path)
        for verdict in record.verdicts:
            said[verdict.reviewer][path, verdict.finding] = verdict.verdict
        for finding, right in judged_findings(record):
            precision[finding.category, finding.signal].append(right)
    if not said:
        raise UsageError("no verdict was given yet; give some with `maskworks review evidence`")
    kappa = {}
    for one, other in combinations(sorted(said), 2):
        both = sorted(said[one].keys() & said[other].keys())
        pairs = [(said[one][key], said[other][key]) for key in both]
        kappa[one, other] = (cohens_kappa(pairs), len(pairs))
    rates = {key: Rate(sum(row), len(row)) for key, row in sorted(precision.items())}
    return EvidenceAgreement(kappa, rates)


def judged_findings(record: SuitabilityRecord) -> list[tuple[Finding, bool]]:
    """Return the findings that were judged, and whether more reviewers confirmed each than not."""
    votes: defaultdict[str, Counter[bool]] = defaultdict(Counter)
    for verdict in record.verdicts:
        votes[verdict.finding][verdict.verdict == "confirm"] += 1
    return [
        (finding, votes[finding.id][True] > votes[finding.id][False])
        for finding in record.findings
        if finding.id in votes
    ]


def cohens_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Cohen's kappa of two reviewers' words; None without pairs or where chance is sure.

    References
    ----------
    Cohen, A Coefficient of Agreement for Nominal Scales, Educational and Psychological
    Measurement 20 (1960).

    Examples
    --------
    >>> votes = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10
    >>> round(cohens_kappa(votes + [("no", "no")] * 15), 3)
    0.4
    """
    n = len(pairs)
    if not n:
        return None
    observed = sum(a == b for a, b in pairs) / n
    ours, theirs = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(ours[word] * theirs[word] for word in ours) / n**2
    return None if chance == 1 else (observed - chance) / (1 - chance)
