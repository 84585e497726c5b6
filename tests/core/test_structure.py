"""Files that cost minutes are refused by what they are made of, and by the clock."""

from __future__ import annotations

from io import BytesIO

import hostile_pictures as hostile
import pytest

from maskworks.core.deadline import deadline, go_on
from maskworks.core.errors import TooSlowError, UnreadableError
from maskworks.core.reading import read_picture
from maskworks.core.structure import StructureError, check_structure, check_tags, tail_of


@pytest.mark.parametrize(("make", "message"), hostile.REFUSED.values(), ids=hostile.REFUSED)
def test_file_of_more_than_a_picture_is_refused_before_a_decoder_sees_it(
    make, message, monkeypatch, tmp_path
):
    def seen(*_):
        raise AssertionError("a decoder has seen it")

    monkeypatch.setattr("maskworks.core.formats.import_module", seen)
    data = make()
    with pytest.raises(UnreadableError, match=message):
        read_picture(data)
    path = tmp_path / "a"
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match=message):
        read_picture(path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("harm", ["whole", "cut", "more"])
def test_structure_leaves_ordinary_and_damaged_files_to_the_decoder(kind, harm):
    data = hostile.written(kind)
    data = {"whole": data, "cut": data[: len(data) // 2], "more": data + bytes(100)}[harm]
    stream = BytesIO(data)
    stream.seek(3)
    check_structure(stream, kind)
    assert stream.tell() == 3


def test_scans_within_the_bound_are_ended_by_the_clock():
    data = hostile.jpeg_of_scans(480, side=3000)
    with deadline(0.05), pytest.raises(TooSlowError, match=r"a\.jpg: takes longer than 0\.05 s"):
        read_picture(data, name="a.jpg")


def test_deadline_is_over_with_its_block():
    with deadline(1e-9), pytest.raises(TooSlowError):
        go_on()
    go_on()
    with deadline(None):
        go_on()


def test_exif_whose_tags_hold_more_than_it_does_is_ignored_and_noted():
    picture = read_picture(hostile.png_of_exif_tags())
    assert picture.image.size == (48, 64)
    assert "hold more than the file" in picture.details.notes[0]


def test_tags_that_fit_are_left_alone():
    check_tags(hostile.tags(1, 100))
    check_tags(b"no tags at all")
    with pytest.raises(StructureError, match="3,000 tags"):
        check_tags(hostile.tags(3000, 0))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("behind", [0, 5, 9000])
def test_tail_is_what_lies_behind_the_end(kind, behind):
    data = hostile.written(kind)
    assert tail_of(data + b"x" * behind, kind) == behind


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
def test_tail_of_a_file_without_an_end_is_not_known(kind):
    data = hostile.written(kind)
    assert tail_of(data[: len(data) // 2], kind) is None


def test_thumbnail_inside_a_jpeg_is_not_its_end():
    data = hostile.written("JPEG")
    inside = b"Exif\0\0" + data
    head = b"\xff\xe1" + (len(inside) + 2).to_bytes(2, "big") + inside
    assert tail_of(data[:2] + head + data[2:] + b"tail", "JPEG") == 4


def test_what_a_link_leads_to_is_not_quoted(tmp_path):
    (tmp_path / "secret").write_text("root:x:0:0")
    (tmp_path / "photo.jpg").symlink_to(tmp_path / "secret")
    with pytest.raises(UnreadableError, match="is not a picture") as told:
        read_picture(tmp_path / "photo.jpg")
    assert "root:x" not in str(told.value)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/inner.jpg").write_text("root:x:0:0")
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    with pytest.raises(UnreadableError, match="is not a picture") as told:
        read_picture(tmp_path / "link/inner.jpg")
    assert "root:x" not in str(told.value)
