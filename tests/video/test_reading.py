"""Any clip is read frame by frame; what cannot be read is told and costs itself alone."""

from __future__ import annotations

import av
import numpy as np
import pytest

from maskworks.core.errors import TooLargeError, UnreadableError
from maskworks.core.reading import Limits
from maskworks.video.reading import open_clip


def read(path, **how):
    with open_clip(path) as clip:
        frames = list(clip.frames(**how))
        return frames, clip.facts, clip.notes()


def test_frames_come_in_order_with_their_pixels_and_times(clip, draw):
    frames, facts, notes = read(clip(count=5, form="bgr0"))
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    for index, frame in enumerate(frames):
        assert np.array_equal(frame.pixels, draw(index, count=5))
        assert frame.alpha is None
    assert (facts.width, facts.height, facts.rate, facts.codec) == (64, 48, 25, "ffv1")
    assert notes == ()


def test_a_variable_rate_is_kept(clip):
    times = [0, 40, 50, 200, 210]
    frames, facts, _ = read(clip(count=5, pts_ms=times))
    assert [round(frame.time_s * 1000) for frame in frames] == times
    assert [frame.pts * facts.time_base * 1000 for frame in frames] == times


def test_a_part_of_a_clip_keeps_its_numbers(clip):
    frames, _, _ = read(clip(), first=4, last=7)
    assert [frame.index for frame in frames] == [4, 5, 6]
    assert [round(frame.time_s * 25) for frame in frames] == [4, 5, 6]


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_rotation_is_applied(clip, draw, turn):
    frames, facts, _ = read(clip("clip.mov", count=2, codec="qtrle", form="rgb24", turn=turn))
    expected = np.rot90(draw(0, count=2), turn // 90)
    assert np.array_equal(frames[0].pixels, expected)
    assert (facts.height, facts.width) == expected.shape[:2]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("no.mp4", None, "there is no such file", id="missing"),
        pytest.param("empty.mp4", b"", "is empty", id="empty"),
        pytest.param("words.mp4", b"Dear Sir, " * 99, "is no clip", id="text"),
        pytest.param(
            "list.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "is no clip", id="playlist"
        ),
    ],
)
def test_what_is_no_clip_is_told(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableError, match=message):
        read(path)


def test_a_folder_is_no_clip(tmp_path):
    with pytest.raises(UnreadableError, match="is a folder"):
        read(tmp_path)


@pytest.mark.parametrize(("name", "codec"), [("a.png", "png"), ("a.jpg", "mjpeg")])
def test_a_picture_is_sent_to_cutout(clip, name, codec):
    form = "rgb24" if codec == "png" else "yuvj420p"
    with pytest.raises(UnreadableError, match=r"is a picture, not a clip.*maskworks cutout"):
        read(clip(name, count=1, codec=codec, form=form))


def test_sound_alone_is_no_clip(clip, tmp_path):
    path = clip(sound=True)
    bare = tmp_path / "sound.mka"
    with av.open(str(path)) as source, av.open(str(bare), "w", format="matroska") as copy:
        stream = copy.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                packet.stream = stream
                copy.mux(packet)
    with pytest.raises(UnreadableError, match="no video stream, only audio"):
        read(bare)


def test_a_clip_of_one_frame_is_a_clip(clip):
    frames, _, notes = read(clip(count=1))
    assert len(frames) == 1
    assert notes == ()


def test_odd_sizes_are_read(clip):
    frames, facts, _ = read(clip(size=(47, 63), form="yuv444p"))
    assert frames[0].pixels.shape == (47, 63, 3)
    assert (facts.width, facts.height) == (63, 47)


def test_a_clip_without_a_frame_is_told(clip, tmp_path):
    path = clip("clip.mp4", codec="mpeg4", count=3)
    data = bytearray(path.read_bytes())
    frames = slice(data.index(b"mdat") + 4, data.index(b"moov") - 4)
    data[frames] = bytes(frames.stop - frames.start)
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match="holds no frame that can be decoded"):
        read(path)


def test_too_many_pixels_are_refused_before_they_are_decoded(clip):
    with (
        pytest.raises(TooLargeError, match="3,072 pixels, the limit is 1,000"),
        open_clip(clip(), Limits(max_pixels=1000)),
    ):
        pass


def test_interlaced_is_refused_with_a_word(clip):
    path = clip("clip.mp4", codec="mpeg2video", setting={"flags": 1 << 18 | 1 << 29})
    with pytest.raises(UnreadableError, match=r"is interlaced.*bwdif"):
        read(path)


def test_hdr_is_told(clip):
    path = clip(form="yuv420p10le", setting={"color_trc": 16})
    frames, facts, notes = read(path)
    assert facts.hdr == "PQ"
    assert "without tone mapping" in notes[0]
    assert frames[0].pixels.dtype == np.uint8


def test_a_stream_that_is_cut_off_keeps_what_is_there(clip):
    path = clip("clip.mp4", codec="mpeg4", count=100, size=(96, 128), movflags="faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    frames, _, notes = read(path)
    assert 30 < len(frames) < 90
    assert any("it says 4.00 s and ends at" in note for note in notes)


@pytest.mark.parametrize("number", [0, 4, 7, 8])
def test_a_damaged_frame_costs_itself_alone(clip, number):
    path = clip("clip.mov", count=9, codec="png", form="rgb24")
    data = bytearray(path.read_bytes())
    starts = [at for at in range(len(data)) if data[at : at + 8] == b"\x89PNG\r\n\x1a\n"]
    data[starts[number] : starts[number] + 40] = bytes(40)
    path.write_bytes(data)
    frames, _, notes = read(path)
    assert [round(frame.time_s * 25) for frame in frames] == [n for n in range(9) if n != number]
    assert f"1 frame (at {number / 25:.2f} s) damaged and could not be decoded" in notes[0]


def test_a_size_that_changes_is_scaled_and_told(clip, tmp_path):
    one = clip("one.ts", codec="mpeg2video", size=(48, 64))
    other = clip("other.ts", codec="mpeg2video", size=(96, 128))
    both = tmp_path / "both.ts"
    both.write_bytes(one.read_bytes() + other.read_bytes())
    frames, _, notes = read(both)
    assert {frame.pixels.shape for frame in frames} == {(48, 64, 3)}
    assert any("the size changes to 128x96" in note for note in notes)


def test_alpha_of_vp9_is_read(clip, draw, tmp_path):
    path = tmp_path / "alpha.webm"
    alpha = np.zeros((48, 64), np.uint8)
    alpha[10:40, 20:50] = 255
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=25, options={"crf": "10", "b": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuva420p"
        for index in range(3):
            picture = np.dstack([draw(index, count=3), alpha])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgba")))
        container.mux(stream.encode())
    frames, facts, _ = read(path)
    assert facts.alpha
    assert len(frames) == 3
    assert np.abs(frames[2].alpha.astype(int) - alpha).mean() < 3
