from __future__ import annotations

import numpy as np
import pytest

from maskworks.core.errors import ImageError, UsageError
from maskworks.core.values import Box, Image, Matte
from maskworks.cutouts.backgrounds import Backdrop, Blurred, Plain
from maskworks.studio.output.background_rules import (
    check_background,
    default_background,
    largest_canvas,
)
from maskworks.studio.output.compose import compose_photo, lay_out, put_on
from maskworks.studio.output.light import match_light
from maskworks.studio.output.rules import OutputRules

WHITE = Plain((255, 255, 255))


def rules(**fields) -> OutputRules:
    return OutputRules.model_validate({"format": "png", "padding": 0.0, **fields})


@pytest.fixture
def photo(rng):
    """A noisy photo of 80x100 with a soft-edged ellipse as its subject."""
    image = Image(rng.integers(0, 256, (80, 100, 3), np.uint8))
    rows, columns = np.mgrid[:80, :100]
    away = np.hypot((rows - 40) / 25, (columns - 45) / 18)
    alpha = np.clip((1.1 - away) * 8, 0, 1).astype(np.float32)
    return image, Matte(alpha)


def picture(size, *colour) -> Image:
    return Image(np.broadcast_to(np.array(colour, np.uint8), (*size, 3)).copy())


@pytest.mark.parametrize(
    "background",
    [
        pytest.param(WHITE, id="white"),
        pytest.param(Plain((12, 120, 200)), id="colour"),
        pytest.param(Backdrop(picture((150, 150), 40, 90, 10)), id="picture"),
    ],
)
def test_at_full_size_every_pixel_is_the_mix_that_the_matte_says(photo, background):
    image, matte = photo
    done = compose_photo(image, image, matte, rules(size=150), background)
    assert done.scale == 1
    top, left = (round(at) for at in done.placement.offset)
    alpha = np.zeros((150, 150))
    alpha[top : top + 80, left : left + 100] = np.where(matte.alpha < 1 / 255, 0, matte.alpha)
    front = np.zeros((150, 150, 3))
    front[top : top + 80, left : left + 100] = image.pixels
    behind = background.colour if isinstance(background, Plain) else (40, 90, 10)
    mixed = alpha[..., None] * front + (1 - alpha[..., None]) * np.array(behind)
    assert np.abs(done.image.pixels - mixed).max() <= 1.5  # alpha, product and sum are rounded
    solid = alpha == 1
    np.testing.assert_array_equal(done.image.pixels[solid], front[solid])


def test_colours_come_from_the_foreground_and_not_from_the_photo(photo):
    image, matte = photo
    red = picture(image.size, 200, 0, 0)
    done = compose_photo(image, red, matte, rules(size=60, fill=0.8), Plain((0, 0, 0)))
    assert done.image.pixels[..., 1:].max() == 0


@pytest.mark.parametrize("fill", [0.15, 0.4, 0.6])
def test_placed_box_is_what_the_written_alpha_shows(photo, fill):
    image, matte = photo
    done = compose_photo(image, image, matte, rules(size=90, fill=fill, background="transparent"))
    seen = Matte(done.matte.alpha).threshold(0.1).box()
    ours, theirs = done.box, seen
    for side in ("top", "left", "bottom", "right"):
        assert getattr(ours, side) == pytest.approx(getattr(theirs, side), abs=1)
    assert max(seen.size) / 90 == pytest.approx(fill, abs=2 / 90)


@pytest.mark.parametrize("shadow", ["none", "soft", "contact"])
@pytest.mark.parametrize("size", [64, 300])
def test_white_that_is_demanded_is_exact_around_the_subject(photo, shadow, size):
    image, matte = photo
    asked = rules(size=size, fill=0.8, padding=0.05, background="#fff", shadow=shadow)
    pixels = compose_photo(image, image, matte, asked).image.pixels
    ring = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert ring.min() == 255


def test_faintest_alpha_leaves_no_trace_on_white(photo):
    image, matte = photo
    fog = Matte(np.maximum(matte.alpha, np.float32(0.9 / 255)))
    done = compose_photo(image, image, fog, rules(size=200, fill=0.4, background="#fff"))
    outside = np.ones((200, 200), bool)
    outside[done.box.top - 3 : done.box.bottom + 3, done.box.left - 3 : done.box.right + 3] = False
    assert done.image.pixels[outside].min() == 255


