"""From findings to segments, coverage, likelihood and a proposed risk, category by category."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from maskworks.scene.policy import SuitabilityPolicy, TopicEvidence, propose
from maskworks.scene.record import (
    ContentContext,
    CoverageWord,
    EvidenceSegment,
    Extent,
    Finding,
    SignalRun,
    TopicResult,
)
from maskworks.scene.topics import PARENT, TOPICS, SensitiveTopic

_STEPS = (0.2, 0.4, 0.6, 0.8)


def likelihood_of(confidence: float) -> int:
    """Return 1 (very unlikely) to 5 (very likely): a step for every fifth of confidence.

    Examples
    --------
    >>> [likelihood_of(c) for c in (0.0, 0.2, 0.59, 0.6, 0.9)]
    [1, 2, 3, 4, 5]
    """
    return bisect_right(_STEPS, confidence) + 1


def roll_up(
    findings: Sequence[Finding],
    signals: Sequence[SignalRun],
    duration_ms: int,
    context: ContentContext,
    policy: SuitabilityPolicy,
) -> tuple[TopicResult, ...]:
    """Return one row for every category, also for those that nobody looked at.

    Parameters
    ----------
    findings : of one clip
    signals : that ran or should have
    duration_ms : int, >= 0
        Of the clip; 0 for a picture.
    context : ContentContext
    policy : SuitabilityPolicy

    Returns
    -------
    tuple of TopicResult
        In the order of the taxonomy.
    """
    return tuple(
        _topic(topic, findings, signals, duration_ms, (context, policy)) for topic in TOPICS
    )


def _topic(
    topic: SensitiveTopic,
    findings: Sequence[Finding],
    signals: Sequence[SignalRun],
    duration_ms: int,
    judged_by: tuple[ContentContext, SuitabilityPolicy],
) -> TopicResult:
    context, policy = judged_by
    looked = [s for s in signals if s.assessed and s.looked_at and topic.name in s.categories]
    full = [s for s in looked if not s.partial]
    own = [f for f in findings if f.category == topic.name]
    counted = [f for f in own if not f.hint]
    segments = segments_of(counted, policy.join_seconds)
    spent = sum(segment.duration_ms for segment in segments)
    share = min(1.0, spent / duration_ms) if duration_ms else float(bool(segments))
    longest = max((segment.duration_ms for segment in segments), default=0)
    peak = max(counted, key=lambda f: (f.confidence, -f.time_ms), default=None)
    extent: Extent | None = None
    risk, rule = None, None
    if peak is not None:
        extent = _extent(longest, share, duration_ms, policy)
        evidence = TopicEvidence(
            topic.name,
            frozenset(f.kind for f in counted),
            peak.likelihood,
            extent,
            all_news=all("news" in f.context for f in counted),
        )
        risk, rule = propose(evidence, context, policy)
    return TopicResult(
        category=topic.name,
        iab_id=topic.iab_id,
        parent=PARENT if topic.iab_id else None,
        title=topic.title,
        coverage=_coverage(full),
        signals=tuple(s.name for s in looked),
        likelihood=peak.likelihood if peak else (1 if full else None),
        probability=peak.confidence if peak and peak.calibrated else None,
        extent=extent,
        share_of_time=round(share, 4),
        longest_run_ms=longest,
        peak_time_ms=peak.time_ms if peak else None,
        peak_frame=peak.frame_index if peak else None,
        segments=segments,
        hints=len(own) - len(counted),
        proposed_risk=risk,
        rule=rule,
    )


def _extent(longest: int, share: float, duration_ms: int, policy: SuitabilityPolicy) -> Extent:
    much = share >= policy.sustained_share and longest >= 1000 * policy.sustained_least_seconds
    long = longest >= 1000 * policy.sustained_seconds
    return "sustained" if long or much or not duration_ms else "adjacent"


def _coverage(looked: Sequence[SignalRun]) -> CoverageWord:
    if not looked:
        return "not assessed"
    return "assessed" if any(s.kind == "picture" for s in looked) else "text and sound only"


def segments_of(findings: Sequence[Finding], join_seconds: float) -> tuple[EvidenceSegment, ...]:
    """Join findings that are closer than so many seconds, in the order of their times.

    Returns
    -------
    tuple of EvidenceSegment
        They do not overlap; the peak is the finding of the highest confidence, the first at a tie.
    """
    groups: list[list[Finding]] = []
    end = 0
    for finding in sorted(findings, key=lambda f: (f.time_ms, f.id)):
        if groups and finding.time_ms - end <= 1000 * join_seconds:
            groups[-1].append(finding)
            end = max(end, finding.time_ms + finding.duration_ms)
        else:
            groups.append([finding])
            end = finding.time_ms + finding.duration_ms
    return tuple(_segment(group) for group in groups)


def _segment(group: Sequence[Finding]) -> EvidenceSegment:
    start = min(f.time_ms for f in group)
    end = max(f.time_ms + f.duration_ms for f in group)
    peak = max(group, key=lambda f: (f.confidence, -f.time_ms))
    return EvidenceSegment(
        start_ms=start,
        end_ms=end,
        duration_ms=end - start,
        peak_time_ms=peak.time_ms,
        peak_frame=peak.frame_index,
        peak_confidence=peak.confidence,
        findings=tuple(f.id for f in group),
    )
