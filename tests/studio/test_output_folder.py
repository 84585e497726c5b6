from __future__ import annotations

import pytest

from maskworks.core.errors import OutputError
from maskworks.studio.output_folder import (
    arrange,
    clear,
    deliverables_csv,
    names_for,
    output_path,
    prune,
    put,
)
from maskworks.studio.store.given import Output
from maskworks.studio.store.rows import DeliverableRow

PATH = "marble/wall/life/a.png"


def made(route, path=PATH, source="life/a.jpg", sku="A-1", score=0.9):
    output = Output(
        path=path, sha256="ab", width=1, height=1, bytes=1, concept="marble", variant="wall",
        score=score,
    )  # fmt: skip
    return DeliverableRow(item_id=1, source=source, sku=sku, route=route, output=output)


def files(out):
    return sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        pytest.param(["a/x.jpg", "b/x.jpg"], ["a/x", "b/x"], id="folders"),
        pytest.param(["x.jpg", "x.png"], ["x.jpg", "x.png"], id="two-formats"),
        pytest.param(["X.jpg", "x.png"], ["X.jpg", "x.png"], id="upper-case"),
        pytest.param(["x.jpg.png", "x.jpg", "x.png"], ["x.jpg", "x.jpg-2", "x.png"], id="clash"),
        pytest.param(["/abs/x.jpg", "../up/y.jpg"], ["abs/x", "up/y"], id="outside"),
        pytest.param(["shoe.v2.jpg"], ["shoe.v2"], id="dots"),
    ],
)
def test_names_are_unique_and_stay_inside(sources, names):
    assert list(names_for(sources).values()) == names


def test_names_do_not_depend_on_pictures_elsewhere():
    few, more = ["a/x.jpg"], ["a/x.jpg", "b/x.jpg", "a/y.png"]
    assert names_for(few)["a/x.jpg"] == names_for(more)["a/x.jpg"]


def test_path_is_named_by_concept_and_variant():
    assert output_path("marble", "wall", "life/a", "jpg") == "marble/wall/life/a.jpg"


def test_files_lie_where_the_route_wants_them_and_only_there(tmp_path):
    put(tmp_path, "review", {PATH: b"draft"}, stale=["marble/old/life/a.png"])
    put(tmp_path, "review", {"marble/old/life/a.png": b"old"})
    put(tmp_path, "deliver", {PATH: b"done"}, stale=["marble/old/life/a.png", PATH])
    assert files(tmp_path) == [f"deliver/{PATH}"]
    assert (tmp_path / "deliver" / PATH).read_bytes() == b"done"
    put(tmp_path, "failed", {}, stale=[PATH])
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("route", "folder"),
    [("deliver", "deliver"), ("review", "review"), ("manual", "rejected")],
)
def test_file_follows_the_route(tmp_path, route, folder):
    for start in ("deliver", "review", "manual"):
        put(tmp_path, start, {PATH: b"x"})
        assert arrange(tmp_path, [made(route)]) == []
        assert files(tmp_path) == [f"{folder}/{PATH}"]


def test_missing_file_is_named(tmp_path):
    assert arrange(tmp_path, [made("deliver")]) == [made("deliver")]


def test_what_belongs_to_nobody_is_cleared_with_its_folders(tmp_path):
    put(tmp_path, "deliver", {PATH: b"x", "marble/wall/b.png": b"y"})
    assert clear(tmp_path, [PATH, "never/was.png"]) == 1
    prune(tmp_path)
    assert files(tmp_path) == ["deliver/marble/wall/b.png"]
    assert not (tmp_path / "deliver/marble/wall/life").exists()


def test_list_is_safe_in_a_spreadsheet():
    text = deliverables_csv([made("deliver", source="=cmd.jpg", sku="-1", score=None)])
    assert text.splitlines() == [
        "source,sku,concept,variant,path,sha256,score",
        f"'=cmd.jpg,-1,marble,wall,deliver/{PATH},ab,",
    ]


def test_file_in_the_way_of_a_folder_is_told(tmp_path):
    (tmp_path / "deliver").write_text("in the way")
    with pytest.raises(OutputError, match=r"deliver/marble/wall/life: cannot be made"):
        put(tmp_path, "deliver", {PATH: b"x"})
