from __future__ import annotations

import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main

KEYS = ["source", "output", "status", "confidence", "model", "width", "height", "seconds", "error"]


@pytest.fixture
def cut(home, tmp_path, capsys):
    """Run `maskworks cutout` here; return the exit code, stdout and stderr."""

    def run(*arguments, out="out", model="bright"):
        where = ["-o", str(tmp_path / out)] if out else []
        code = main(["cutout", *map(str, arguments), *where, "--model", model])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def files_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix == ".png")


def kind_of(path):
    with Image.open(path) as picture:
        return picture.format, picture.mode, picture.size


def alpha_of(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGBA"))[..., 3]


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that says it is side x side pixels."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


def test_folder_keeps_its_tree_and_every_picture_has_a_row(cut, photos, tmp_path):
    photos.write("a/shoe.jpg")
    photos.write("b/shoe.jpg", size=(50, 40))
    photos.write("b/shoe.png")
    (photos.folder / "notes.txt").write_text("not a picture")
    photos.write(".hidden/shoe.jpg")
    code, out, _ = cut(photos.folder)
    assert code == 0, out
    assert files_in(tmp_path / "out") == ["a/shoe.png", "b/shoe.png", "b/shoe.png.png"]
    rows = rows_of(tmp_path / "out/manifest.jsonl")
    assert [row["source"] for row in rows] == [
        str(photos.folder / name) for name in ("a/shoe.jpg", "b/shoe.jpg", "b/shoe.png")
    ]
    assert list(rows[0])[:9] == KEYS
    second = rows[1]
    assert (second["width"], second["height"], second["status"]) == (40, 50, "ok")
    assert set(second["seconds"]) == {"read", "segment", "refine", "write"}
    assert 0.9 < second["confidence"] <= 1
    assert "1 file that is no picture, ignored" in out


def test_cutout_has_a_soft_alpha_around_the_subject(cut, photos, tmp_path):
    photos.write("disc.png", size=(200, 200))
    assert cut(photos.folder, "--refine", "off")[0] == 0
    alpha = alpha_of(tmp_path / "out/disc.png")
    assert alpha[100, 100] > 250
    assert alpha[2, 2] < 5
    assert ((alpha > 30) & (alpha < 225)).any()


@pytest.mark.parametrize("method", ["fast", "fine", "auto"])
def test_cutout_refines_the_edge_and_says_how(cut, photos, tmp_path, method):
    photos.write("disc.png", size=(200, 200))
    assert cut(photos.folder, "--refine", "off")[0] == 0
    plain = alpha_of(tmp_path / "out/disc.png")
    code, _, err = cut(photos.folder, "--refine", method, "--overwrite")
    rows = rows_of(tmp_path / "out/manifest.jsonl")
    assert code == 0, err
    assert rows[0]["refined"] == ("fast" if method == "auto" else method)
    assert 0 <= rows[0]["soft_interior"] <= 1
    assert rows[0]["seconds"]["refine"] > 0
    soft = [
        ((alpha > 30) & (alpha < 225)).sum()
        for alpha in (plain, alpha_of(tmp_path / "out/disc.png"))
    ]
    assert soft[1] < soft[0]  # the disc is drawn with a hard edge


def test_cutout_takes_a_trimap(cut, photos, tmp_path):
    photos.write("disc.png", size=(200, 200))
    levels = np.full((200, 200), 128, np.uint8)
    levels[90:110, 90:110], levels[:20] = 255, 0
    Image.fromarray(levels).save(tmp_path / "trimap.png")
    code, _, _ = cut(photos.folder, "--trimap", tmp_path / "trimap.png")
    rows = rows_of(tmp_path / "out/manifest.jsonl")
    assert (code, rows[0]["refined"]) == (0, "fine")
    assert (alpha_of(tmp_path / "out/disc.png")[levels == 0] == 0).all()


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        pytest.param(
            np.tile(np.uint8([0, 128, 255]), (9, 3)),
            "the trimap is 9x9, its picture 200x200",
            id="size",
        ),
        pytest.param(
            np.tile(np.uint8([0, 128]), (200, 100)), "marks no sure foreground", id="no-foreground"
        ),
    ],
)
def test_cutout_says_what_is_wrong_with_a_trimap(cut, photos, tmp_path, levels, message):
    photos.write("disc.png", size=(200, 200))
    Image.fromarray(levels).save(tmp_path / "trimap.png")
    code, _, _ = cut(photos.folder, "--trimap", tmp_path / "trimap.png")
    rows = rows_of(tmp_path / "out/manifest.jsonl")
    assert (code, rows[0]["status"]) == (1, "failed")
    assert message in rows[0]["error"]["message"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(["--trimap", "gone.png"], "there is no such file or folder", id="gone"),
        pytest.param(["--despill", "soup"], "soup", id="colour"),
        pytest.param(["--refine", "off", "--despill", "auto"], "leave --refine off out", id="off"),
    ],
)
def test_cutout_refuses_refinement_that_makes_no_sense(cut, photos, options, message):
    photos.write("disc.png", size=(200, 200))
    code, _, err = cut(photos.folder, *options)
    assert code == 2
    assert message in err


