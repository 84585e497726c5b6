"""Subtitle files in any encoding are read, and what is odd about them is told."""

from __future__ import annotations

import pytest

from maskworks.core.errors import UnreadableError
from maskworks.scene.text.subtitles import find_subtitles, read_subtitles

SRT = "1\n00:00:01,000 --> 00:00:02,500\nWas für eine Scheiße!\n"
VTT = "WEBVTT\n\n00:01.000 --> 00:02.500\n<i>Was für eine Scheiße!</i>\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_a_file_is_read_in_its_encoding(tmp_path, encoding):
    path = tmp_path / "a.srt"
    path.write_bytes(SRT.encode(encoding))
    (cue,), notes = read_subtitles(path)
    assert (cue.start_ms, cue.end_ms, cue.text) == (1000, 2500, "Was für eine Scheiße!")
    assert bool(notes) == (not encoding.startswith("utf-8"))


def test_webvtt_is_read_without_its_tags(tmp_path):
    path = tmp_path / "a.vtt"
    path.write_text(VTT, encoding="utf-8")
    (cue,), _ = read_subtitles(path)
    assert (cue.start_ms, cue.text) == (1000, "Was für eine Scheiße!")


def test_overlapping_and_turned_cues_are_kept_and_told(tmp_path):
    path = tmp_path / "a.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:05,000\na\n\n2\n00:00:02,000 --> 00:00:01,000\nb\n")
    cues, notes = read_subtitles(path)
    assert [(c.start_ms, c.end_ms) for c in cues] == [(1000, 5000), (2000, 2000)]
    assert any("begin before" in note for note in notes)
    assert any("end before they begin" in note for note in notes)


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "no subtitle"), (b"\x00\x01\x02" * 50, "no subtitle"), (b"hello\n", "no subtitle")],
    ids=["empty", "bytes", "prose"],
)
def test_what_is_no_subtitle_file_is_said(tmp_path, data, says):
    path = tmp_path / "a.srt"
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match=says):
        read_subtitles(path)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(UnreadableError, match="no such file"):
        read_subtitles(tmp_path / "none.srt")


def test_the_file_beside_a_clip_is_found_with_and_without_a_language(tmp_path):
    clip = tmp_path / "a.mp4"
    assert find_subtitles(clip) is None
    (tmp_path / "ab.srt").touch()
    assert find_subtitles(clip) is None
    (tmp_path / "a.de.srt").touch()
    assert find_subtitles(clip).name == "a.de.srt"
    (tmp_path / "a.srt").touch()
    assert find_subtitles(clip).name == "a.srt"
