"""Clips in, cut-outs with alpha out: every frame, in step, with its time, its sound and a row."""

from __future__ import annotations

import json
import threading

import av
import numpy as np
import pytest

from maskworks.video.reading import open_clip


def read(path):
    with open_clip(path) as clip:
        return list(clip.frames()), clip.facts


def red(pixels):
    """What the drawn subject is."""
    return (pixels[..., 0] > 150) & (pixels[..., 1] < 110) & (pixels[..., 2] < 110)


def overlap(alpha, truth):
    inside = alpha >= 128
    return np.count_nonzero(inside & truth) / np.count_nonzero(inside | truth)


@pytest.mark.parametrize("name", ["out.webm", "out.mov", "out.mkv", "out.apng"])
def test_alpha_is_in_step_with_the_clip(clip, cut, draw, tmp_path, name):
    times = [0, 40, 80, 130, 200, 240, 300, 320, 400, 410, 480, 520]
    path = clip(size=(96, 128), pts_ms=times, form="bgr0")
    rows = cut(path, tmp_path / name)
    frames, facts = read(tmp_path / name)
    assert rows[0].status == "ok"
    assert (rows[0].frames, rows[0].shots) == (12, 1)
    assert facts.alpha
    assert [round(frame.time_s * 1000) for frame in frames] == times
    for index, frame in enumerate(frames):
        assert overlap(frame.alpha, red(draw(index, (96, 128)))) > 0.85


def test_frames_between_follow_what_moves(clip, cut, draw, tmp_path):
    path = clip(size=(96, 128), form="bgr0")
    cut(path, tmp_path / "out.mkv", refine="off")
    rows = [json.loads(line) for line in (tmp_path / "out.mkv.jsonl").read_text().splitlines()]
    assert [row["asked"] for row in rows] == [True, False] * 6
    for frame, row in zip(read(tmp_path / "out.mkv")[0], rows, strict=True):
        assert overlap(frame.alpha, red(draw(row["frame"], (96, 128)))) > 0.9


def test_the_fine_way_asks_about_every_frame(clip, cut, tmp_path):
    cut(clip(size=(96, 128)), tmp_path / "out.mkv", steady="fine")
    rows = [json.loads(line) for line in (tmp_path / "out.mkv.jsonl").read_text().splitlines()]
    assert all(row["asked"] for row in rows)


def test_sound_is_copied(clip, cut, tmp_path):
    path = clip("clip.mkv", sound=True, count=25)
    row = cut(path, tmp_path / "out.webm")[0]
    with av.open(str(path)) as before, av.open(str(tmp_path / "out.webm")) as after:
        old, new = (
            [bytes(p) for p in each.demux(each.streams.audio[0]) if p.size]
            for each in (before, after)
        )
    assert old
    assert old == new
    assert row.notes == ()


def test_sound_that_does_not_fit_is_converted_and_told(clip, cut, tmp_path):
    path = clip("clip.mp4", codec="mpeg4", sound=True, count=25)
    row = cut(path, tmp_path / "out.webm")[0]
    assert "sound (aac) does not go into webm: converted to Opus" in row.notes
    with av.open(str(tmp_path / "out.webm")) as after:
        assert after.streams.audio[0].codec_context.name in ("opus", "libopus")
        seconds = sum(f.samples for f in after.decode(audio=0)) / 48000
    assert seconds == pytest.approx(1.0, abs=0.05)


def test_shots_are_found_and_nothing_crosses_a_cut(clip, cut, draw, tmp_path):
    first = [draw(i, (96, 128)) for i in range(5)]
    other = [np.roll(255 - draw(i, (96, 128)), 40, axis=1) for i in range(4)]
    for picture in other:
        picture[30:70, 60:100] = (220, 60, 40)
    row = cut(clip(frames=first + other, form="bgr0"), tmp_path / "out.mkv", refine="off")[0]
    assert row.shots == 2
    frames = read(tmp_path / "out.mkv")[0]
    assert overlap(frames[4].alpha, red(first[4])) > 0.9
    assert overlap(frames[5].alpha, red(other[0])) > 0.9


