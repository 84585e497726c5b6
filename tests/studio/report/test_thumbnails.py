from __future__ import annotations

import base64
from io import BytesIO

import hostile_pictures as hostile
import numpy as np
import pytest
from PIL import Image as PillowImage

from maskworks.core.values import Image, Matte
from maskworks.studio.report import thumbnail, thumbnails


def open_base64(text):
    return PillowImage.open(BytesIO(base64.b64decode(text)))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param((1000, 500), (112, 224), id="wide"),
        pytest.param((30, 4000), (224, 2), id="strip"),
        pytest.param((20, 10), (10, 20), id="small-stays"),
    ],
)
def test_thumbnail_is_small_and_keeps_its_shape(size, expected):
    picture = Image(np.zeros((*size, 3), np.uint8))
    assert PillowImage.open(BytesIO(thumbnail(picture))).size == expected


def test_thumbnail_keeps_the_matte():
    alpha = np.zeros((300, 300), np.float32)
    alpha[100:200] = 1
    made = thumbnail(Image(np.full((300, 300, 3), 90, np.uint8)), Matte(alpha))
    found = np.asarray(PillowImage.open(BytesIO(made)).convert("RGBA"))[..., 3]
    assert (found[:60].max(), found[112].min()) == (0, 255)


def test_files_are_opened_and_what_cannot_be_read_is_left_empty(tmp_path):
    PillowImage.new("RGB", (500, 400), "red").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert open_base64(thumbnails.embed(tmp_path / "a.png")).size == (224, 179)
    assert thumbnails.embed(tmp_path / "b.png") == thumbnails.embed(tmp_path / "none.png") == ""
    assert thumbnails.embed(None) == ""


def test_a_small_copy_that_was_made_before_is_taken_as_it_is(tmp_path, small):
    (tmp_path / "a.webp").write_bytes(small)
    assert base64.b64decode(thumbnails.embed(tmp_path / "a.webp")) == small


def test_lowest_scores_of_each_route_are_shown(book, small, monkeypatch):
    monkeypatch.setattr(thumbnails, "PER_ROUTE", dict.fromkeys(thumbnails.PER_ROUTE, 2))
    scores = {"review": [0.5, 0.1, None, 0.9], "deliver": [0.99, 0.9, 0.95]}
    items = [
        book.item(f"{route}{n}", route, score=score, before=small)
        for route, some in scores.items()
        for n, score in enumerate(some)
    ]
    shown = [items[at].source for at in thumbnails.choose(items)]
    assert shown == ["review2", "review1", "deliver1", "deliver2"]


def test_all_together_stay_below_the_limit(book, small, monkeypatch):
    monkeypatch.setattr(thumbnails, "MOST_BYTES", 7 * len(small))
    items = [book.item(str(n), "review", before=small, after=small) for n in range(9)]
    assert len(thumbnails.choose(items)) == 3


def test_a_picture_that_takes_for_ever_is_left_empty(tmp_path, monkeypatch):
    """48 failed ones are shown: each may cost seconds, not the five minutes of a picture."""
    (tmp_path / "slow.jpg").write_bytes(hostile.jpeg_of_scans(480, side=3000))
    monkeypatch.setattr(thumbnails, "_SECONDS", 0.2)
    assert thumbnails.embed(tmp_path / "slow.jpg") == ""
