"""What a photo shows, on labels and signs that are drawn, so that the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from maskworks.core.errors import UsageError
from maskworks.core.taxonomy import load_taxonomy
from maskworks.scene.sites.blurring import blur_private
from maskworks.scene.sites.brands import read_brands
from maskworks.scene.sites.counting import count_regions
from maskworks.scene.sites.photo_measures import measure_photo, occlusion_of, shares_of
from maskworks.scene.sites.site_models import open_site_models
from maskworks.scene.sites.site_policy import read_site_policy
from maskworks.scene.sites.small_pictures import difference_hash, sharpness_of

ID = {each.name: each.id for each in load_taxonomy("scene-17").categories}


def street_ids(height=240, width=320):
    ids = np.full((height, width), ID["building"], np.uint8)
    ids[: height // 4] = ID["sky"]
    ids[3 * height // 4 :] = ID["road"]
    return ids


def test_shares_are_of_all_pixels():
    assert shares_of(street_ids()) == {"sky": 0.25, "building": 0.5, "road": 0.25}


def test_people_and_vehicles_are_counted_by_their_regions():
    ids = street_ids()
    for left in (20, 60, 100):
        ids[140:190, left : left + 16] = ID["person"]
    ids[150:180, 200:260] = ID["car"]
    ids[10:12, 10:12] = ID["person"]  # a speck
    found = count_regions(ids)
    assert (found.people, found.vehicles) == (3, 1)
    ids[140:190, 20:120] = ID["person"]  # a group, shoulder to shoulder
    assert count_regions(ids).people == 3


def test_occlusion_is_the_share_of_the_polygon_that_is_hidden():
    ids = street_ids()
    polygon = [(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)]
    assert occlusion_of(ids, polygon) == 0
    ids[60:180, 80:120] = ID["vegetation"]  # a quarter of it
    ids[60:180, 0:40] = ID["vegetation"]  # beside it
    assert occlusion_of(ids, polygon) == pytest.approx(0.25, abs=0.01)


def test_what_is_private_is_blurred_and_the_rest_stays():
    random = np.random.default_rng(1)
    pixels = random.integers(0, 255, (240, 320, 3)).astype(np.uint8)
    private = np.zeros((240, 320), bool)
    private[100:180, 100:140] = True
    shown = blur_private(pixels, private)
    assert np.array_equal(shown[:80], pixels[:80])
    inside = shown[100:180, 100:140].astype(float)
    assert np.abs(np.diff(inside, axis=1)).max() < 12  # no edge is left
    assert np.array_equal(blur_private(pixels, np.zeros_like(private)), pixels)


def test_a_smaller_copy_has_the_same_hash_and_another_picture_has_not():
    random = np.random.default_rng(2)
    coarse = random.integers(0, 255, (8, 9, 3)).astype(np.uint8)
    large = np.asarray(Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC))
    small = np.asarray(Image.fromarray(large).resize((320, 240)))
    other = np.asarray(Image.fromarray(large[:, ::-1]))

    def bits(a, b):
        return (int(difference_hash(a), 16) ^ int(difference_hash(b), 16)).bit_count()

    assert bits(large, small) <= 4
    assert bits(large, other) > 12
    assert sharpness_of(large) < 25 < sharpness_of(random.integers(0, 255, (480, 640, 3), np.uint8))


def logo():
    picture = Image.new("RGB", (200, 200), "white")
    draw = ImageDraw.Draw(picture)
    random = np.random.default_rng(5)
    for _ in range(40):
        x, y, side = (int(each) for each in random.integers(10, 150, 3))
        colour = tuple(int(each) for each in random.integers(0, 255, 3))
        draw.rectangle([x, y, x + side // 4, y + side // 3], fill=colour, outline="black")
    return picture


def front(*, with_logo):
    """A house front with three signs, and perhaps a logo."""
    picture = Image.new("RGB", (960, 720), (150, 130, 110))
    draw = ImageDraw.Draw(picture)
    draw.rectangle([0, 0, 960, 160], fill=(140, 180, 230))
    draw.rectangle([0, 560, 960, 720], fill=(90, 90, 95))
    for (left, top), word in (((60, 220), "BAKERY"), ((400, 220), "PHARMACY"), ((60, 420), "ACME")):
        draw.rectangle([left, top, left + 290, top + 80], fill="white")
        draw.text((left + 20, top + 12), word, fill="black", font=ImageFont.load_default(size=52))
    if with_logo:
        picture.paste(logo(), (640, 340))
    return np.asarray(picture)


BRANDS = """
[[brands]]
name = "Acme"
kind = "own"

[[brands]]
name = "Squares"
kind = "competitor"
words = ["squares ltd"]
logos = ["logo.png"]
"""


def test_signs_and_logos_of_a_front_are_read(tmp_path):
    pytest.importorskip("rapidocr")
    logo().save(tmp_path / "logo.png")
    (tmp_path / "brands.toml").write_text(BRANDS)
    brands = read_brands(tmp_path / "brands.toml")
    models = open_site_models(None, None, brands, ocr=True, threads=1)
    seen = measure_photo(front(with_logo=True), models, "front", polygon=(), at=None).record
    assert seen.retail_words == ("bakery", "pharmacy")
    assert (seen.own_brand, seen.competitors) == (1, 1)
    assert seen.logos[0].inliers >= 10
    box = seen.logos[0].region
    assert (box.left, box.top) == pytest.approx((640, 340), abs=12)
    bare = measure_photo(front(with_logo=False), models, "bare", polygon=(), at=None)
    assert (bare.record.own_brand, bare.record.competitors) == (1, 0)
    assert len(bare.crops) == len(bare.record.texts) == 3
    # what is one's own is no clutter: the two other signs are about 2 x 180 x 50 pixels
    assert 0.01 < bare.record.clutter < 0.2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[brands]]\nname = "A"\nkind = "mine"\n', "kind"),
        ('[[brands]]\nname = "A"\nkind = "own"\n[[brands]]\nname = "A"\nkind = "own"\n', "twice"),
        ("brands = 3", "brands"),
    ],
)
def test_wrong_brands_are_named(tmp_path, text, message):
    (tmp_path / "b.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_brands(tmp_path / "b.toml")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('name = "people"', 'name = "poeple"'), "did you mean people"),
        (("low = 0.0\nhigh = 6.0", "low = 6.0\nhigh = 6.0"), "they must differ"),
        (("venues = [6]", "venues = [999]"), "999 is not in OpenOOH"),
        (('places = ["school"', 'places = ["skool"'), "did you mean school"),
        (("weight = 3.0", "weight = -1"), "measures.0.weight"),
    ],
)
def test_a_wrong_policy_is_named(tmp_path, change, message):
    from maskworks.scene.sites.site_policy import OWN_SITE_POLICY

    text = OWN_SITE_POLICY.read_text().replace(*change)
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_site_policy(tmp_path / "p.toml")


def test_every_default_has_a_source_and_a_date():
    policy = read_site_policy()
    assert all(each.source and each.checked for each in (*policy.measures, *policy.exclusions))