BAD = {
    "truncated.jpg": ("unreadable", "cut off|damaged"),
    "corrupt.png": ("unreadable", "damaged|cut off"),
    "empty.webp": ("unreadable", "empty"),
    "text.png": ("unreadable", "is not a picture"),
    "bomb.png": ("too-large", "--max-pixels 10000000000"),
    "gone.jpg": ("unreadable", "there is no such file"),
    "folder-link.png": ("unreadable", "no such file"),
}


def write_bad(photos):
    whole = photos.write("good.jpg", size=(300, 300)).read_bytes()
    folder = photos.folder
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    broken = bytearray(photos.write("corrupt.png", size=(200, 200)).read_bytes())
    broken[60:160] = bytes(100)
    (folder / "corrupt.png").write_bytes(broken)
    (folder / "empty.webp").touch()
    (folder / "text.png").write_text("Dear Sir")
    (folder / "bomb.png").write_bytes(bomb(100_000))
    (folder / "folder-link.png").symlink_to(folder / "nowhere")
    photos.write("dot.png", size=(1, 1))


def test_bad_pictures_get_a_row_each_and_stop_no_other(cut, photos, tmp_path):
    write_bad(photos)
    code, out, _ = cut(photos.folder, photos.folder / "gone.jpg")
    assert code == 1
    rows = {
        row["source"].rsplit("/", 1)[1]: row for row in rows_of(tmp_path / "out/manifest.jsonl")
    }
    assert set(rows) == {*BAD, "good.jpg", "dot.png"}
    for name, (error, words) in BAD.items():
        row = rows[name]
        assert (row["status"], row["output"]) == ("failed", None)
        assert row["error"]["code"] == error, row
        assert re.search(words, row["error"]["message"]), row
    assert rows["good.jpg"]["status"] == "ok"
    assert rows["dot.png"]["status"] in ("ok", "no-subject")
    assert out.count("failed") == len(BAD) + 1


