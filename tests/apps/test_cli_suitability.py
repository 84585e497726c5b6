"""`maskworks suitability`: a folder, a ranking, going on, and what is wrong said in one line."""

from __future__ import annotations

import csv
import json

import numpy as np
import opentimelineio as otio
import pytest
from PIL import Image

from maskworks.apps.cli.main import main

PLAIN = ["--no-ocr", "--threads", "1"]
SRT = "1\n00:00:00,000 --> 00:00:01,000\nHe has a {word} in the car\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two clips of a second with a subtitle each, a picture, and a file that is no clip."""
    import av

    for name, word in (("calm", "lamp"), ("rough", "rifle")):
        with av.open(str(tmp_path / f"{name}.mp4"), "w") as out:
            video = out.add_stream("mpeg4", rate=8)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            for at in range(8):
                grey = np.full((48, 64, 3), 60 + at, np.uint8)
                out.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
            out.mux(video.encode())
        (tmp_path / f"{name}.srt").write_text(SRT.format(word=word))
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(tmp_path / "still.png")
    (tmp_path / "broken.mp4").write_bytes(b"no clip")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_ranked_and_what_fails_stops_nothing(folder, capsys):
    assert main(["suitability", ".", "-o", "out", *PLAIN]) == 1
    said = capsys.readouterr()
    assert "rough.mp4: arms adjacent, likelihood 5, proposed risk medium" in said.out
    assert "Not assessed: arms, crime" in said.out
    assert "3 assessed, 0 kept, 1 failed" in said.out
    assert "broken.mp4" in said.err
    with (folder / "out/ranking.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["source"] for row in rows] == ["broken.mp4", "rough.mp4", "calm.mp4", "still.png"]
    assert rows[1]["gravest_risk"] == "bsr003"
    assert rows[3]["not_assessed"].startswith("arms")
    assert 'href="rough.mp4/report.html"' in (folder / "out/index.html").read_text()

    assert main(["suitability", ".", "-o", "out", *PLAIN, "--resume"]) == 1
    assert "0 assessed, 3 kept, 1 failed" in capsys.readouterr().out
    (folder / "rough.srt").write_text(SRT.format(word="piano"))
    assert main(["suitability", ".", "-o", "out", *PLAIN, "--resume", "--json"]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["source"]: row["status"] for row in rows}["rough.mp4"] == "done"


def test_one_clip_is_written_in_every_form(folder):
    assert main(["suitability", "rough.mp4", "-o", "out", *PLAIN, "--purpose", "news"]) == 0
    out = folder / "out"
    bid = json.loads((out / "openrtb.json").read_text())
    assert bid["content"]["cattax"] == 9
    assert bid["content"]["cat"] == ["avbNf2", "1020"]
    assert bid["catswithsuitability"][0]["category"] == "avbNf2"
    assert bid["catswithsuitability"][1] == {"category": "1020", "suitability": None}
    timeline = otio.adapters.read_from_file(str(out / "timeline.otio"))
    (marker,) = timeline.tracks[0][0].markers
    assert marker.metadata["maskworks"]["iab_id"] == "avbNf2"
    chapters = (out / "chapters.vtt").read_text()
    assert chapters.startswith("WEBVTT\n")
    assert "00:00:00.000 --> 00:00:01.000\nArms and ammunition: 1 finding" in chapters
    page = (out / "report.html").read_text()
    assert "<script" not in page
    assert "<mark>rifle</mark>" in page
    assert page.count("data:image/jpeg") == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["calm.mp4", "--policy", "none.toml"], "none.toml: cannot be read"),
        (["calm.mp4", "--purpose", "newz"], "did you mean news"),
        (["calm.mp4", "--logos", "none"], "holds no logo"),
        (["calm.mp4", "--classifier", "none"], "cannot be read as TOML"),
        (["calm.mp4", "rough.mp4", "--subtitles", "calm.srt"], "is for one clip"),
        (["calm.mp4", "--resume", "--overwrite"], "exclude each other"),
        (["none"], "there is no such file"),
    ],
    ids=["policy", "purpose", "logos", "classifier", "subtitles", "both", "no file"],
)
def test_wrong_use_is_one_line(folder, capsys, options, says):
    code = main(["suitability", *options, "-o", "out", *PLAIN])
    assert code == (1 if options == ["none"] else 2)
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_a_folder_without_a_clip_and_an_output_that_is_there_are_refused(folder, capsys):
    (folder / "empty").mkdir()
    assert main(["suitability", "empty", "-o", "out", *PLAIN]) == 2
    assert "no clip or picture in empty" in capsys.readouterr().err
    assert main(["suitability", "still.png", "-o", "out", *PLAIN]) == 0
    assert main(["suitability", "still.png", "-o", "out", *PLAIN]) == 2
    assert "is there already" in capsys.readouterr().err


