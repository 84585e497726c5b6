from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from maskworks.core.errors import ImageError
from maskworks.core.reading import Details, Picture, read_picture
from maskworks.core.values import Image, Matte
from maskworks.cutouts.cutout import Cutout
from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.handoff.folder import (
    hand_name,
    hand_over,
    hand_over_original,
    handed_over,
    list_handed_over,
    take_back,
)
from maskworks.studio.pipeline import Item, Variant
from maskworks.studio.store.rows import ItemRow as Kept

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEPT = Kept(
    id=7, campaign_id=1, source="life/a.JPG", content="ab" * 32, settings="s", sku="A-1", tags=(),
    concept="plain", standing="current", state="done", route="review", score=0.612,
    reasons=(Reason("low-score", 0.612, 0.85, "score 0.612 is below 0.85"),), cost=None,
    baseline=None, seconds=1.0, spot_check=False, error=None, decision=None, claims=1,
    worker_id=None, added_at=NOON, finished_at=NOON,
)  # fmt: skip


def item_of(size):
    """A picture whose middle third is the subject."""
    alpha = np.zeros(size, np.float32)
    alpha[:, size[1] // 3 : 2 * size[1] // 3] = 1
    image, details = Image(np.full((*size, 3), 90, np.uint8)), Details(format="JPEG")
    found = Cutout(image, Matte(alpha), 0.6, "ok", details, image)
    variants = (Variant("default"),)
    return Item(
        content="ab", picture=Picture(image, None, details), variants=variants, cutout=found
    )


def rows(out):
    text = (out / "manual/brief.csv").read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_names_end_in_the_item_s_number():
    assert hand_name(KEPT) == "a-7"


def test_cut_out_is_handed_over_as_psd_and_tiff_and_listed(tmp_path):
    hand_over(tmp_path, KEPT, item_of((30, 40)))
    assert handed_over(tmp_path, KEPT) == ("a-7.psd", "a-7.tif")
    tiff = read_picture(tmp_path / "manual/a-7.tif")
    assert tiff.image.size == (30, 40)
    assert tiff.matte is not None
    assert list_handed_over(tmp_path, [KEPT, replace(KEPT, id=8, route="deliver")]) == 1
    (row,) = rows(tmp_path)
    assert (row["Picture"], row["Files"], row["Return as"]) == (
        "life/a.JPG", "a-7.psd; a-7.tif", "a-7",
    )  # fmt: skip
    assert row["Why"] == "score 0.612 is below 0.85"


def test_picture_too_wide_for_a_psd_gets_the_tiff_alone(tmp_path):
    hand_over(tmp_path, KEPT, item_of((2, 30_001)))
    assert handed_over(tmp_path, KEPT) == ("a-7.tif",)


def test_photo_is_handed_over_bit_for_bit(tmp_path):
    hand_over_original(tmp_path, KEPT, b"photo")
    assert handed_over(tmp_path, KEPT) == ("a-7.jpg",)
    assert (tmp_path / "manual/a-7.jpg").read_bytes() == b"photo"


def test_what_needs_no_person_any_more_is_taken_back(tmp_path):
    hand_over(tmp_path, KEPT, item_of((30, 40)))
    other = replace(KEPT, id=8)
    hand_over_original(tmp_path, other, b"photo")
    list_handed_over(tmp_path, [KEPT, other])
    assert take_back(tmp_path, [KEPT]) == 2
    assert (handed_over(tmp_path, KEPT), handed_over(tmp_path, other)) == ((), ("a-8.jpg",))
    assert list_handed_over(tmp_path, []) == 0
    assert not (tmp_path / "manual/brief.csv").exists()


def test_nothing_cut_out_is_no_hand_off(tmp_path):
    with pytest.raises(ImageError, match="nothing was cut out of it; hand the photo over"):
        hand_over(tmp_path, KEPT, replace(item_of((3, 9)), cutout=None))
