"""From what people said of findings to the confidence from which a signal is believed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskworks.core.errors import UsageError
from maskworks.scene.writing.files import RECORD, read_record
from maskworks.studio.rate import Rate
from maskworks.studio.review.evidence import judged_findings

LEAST_JUDGED = 10
"""Findings at and above a threshold, below which nothing is fitted."""


@dataclass(frozen=True)
class FittedThreshold:
    """From which confidence on a signal's findings were right often enough, and how often."""

    signal: str
    confidence: float
    right: Rate


def fit_thresholds(
    folders: Sequence[Path], target: float
) -> tuple[list[FittedThreshold], dict[str, int]]:
    """Return the lowest threshold of each signal from which on enough findings were right.

    Parameters
    ----------
    folders : of `maskworks suitability`, and those below them
    target : float in (0, 1]
        The share that is to be right, hints that were judged among them.

    Returns
    -------
    list of FittedThreshold, by signal
        On the very verdicts that it is fitted to: expect less on others.
    dict of str to int
        Of the signals for which none reaches it with 10 findings: how many were judged.

    Raises
    ------
    UsageError
        If the target is no share.
    """
    if not 0 < target <= 1:
        raise UsageError(f"the share to be right is {target:g}; give a number from 0 to 1")
    judged: defaultdict[str, list[tuple[float, bool]]] = defaultdict(list)
    for path in sorted({p for folder in folders for p in folder.rglob(RECORD)}):
        for finding, right in judged_findings(read_record(path)):
            judged[finding.signal].append((finding.confidence, right))
    fitted, short = [], {}
    for signal, pairs in sorted(judged.items()):
        for least in sorted({confidence for confidence, _ in pairs}):
            said = [right for confidence, right in pairs if confidence >= least]
            if len(said) >= LEAST_JUDGED and sum(said) >= target * len(said):
                fitted.append(FittedThreshold(signal, least, Rate(sum(said), len(said))))
                break
        else:
            short[signal] = len(pairs)
    return fitted, short
