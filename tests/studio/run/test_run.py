"""A whole run, in this process: routes, files, reruns, edits, stops."""

from __future__ import annotations

import errno
import json
import os
import threading
from decimal import Decimal

import pytest
from PIL import Image

from maskworks.core.errors import OutputError, UsageError
from maskworks.cutouts.scoring.score_model import Logistic, load_score_model, write_score_model
from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.run import filing
from maskworks.studio.run.reporting import report_campaign
from maskworks.studio.run.run import CampaignRun, RunListener, run_opened
from maskworks.studio.store import (
    Filter,
    HeldError,
    Judgement,
    decide,
    hold,
    list_campaigns,
    list_events,
)

ROUTES = {
    "broken.jpg": "failed",
    "c.png": "deliver",
    "glass.png": "manual",
    "life/a.png": "deliver",
    "life/b.png": "deliver",
}
FILES = [
    "deliver/marble/f4f1ec/life/a.png",
    "deliver/marble/f4f1ec/life/b.png",
    "deliver/marble/wall/life/a.png",
    "deliver/marble/wall/life/b.png",
    "deliver/plain/ffffff/c.png",
]


def by_source(small):
    return {item.source: item for item in small.items()}


def test_every_picture_ends_in_one_route_with_its_files(small):
    told, ended = small.run()
    assert small.routes() == ROUTES
    assert (ended.counts.total, ended.counts.done, ended.left) == (5, 5, 0)
    assert told.sources == sorted(ROUTES)
    assert small.files("deliver", "review", "rejected") == FILES
    small.check_whole()
    items = by_source(small)
    assert items["broken.jpg"].error.code == "unreadable"
    assert [reason.name for reason in items["glass.png"].reasons] == ["exception:glob:glass*"]
    costs = [items[source].cost for source in ("c.png", "glass.png", "broken.jpg")]
    assert costs == [Decimal("3.40"), Decimal(22), 0]
    assert small.files("manual") == [
        "manual/brief.csv",
        f"manual/glass-{items['glass.png'].id}.png",
    ]


def test_list_names_concept_variant_hash_and_score(small):
    small.run()
    rows = {(row["source"], row["variant"]): row for row in small.delivered()}
    assert len(rows) == 5
    row = rows["life/a.png", "wall"]
    assert (row["sku"], row["concept"]) == ("a", "marble")
    assert row["path"] == "deliver/marble/wall/life/a.png"
    assert float(row["score"]) == pytest.approx(by_source(small)["life/a.png"].score, abs=1e-4)


def test_excepted_picture_is_handed_over_as_it_came_and_never_decoded(small):
    photo = small.path / "photos/glass.png"
    photo.write_bytes(photo.read_bytes()[:100])  # what is left cannot be decoded
    small.run()
    assert small.routes()["glass.png"] == "manual"
    (handed,) = (small.out / "manual").glob("glass-*.png")
    assert handed.read_bytes() == photo.read_bytes()


def test_excepted_file_that_is_no_picture_fails(small):
    small.write("photos/glass.png", "Dear Sir")
    small.run()
    assert by_source(small)["glass.png"].error.message.startswith("glass.png: is not a picture")


def test_second_run_does_nothing_and_says_so(small):
    small.run()
    before = {path: (small.out / path).stat().st_mtime_ns for path in FILES}
    told, _ = small.run()
    assert told.done == []
    assert (told.started[0].todo, told.started[0].added.kept) == (0, 5)
    assert {path: (small.out / path).stat().st_mtime_ns for path in FILES} == before


def test_only_what_is_new_changed_or_gone_is_touched(small):
    small.run()
    small.draw("life/a.png", (10, 90, 60))
    small.draw("new.png", (90, 10, 60))
    (small.path / "photos/c.png").unlink()
    told, ended = small.run()
    assert told.sources == ["life/a.png", "new.png"]
    added = told.started[0].added
    assert (added.new, added.changed, added.kept, added.gone) == (1, 1, 3, 1)
    assert "deliver/plain/ffffff/c.png" not in small.files("deliver")
    assert (ended.counts.total, ended.removed) == (5, 1)
    small.check_whole()


def test_edited_background_changes_only_its_concept(small):
    small.run()
    small.change('"#f4f1ec"', '"#000000"')
    told, _ = small.run()
    assert told.sources == ["life/a.png", "life/b.png"]
    folders = {name.split("/")[2] for name in small.files("deliver")}
    assert folders == {"wall", "000000", "ffffff"}
    small.check_whole()


