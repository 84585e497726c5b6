"""The benchmark measures what it says; the measuring itself is `make bench`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import campaign
import campaign_pictures
import numpy as np
import pytest
from campaign_pictures import size_of
from memory import follow
from peer import MissingError, prepare_peer
from photos import SIZES, make_photos, repeat_photos
from PIL import Image
from report import write_report
from run import parse
from sections import Contender, FailedRunError, Row, Settings, run_once, take_turns


@pytest.mark.parametrize(
    ("value", "target", "at_most", "verdict"),
    [
        pytest.param(0.2, 0.25, True, "pass", id="below"),
        pytest.param(0.3, 0.25, True, "MISS", id="above"),
        pytest.param(12.0, 10.0, False, "pass", id="enough"),
        pytest.param(9.9, 10.0, False, "MISS", id="too-little"),
        pytest.param(9.9, None, True, "", id="no-target"),
        pytest.param(float("nan"), 1.0, True, "MISS", id="nan"),
    ],
)
def test_row_judges_by_its_target(value, target, at_most, verdict):
    assert Row(what="w", value=value, unit="x", target=target, at_most=at_most).verdict == verdict


def test_run_that_writes_too_little_is_not_timed(tmp_path):
    idle = Contender("idle", (sys.executable, "-c", ""), dict(os.environ), tmp_path / "out", 1)
    with pytest.raises(FailedRunError, match="exit code 0, 0 of 1 pictures written"):
        run_once(idle)


def test_turns_are_taken_and_the_median_is_kept(tmp_path):
    log = tmp_path / "log"
    contenders = [
        Contender(name, ("sh", "-c", f"echo {name} >> {log}"), dict(os.environ)) for name in "ab"
    ]
    seconds = take_turns(contenders, 2)
    assert log.read_text().split() == ["a", "b", "a", "b"]
    assert set(seconds) == {"a", "b"}
    assert all(0 < value < 10 for value in seconds.values())


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_memory_of_a_process_is_followed():
    hold = "import time; a = bytearray(64 << 20); time.sleep(0.5); del a; time.sleep(0.5)"
    trace = follow([sys.executable, "-c", hold], dict(os.environ))
    assert trace.exit_code == 0
    assert trace.peak > 64 * 1024
    assert trace.peak_between(0.9, 1.0) < trace.peak_between(0.0, 0.6)


def test_photos_are_as_large_as_asked_and_made_once(tmp_path):
    folders = make_photos(tmp_path, 2, {"small": (120, 160)})
    paths = sorted(folders["mixed"].iterdir())
    assert [path.name for path in paths] == ["small-000.jpg", "small-001.jpg"]
    with Image.open(paths[0]) as photo:
        assert photo.size == (160, 120)
        assert np.asarray(photo).std() > 10
    before = [path.stat().st_mtime_ns for path in paths]
    make_photos(tmp_path, 2, {"small": (120, 160)})
    assert [path.stat().st_mtime_ns for path in paths] == before
    assert len(list(repeat_photos(folders["mixed"], tmp_path / "many", 5).iterdir())) == 5


def test_report_shows_target_and_verdict(tmp_path):
    settings = Settings(
        out=tmp_path, threads=2, repeats=3, photos=4, sizes=SIZES, network_runs=1, many_pictures=1
    )
    rows = [Row(what="ours / theirs", value=0.2, unit="x", target=0.25, note="median")]
    write_report(tmp_path / "report.md", {"network": rows}, settings)
    text = (tmp_path / "report.md").read_text()
    assert "| ours / theirs (median) | 0.2 x | at most 0.25 | pass |" in text


def test_comparison_says_which_weights_it_lacks(tmp_path):
    with pytest.raises(MissingError, match="name it with --weights FILE"):
        prepare_peer(tmp_path / "none.safetensors", tmp_path)


def test_unknown_section_is_refused(capsys):
    with pytest.raises(SystemExit):
        parse(["--sections", "networks"])
    assert "there are network, folders, start, many" in capsys.readouterr().err


def test_photos_of_the_campaign_are_spread_from_one_to_six_megapixels():
    sizes = [size_of(number, 1.5) for number in range(200)]
    megapixels = np.array([height * width / 1e6 for height, width in sizes])
    assert (megapixels.min() > 0.99, megapixels.max() < 6.01) == (True, True)
    assert np.histogram(megapixels, 5, (1, 6))[0].min() >= 35
    assert all(width / height == pytest.approx(1.5, rel=0.01) for height, width in sizes)


def test_page_of_the_campaign_tells_what_it_adds():
    found = campaign.Figures(
        count=8000,
        model="cutout",
        refine="auto",
        threads=2,
        rounds=5,
        whole=campaign.Spent(11_000, 21_000),
        alone=campaign.Spent(10_000, 20_000),
        plain=campaign.Spent(2_000, 4_000),
        peak_kb=700_000,
        early_kb=690_000,
        late_kb=700_000,
        routes={"deliver": 7600, "review": 400, "manual": 0, "failed": 0},
        megabytes=20_000,
    )
    text = campaign.page(found)
    assert "| what the campaign adds to that | 10.0% (target: at most 15 %) |" in text
    assert "| the same by processor time | 5.0% |" in text
    assert "| time | 3 h 03 min, 2,618 photos an hour |" in text


def test_page_of_the_campaign_keeps_what_was_measured_apart(tmp_path):
    page = tmp_path / "page.md"
    campaign.write(page, "# One\n")
    assert page.read_text() == "# One\n"
    page.write_text(f"# One\n\n{campaign.KEPT}\n\n## Apart\n")
    campaign.write(page, "# Two\n")
    assert page.read_text() == f"# Two\n\n{campaign.KEPT}\n\n## Apart\n"


@pytest.mark.slow
def test_campaign_is_measured_against_its_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(campaign_pictures, "MEGAPIXELS", (0.2, 0.4))
    found = campaign.measure(tmp_path / "campaign", 3, model="cutout", refine="fast", threads=1)
    assert (found.count, sum(found.routes.values())) == (3, 3)
    assert found.plain.seconds > 0
    assert 0 < found.alone.processor_s < found.whole.processor_s
    assert found.peak_kb > 100_000
