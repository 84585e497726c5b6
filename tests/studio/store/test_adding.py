from __future__ import annotations

import pytest

from maskworks.core.errors import UsageError
from maskworks.studio.store import (
    Added,
    Counts,
    Filter,
    Outcome,
    Output,
    add,
    claim,
    counts,
    deliverables,
    finish,
    leftovers,
    list_events,
    list_items,
    preview_add,
)
from maskworks.studio.store.adding import Known, compare


def output(path):
    return Output(path=path, sha256="ab" * 32, width=10, height=20, bytes=300)


def do_all(store, worker):
    """Finish everything that waits; each picture is delivered as out/<source>."""
    while items := claim(store, worker, 10):
        for item in items:
            finish(store, item, Outcome(route="deliver", outputs=(output(f"out/{item.source}"),)))


def known(key, standing="current", state="done", *, whole=True, number=1):
    return Known(id=number, key=key, standing=standing, state=state, whole=whole)


@pytest.mark.parametrize(
    ("before", "content", "added"),
    [
        pytest.param(None, "x", Added(new=1), id="never-seen"),
        pytest.param(("x", "current", "done"), "x", Added(kept=1), id="done"),
        pytest.param(("x", "current", "pending"), "x", Added(waiting=1), id="waits"),
        pytest.param(("x", "current", "claimed"), "x", Added(waiting=1), id="in-hand"),
        pytest.param(("x", "current", "done"), "y", Added(changed=1), id="changed"),
        pytest.param(("x", "gone", "done"), "x", Added(returned=1), id="back-as-it-was"),
        pytest.param(("x", "gone", "done"), "y", Added(changed=1), id="back-but-changed"),
        pytest.param(("x", "current", "done"), None, Added(gone=1), id="not-there"),
        pytest.param(("x", "gone", "done"), None, Added(), id="still-not-there"),
    ],
)
def test_what_was_found_is_compared_with_what_is_known(picture, before, content, added):
    rows = {}
    if before:
        rows = {"a.jpg": known(picture(content=before[0]).key, before[1], before[2])}
    found = [] if content is None else [picture(content=content)]
    assert compare(rows, found).added() == added


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"content": "other"}, id="content"),
        pytest.param({"settings": "other"}, id="settings"),
        pytest.param({"sku": "other"}, id="sku"),
        pytest.param({"tags": ("other",)}, id="tags"),
        pytest.param({"concept": "other"}, id="concept"),
    ],
)
def test_anything_a_result_depends_on_makes_it_another(picture, change):
    assert picture(**change).key != picture().key


def test_first_run_adds_everything_in_order(store, campaign, worker, picture):
    found = [picture(name, sku=f"S-{name}", tags=("glass",)) for name in ("b.jpg", "a.jpg")]
    assert preview_add(store, campaign, found) == Added(new=2)
    assert counts(store, campaign).total == 0
    assert add(store, worker, found) == Added(new=2)
    rows = list_items(store, campaign)
    assert [(row.source, row.sku, row.tags, row.state) for row in rows] == [
        ("b.jpg", "S-b.jpg", ("glass",), "pending"),
        ("a.jpg", "S-a.jpg", ("glass",), "pending"),
    ]
    assert [(e.what, e.source, e.who) for e in list_events(store, campaign)] == [
        ("added", "b.jpg", worker.name),
        ("added", "a.jpg", worker.name),
    ]


def test_rerun_does_only_what_is_new_or_changed(store, campaign, worker, picture):
    add(store, worker, [picture("a.jpg"), picture("b.jpg"), picture("c.jpg")])
    do_all(store, worker)
    found = [picture("a.jpg"), picture("b.jpg", content="edited"), picture("d.jpg")]
    assert preview_add(store, campaign, found) == Added(new=1, changed=1, kept=1, gone=1)
    assert add(store, worker, found) == Added(new=1, changed=1, kept=1, gone=1)
    assert counts(store, campaign) == Counts(pending=2, deliver=1, superseded=1, gone=1)
    assert [item.source for item in claim(store, worker, 10)] == ["b.jpg", "d.jpg"]
    changes = [(e.source, e.what, e.before, e.after) for e in list_events(store, campaign)][6:]
    assert changes == [
        ("b.jpg", "superseded", "current", "superseded"),
        ("c.jpg", "gone", "current", "gone"),
        ("b.jpg", "added", None, None),
        ("d.jpg", "added", None, None),
    ]