def test_picture_in_review_gets_drafts_and_a_layered_hand_off(small):
    small.change("deliver_at = 0.0", "deliver_at = 1.0")
    small.run()
    item = by_source(small)["life/a.png"]
    assert (item.route, item.reasons[-1].name) == ("review", "low-score")
    assert small.files("deliver") == []
    assert [name.replace("review/", "deliver/") for name in small.files("review")] == FILES
    names = small.files("manual")
    assert f"manual/a-{item.id}.psd" in names
    with Image.open(small.out / f"manual/a-{item.id}.tif") as tiff:
        assert (tiff.size, tiff.mode) == ((64, 64), "RGBA")
    assert small.delivered() == []


def test_lower_threshold_delivers_without_making_anything_again(small):
    small.change("deliver_at = 0.0", "deliver_at = 1.0")
    small.run()
    small.change("deliver_at = 1.0", "deliver_at = 0.0")
    told, _ = small.run()
    assert (told.done, told.started[0].rerouted) == ([], 3)
    assert small.routes() == ROUTES
    assert small.files("deliver", "review") == FILES
    assert [n for n in small.files("manual") if "glass" not in n] == ["manual/brief.csv"]
    assert by_source(small)["c.png"].cost == Decimal("3.40")
    small.check_whole()


def test_higher_threshold_brings_the_hand_off_too(small):
    small.run()
    small.change("deliver_at = 0.0", "deliver_at = 1.0")
    told, _ = small.run()
    assert told.sources == ["c.png", "life/a.png", "life/b.png"]
    assert small.files("deliver") == []
    assert len([n for n in small.files("manual") if n.endswith(".psd")]) == 3


def recalibrate(small, slope):
    """Write a score file whose scores are another curve of ours, and name it."""
    model = load_score_model()
    step = Logistic(intercept=-20.0, slope=slope)
    write_score_model(
        model.model_copy(update={"recalibration": (step,)}), small.path / "scores.toml"
    )
    if "score_file" not in small.file.read_text(encoding="utf-8"):
        small.change("spot_check = 0.0", 'spot_check = 0.0\nscore_file = "scores.toml"')


def test_new_score_file_makes_new_scores_and_overrules_nobody(small):
    small.run()
    before = by_source(small)
    with small.store() as store:
        decide(store, before["c.png"].id, Judgement(decision="accept", who="ana"))
    recalibrate(small, slope=1.0)
    told, _ = small.run()
    assert told.sources == ["life/a.png", "life/b.png"]
    after = by_source(small)
    assert after["life/a.png"].score < 0.01 < before["life/a.png"].score
    assert (after["c.png"].decision, after["c.png"].score) == ("accept", before["c.png"].score)
    assert small.run()[0].done == []
    recalibrate(small, slope=1.5)  # the same name, another content
    assert small.run()[0].sources == ["life/a.png", "life/b.png"]
    small.check_whole()


def test_other_way_to_make_edges_makes_pictures_again(small):
    small.run()
    small.change('model = "cutout"', 'model = "cutout"\nrefine = "off"')
    assert small.run()[0].sources == sorted(ROUTES)
    small.check_whole()


def test_prices_change_without_making_anything_again(small):
    small.run()
    small.change("automated = 3.40", "automated = 4.10")
    told, _ = small.run()
    assert (told.done, told.started[0].rerouted) == ([], 3)
    assert by_source(small)["c.png"].cost == Decimal("4.10")


@pytest.mark.parametrize(
    ("rules", "routes"),
    [
        pytest.param(
            "glob,c.png,too hard\n", {"c.png": "manual", "glass.png": "deliver"}, id="new"
        ),
        pytest.param("", {"c.png": "deliver", "glass.png": "deliver"}, id="none"),
    ],
)
def test_edited_exceptions_count_from_the_next_run_on(small, rules, routes):
    small.run()
    small.write("exceptions.csv", f"rule,pattern,reason\n{rules}")
    small.run()
    found = small.routes()
    assert {source: found[source] for source in routes} == routes
    small.check_whole()
    handed = [name.split("/")[1].split("-")[0] for name in small.files("manual")]
    assert ("glass" in handed, "c" in handed) == (False, routes["c.png"] == "manual")


def test_person_is_not_overruled_by_a_run(small):
    small.change("deliver_at = 0.0", "deliver_at = 1.0")
    small.run()
    with small.store() as store:
        decide(store, by_source(small)["c.png"].id, Judgement(decision="accept", who="ana"))
    told, _ = small.run()
    assert told.done == []
    assert small.routes()["c.png"] == "deliver"
    assert small.files("deliver") == ["deliver/plain/ffffff/c.png"], "the file follows the store"


