from __future__ import annotations

import pytest

from maskworks.scene.policy import read_policy
from maskworks.scene.record import ContentContext, Finding, SignalRun
from maskworks.scene.rollup import likelihood_of, roll_up, segments_of


def finding(at_s, lasts_s=1.0, confidence=0.9, **parts):
    return Finding(
        **{
            "id": f"f{at_s}",
            "category": "arms",
            "iab_id": "avbNf2",
            "time_ms": round(1000 * at_s),
            "duration_ms": round(1000 * lasts_s),
            "frame_index": round(25 * at_s),
            "confidence": confidence,
            "likelihood": likelihood_of(confidence),
            "kind": "text",
            "signal": "subtitles",
            "source": "terms",
            "label": "rifle",
            **parts,
        }
    )


def looked(kind="text", *, partial=False, looked_at=5, assessed=True):
    return SignalRun(
        name=f"a {kind} signal",
        kind=kind,
        source="x",
        assessed=assessed,
        categories=("arms", "adult"),
        looked_at=looked_at,
        unit="lines",
        partial=partial,
    )


def rolled(findings, signals, seconds=600, category="arms"):
    rows = roll_up(findings, signals, 1000 * seconds, ContentContext(), read_policy())
    return next(row for row in rows if row.category == category)


def test_findings_close_to_each_other_are_one_segment():
    first, second = segments_of([finding(0), finding(5, confidence=0.95), finding(30)], 10)
    assert (first.start_ms, first.end_ms, first.duration_ms) == (0, 6000, 6000)
    assert (first.peak_time_ms, first.peak_frame, first.peak_confidence) == (5000, 125, 0.95)
    assert second.findings == ("f30",)


def test_a_category_that_nobody_looked_at_never_reads_as_clear():
    for signals in ([], [looked(assessed=False)], [looked(looked_at=0)], [looked(partial=True)]):
        row = rolled([], signals)
        assert (row.coverage, row.likelihood, row.proposed_risk) == ("not assessed", None, None)


@pytest.mark.parametrize(
    ("kinds", "coverage"),
    [
        (("text",), "text and sound only"),
        (("sound", "text"), "text and sound only"),
        (("picture",), "assessed"),
        (("picture", "text"), "assessed"),
    ],
)
def test_coverage_says_who_looked(kinds, coverage):
    row = rolled([], [looked(kind) for kind in kinds])
    assert (row.coverage, row.likelihood) == (coverage, 1)
    assert row.signals == tuple(f"a {kind} signal" for kind in kinds)


def test_a_short_mention_is_adjacent_and_a_long_run_is_sustained():
    brief = rolled([finding(10, 2)], [looked()])
    assert (brief.extent, brief.proposed_risk) == ("adjacent", "bsr003")
    long = rolled([finding(s, 5) for s in range(0, 40, 5)], [looked()])
    assert (long.extent, long.longest_run_ms) == ("sustained", 40_000)
    assert (long.share_of_time, long.proposed_risk) == (pytest.approx(40 / 600, abs=1e-4), "bsr002")


def test_a_moment_of_a_short_clip_is_not_sustained_by_its_share():
    assert rolled([finding(1, 2)], [looked()], seconds=8).extent == "adjacent"
    assert rolled([finding(1, 6)], [looked()], seconds=8).extent == "sustained"


def test_hints_are_counted_and_weigh_nothing():
    row = rolled([finding(1, hint=True, confidence=0.3)], [looked()])
    assert (row.hints, row.segments, row.likelihood, row.proposed_risk) == (1, (), 1, None)


def test_a_probability_stands_only_where_the_peak_is_calibrated():
    assert rolled([finding(1)], [looked()]).probability is None
    assert rolled([finding(1, calibrated=True)], [looked()]).probability == 0.9


def test_every_category_has_a_row():
    rows = roll_up([], [], 0, ContentContext(), read_policy())
    assert [row.iab_id for row in rows] == [
        "Rm3SiT",
        "avbNf2",
        "XtODT3",
        "I4GWl6",
        "Z7rJBM",
        "HxqYV1",
        "pg0WhF",
        "j9PaO9",
        "mm3UXx",
        "6i4dB6",
        "8FD8nI",
        None,
    ]