def test_only_the_new_one_of_a_changed_picture_is_delivered(store, campaign, worker, picture):
    add(store, worker, [picture("a.jpg")])
    do_all(store, worker)
    add(store, worker, [picture("a.jpg", content="edited")])
    assert deliverables(store, campaign) == []
    assert leftovers(store, campaign) == ["out/a.jpg"]
    do_all(store, worker)
    (only,) = deliverables(store, campaign)
    old, new = list_items(store, campaign, Filter(standings=()))
    assert (only.item_id, old.standing, new.standing) == (new.id, "superseded", "current")
    assert leftovers(store, campaign) == []


def test_picture_that_changes_back_is_done_again(store, campaign, worker, picture):
    for content in ("first", "second", "first"):
        assert add(store, worker, [picture("a.jpg", content=content)]) in (
            Added(new=1),
            Added(changed=1),
        )
        do_all(store, worker)
    assert counts(store, campaign) == Counts(deliver=1, superseded=2)


def test_file_that_comes_back_keeps_its_result(store, campaign, worker, picture):
    add(store, worker, [picture("a.jpg"), picture("b.jpg")])
    do_all(store, worker)
    assert add(store, worker, [picture("a.jpg")]) == Added(kept=1, gone=1)
    assert [row.source for row in deliverables(store, campaign)] == ["a.jpg"]
    assert leftovers(store, campaign) == ["out/b.jpg"]
    assert add(store, worker, [picture("a.jpg"), picture("b.jpg")]) == Added(kept=1, returned=1)
    assert [row.source for row in deliverables(store, campaign)] == ["a.jpg", "b.jpg"]
    assert counts(store, campaign) == Counts(deliver=2)


def test_file_that_comes_back_is_done_again_if_its_output_was_taken(
    store, campaign, worker, picture
):
    add(store, worker, [picture("a.jpg")])
    do_all(store, worker)
    add(store, worker, [picture("moved/a.jpg", content="a.jpg")])
    (moved,) = claim(store, worker)
    finish(store, moved, Outcome(route="deliver", outputs=(output("out/a.jpg"),)))
    add(store, worker, [picture("a.jpg")])
    assert counts(store, campaign) == Counts(pending=1, gone=1)
    events = list_events(store, campaign, item="a.jpg")
    assert [(e.what, e.before, e.after) for e in events][-2:] == [
        ("returned", "gone", "current"),
        ("reopened", "deliver", None),
    ]


def test_list_that_is_not_complete_lets_nothing_go(store, campaign, worker, picture):
    add(store, worker, [picture("a.jpg")])
    assert add(store, worker, [picture("b.jpg")], complete=False) == Added(new=1)
    assert counts(store, campaign) == Counts(pending=2)


def test_copies_of_a_picture_are_items_of_their_own(store, campaign, worker, picture):
    copies = [picture("a.jpg", content="same"), picture("copy.jpg", content="same")]
    assert add(store, worker, copies) == Added(new=2)


def test_picture_named_twice_is_refused_and_nothing_is_added(store, campaign, worker, picture):
    with pytest.raises(UsageError, match=r"a\.jpg is in the list twice"):
        add(store, worker, [picture("b.jpg"), picture("a.jpg"), picture("a.jpg", content="other")])
    assert counts(store, campaign) == Counts()


def test_changed_picture_is_taken_out_of_a_worker_s_hands(store, campaign, worker, picture):
    add(store, worker, [picture("a.jpg")])
    claim(store, worker)
    add(store, worker, [picture("a.jpg", content="edited")])
    assert counts(store, campaign) == Counts(pending=1, superseded=1)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("größe/猫 'a';--.jpg", id="any-script"),
        pytest.param("caf\udce9.jpg", id="no-text"),
        pytest.param("bytes:a.jpg", id="looks-like-our-own-mark"),
        pytest.param("a\nb.jpg", id="line-break"),
    ],
)
def test_any_file_name_comes_back_as_it_was(store, campaign, worker, picture, name):
    add(store, worker, [picture(name, content="x")])
    assert add(store, worker, [picture(name, content="x")]) == Added(waiting=1)
    do_all(store, worker)
    (item,) = list_items(store, campaign, Filter(name=name))
    assert (item.source, deliverables(store, campaign)[0].output.path) == (name, f"out/{name}")


def test_more_pictures_than_one_statement_takes(store, campaign, worker, picture, monkeypatch):
    monkeypatch.setattr("maskworks.studio.store.adding._MOST_NUMBERS", 3)
    found = [picture(f"{number}.jpg") for number in range(8)]
    assert add(store, worker, found) == Added(new=8)
    assert add(store, worker, []) == Added(gone=8)
    assert add(store, worker, found) == Added(returned=8)