def test_named_file_is_tried_whatever_its_suffix(cut, photos, tmp_path):
    picture = photos.write("a.png").rename(photos.folder / "scan.dat")
    letter = photos.folder / "letter.txt"
    letter.write_text("Dear Sir")
    code, _, _ = cut(picture, letter)
    assert code == 1
    assert [r["status"] for r in rows_of(tmp_path / "out/manifest.jsonl")] == ["ok", "failed"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["{in}/none"], "there is no picture in", id="empty-folder"),
        pytest.param(["{in}/*.gif"], "there is no picture in", id="glob-without-match"),
        pytest.param(["{in}", "-o", "{tmp}/a.png"], "do not fit into one output", id="two-in-one"),
        pytest.param(["{in}", "-o", "{tmp}/a.gif"], "cannot write .gif", id="gif"),
        pytest.param(["{in}", "-o", "{in}/a.png/"], "is a file", id="file-as-folder"),
        pytest.param(["{in}", "--background", "puce-ish"], "no such colour", id="background"),
        pytest.param(
            ["{in}", "--format", "jpg", "--background", "none"], "JPEG has no alpha", id="jpg-none"
        ),
        pytest.param(
            ["{in}", "--mask-only", "--background", "red"], "--mask-only", id="mask-and-background"
        ),
        pytest.param(["{in}", "--overwrite", "--resume"], "exclude each other", id="both"),
        pytest.param(["{in}", "--min-confidence", "2"], "--min-confidence", id="confidence-of-2"),
        pytest.param(["{in}", "--format", "bmp"], "bmp", id="format"),
        pytest.param(["-", "{in}"], "stands alone", id="stdin-and-more"),
        pytest.param(["{in}", "--manifest", "{in}/text.csv"], "left alone", id="foreign-manifest"),
        pytest.param(
            ["{in}/a.png", "-o", "{tmp}/x.png", "--resume"], "needs a manifest", id="no-manifest"
        ),
    ],
)
def test_wrong_use_starts_nothing(arguments, words, cut, photos, tmp_path):
    photos.write("a.png")
    photos.write("b.png")
    (photos.folder / "none").mkdir()
    (photos.folder / "text.csv").write_text("a,b\n1,2\n")
    places = {"in": str(photos.folder), "tmp": str(tmp_path)}
    given = [a.format_map(places) for a in arguments]
    code, _, err = cut(*given, out=None if "-o" in given else "out")
    assert (code, words in err) == (2, True), err
    assert not (tmp_path / "out").exists()
    assert (photos.folder / "text.csv").read_text() == "a,b\n1,2\n"


def test_unknown_model_is_named_before_anything_is_done(cut, photos, tmp_path):
    code, _, err = cut(photos.write("a.png"), model="nosuch")
    assert code == 1
    assert "no model is named 'nosuch'" in err
    assert not (tmp_path / "out").exists()


def test_commercial_only_refuses_weights_by_name(cut, photos):
    code, _, err = cut(photos.write("a.png"), "--commercial-only")
    assert code == 1
    assert "bright" in err


def test_min_confidence_needs_a_model_that_has_one(cut, photos):
    code, _, err = cut(photos.write("a.png"), "--min-confidence", "0.5", model="plain")
    assert code == 2
    assert "gives no confidence" in err


def test_model_without_confidence_says_null(cut, photos, tmp_path):
    assert cut(photos.write("a.png"), model="plain")[0] == 0
    (row,) = rows_of(tmp_path / "out/manifest.jsonl")
    assert (row["confidence"], row["status"]) == (None, "ok")


def test_low_confidence_is_for_review_and_still_written(cut, photos, tmp_path):
    photos.write("faint.png", level=140)
    assert cut(photos.folder, "--min-confidence", "0.99")[0] == 0
    (row,) = rows_of(tmp_path / "out/manifest.jsonl")
    assert row["status"] == "review"
    assert files_in(tmp_path / "out") == ["faint.png"]


def test_no_subject_is_an_answer_without_a_file(cut, photos, tmp_path):
    photos.write("dark.png", level=20)
    assert cut(photos.folder)[0] == 0
    (row,) = rows_of(tmp_path / "out/manifest.jsonl")
    assert (row["status"], row["output"]) == ("no-subject", None)
    assert row["confidence"] > 0.9
    assert files_in(tmp_path / "out") == []
    assert cut(photos.folder, "--write-no-subject")[0] == 0
    assert files_in(tmp_path / "out") == ["dark.png"]


@pytest.mark.parametrize(
    ("options", "suffix", "mode"),
    [
        ([], ".png", "RGBA"),
        (["--format", "webp"], ".webp", "RGBA"),
        (["--format", "tiff"], ".tiff", "RGBA"),
        (["--format", "jpg"], ".jpg", "RGB"),
        (["--background", "#f00"], ".png", "RGB"),
        (["--background", "blur"], ".png", "RGB"),
        (["--background", "{wall}"], ".png", "RGB"),
        (["--mask-only"], ".png", "L"),
    ],
)
def test_output_is_what_was_asked(options, suffix, mode, cut, photos, tmp_path):
    photo = photos.write("disc.png", size=(90, 120))
    wall = tmp_path / "wall.png"
    Image.new("RGB", (33, 20), (0, 0, 200)).save(wall)
    given = [option.format(wall=wall) for option in options]
    assert cut(photo, *given)[0] == 0
    with Image.open(tmp_path / f"out/disc{suffix}") as picture:
        assert (picture.size, picture.mode) == ((120, 90), mode)
        corner, middle = picture.getpixel((1, 1)), picture.getpixel((60, 45))
    if "#f00" in given:
        assert corner[0] > 245
        assert corner[1] < 15
    if str(wall) in given:
        assert corner[2] > 190
    if mode == "L":
        assert corner < 10
        assert middle > 245