def test_a_frame_without_a_subject_is_clear_and_kept(clip, cut, tmp_path):
    blue = np.full((48, 64, 3), (40, 60, 150), np.uint8)
    row = cut(clip(frames=[blue] * 5), tmp_path / "out.mkv")[0]
    frames = read(tmp_path / "out.mkv")[0]
    assert row.status == "no-subject"
    assert len(frames) == 5
    assert all(frame.alpha.max() == 0 for frame in frames)


def test_one_frame_is_enough(clip, cut, tmp_path):
    row = cut(clip(count=1), tmp_path / "out.webm")[0]
    assert row.frames == 1
    assert len(read(tmp_path / "out.webm")[0]) == 1


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        pytest.param("out.webm", {}, id="webm"),
        pytest.param("out.mov", {}, id="prores"),
        pytest.param("out.mp4", {"background": "white"}, id="vp9 in mp4"),
        pytest.param("out.mp4", {"background": "white", "codec": "h264"}, id="h264"),
    ],
)
def test_odd_sizes_come_through(clip, cut, tmp_path, name, asked):
    path = clip(size=(47, 63), form="yuv444p", count=4)
    row = cut(path, tmp_path / name, **asked)[0]
    assert row.error is None
    frames, facts = read(tmp_path / name)
    assert len(frames) == 4
    assert (facts.width - 63, facts.height - 47) in ((0, 0), (1, 1))


def test_a_matte_is_black_and_white(clip, cut, draw, tmp_path):
    cut(clip(size=(96, 128), form="bgr0"), tmp_path / "out.mov", form="matte")
    frames = read(tmp_path / "out.mov")[0]
    assert overlap(frames[6].pixels[..., 0], red(draw(6, (96, 128)))) > 0.85
    assert np.abs(np.diff(frames[6].pixels.astype(int), axis=2)).max() <= 2


def test_pngs_are_numbered_as_frames(clip, cut, tmp_path):
    row = cut(clip(count=3), tmp_path / "out", form="png")[0]
    folder = tmp_path / "out/clip.frames"
    assert row.output == str(folder)
    assert sorted(p.name for p in folder.iterdir()) == ["000000.png", "000001.png", "000002.png"]


def test_an_opaque_clip_has_the_background(clip, cut, tmp_path):
    cut(clip(size=(96, 128)), tmp_path / "out.mp4", background="#00ff00")
    frames, facts = read(tmp_path / "out.mp4")
    assert not facts.alpha
    assert np.abs(frames[3].pixels[80:, :20].astype(int) - (0, 255, 0)).mean() < 12


def test_a_clip_behind_runs_over_and_over(clip, cut, tmp_path):
    grey = [np.full((96, 128, 3), level, np.uint8) for level in (50, 200)]
    behind = clip("behind.mkv", frames=grey, form="bgr0")
    cut(clip(size=(96, 128), count=6), tmp_path / "out.webm", background=str(behind))
    levels = [frame.pixels[80:, :20].mean() for frame in read(tmp_path / "out.webm")[0]]
    assert levels == pytest.approx([50, 200, 50, 200, 50, 200], abs=8)


def test_a_window_follows_the_subject(clip, cut, tmp_path):
    path = clip(size=(96, 128), count=40, form="bgr0")
    cut(path, tmp_path / "out.mkv", crop="9:16")
    frames, facts = read(tmp_path / "out.mkv")
    assert (facts.height, facts.width) == (96, 54)
    columns = [frame.alpha.sum(axis=0, dtype=float) for frame in frames]
    middles = [each @ np.arange(54) / each.sum() for each in columns]
    assert np.ptp(middles) < 22  # it moves by 51 pixels in the clip
    assert np.abs(np.diff(middles)).max() < 2


def test_portrait_keeps_the_subject_and_softens_the_rest(clip, cut, draw, tmp_path):
    cut(clip(size=(96, 128), form="bgr0"), tmp_path / "out.webm", portrait=True)
    shown, drawn = read(tmp_path / "out.webm")[0][0].pixels, draw(0, (96, 128))
    far = (slice(10, 90), slice(90, 128))
    assert shown[far].std(axis=(0, 1)).max() < 0.5 * drawn[far].std(axis=(0, 1)).max()
    assert np.abs(shown[far].mean(axis=(0, 1)) - drawn[far].mean(axis=(0, 1))).max() < 12
    inside = (slice(48, 58), slice(35, 42))
    assert np.abs(shown[inside].astype(int) - drawn[inside]).mean() < 10