def test_verdicts_are_given_and_counted(folder, capsys):
    assert main(["suitability", "rough.mp4", "-o", "out", *PLAIN, "--quiet"]) == 0
    given = ["review", "evidence", "out", "--finding", "f00001"]
    assert main([*given, "--by", "ana"]) == 0
    assert main([*given, "--verdict", "dismiss", "--by", "ben"]) == 0
    assert main(["review", "evidence", "out"]) == 0
    assert main(["review", "agreement", "out"]) == 0
    said = capsys.readouterr().out
    assert "f00001 arms: confirm, by ana" in said
    assert "finding 'rifle' ana: confirm, ben: dismiss" in said
    assert "ana and ben: kappa 0.00 on 1 findings" in said
    assert "arms by subtitles: 0 of 1 right" in said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lines: [lines[0].replace("confirm", "dismiss"), lines[1]], "line 1 was changed"),
        (lambda lines: lines[1:], "line 1 was changed, or one before it"),
        (lambda lines: lines[:1], "holds other verdicts than"),
        (lambda lines: ["{}", *lines], "line 1 is no verdict"),
    ],
    ids=["changed", "taken out", "cut off", "put in"],
)
def test_a_trail_of_verdicts_that_was_changed_is_told(folder, capsys, change, says):
    assert main(["suitability", "rough.mp4", "-o", "out", *PLAIN, "--quiet"]) == 0
    for who, word in (("ana", "confirm"), ("ben", "dismiss")):
        given = ["review", "evidence", "out", "--finding", "f00001", "--by", who]
        assert main([*given, "--verdict", word]) == 0
    assert main(["review", "evidence", "out", "--verify"]) == 0
    assert "2 verdicts, none changed" in capsys.readouterr().out
    trail = folder / "out/verdicts.jsonl"
    lines = trail.read_text().splitlines()
    trail.write_text("".join(f"{line}\n" for line in change(lines)))
    assert main(["review", "evidence", "out", "--verify"]) == 1
    assert says in capsys.readouterr().err


def test_thresholds_are_fitted_to_verdicts_and_used_by_a_policy(folder, capsys):
    cue = "{0}\n00:00:00,{1:03} --> 00:00:00,900\n{2}\n\n"
    said = ["He has a rifle in the car"] * 10 + ["The sword is on the wall"] * 3
    (folder / "rough.srt").write_text("".join(cue.format(n, n, t) for n, t in enumerate(said, 1)))
    assert main(["suitability", "rough.mp4", "-o", "out", *PLAIN, "--quiet"]) == 0
    record = json.loads((folder / "out/suitability.json").read_text())
    for found in record["findings"]:
        word = "confirm" if found["label"] == "rifle" else "dismiss"
        given = ["review", "evidence", "out", "--finding", found["id"], "--by", "ana"]
        assert main([*given, "--verdict", word]) == 0
    capsys.readouterr()
    assert main(["review", "agreement", "out", "--target", "0.9"]) == 0
    fitted = capsys.readouterr().out.partition("[thresholds]")[2]
    assert fitted.startswith('\n"subtitles" = 0.9  # 10 of 10 right')
    head = 'name = "mine"\ndate = 2026-12-01\nrules = []\n[thresholds]'
    (folder / "mine.toml").write_text(head + fitted.replace("= 0.9 ", "= 0.95 "))
    again = ["suitability", "rough.mp4", "-o", "strict", *PLAIN, "--quiet", "--policy", "mine.toml"]
    assert main(again) == 0
    strict = json.loads((folder / "strict/suitability.json").read_text())
    assert all(found["hint"] for found in strict["findings"])
    assert main(["review", "agreement", "out", "--target", "2"]) == 2
    assert "'--target'" in capsys.readouterr().err
