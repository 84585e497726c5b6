from __future__ import annotations

import os
from pathlib import Path, PurePath

import pytest
from PIL import Image

from maskworks.batch import find_pictures, plan_file, plan_folder
from maskworks.batch.destination import destination_of
from maskworks.batch.output_paths import name_outputs
from maskworks.core.errors import UsageError


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Make empty files; the current folder is the one they are in."""

    def make(*names: str) -> Path:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(name.encode())
        return tmp_path

    monkeypatch.chdir(tmp_path)
    return make


def planned(inputs, out="out"):
    folder = Path(out).absolute()
    finds = find_pictures(inputs, beside=folder)
    works = plan_folder(finds.pictures, folder, ".png")
    return {w.shown: w.output.relative_to(folder).as_posix() for w in works}


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        pytest.param(["a.jpg", "b.jpg"], ["a.png", "b.png"], id="apart"),
        pytest.param(["a/x.jpg", "b/x.jpg"], ["a/x.png", "b/x.png"], id="tree"),
        pytest.param(["x.png", "x.jpg"], ["x.png.png", "x.png"], id="photo-keeps-the-name"),
        pytest.param(["x.png", "x.webp"], ["x.png.png", "x.png"], id="webp-beside-its-mask"),
        pytest.param(["Shoe.jpg", "shoe.jpg"], ["Shoe.png", "shoe.jpg.png"], id="case"),
        pytest.param(
            ["stra\u00dfe.jpg", "STRASSE.jpg"],
            ["stra\u00dfe.jpg.png", "STRASSE.png"],
            id="casefold",
        ),
        pytest.param(
            ["\u00e9.jpg", "e\u0301.jpg"], ["\u00e9.jpg.png", "e\u0301.png"], id="composed"
        ),
        pytest.param(
            ["x.jpg", "x.png", "x.png.gif"],
            ["x.png", "x.png-2.png", "x.png.png"],
            id="long-name-taken",
        ),
        pytest.param(
            ["a.jpg", "a.png/b.jpg"], ["a.jpg.png", "a.png/b.png"], id="folder-of-that-name"
        ),
        pytest.param(["no-suffix", ".jpg"], ["no-suffix.png", ".jpg.png"], id="no-suffix"),
        pytest.param(["v1.2.tar.jpg"], ["v1.2.tar.png"], id="dots"),
    ],
)
def test_outputs_never_meet(places, expected):
    found = name_outputs([PurePath(p) for p in places], ".png")
    assert [p.as_posix() for p in found] == expected


def test_names_do_not_depend_on_the_order_of_inputs():
    places = [PurePath(p) for p in ("x.jpg", "x.png", "X.jpeg", "x.gif", "x.png.png", "x/x.jpg")]
    first = dict(zip(places, name_outputs(places, ".png"), strict=True))
    back = places[::-1]
    assert first == dict(zip(back, name_outputs(back, ".png"), strict=True))
    assert len({str(p).casefold() for p in first.values()}) == len(places)


def test_one_folder_is_the_root_of_the_tree(tree):
    tree("in/a/x.jpg", "in/y.jpg")
    assert planned(["in"]) == {"in/y.jpg": "y.png", "in/a/x.jpg": "a/x.png"}


def test_files_of_several_folders_are_kept_apart(tree):
    tree("p/a/x.jpg", "p/b/x.jpg", "p/b/y.jpg")
    assert planned(["p/a/x.jpg", "p/b/x.jpg"]) == {"p/a/x.jpg": "a/x.png", "p/b/x.jpg": "b/x.png"}
    assert planned(["p/b/x.jpg", "p/b/y.jpg"]) == {"p/b/x.jpg": "x.png", "p/b/y.jpg": "y.png"}
    assert planned(["p/a", "p/b"])["p/b/y.jpg"] == "b/y.png"


def test_each_picture_is_taken_once(tree):
    tree("in/a.jpg", "in/b.jpg")
    found = find_pictures(["in/b.jpg", "in", "./in/../in", "in/*.jpg"])
    assert [f.path.name for f in found.pictures] == ["b.jpg", "a.jpg"]


def test_walk_leaves_out_what_is_hidden_special_or_no_picture(tree):
    here = tree("in/.x.jpg", "in/.git/x.jpg", "in/a.JPG", "in/a.txt", "in/Thumbs.db")
    os.mkfifo(here / "in/pipe.jpg")
    found = find_pictures(["in"])
    assert [f.path.name for f in found.pictures] == ["a.JPG"]
    assert found.ignored == {"JPG": 1, "TXT": 1, "DB": 1}


def test_folders_that_nobody_filled_by_hand_are_left_out_and_told_once(tree):
    names = ("@eaDir/a.jpg", "#recycle", "$RECYCLE.BIN/S-1", "#snapshot/daily", "__MACOSX")
    others = ("System Volume Information", "lost+found")
    tree("in/a.jpg", "in/b/c.jpg", *(f"in/{name}/x.jpg" for name in (*names, *others)))
    found = find_pictures(["in"])
    assert [f.path.name for f in found.pictures] == ["a.jpg", "c.jpg"]
    assert len(found.apart) == 7
    (note,) = found.notes()
    assert note.startswith("left out, since nobody filled them by hand: ")


def test_a_folder_with_a_manifest_of_ours_is_left_out_unless_it_is_named(tree):
    here = tree("in/a.jpg", "in/done/a.png")
    (here / "in/done/manifest.jsonl").write_text('{"source": "/in/a.jpg"}\n')
    assert [f.path.name for f in find_pictures(["in"]).pictures] == ["a.jpg"]
    assert [f.path.name for f in find_pictures(["in/done"]).pictures] == ["a.png"]


def test_a_file_without_a_suffix_is_known_by_its_first_bytes(tree):
    here = tree("in/a.jpg", "in/words")
    (here / "in/photo").write_bytes(b"\xff\xd8\xff\xe0")
    found = find_pictures(["in"])
    assert [f.path.name for f in found.pictures] == ["a.jpg", "photo"]
    assert found.notes() == ["1 file that is no picture, ignored: 1 without a suffix"]


def test_what_was_ignored_is_counted_by_kind(tree):
    tree("in/a.jpg", *(f"in/{n}.CR3" for n in range(3)), "in/a.svg", "in/b.svg", "in/c.txt")
    note = "6 files that are no pictures, ignored: 3 CR3, 2 SVG, 1 TXT"
    assert find_pictures(["in"]).notes() == [note]


def test_labels_beside_photos_are_left_out_where_that_is_asked(tree):
    here = tree("in/a.jpg", "in/b.png")
    Image.new("RGB", (4, 4)).save(here / "in/a.jpg")
    Image.new("L", (4, 4)).save(here / "in/a.png")
    Image.new("L", (4, 4)).save(here / "in/b.png")
    found = find_pictures(["in"], skip_labels=True)
    assert [f.path.name for f in found.pictures] == ["a.jpg", "b.png"]
    assert found.notes() == ["1 label files beside their photos, left out"]
    assert len(find_pictures(["in"]).pictures) == 3


def test_walk_follows_links_to_folders_but_not_in_circles(tree):
    here = tree("in/a.jpg", "far/b.jpg")
    (here / "in/far").symlink_to(here / "far")
    (here / "in/loop").symlink_to(here / "in")
    assert set(planned(["in"]).values()) == {"a.png", "far/b.png"}


def test_output_folder_in_the_input_is_left_out(tree):
    tree("in/a.jpg", "in/out/a.png", "in/b/out/c.jpg")
    assert set(planned(["in"], "in/out").values()) == {"a.png", "b/out/c.png"}
    assert set(planned(["in/**/*"], "in/out").values()) == {"a.png", "b/out/c.png"}


def test_existing_name_is_no_pattern(tree):
    tree("[1].jpg", "1.jpg")
    assert planned(["[1].jpg"]) == {"[1].jpg": "[1].png"}


def test_folder_that_gives_nothing_is_named(tree):
    here = tree("in/a.jpg", "words/a.txt")
    assert find_pictures(["in", "words"]).barren == ("words",)
    with pytest.raises(UsageError, match=r"no picture in words \(1 TXT\)"):
        find_pictures(["words"])
    (here / "empty").mkdir()
    with pytest.raises(UsageError, match="no picture in empty"):
        find_pictures(["empty"])


def test_input_is_not_replaced_where_the_folders_are_one(tree):
    here = tree("in/x.png", "in/y.jpg")
    (here / "same").symlink_to(here / "in")
    assert planned(["in"], "same") == {"in/x.png": "x.png.png", "in/y.jpg": "y.png"}


def test_file_is_not_written_onto_itself(tree):
    here = tree("in/x.png")
    (found,) = find_pictures(["in/x.png"]).pictures
    assert plan_file(found, here / "y.png").error is None
    for same in (here / "in/x.png", here / "in/X.png"):
        assert "never replaced" in str(plan_file(found, same).error)


@pytest.mark.parametrize(
    ("output", "form", "message"),
    [
        (None, None, "there is no output"),
        ("a.gif", None, "cannot write .gif"),
        ("a.png", "jpg", "asks for png and --format for jpg"),
        ("taken", None, "is a file"),
    ],
)
def test_output_that_makes_no_sense_is_refused(output, form, message, tree):
    tree("taken")
    with pytest.raises(UsageError, match=message):
        destination_of(output, form)


def test_folder_may_be_named_like_a_picture(tree):
    here = tree("a.png/x.txt")
    assert destination_of("a.png", None).folder == here / "a.png"
    assert destination_of("b.png/", None).folder == here / "b.png"
    assert destination_of("b.png", None).file == here / "b.png"