def test_existing_alpha_stays_cut(cut, photos, tmp_path):
    path = photos.write("disc.png", size=(100, 100))
    with Image.open(path) as opened:
        picture = opened.convert("RGBA")
    alpha = np.full((100, 100), 255, np.uint8)
    alpha[:, :50] = 0
    picture.putalpha(Image.fromarray(alpha))
    picture.save(path)
    assert cut(path)[0] == 0
    found = alpha_of(tmp_path / "out/disc.png")
    assert found[:, :50].max() == 0
    assert found[50, 60] > 200


def test_one_input_goes_to_the_named_file_without_a_manifest(cut, photos, tmp_path):
    code, out, _ = cut(photos.write("a.png"), out="new/cut.webp")
    assert code == 0
    assert kind_of(tmp_path / "new/cut.webp")[0] == "WEBP"
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["cut.webp"]
    assert out.startswith("ok ")


def test_existing_output_is_refused_then_overwritten(cut, photos, tmp_path):
    photos.write("a.png")
    assert cut(photos.folder)[0] == 0
    book = (tmp_path / "out/manifest.jsonl").read_text()
    (tmp_path / "out/a.png").write_bytes(b"mine")
    code, out, _ = cut(photos.folder)
    assert code == 1
    assert "`--overwrite`" in out
    assert (tmp_path / "out/a.png").read_bytes() == b"mine"
    assert (tmp_path / "out/manifest.jsonl").read_text() == book
    assert cut(photos.folder, "--overwrite")[0] == 0
    assert kind_of(tmp_path / "out/a.png")[1] == "RGBA"


def test_resume_does_only_what_changed(cut, photos, tmp_path):
    for name in ("kept.png", "changed.png", "lost.png"):
        photos.write(name)
    (photos.folder / "bad.jpg").write_text("no picture")
    assert cut(photos.folder)[0] == 1
    out = tmp_path / "out"
    before = (out / "kept.png").stat().st_mtime_ns
    photos.write("changed.png", size=(30, 30))
    (out / "lost.png").unlink()
    photos.write("bad.jpg")
    code, text, _ = cut(photos.folder, "--resume")
    assert code == 0, text
    assert (out / "kept.png").stat().st_mtime_ns == before
    assert kind_of(out / "changed.png")[2] == (30, 30)
    rows = rows_of(out / "manifest.jsonl")
    assert len(rows) == len({row["source"] for row in rows}) == 4
    assert {row["status"] for row in rows} == {"ok"}
    assert "1 done before" in text


def test_resume_with_other_options_does_all_again(cut, photos, tmp_path):
    photos.write("a.png")
    assert cut(photos.folder)[0] == 0
    assert cut(photos.folder, "--resume", "--mask-only")[0] == 0
    assert kind_of(tmp_path / "out/a.png")[1] == "L"
    assert len(rows_of(tmp_path / "out/manifest.jsonl")) == 1


def test_second_folder_into_the_same_output_keeps_both_in_the_book(cut, photos, tmp_path):
    photos.write("first/a.png")
    photos.write("second/b.png")
    assert cut(photos.folder / "first")[0] == 0
    assert cut(photos.folder / "second")[0] == 0
    assert files_in(tmp_path / "out") == ["a.png", "b.png"]
    assert len(rows_of(tmp_path / "out/manifest.jsonl")) == 2