def test_an_output_that_exists_is_not_replaced(clip, cut, tmp_path):
    (tmp_path / "out.webm").write_bytes(b"mine")
    row = cut(clip(count=2), tmp_path / "out.webm")[0]
    assert row.error.code == "exists"
    assert (tmp_path / "out.webm").read_bytes() == b"mine"


def test_one_bad_clip_does_not_stop_the_others(clip, cut, tmp_path):
    clip("in.mp4", codec="mpeg4", count=3)
    (tmp_path / "bad.mp4").write_bytes(b"no clip at all " * 50)
    (tmp_path / "photo.jpg").write_bytes(b"x")
    rows = cut(tmp_path, tmp_path / "out")
    assert {row.source.rpartition("/")[2]: row.status for row in rows} == {
        "bad.mp4": "failed",
        "in.mp4": "ok",
    }
    assert len((tmp_path / "out/manifest.jsonl").read_text().splitlines()) == 2


def test_a_stopped_run_goes_on_with_the_next_part(clip, cut, draw, tmp_path, monkeypatch):
    from maskworks.video import open_part

    monkeypatch.setattr(open_part, "PART_FRAMES", 10)
    path = clip(size=(96, 128), count=30, form="bgr0", sound=True)
    stop, told = threading.Event(), []

    def tell(progress):
        told.append(progress.done)
        if progress.done == 17:
            stop.set()

    assert cut(path, tmp_path / "out", form="ffv1", stop=stop, tell=tell) == []
    assert not (tmp_path / "out/clip.mkv").exists()
    told.clear()

    def count(progress):
        told.append(progress.done)

    row = cut(path, tmp_path / "out", form="ffv1", existing="resume", tell=count)[0]
    assert len(told) == 20  # ten frames were done
    assert row.frames == 30
    frames = read(tmp_path / "out/clip.mkv")[0]
    assert [round(frame.time_s * 25) for frame in frames] == list(range(30))
    whole = cut(path, tmp_path / "whole", form="ffv1")[0]
    assert whole.frames == 30
    for ours, theirs in zip(frames, read(tmp_path / "whole/clip.mkv")[0], strict=True):
        assert np.abs(ours.alpha.astype(int) - theirs.alpha).mean() < 1
    assert not (tmp_path / "out/.maskworks-parts").exists()


def test_what_is_done_is_not_done_again(clip, cut, tmp_path):
    path = clip(count=3)
    first = cut(path, tmp_path / "out")
    again = cut(path, tmp_path / "out", existing="resume", tell=lambda _: pytest.fail("done again"))
    assert again == first


def test_a_cut_off_clip_is_written_as_far_as_it_goes(clip, cut, tmp_path):
    path = clip("in.mp4", codec="mpeg4", count=100, size=(96, 128), movflags="faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    row = cut(path, tmp_path / "out.webm")[0]
    assert any("the stream is cut off" in note for note in row.notes)
    assert 30 < row.frames < 90
    assert len(read(tmp_path / "out.webm")[0]) == row.frames


def test_subtitles_are_copied_or_told(clip, cut, tmp_path):
    words, both = tmp_path / "words.srt", tmp_path / "both.mkv"
    words.write_text("1\n00:00:00,000 --> 00:00:00,400\nHello\n\n")
    with (
        av.open(str(clip("plain.mkv"))) as picture,
        av.open(str(words)) as text,
        av.open(str(both), "w") as made,
    ):
        pairs = [
            (each, stream, made.add_stream_from_template(stream))
            for each, stream in ((picture, picture.streams.video[0]), (text, text.streams[0]))
        ]
        for each, stream, copy in pairs:
            for packet in each.demux(stream):
                if packet.size:
                    packet.stream = copy
                    made.mux(packet)
    assert cut(both, tmp_path / "out.mkv")[0].notes == ()
    with av.open(str(tmp_path / "out.mkv")) as written:
        stream = written.streams.subtitles[0]
        said = [bytes(packet) for packet in written.demux(stream) if packet.size]
    assert said == [b"Hello"]
    notes = cut(both, tmp_path / "out.webm")[0].notes
    assert notes == ("subtitles (srt) do not go into webm: left out",)