def test_fog_at_a_demanded_border_is_taken_off():
    alpha = np.full((50, 50), 0.08, np.float32)
    alpha[15:35, 15:35] = 1
    black = picture((50, 50), 0, 0, 0)
    pixels = compose_photo(
        black, black, Matte(alpha), rules(size=50, background="#fff")
    ).image.pixels
    assert pixels[[0, 1, -1, -2]].min() == 255
    assert pixels[5, 5].max() < 255


def test_transparent_result_keeps_straight_colours_and_alpha(photo):
    image, matte = photo
    done = compose_photo(image, image, matte, rules(background="transparent"))
    (top, left), box = (round(at) for at in done.placement.offset), done.box
    inner = (slice(box.top, box.bottom), slice(box.left, box.right))
    cut = (slice(box.top - top, box.bottom - top), slice(box.left - left, box.right - left))
    np.testing.assert_allclose(done.matte.alpha[inner], matte.alpha[cut], atol=0.51 / 255)
    seen = matte.alpha[cut] > 1 / 255
    np.testing.assert_allclose(done.image.pixels[inner][seen], image.pixels[cut][seen], atol=1)


def test_transparent_result_with_a_shadow_looks_the_same_on_white(photo):
    image, matte = photo
    asked = {"size": 160, "fill": 0.5, "shadow": "soft"}
    clear = compose_photo(image, image, matte, rules(**asked, background="transparent"))
    white = compose_photo(image, image, matte, rules(**asked), WHITE)
    alpha = clear.matte.alpha[..., None]
    mixed = alpha * clear.image.pixels + (1 - alpha) * 255
    assert np.abs(mixed - white.image.pixels).max() <= 1.5


def test_shadow_darkens_the_background_and_not_the_subject(photo):
    image, matte = photo
    bare, shaded = (
        compose_photo(image, image, matte, rules(size=160, fill=0.5, shadow=shadow), WHITE)
        for shadow in ("none", "soft")
    )
    inside = shaded.box
    below = shaded.image.pixels[inside.bottom + 1, (inside.left + inside.right) // 2]
    assert below.max() < 250
    middle = (inside.top + inside.bottom) // 2, (inside.left + inside.right) // 2
    np.testing.assert_array_equal(shaded.image.pixels[middle], bare.image.pixels[middle])
    assert (shaded.image.pixels <= bare.image.pixels).all()


def test_no_shadow_under_a_subject_that_its_photo_cuts_off(photo):
    image, matte = photo
    cut = Matte(np.ascontiguousarray(matte.alpha[:45]))
    top = Image(image.pixels[:45])
    done = compose_photo(top, top, cut, rules(size=160, fill=0.5, shadow="soft"), WHITE)
    assert "shadow-left-out" in [note.name for note in done.notes]
    bare = compose_photo(top, top, cut, rules(size=160, fill=0.5), WHITE)
    np.testing.assert_array_equal(done.image.pixels, bare.image.pixels)


def test_layer_made_once_serves_every_background(photo):
    image, matte = photo
    asked = rules(size=120, fill=0.7, shadow="contact")
    layer = lay_out(image, matte, asked)
    for background in (WHITE, Plain((9, 9, 9)), Backdrop(picture((200, 300), 99, 1, 50))):
        once = put_on(layer, background)
        alone = compose_photo(image, image, matte, asked, background)
        np.testing.assert_array_equal(once.image.pixels, alone.image.pixels)


def test_composing_writes_into_none_of_its_arguments(photo):
    image, matte = photo
    backdrop = picture((120, 120), 50, 60, 70)
    before = image.pixels.copy(), matte.alpha.copy(), backdrop.pixels.copy()
    asked = rules(size=120, fill=0.7, shadow="soft", light_match=1.0)
    compose_photo(image, image, matte, asked, Backdrop(backdrop))
    for array, copy in zip((image.pixels, matte.alpha, backdrop.pixels), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_equal_arguments_give_equal_pixels(photo):
    image, matte = photo
    asked = rules(size=70, fill=0.8, shadow="soft")
    first, second = (
        compose_photo(image, image, matte, asked, WHITE).image.pixels for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_picture_background_follows_the_focus(photo):
    image, matte = photo
    halves = np.zeros((100, 200, 3), np.uint8)
    halves[:, 100:] = 255
    asked = rules(size=100, fill=0.2)
    left, right = (
        compose_photo(image, image, matte, asked, Backdrop(Image(halves)), focus=(0.5, at)).image
        for at in (0.0, 1.0)
    )
    assert left.pixels[0, :, 0].max() == 0
    assert right.pixels[0, :, 0].min() == 255


def test_blurred_photo_may_be_the_background(photo):
    image, matte = photo
    done = compose_photo(image, image, matte, rules(size=200, fill=0.4), Blurred())
    assert done.image.size == (200, 200)


@pytest.mark.parametrize(
    ("fields", "background", "message"),
    [
        pytest.param({"size": 300}, Backdrop(picture((100, 200), 1, 1, 1)),
                     r"200x100 pixels and would be enlarged to 300% to cover 300x300", id="small"),
        pytest.param({"background": "#fff"}, Backdrop(picture((400, 400), 1, 1, 1)),
                     "a picture as background is not allowed; the rules demand #fff", id="picture"),
        pytest.param({"background": "#fff"}, Plain((254, 255, 255)),
                     "#feffff is not allowed; the rules demand #ffffff", id="nearly-white"),
        pytest.param({"background": "#fff"}, Blurred(), "picture as background", id="blur"),
    ],
)  # fmt: skip
def test_background_that_the_rules_exclude_is_refused_with_its_numbers(
    photo, fields, background, message
):
    image, matte = photo
    with pytest.raises(UsageError, match=message):
        compose_photo(image, image, matte, rules(**fields), background)


def test_small_background_is_enlarged_where_that_is_allowed(photo):
    image, matte = photo
    small = Backdrop(picture((100, 100), 8, 8, 8))
    done = compose_photo(image, image, matte, rules(size=150, fill=0.4, max_scale=1.5), small)
    assert done.image.size == (150, 150)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"background": "#f4f1ec"}, Plain((244, 241, 236)), id="colour"),
        pytest.param({"background": ["transparent", "#fff"]}, None, id="transparent-first"),
        pytest.param({"background": ["transparent", "#fff"], "format": "jpg"}, WHITE, id="jpeg"),
        pytest.param({}, None, id="any-png"),
        pytest.param({"format": "jpg"}, WHITE, id="any-jpeg"),
    ],
)
def test_default_background_is_one_that_the_file_can_hold(fields, expected):
    assert default_background(rules(**fields)) == expected


