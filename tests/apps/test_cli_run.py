"""`maskworks run`, `review`, `ingest`, `report`: a producer's day, on the command line."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main

CAMPAIGN = """\
[campaign]
name = "spring"
currency = "USD"

[input]
folder = "in"
model = "bright"

[[concept]]
name = "plain"
backgrounds = ["white", "#204060"]

[output]
format = "png"

[quality]
deliver_at = 0.0
spot_check = 0.0

[exceptions]
file = "exceptions.csv"

[cost]
manual = 22.00
automated = 3.40
review = 0.50
"""


@pytest.fixture
def campaign(tmp_path, photos, home):
    """Two good pictures and an exception; what is dark has no subject."""
    photos.write("shoe.png")
    photos.write("a/bag.png", level=240)
    photos.write("glass.png", level=230)
    (tmp_path / "exceptions.csv").write_text("rule,pattern,reason\nglob,glass*,see-through\n")
    path = tmp_path / "campaign.toml"
    path.write_text(CAMPAIGN)
    return path


@pytest.fixture
def out(campaign):
    return campaign.parent / "spring-out"


def change(campaign, old, new):
    text = campaign.read_text()
    assert old in text
    campaign.write_text(text.replace(old, new))


def call(capsys, *arguments):
    code = main([*map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def command(*arguments):
    return [sys.executable, "-m", "maskworks.apps.cli", *map(str, arguments)]


def delivered(out):
    with (out / "deliverables.csv").open(newline="") as stream:
        return [(row["source"], row["variant"], row["path"]) for row in csv.DictReader(stream)]


def cut_out(path, size=(80, 60)):
    """Write what a retoucher would send back: a disc with alpha."""
    width, height = size
    rows, columns = np.mgrid[0:height, 0:width]
    inside = np.hypot(rows - height / 2, columns - width / 2) < height / 4
    pixels = np.dstack([np.full((height, width, 3), 180, np.uint8), inside * np.uint8(255)])
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def test_run_ends_with_counts_cost_and_places(capsys, campaign, out):
    code, said, err = call(capsys, "run", campaign)
    assert (code, err) == (0, "")
    lines = said.splitlines()
    assert lines[0] == "3 pictures, 3 to do (3 new)"
    assert sum(line.startswith("deliver  ") for line in lines) == 2
    assert "manual      -  glass.png  (exception:glob:glass*)" in lines
    assert any(
        line.startswith("3 pictures: 2 deliver, 0 review, 1 manual, 0 failed; ") for line in lines
    )
    assert any(
        line == "cost 28.80 USD, 9.60 USD a picture; without this line 66.00 USD: "
        "37.20 USD saved (56%)"
        for line in lines
    )
    for name in ("deliverables.csv", "report.html", "report.json", "manual/brief.csv"):
        assert (out / name).is_file()
        if "json" not in name:
            assert any(name in line for line in lines)
    assert len(delivered(out)) == 4


def test_second_run_says_that_there_is_nothing_to_do(capsys, campaign):
    call(capsys, "run", campaign)
    code, said, _ = call(capsys, "run", campaign.parent)
    assert code == 0
    assert said.splitlines()[0] == "3 pictures, nothing to do (3 done before)"


def test_failed_picture_makes_the_exit_code_1(capsys, campaign, photos):
    (photos.folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    code, said, _ = call(capsys, "run", campaign)
    assert code == 1
    assert "failed   broken.jpg: " in said


def test_check_says_what_would_happen_and_writes_nothing(capsys, campaign, out):
    code, said, _ = call(capsys, "run", campaign, "--check")
    assert code == 0
    assert "cut     shoe.png  (plain: ffffff, 204060)" in said
    assert "manual  glass.png  (exception glob:glass*: see-through)" in said
    assert "3 pictures: 2 to cut out for up to 4 deliverables, 1 straight to a person" in said
    assert not out.exists()
    assert not campaign.with_suffix(".db").exists()
    call(capsys, "run", campaign)
    _, said, _ = call(capsys, "run", campaign, "--check")
    assert "3 done before, 0 new, 0 changed, 0 waiting, 0 gone" in said


def test_json_is_one_object_a_line(capsys, campaign):
    code, said, err = call(capsys, "run", campaign, "--json")
    rows = [json.loads(line) for line in said.splitlines()]
    assert (code, err, len(rows)) == (0, "", 4)
    by_source = {row["source"]: row for row in rows[:-1]}
    assert by_source["glass.png"]["route"] == "manual"
    assert sorted(by_source["shoe.png"]["outputs"]) == [
        "plain/204060/shoe.png",
        "plain/ffffff/shoe.png",
    ]
    assert rows[-1]["summary"]["routes"] == {"deliver": 2, "review": 0, "manual": 1, "failed": 0}
    assert rows[-1]["summary"]["cost"]["total"] == 28.8
    again = json.loads(call(capsys, "run", campaign, "--json")[1])
    assert [again["summary"][name] for name in ("kept", "new", "changed")] == [3, 0, 0]
    checked = call(capsys, "run", campaign, "--check", "--json")[1].splitlines()
    assert [json.loads(line)["action"] for line in checked] == ["manual", "cut", "cut"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("name =", "nme =", "campaign.toml:2: ", id="unknown-key"),
        pytest.param('"#204060"', '"bg/none.jpg"', "campaign.toml:11: ", id="missing-background"),
        pytest.param('folder = "in"', 'folder = "empty"', "there is no picture in", id="empty"),
        pytest.param(
            'backgrounds = ["white", "#204060"]',
            'match = "*.png"\n[[concept]]\nname = "two"\nmatch = "s*"',
            "all want",
            id="two-concepts",
        ),
    ],
)
def test_wrong_file_is_said_with_its_line_before_anything_is_done(
    capsys, campaign, out, old, new, message
):
    (campaign.parent / "empty").mkdir()
    change(campaign, old, new)
    code, _, err = call(capsys, "run", campaign)
    assert code == 2
    assert message in err
    assert not out.exists()


def test_other_run_is_named_and_waited_for(capsys, campaign, start):
    from maskworks.studio.store import hold, list_campaigns, open_store

    call(capsys, "run", campaign)
    with open_store(campaign.with_suffix(".db")) as store:
        with hold(store, list_campaigns(store)[0]) as other:
            code, _, err = call(capsys, "run", campaign)
            assert code == 1
            assert f"is worked on by {other.name} since " in err
            waiting = start("run", campaign, "--wait")
            line = waiting.stderr.readline().decode()
            assert line == f"waiting for {other.name}\n"
            assert waiting.poll() is None
        said, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, err) == (0, b"")
    assert b"nothing to do" in said


def test_interrupted_run_says_how_to_go_on(campaign, photos, start):
    for number in range(40):
        photos.write(f"more{number}.png", level=200 + number)
    running = start("run", campaign, "--threads", "1")
    for line in running.stdout:
        if line.startswith(b"deliver"):
            running.send_signal(signal.SIGINT)
            break
    said, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert b"finishing the pictures in hand" in err
    assert b"left to do; go on with:\n  maskworks run " in err
    assert b"deliverables.csv" not in said


def test_terminal_shows_a_bar_with_rate_and_time_left(campaign, photos, home):
    for number in range(6):
        photos.write(f"more{number}.png", level=200 + number)
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    running = subprocess.Popen(
        command("run", campaign), stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    shown = b""
    until = time.monotonic() + 180
    while time.monotonic() < until:
        try:
            shown += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    assert running.wait(timeout=60) == 0
    assert b"/9" in shown
    assert b"/s" in shown
    assert b"9 pictures: 8 deliver, 0 review, 1 manual, 0 failed" in shown


def test_review_lists_what_awaits_a_decision(capsys, campaign):
    change(campaign, "deliver_at = 0.0", "deliver_at = 1.0")
    call(capsys, "run", campaign)
    code, said, err = call(capsys, "review", "list", campaign)
    assert (code, err) == (0, "2 pictures await a decision\n")
    lines = said.splitlines()
    at = next(number for number, line in enumerate(lines) if line.endswith("  shoe.png"))
    reasons = [line for line in lines[at + 1 :] if line.startswith("        - ")]
    assert any(line.startswith("        - score ") for line in reasons)
    assert all(line.startswith("        ") for line in lines[at + 1 : at + 3])
    assert "spring-out/review/plain/ffffff/shoe.png" in said
    rows = json.loads(call(capsys, "review", "list", campaign, "--json")[1])
    assert sorted(row["source"] for row in rows) == ["a/bag.png", "shoe.png"]
    assert len(rows[0]["outputs"]) == 2


def test_accepted_is_delivered_and_rejected_goes_to_the_retoucher(capsys, campaign, out):
    change(campaign, "deliver_at = 0.0", "deliver_at = 1.0")
    call(capsys, "run", campaign)
    code, said, _ = call(capsys, "review", "accept", campaign, "shoe", "--by", "ana")
    assert (code, said.endswith("shoe.png: review -> deliver\n")) == (0, True)
    call(capsys, "review", "reject", campaign, "a/bag.png", "--by", "ben", "--why", "edge")
    assert {row[0] for row in delivered(out)} == {"shoe.png"}
    assert (out / "deliver/plain/ffffff/shoe.png").is_file()
    assert (out / "rejected/plain/ffffff/a/bag.png").is_file()
    brief = (out / "manual/brief.csv").read_text("utf-8-sig")
    assert "a/bag.png" in brief
    assert "shoe" not in brief
    rows = list(csv.DictReader(io.StringIO(call(capsys, "review", "export", campaign)[1])))
    assert [(row["source"], row["outcome"], row["who"], row["reason"]) for row in rows] == [
        ("shoe.png", "accept", "ana", ""),
        ("a/bag.png", "reject", "ben", "edge"),
    ]
    assert all(0 <= float(row["score"]) <= 1 for row in rows)
    call(capsys, "report", campaign)
    figures = json.loads((out / "report.json").read_text())
    assert figures["routes"] == {"deliver": 1, "review": 0, "manual": 2, "failed": 0}
    assert figures["cost"]["total"] == 3.40 + 0.50 + 22.00 + 0.50 + 22.00


def test_rejected_delivery_is_handed_over_too(capsys, campaign, out):
    call(capsys, "run", campaign)
    call(capsys, "review", "reject", campaign, "shoe", "--why", "a hole")
    assert [path.name for path in (out / "manual").glob("shoe-*")]
    assert "shoe.png" not in {row[0] for row in delivered(out)}


def test_export_is_read_by_exceptions_suggest(capsys, campaign, tmp_path):
    call(capsys, "run", campaign)
    call(capsys, "review", "accept", campaign, "shoe", "bag")
    decisions = tmp_path / "decisions.csv"
    assert call(capsys, "review", "export", campaign, "-o", decisions)[0] == 0
    code, _, err = call(capsys, "exceptions", "suggest", decisions)
    assert (code, "among 2 decisions" in err) == (0, True)


def test_rules_are_suggested_from_the_campaign_itself(capsys, campaign, photos):
    for number in range(6):
        photos.write(f"GEM-{number}.png", level=200 + number)
    call(capsys, "run", campaign)
    skus = [f"GEM-{number}" for number in range(6)]
    call(capsys, "review", "reject", campaign, *skus, "--why", "facets")
    code, said, _ = call(capsys, "exceptions", "suggest", campaign.parent)
    assert (code, said.startswith("sku,GEM-*,")) == (0, True)
    assert "6 of 6 reviewed" in said
    with (campaign.parent / "exceptions.csv").open("a") as stream:
        stream.write(said)
    code, said, _ = call(capsys, "exceptions", "suggest", campaign)
    assert (code, said) == (0, ""), "what the campaign's list covers is not proposed again"
    assert (
        "manual  GEM-0.png  (exception sku:GEM-*: 6 of 6"
        in call(capsys, "run", campaign, "--check")[1]
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["accept", "hat"], 2, "no picture is 'hat'", id="unknown"),
        pytest.param(["accept", "glass.png"], 1, "has no output that could be", id="no-output"),
        pytest.param(["reject", "shoe"], 2, "why", id="no-reason"),
        pytest.param(["accept", "shoe", "--by", " "], 2, "is empty, after --by", id="nobody"),
    ],
)
def test_wrong_decisions_are_refused(capsys, campaign, arguments, code, message):
    call(capsys, "run", campaign)
    verb, *rest = arguments
    found, _, err = call(capsys, "review", verb, campaign, *rest)
    assert found == code
    assert message in err


def test_campaign_that_was_not_run_has_nothing_to_review(capsys, campaign):
    code, _, err = call(capsys, "review", "list", campaign)
    assert code == 2
    assert "there is no database; `maskworks run` makes it" in err


def test_returned_file_is_composed_and_delivered(capsys, campaign, out, tmp_path):
    call(capsys, "run", campaign)
    (handed,) = (out / "manual").glob("glass-*.png")
    cut_out(tmp_path / "back" / f"{handed.stem}_final.png")
    code, said, err = call(capsys, "ingest", tmp_path / "back", "--campaign", campaign)
    assert (code, err) == (0, "1 delivered, 0 refused, 0 unknown; 0 still out\n")
    assert "delivered glass.png <- " in said
    paths = [path for source, _, path in delivered(out) if source == "glass.png"]
    assert sorted(paths) == ["deliver/plain/204060/glass.png", "deliver/plain/ffffff/glass.png"]
    with Image.open(out / paths[0]) as picture:
        assert picture.mode == "RGB"
    assert not (out / "manual/brief.csv").exists()
    assert not handed.exists()
    before = (out / "deliverables.csv").read_text()
    call(capsys, "ingest", tmp_path / "back", "--campaign", campaign)
    call(capsys, "run", campaign)
    assert (out / "deliverables.csv").read_text() == before


def test_look_at_a_returned_picture_is_paid_once_however_often_it_is_taken_in(
    capsys, campaign, out, tmp_path
):
    call(capsys, "run", campaign)
    call(capsys, "review", "fix", campaign, "shoe", "--why", "edge")
    cut_out(tmp_path / "back/shoe.png")
    for _ in range(2):
        assert call(capsys, "ingest", tmp_path / "back", "--campaign", campaign)[0] == 0
    call(capsys, "report", campaign)
    figures = json.loads((out / "report.json").read_text())
    assert figures["cost"]["total"] == 22.50 + 3.40 + 22.00
    trail = call(capsys, "audit", campaign.parent, "--item", "shoe")[1]
    assert [line.split(": ")[1].split(" ")[0] for line in trail.splitlines()] == [
        "added",
        "routed",
        "decided",
        "ingested",
    ]


def test_return_outlives_an_edit_of_the_campaign(capsys, campaign, out, tmp_path):
    call(capsys, "run", campaign)
    (handed,) = (out / "manual").glob("glass-*.png")
    cut_out(tmp_path / "back" / handed.name)
    call(capsys, "ingest", tmp_path / "back", "--campaign", campaign)
    change(campaign, "#204060", "#000000")
    said = call(capsys, "run", campaign)[1]
    assert "note: a person had decided on glass.png, and picture or settings changed" in said
    assert "glass.png" not in {row[0] for row in delivered(out)}
    assert call(capsys, "ingest", tmp_path / "back", "--campaign", campaign)[0] == 0
    paths = [path for source, _, path in delivered(out) if source == "glass.png"]
    assert sorted(paths) == ["deliver/plain/000000/glass.png", "deliver/plain/ffffff/glass.png"]


def test_returned_file_may_have_the_photo_s_own_name(capsys, campaign, out, tmp_path):
    call(capsys, "run", campaign)
    cut_out(tmp_path / "back/glass.png")
    assert call(capsys, "ingest", tmp_path / "back", "--campaign", campaign)[0] == 0
    assert "glass.png" in {row[0] for row in delivered(out)}


@pytest.mark.parametrize(
    ("back", "message"),
    [
        pytest.param(("glass.png", (50, 50)), "is 50x50, the original is 80x60", id="size"),
        pytest.param(("hat.png", (80, 60)), "no picture of the campaign is called", id="unknown"),
    ],
)
def test_file_that_does_not_fit_is_refused(capsys, campaign, out, tmp_path, back, message):
    call(capsys, "run", campaign)
    cut_out(tmp_path / "back" / back[0], back[1])
    code, said, _ = call(capsys, "ingest", tmp_path / "back", "--campaign", campaign)
    assert code == 1
    assert message in said
    assert "glass.png" not in {row[0] for row in delivered(out)}


def test_returned_file_that_breaks_a_rule_is_delivered_only_on_demand(
    capsys, campaign, out, tmp_path
):
    change(campaign, 'format = "png"', 'format = "png"\nfill_min = 0.99\npadding = 0\nsize = 500')
    call(capsys, "run", campaign)
    cut_out(tmp_path / "back/glass.png")
    code, said, _ = call(capsys, "ingest", tmp_path / "back", "--campaign", campaign)
    assert (code, "deliver it with `--anyway`" in said) == (1, True)
    code, _, _ = call(capsys, "ingest", tmp_path / "back", "--campaign", campaign, "--anyway")
    assert code == 0
    assert "glass.png" in {row[0] for row in delivered(out)}


def test_report_names_its_files(capsys, campaign, out):
    call(capsys, "run", campaign)
    (out / "report.html").unlink()
    code, said, _ = call(capsys, "report", campaign)
    assert code == 0
    assert said.splitlines()[0].endswith("spring-out/report.html")
    assert (out / "report.html").is_file()
    assert json.loads(call(capsys, "report", campaign, "--json")[1])["items"] == 3