def test_list_is_right_though_a_person_decides_while_it_is_written(small, monkeypatch):
    small.change("deliver_at = 0.0", "deliver_at = 1.0")
    small.run()
    real, number = filing.write_text_atomic, by_source(small)["c.png"].id

    def slow(path, text):
        monkeypatch.undo()
        with small.store() as store:
            decide(store, number, Judgement(decision="accept", who="ana"))
            filing.follow_up(small.out, store, list_campaigns(store)[0])
        real(path, text)  # what was read before the decision

    monkeypatch.setattr(filing, "write_text_atomic", slow)
    with small.store() as store:
        filing.write_list(small.out, store, list_campaigns(store)[0])
    assert [row["source"] for row in small.delivered()] == ["c.png"]
    small.check_whole()


def test_file_that_somebody_removed_is_made_again(small):
    small.run()
    (small.out / "deliver/marble/wall/life/a.png").unlink()
    told, _ = small.run()
    assert told.sources == ["life/a.png"]
    assert small.files("deliver") == FILES


def test_file_that_was_accepted_and_then_removed_is_only_told_of(small):
    small.change("deliver_at = 0.0", "deliver_at = 1.0")
    small.run()
    with small.store() as store:
        decide(store, by_source(small)["c.png"].id, Judgement(decision="accept", who="ana"))
    small.run()
    (small.out / "deliver/plain/ffffff/c.png").unlink()
    told, _ = small.run()
    assert told.done == []
    assert any(note.startswith("c.png: its files are gone") for note in told.started[0].notes)


def test_stopped_run_finishes_what_is_in_hand_and_goes_on_later(small):
    told, ended = small.run(stop_after=2)
    assert len(told.done) in (2, 3), "the third may have been in hand"
    assert ended.left == 5 - len(told.done)
    small.check_whole()
    later, ended = small.run()
    assert ended.left == 0
    assert sorted(told.sources + later.sources) == sorted(ROUTES)


def test_run_that_is_stopped_at_once_changes_nothing(small):
    small.run()
    stop = threading.Event()
    stop.set()
    told, _ = small.run(stop=stop)
    assert told.done == []
    assert small.routes() == ROUTES


def test_second_run_at_once_is_refused_with_the_holder_s_name(small):
    small.run()
    with small.store() as store, hold(store, list_campaigns(store)[0]) as other:
        with pytest.raises(HeldError, match=r"worked on by .*wait for it with `--wait`") as caught:
            small.run()
        assert caught.value.holder == other.name


def test_full_disk_ends_the_run_and_the_next_one_goes_on(small, monkeypatch):
    from maskworks.core import atomic

    real, writes = atomic._write_to_disk, []

    def full(path, data):
        writes.append(path)
        if "plain" in path.parts:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, data)

    monkeypatch.setattr(atomic, "_write_to_disk", full)
    with pytest.raises(OutputError, match="the disk is full; make room"):
        small.run()
    assert writes
    found = small.counts()
    assert (found.claimed, found.pending > 0) == (0, True)
    monkeypatch.undo()
    small.run()
    assert small.routes() == ROUTES
    small.check_whole()


def test_folder_that_may_not_be_made_is_said_before_any_picture_is_done(small):
    small.out.write_text("in the way")
    with pytest.raises(OutputError, match=r"small-out: cannot be made \(File exists\)"):
        small.run()


def test_read_only_output_is_said_and_the_next_run_goes_on(small, monkeypatch):
    small.out.mkdir()
    real = os.mkdir

    def refuse(path, *options, **named):
        if str(path).startswith(str(small.out)):
            raise OSError(errno.EROFS, "Read-only file system")
        real(path, *options, **named)

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(
        OutputError, match=r"cannot be made \(Read-only file system\); make room, or"
    ):
        small.run()
    found = small.counts()
    assert (found.claimed, found.deliver, found.pending) == (0, 0, 4)
    monkeypatch.undo()
    small.run()
    assert small.routes() == ROUTES
    small.check_whole()


def test_picture_that_changes_during_the_run_fails_and_is_tried_again(small):
    def change(_):
        small.draw("life/b.png", (1, 2, 3))

    with small.store() as store:
        work = CampaignRun(
            file=read_campaign(small.file), store=store, stop=threading.Event(), threads=1
        )
        run_opened(work, RunListener(started=change))
    assert by_source(small)["life/b.png"].error.code == "changed"
    small.run()
    assert small.routes() == ROUTES


def test_background_that_the_rules_refuse_holds_the_picture_back(small):
    small.change('format = "png"', 'format = "png"\nbackground = "#ffffff"')
    small.run()
    item = by_source(small)["life/a.png"]
    assert item.route == "review"
    (reason,) = [one for one in item.reasons if one.name == "gate:background"]
    assert "a picture as background is not allowed" in reason.text
    assert small.routes()["c.png"] == "deliver"