def test_campaign_can_check_its_backgrounds_before_any_photo():
    asked = rules(ratio="1:1", advised_side=1600, min_side=500)
    small = Backdrop(picture((900, 900), 1, 1, 1))
    assert largest_canvas(asked) == (1600, 1600)
    with pytest.raises(UsageError, match="900x900"):
        check_background(small, asked, canvas=largest_canvas(asked))
    assert largest_canvas(rules()) is None


@pytest.mark.parametrize(
    ("image", "foreground", "matte", "message"),
    [
        pytest.param((9, 9), (8, 9), (9, 9), "the foreground is", id="foreground"),
        pytest.param((9, 9), (9, 9), (9, 8), "the matte is", id="matte"),
    ],
)
def test_sizes_that_differ_are_refused(image, foreground, matte, message):
    pictures = picture(image, 1, 1, 1), picture(foreground, 1, 1, 1)
    with pytest.raises(ImageError, match=message):
        compose_photo(*pictures, Matte(np.ones(matte, np.float32)), rules())


def test_subject_of_one_pixel_is_composed():
    alpha = np.zeros((9, 9), np.float32)
    alpha[4, 4] = 1
    grey = picture((9, 9), 60, 60, 60)
    done = compose_photo(grey, grey, Matte(alpha), rules(size=5, fill=0.2), WHITE)
    assert (done.box, done.image.pixels[2, 2].tolist()) == (Box(2, 2, 3, 3), [60, 60, 60])


def test_upscaled_subject_says_so(photo):
    image, matte = photo
    done = compose_photo(image, image, matte, rules(size=200, fill=0.9, max_scale=4), WHITE)
    assert done.scale > 1
    assert [note.name for note in done.notes] == ["upscaled"]


def test_light_is_matched_only_when_asked_and_only_a_little(photo):
    image, matte = photo
    warm = Backdrop(picture((120, 120), 250, 180, 90))
    plain, lit = (
        compose_photo(image, image, matte, rules(size=120, fill=0.6, light_match=amount), warm)
        for amount in (0.0, 1.0)
    )
    at = (plain.box.top + plain.box.bottom) // 2, (plain.box.left + plain.box.right) // 2
    before, after = (d.image.pixels[at].astype(float) for d in (plain, lit))
    gain = (after + 1) / (before + 1)
    assert gain[0] > gain[2]
    assert gain.max() < 1.16


def test_light_of_the_same_grey_changes_nothing():
    weighed = np.full((3, 3, 4), 99, np.uint8)
    weighed[..., 3] = 255
    lit = match_light(weighed, picture((4, 4), 99, 99, 99), 1.0)
    np.testing.assert_array_equal(lit, weighed)
