"""A report is one file, rows are JSON, a time line opens in an editing program."""

from __future__ import annotations

import json

import numpy as np
import opentimelineio as otio
import pytest


@pytest.fixture
def two_shots(clip, draw):
    """A clip with a cut after six frames; the subject is lost for a moment in the second shot."""
    first = [draw(i, (96, 128)) for i in range(6)]
    other = [255 - draw(i, (96, 128)) for i in range(6)]
    for picture in other:
        picture[30:70, 60:100] = (220, 60, 40)
    return clip(frames=first + other, form="bgr0")


def test_rows_page_and_time_line_lie_beside_the_output(two_shots, cut, tmp_path):
    row = cut(two_shots, tmp_path / "out.webm", min_confidence=0.95)[0]
    rows = [json.loads(line) for line in (tmp_path / "out.webm.jsonl").read_text().splitlines()]
    assert [each["frame"] for each in rows] == list(range(12))
    assert [each["shot"] for each in rows] == [0] * 6 + [1] * 6
    assert {each["status"] for each in rows} == {"review"}  # .9 is below what was asked
    assert [each["warp_error"] is None for each in rows] == [True, *[False] * 5] * 2
    assert row.status == "review"

    page = (tmp_path / "out.webm.html").read_text()
    assert page.count("data:image/jpeg;base64,") >= 2
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "2 shots" in page

    line = otio.adapters.read_from_file(str(tmp_path / "out.webm.otio"))
    clips = list(line.find_clips())
    assert [c.source_range.start_time.value for c in clips] == [0, 6]
    assert [c.source_range.duration.value for c in clips] == [6, 6]
    assert sum(len(c.markers) for c in clips) == 12
    assert clips[0].media_reference.target_url == "out.webm"


def test_no_report_leaves_the_output_alone(two_shots, cut, tmp_path):
    cut(two_shots, tmp_path / "out.webm", report=False)
    assert sorted(p.name for p in tmp_path.glob("out*")) == ["out.webm"]


def test_frames_in_hand_do_not_grow_with_the_length(clip, cut, tmp_path):
    import gc

    from maskworks.video.reading import Frame

    held = []

    def tell(progress):
        if progress.done % 20 == 0:
            held.append(sum(type(each) is Frame for each in gc.get_objects()))

    cut(clip(count=100), tmp_path / "out.mkv", tell=tell)
    assert len(held) == 5
    assert max(held) <= 16
    assert np.ptp(held) <= 10