def test_input_is_never_replaced_when_the_folder_is_its_own_output(cut, photos):
    before = photos.write("shoe.png").read_bytes()
    photos.write("boot.jpg")
    for _ in range(2):  # outputs of the first run are no inputs of the second
        assert cut(photos.folder, "-o", photos.folder, "--overwrite", out=None)[0] == 0
        assert files_in(photos.folder) == ["boot.png", "shoe.png", "shoe.png.png"]
    assert (photos.folder / "shoe.png").read_bytes() == before


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_input_is_never_replaced_through_a_link(link, cut, photos, tmp_path):
    photo = photos.write("shoe.png")
    before = photo.read_bytes()
    (tmp_path / "out").mkdir()
    link(photo, tmp_path / "out/shoe.png")
    code, out, _ = cut(photo, "--overwrite")
    assert code == 1
    assert "is one of the inputs" in out
    assert photo.read_bytes() == before


def test_output_folder_inside_the_input_is_no_input(cut, photos, tmp_path):
    photos.write("a.png")
    out = photos.folder / "cut"
    for _ in range(2):
        assert cut(photos.folder, "-o", out, "--overwrite", out=None)[0] == 0
    assert len(rows_of(out / "manifest.jsonl")) == 1
    assert cut(photos.folder / "**/*.png", "-o", out, "--overwrite", out=None)[0] == 0
    assert len(rows_of(out / "manifest.jsonl")) == 1


def test_glob_keeps_the_tree_below_its_fixed_part(cut, photos, tmp_path):
    photos.write("a/x/shoe.jpg")
    photos.write("b/shoe.jpg")
    photos.write("b/shoe.png")
    assert cut(f"{photos.folder}/**/*.jpg")[0] == 0
    assert files_in(tmp_path / "out") == ["a/x/shoe.png", "b/shoe.png"]


def test_dry_run_writes_nothing(cut, photos, tmp_path):
    photos.write("a.png")
    code, out, _ = cut(photos.folder, "--dry-run")
    assert code == 0
    assert "1 to cut" in out
    assert not (tmp_path / "out").exists()
    cut(photos.folder)
    code, out, _ = cut(photos.folder, "--dry-run", "--json")
    assert code == 1
    assert json.loads(out)["error"]["code"] == "exists"


def test_json_prints_rows_and_nothing_else_on_stdout(cut, photos, tmp_path):
    write_bad(photos)
    code, out, err = cut(photos.folder, "--json")
    assert code == 1
    rows = [json.loads(line) for line in out.splitlines()]
    assert {r["source"] for r in rows} == {
        r["source"] for r in rows_of(tmp_path / "out/manifest.jsonl")
    }
    assert "8 pictures" in err


def test_quiet_says_only_what_failed(cut, photos):
    photos.write("a.png")
    assert cut(photos.folder, "--quiet") == (0, "", "")
    code, out, err = cut(photos.folder, "--quiet")
    assert (code, out) == (1, "")
    assert err.startswith("failed")


@pytest.mark.parametrize(
    "name", ["naïve ü.png", "a\nb.png", "-dash.png", "[1].png", "x%20$(ls).png"]
)
def test_odd_names_are_names(name, cut, photos, tmp_path):
    photos.write(name)
    assert cut(photos.folder)[0] == 0
    assert files_in(tmp_path / "out") == [name]


def test_name_that_is_no_text_survives(cut, photos, tmp_path):
    path = photos.write("a.png")
    path.rename(photos.folder / os.fsdecode(b"\xff.png"))
    for _ in range(2):
        assert cut(photos.folder, "--resume")[0] == 0
    assert os.fsdecode(b"\xff.png") in {p.name for p in (tmp_path / "out").iterdir()}


def test_output_that_cannot_be_made_is_said(cut, photos, tmp_path):
    photos.write("a.png")
    (tmp_path / "wall").touch()
    code, _, err = cut(photos.folder, out="wall/out")
    assert code == 1
    assert "cannot be written" in err


def test_subfolder_that_is_a_file_fails_only_its_pictures(cut, photos, tmp_path):
    photos.write("a/x.png")
    photos.write("y.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").touch()
    assert cut(photos.folder)[0] == 1
    rows = rows_of(tmp_path / "out/manifest.jsonl")
    assert sorted(r["status"] for r in rows) == ["failed", "ok"]
    assert {r["error"]["code"] for r in rows if r["error"]} == {"output"}


