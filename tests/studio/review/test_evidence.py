"""A person's verdict stands beside a finding, and reviewers are held against each other."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import maskworks as mw
from maskworks.core.errors import UnreadableError, UsageError
from maskworks.scene.policy import read_policy
from maskworks.scene.record import Finding
from maskworks.scene.rollup import roll_up
from maskworks.scene.writing.files import read_record, write_record
from maskworks.studio.review.evidence import cohens_kappa, judge_evidence, measure_agreement


def finding(number, category, iab_id):
    return Finding(
        id=f"f{number:05d}",
        category=category,
        iab_id=iab_id,
        time_ms=0,
        duration_ms=0,
        frame_index=0,
        confidence=0.9,
        likelihood=5,
        kind="text",
        signal="on-screen text",
        source="terms",
        label="rifle",
    )


@pytest.fixture
def folder(tmp_path):
    """A picture's record with two findings, as a run writes it."""
    Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(tmp_path / "a.png")
    choices = mw.SignalChoices(ocr=False, threads=1)
    record = mw.assess_suitability(
        tmp_path / "a.png", mw.SuitabilityOptions(choices=choices)
    ).record
    findings = (finding(1, "arms", "avbNf2"), finding(2, "death", "I4GWl6"))
    rows = roll_up(findings, record.signals, 0, record.context, read_policy())
    given = record.model_copy(update={"findings": findings, "categories": rows})
    write_record(tmp_path / "out", given, {})
    return tmp_path / "out"


def test_a_verdict_stands_beside_the_finding_and_the_finding_stays(folder):
    before = read_record(folder / "suitability.json").findings
    judge_evidence(folder, "f00001", "dismiss", by="ana", reason="a toy")
    judge_evidence(folder, "f00001", "wrong category", by="ana", category="Z7rJBM")
    record = read_record(folder / "suitability.json")
    assert record.findings == before
    (said,) = record.verdicts
    assert (said.reviewer, said.verdict, said.category) == ("ana", "wrong category", "debate")
    trail = [json.loads(line) for line in (folder / "verdicts.jsonl").read_text().splitlines()]
    assert [each["verdict"] for each in trail] == ["dismiss", "wrong category"]
    assert "1 wrong category" in (folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"finding": "f00003"}, "did you mean f0000"),
        ({"verdict": "confrim"}, "did you mean confirm"),
        ({"by": " "}, "needs a name"),
        ({"category": "arms"}, "with no other"),
        ({"verdict": "wrong category"}, "name the right category"),
        ({"verdict": "wrong category", "category": "armz"}, "did you mean arms"),
    ],
    ids=["finding", "verdict", "nobody", "needless", "missing", "unknown"],
)
def test_a_wrong_verdict_says_what_is_wrong(folder, change, says):
    given = {"finding": "f00001", "verdict": "confirm", "by": "ana", "category": None, **change}
    with pytest.raises(UsageError, match=says):
        judge_evidence(
            folder, given["finding"], given["verdict"], by=given["by"], category=given["category"]
        )
    assert read_record(folder / "suitability.json").verdicts == ()


def test_a_folder_without_a_record_is_said(tmp_path):
    with pytest.raises(UnreadableError, match="no suitability record"):
        judge_evidence(tmp_path, "f00001", "confirm", by="ana")


def test_agreement_and_precision_are_counted_over_all_records(folder):
    with pytest.raises(UsageError, match="no verdict was given yet"):
        measure_agreement([folder])
    judge_evidence(folder, "f00001", "confirm", by="ana")
    judge_evidence(folder, "f00001", "confirm", by="ben")
    judge_evidence(folder, "f00002", "confirm", by="ana")
    judge_evidence(folder, "f00002", "dismiss", by="ben")
    found = measure_agreement([folder.parent])
    assert found.kappa == {("ana", "ben"): (0.0, 2)}
    arms = found.precision["arms", "on-screen text"]
    death = found.precision["death", "on-screen text"]
    assert [(rate.hits, rate.n) for rate in (arms, death)] == [(1, 1), (0, 1)]


def test_kappa_is_that_of_cohen_and_none_where_chance_explains_all():
    pairs = [("a", "a")] * 20 + [("a", "b")] * 5 + [("b", "a")] * 10 + [("b", "b")] * 15
    assert cohens_kappa(pairs) == pytest.approx(0.4)
    assert cohens_kappa([("a", "a")] * 3) is None
    assert cohens_kappa([]) is None
    assert cohens_kappa([("a", "b"), ("b", "a")]) == pytest.approx(-1)
