"""What is wrong with a clip, an option or the disk is said in one sentence; the rest is kept."""

from __future__ import annotations

import errno
import json

import pytest

from maskworks.apps.cli import main
from maskworks.core.errors import UsageError
from maskworks.video import encoding
from maskworks.video.encoding import explained
from maskworks.video.request import MOST_PIXELS, VideoRequest, open_video


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["no.mp4", "-o", "out"], 1, "there is no such file", id="no such file"),
        pytest.param(["photo.png", "-o", "out"], 1, "is a picture, not a clip", id="picture"),
        pytest.param(["empty.mp4", "-o", "out"], 1, "is empty", id="empty"),
        pytest.param(["empty", "-o", "out"], 2, "there is no clip in empty", id="empty folder"),
        pytest.param(["photo.png", "-o", "a.mp4"], 2, "mp4 has no alpha", id="mp4"),
        pytest.param(["photo.png", "-o", "a.avi"], 2, "cannot write .avi", id="suffix"),
        pytest.param(
            ["photo.png", "-o", "a.mov", "--format", "webm"], 2, "give one of the two", id="two"
        ),
        pytest.param(
            ["photo.png", "-o", "out", "--background", "nothing.png"],
            2,
            "no such picture or clip and no such colour",
            id="background",
        ),
        pytest.param(["photo.png", "-o", "out", "--crop", "tall"], 2, "such as 9:16", id="crop"),
        pytest.param(
            ["photo.png", "-o", "out", "--resume", "--overwrite"], 2, "exclude", id="both"
        ),
    ],
)
def test_a_mistake_is_one_sentence(  # noqa: PLR0917 - table columns and fixtures
    clip, tmp_path, monkeypatch, capsys, cut, arguments, code, message
):
    clip("photo.png", count=1, codec="png", form="rgb24")
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["video", *arguments]) == code
    said = capsys.readouterr()
    assert message in said.out + said.err
    assert "Traceback" not in said.err


def test_8k_is_let_in_and_more_is_not():
    assert 7680 * 4320 < MOST_PIXELS < 8192 * 8192


@pytest.mark.parametrize(
    ("error", "message"),
    [
        pytest.param(OSError(errno.ENOSPC, "x"), "the disk is full", id="full"),
        pytest.param(PermissionError(13, "x"), "permission denied", id="right"),
        pytest.param(
            type("UnknownCodecError", (ValueError,), {})("libvpx-vp9"), "has no encoder", id="codec"
        ),
    ],
)
def test_what_cannot_be_written_says_why(tmp_path, error, message):
    assert message in str(explained(error, tmp_path / "a.webm"))


def test_a_full_disk_keeps_the_parts_that_are_done(clip, cut, tmp_path, monkeypatch):
    from maskworks.video import open_part

    monkeypatch.setattr(open_part, "PART_FRAMES", 4)
    path, left = clip(count=12), [6]
    real = encoding.FrameEncoder.add

    def add(self, frame, pts):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, frame, pts)

    monkeypatch.setattr(encoding.FrameEncoder, "add", add)
    row = cut(path, tmp_path / "out", form="ffv1")[0]
    assert (row.status, row.error.code) == ("failed", "output")
    assert "the disk is full" in row.error.message
    parts = tmp_path / "out/.maskworks-parts/clip.mkv"
    assert sorted(p.name for p in parts.iterdir()) == ["part-00000.mkv", "state.jsonl"]
    monkeypatch.setattr(encoding.FrameEncoder, "add", real)
    row = cut(path, tmp_path / "out", form="ffv1", existing="resume")[0]
    assert (row.status, row.frames) == ("ok", 12)


def test_parts_of_other_settings_are_not_gone_on_with(clip, cut, tmp_path):
    path = clip(count=3)
    folder = tmp_path / "out/.maskworks-parts/clip.mkv"
    folder.mkdir(parents=True)
    (folder / "state.jsonl").write_text(json.dumps({"made_from": None}) + "\n{torn")
    row = cut(path, tmp_path / "out", form="ffv1", existing="resume")[0]
    assert row.frames == 3


def test_keys_are_of_one_clip(clip, tmp_path):
    clip("a.mkv", count=1)
    clip("b.mkv", count=1)
    keys = tmp_path / "keys"
    keys.mkdir()
    clip("keys/0.png", count=1, codec="png", form="rgb24")
    both = (str(tmp_path / "a.mkv"), str(tmp_path / "b.mkv"))
    with pytest.raises(UsageError, match="key frames belong to one clip, and there are 2"):
        open_video(VideoRequest(inputs=both, output=str(tmp_path / "out"), keys=str(keys)))