def test_full_disk_fails_the_picture_and_leaves_no_half(home, photos, tmp_path):
    photos.write("large.png")
    rng = np.random.default_rng(1)
    noise = rng.integers(150, 255, (500, 500, 3), dtype=np.uint8)
    Image.fromarray(noise).save(photos.folder / "large.png")
    photos.write("small.png", size=(20, 20))
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000));"
        "from maskworks.apps.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "cutout", photos.folder, "-o", tmp_path / "out",
         "--model", "bright"], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    rows = rows_of(tmp_path / "out/manifest.jsonl")
    assert [r["status"] for r in rows] == ["failed", "ok"]
    assert rows[0]["error"]["code"] == "output"
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["manifest.jsonl", "small.png"]


def test_stdin_goes_to_stdout(maskworks, photos):
    data = photos.write("a.png").read_bytes()
    done = maskworks("cutout", "-", "--model", "bright", stdin=data)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"\x89PNG")
    assert done.stderr.startswith(b"ok")


def test_bad_stdin_writes_nothing_to_stdout(maskworks):
    done = maskworks("cutout", "-", "--model", "bright", stdin=b"Dear Sir")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"stdin: is not a picture" in done.stderr


def wait_for_rows(manifest, count, process):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if manifest.exists() and manifest.read_bytes().count(b"\n") >= count:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    pytest.fail("no rows came")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_finishes_the_pictures_in_hand_and_says_how_to_resume(
    number, start, cut, photos, tmp_path
):
    for at in range(24):
        photos.write(f"{at:03}.png", size=(600, 600))
    out = tmp_path / "out dir"
    running = start("cutout", photos.folder, "-o", out, "--model", "bright", "--overwrite")
    wait_for_rows(out / "manifest.jsonl", 4, running)
    running.send_signal(number)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 130, err
    rows = rows_of(out / "manifest.jsonl")
    assert 4 <= len(rows) < 24
    assert sorted(r["output"] for r in rows) == [str(out / name) for name in files_in(out)]
    last = err.decode().splitlines()[-1].strip()
    assert last == (f"maskworks cutout {photos.folder} -o '{out}' --model bright --resume")
    assert cut(photos.folder, "--resume", out="out dir")[0] == 0
    assert [r["source"] for r in rows_of(out / "manifest.jsonl")] == [
        str(photos.folder / f"{at:03}.png") for at in range(24)
    ]


def test_kill_leaves_no_half_file_and_resume_completes(start, cut, photos, tmp_path):
    for at in range(20):
        photos.write(f"{at:03}.png", size=(600, 600))
    out = tmp_path / "out"
    running = start("cutout", photos.folder, "-o", out, "--model", "bright")
    wait_for_rows(out / "manifest.jsonl", 4, running)
    running.kill()
    running.communicate()
    done = files_in(out)
    assert 4 <= len(done) < 20
    for name in done:
        with Image.open(out / name) as picture:
            picture.load()
    with (out / "manifest.jsonl").open("a") as stream:
        stream.write('{"source": "/torn')  # as if it had been writing a row
    before = {row["source"]: row for row in rows_of_torn(out / "manifest.jsonl")}
    assert cut(photos.folder, "--resume")[0] == 0
    rows = rows_of(out / "manifest.jsonl")
    assert len(rows) == len(files_in(out)) == 20
    assert all(before[r["source"]] == r for r in rows if r["source"] in before)


def rows_of_torn(path):
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


def test_command_line_lists_its_commands_and_finds_near_misses(capsys):
    assert main(["--help"]) == 0
    assert "cutout" in capsys.readouterr().out
    assert main([]) == 2
    assert main(["cutut"]) == 2
    assert "did you mean cutout?" in capsys.readouterr().err
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("maskworks 0.")


def test_the_default_way_imports_neither_scipy_nor_torch(home, tmp_path):
    """Each of them costs more than a picture."""
    photo = tmp_path / "a.jpg"
    Image.fromarray(np.full((40, 60, 3), 200, np.uint8)).save(photo)
    program = (
        "import sys; from maskworks.apps.cli import main\n"
        "code = main(['cutout', sys.argv[1], '-o', sys.argv[2], '--model', 'bright'])\n"
        "print(code, sorted({'scipy', 'skimage', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, photo, tmp_path / "a.png"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0 []"