def test_breach_of_the_gate_routes_to_review_with_its_number(small):
    small.change('format = "png"', 'format = "png"\nmin_side = 500\nmax_scale = 1.0')
    small.run()
    item = by_source(small)["c.png"]
    assert item.route == "review"
    assert any(one.name.startswith("gate:") for one in item.reasons)


def test_spot_check_is_marked_and_delivered(small):
    small.change("spot_check = 0.0", "spot_check = 1.0")
    small.run()
    checked = small.items(Filter(spot_check=True))
    assert [item.source for item in checked] == ["c.png", "life/a.png", "life/b.png"]
    assert small.routes() == ROUTES


def test_two_pictures_of_one_name_have_two_deliverables(small):
    Image.open(small.path / "photos/c.png").save(small.path / "photos/c.webp", lossless=True)
    small.run()
    plain = [name for name in small.files("deliver") if "/plain/" in name]
    assert plain == ["deliver/plain/ffffff/c.png.png", "deliver/plain/ffffff/c.webp.png"]


def test_missing_file_of_a_list_fails_and_is_done_when_it_comes(small):
    small.write(
        "list.csv", "file,sku,concept\nphotos/c.png,C-1,plain\nphotos/later.png,L-1,plain\n"
    )
    small.change('folder = "photos"', 'folder = "list.csv"')
    small.run()
    assert small.routes() == {"photos/c.png": "deliver", "photos/later.png": "failed"}
    small.draw("later.png", (9, 80, 120))
    told, _ = small.run()
    assert told.sources == ["photos/later.png"]
    assert set(small.routes().values()) == {"deliver"}


def test_leftovers_of_a_killed_run_are_swept(small):
    small.run()
    half = small.out / "deliver/plain/ffffff/.maskworks-999999999-abc.tmp"
    half.write_bytes(b"half")
    os.utime(half, (0, 0))
    small.run()
    assert not half.exists()


def test_report_accounts_for_every_picture(small):
    small.run()
    with small.store() as store:
        report_campaign(read_campaign(small.file), store, list_campaigns(store)[0])
    figures = json.loads((small.out / "report.json").read_text())
    assert figures["routes"] == {"deliver": 3, "review": 0, "manual": 1, "failed": 1}
    assert (figures["items_in"], figures["items"], figures["complete"]) == (5, 5, True)
    assert figures["cost"]["total"] == 32.2
    assert (small.out / "report.html").stat().st_size > 1000


def test_report_of_an_unfinished_campaign_is_refused(small):
    small.run(stop_after=1)
    with small.store() as store, pytest.raises(UsageError, match="of 5 pictures are not done yet"):
        report_campaign(read_campaign(small.file), store, list_campaigns(store)[0])


def test_trail_tells_of_every_route(small):
    small.run()
    with small.store() as store:
        events = list_events(store, list_campaigns(store)[0])
    routed = {event.source: event.after for event in events if event.what == "routed"}
    assert routed == ROUTES


def test_campaign_that_is_edited_half_way_ends_as_edited(small):
    small.run(stop_after=2)
    small.change('"#f4f1ec"', '"#000000"')
    small.run()
    assert small.routes() == ROUTES
    folders = {name.split("/")[2] for name in small.files("deliver")}
    assert folders == {"wall", "000000", "ffffff"}
    small.check_whole()


def test_campaign_that_is_edited_while_it_runs_ends_as_it_began(small):
    def edit(_):
        small.change('"#f4f1ec"', '"#000000"')
        small.change("automated = 3.40", "automated = 4.10")

    with small.store() as store:
        work = CampaignRun(
            file=read_campaign(small.file), store=store, stop=threading.Event(), threads=1
        )
        run_opened(work, RunListener(started=edit))
    assert small.routes() == ROUTES
    assert small.files("deliver") == FILES
    assert by_source(small)["c.png"].cost == Decimal("3.40")
    told, _ = small.run()
    assert told.sources == ["life/a.png", "life/b.png"]
    assert "deliver/marble/000000/life/a.png" in small.files("deliver")
    assert by_source(small)["c.png"].cost == Decimal("4.10")
    small.check_whole()


@pytest.mark.parametrize(
    ("damage", "note"),
    [
        pytest.param(None, "has 200x200 pixels and would be enlarged to 150%", id="too-small"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "bg/wall.png of the concept marble: ", id="damaged"),
    ],
)
def test_unusable_background_is_told_before_the_run(small, damage, note):
    if damage:
        (small.path / "bg/wall.png").write_bytes(damage)
    small.change('format = "png"', 'format = "png"\nsize = 300')
    told, _ = small.run()
    assert any(note in one for one in told.started[0].notes)
    assert small.routes()["c.png"] == "review", "at 64 pixels it cannot fill 300"
