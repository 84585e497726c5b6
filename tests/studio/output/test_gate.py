from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageCms

from maskworks.core.errors import UnreadableError
from maskworks.core.reading import Details
from maskworks.core.values import Box, Image, Matte
from maskworks.cutouts.backgrounds import Backdrop, Plain
from maskworks.studio.output.compose import compose_photo
from maskworks.studio.output.encoding import encode_deliverable
from maskworks.studio.output.gate import check_output, judge_output
from maskworks.studio.output.measuring import Measured, measure_output
from maskworks.studio.output.rules import OutputRules

WHITE = (255, 255, 255)


def rules(**fields) -> OutputRules:
    return OutputRules.model_validate({"padding": 0.0, **fields})


def drawn(size=(200, 200), box=(20, 40, 180, 160), *, ground=WHITE, colour=(150, 30, 30)):
    """An array with one rectangle on one colour."""
    pixels = np.empty((*size, 3), np.uint8)
    pixels[:] = ground
    top, left, bottom, right = box
    pixels[top:bottom, left:right] = colour
    return pixels


def written(pixels, kind="PNG", **options) -> bytes:
    stream = BytesIO()
    PillowImage.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def rgba(alpha_box=(20, 40, 180, 160), size=(200, 200)) -> bytes:
    top, left, bottom, right = alpha_box
    alpha = np.zeros(size, np.uint8)
    alpha[top:bottom, left:right] = 255
    return written(np.dstack([drawn(size), alpha]))


def breaches(source, asked):
    return {breach.rule: breach for breach in check_output(source, asked).breaches}


# ------------------------------------------------------------------ each rule


@pytest.mark.parametrize(
    ("fields", "source", "rule", "measured", "by"),
    [
        pytest.param({"formats": ["jpg"]}, written(drawn()), "format", "png", None, id="format"),
        pytest.param({"max_bytes": 100}, written(drawn()), "bytes", len(written(drawn())),
                     len(written(drawn())) - 100, id="bytes"),
        pytest.param({"min_side": 500}, written(drawn()), "min-side", 200, 300, id="min-side"),
        pytest.param({"min_side": 101, "side": "shortest"},
                     written(drawn((200, 100), (5, 5, 9, 9))), "min-side", 100, 1, id="shortest"),
        pytest.param({"max_side": 150}, written(drawn()), "max-side", 200, 50, id="max-side"),
        pytest.param({"max_pixels": 39_999}, written(drawn()), "pixels", 40_000, 1, id="pixels"),
        pytest.param({"size": "200x201"}, written(drawn()), "size", "200x200", None, id="size"),
        pytest.param({"ratio": ["4:5", "1:1"]}, written(drawn((200, 180), (5, 5, 9, 9))),
                     "ratio", 0.9, 0.1, id="ratio"),
        pytest.param({"background": "#fff", "fill_min": 0.85}, written(drawn()),
                     "fill", 0.8, 0.05, id="fill-too-small"),
        pytest.param({"background": "#fff", "fill_max": 0.7}, written(drawn()),
                     "fill", 0.8, 0.1, id="fill-too-large"),
        pytest.param({"background": "#fff"}, written(drawn(ground=(254, 255, 255))),
                     "border", 796, 796, id="border-nearly-white"),
        pytest.param({"edges": "clear"}, rgba((0, 40, 180, 160)), "edges", "top", 1, id="edges"),
        pytest.param({"keep_clear": {"bottom": 0.35}}, written(drawn()), "keep-clear", 0.1, 0.25,
                     id="keep-clear"),
        pytest.param({"background": "transparent", "format": "png"}, written(drawn()),
                     "transparency", "opaque", None, id="not-transparent"),
        pytest.param({"background": "#fff"}, rgba(), "transparency", "transparent", None,
                     id="transparent"),
        pytest.param({"min_quality": 90}, written(drawn(), "JPEG", quality=80), "quality", 80, 10,
                     id="quality"),
    ],
)  # fmt: skip
def test_each_rule_is_broken_alone_with_its_number(fields, source, rule, measured, by):
    found = breaches(source, rules(**fields))
    assert rule in found
    assert found[rule].measured == pytest.approx(measured)
    assert found[rule].by == (None if by is None else pytest.approx(by))
    assert set(found) <= {rule, "corners"}


def cmyk() -> bytes:
    stream = BytesIO()
    PillowImage.new("CMYK", (60, 60), (0, 0, 0, 20)).save(stream, "JPEG")
    return stream.getvalue()


def swapped_profile() -> bytes:
    """An RGB profile in which red and green change places, under the name of sRGB."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize(
    ("source", "srgb"),
    [
        pytest.param(written(drawn()), True, id="no-profile"),
        pytest.param(
            written(drawn(), icc_profile=ImageCms.ImageCmsProfile(
                ImageCms.createProfile("sRGB")).tobytes()), True, id="sRGB"),
        pytest.param(written(drawn(), icc_profile=swapped_profile()), False, id="another"),
        pytest.param(cmyk(), False, id="CMYK"),
        pytest.param(written(drawn()[..., 0]), True, id="grey"),
    ],
)  # fmt: skip
def test_colours_are_srgb_by_what_the_profile_does(source, srgb):
    gate = check_output(source, rules())
    assert gate.measured.srgb is srgb
    assert [breach.rule for breach in gate.breaches] == ([] if srgb else ["colour"])
    assert check_output(source, rules(colour="any")).passed


def test_advice_is_told_and_fails_nothing():
    asked = rules(ratio="4:5", advised_side=1600, advice=["ratio"])
    gate = check_output(written(drawn()), asked)
    assert gate.passed
    assert [breach.rule for breach in gate.advice] == ["ratio", "advised-side"]


def test_too_small_a_side_is_not_advised_on_top():
    gate = check_output(written(drawn()), rules(min_side=500, advised_side=1600))
    assert ([b.rule for b in gate.breaches], gate.advice) == (["min-side"], ())


# ------------------------------------------------------------------ white


@pytest.mark.parametrize("at", [(0, 0), (0, 77), (199, 5), (60, 0), (133, 199), (199, 199)])
def test_one_wrong_border_pixel_is_found_where_it_is(at):
    pixels = drawn()
    pixels[at] = (255, 254, 255)
    border = measure_output(written(pixels), rules(background="#fff")).border
    assert (border.count, border.off, border.worst, border.worst_at) == (796, 1, 1, at)


def test_grey_corner_is_found_although_the_border_is_white():
    pixels = drawn()
    pixels[1:6, 1:6] = 250
    gate = check_output(written(pixels), rules(background="#fff"))
    (breach,) = gate.breaches
    assert (breach.rule, breach.measured) == ("corners", 25)
    assert "25 of 400 pixels in the four corners are not #ffffff; the worst is 5" in breach.text


@pytest.mark.parametrize("quality", [60, 75, 90])
def test_colour_that_is_not_white_may_be_off_by_what_jpeg_does(quality):
    source = written(drawn(ground=(244, 241, 236)), "JPEG", quality=quality)
    asked = rules(background="#f4f1ec", min_quality=50)
    assert check_output(source, asked).passed
    assert not check_output(written(drawn(ground=(244, 241, 235))), asked).passed


def test_nearest_of_several_demanded_colours_is_meant():
    asked = rules(background=["#000000", "#ffffff"])
    assert measure_output(written(drawn()), asked).border.colour == "#ffffff"


# ------------------------------------------------------------------ the subject


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        pytest.param(written(drawn()), {"background": "#fff"}, id="white"),
        pytest.param(written(drawn(), "JPEG", quality=75), {"background": "#fff"}, id="jpeg"),
        pytest.param(rgba(), {"background": "transparent", "format": "png"}, id="transparent"),
        pytest.param(written(drawn(ground=(20, 80, 60))), {}, id="any-one-colour"),
        pytest.param(
            written(drawn(ground=(250, 250, 250))), {"background": "#fff"}, id="off-white"
        ),
    ],
)
def test_subject_is_found_in_pictures_made_elsewhere(source, fields):
    seen = measure_output(source, rules(**fields))
    found = (seen.box.top, seen.box.left, seen.box.bottom, seen.box.right)
    ripples = 4 if seen.format == "jpg" else 0
    assert found == pytest.approx((20, 40, 180, 160), abs=ripples)
    assert seen.fill == pytest.approx(0.8, abs=0.01 + ripples / 200)


def test_subject_that_reaches_into_a_corner_is_no_dirt_there():
    source = written(drawn(box=(6, 6, 194, 194)))
    assert check_output(source, rules(background="#fff", fill_min=0.85)).passed


def test_mark_in_a_corner_is_dirt_beside_the_subject():
    pixels = drawn()
    pixels[188:196, 186:196] = 120
    found = breaches(written(pixels), rules(background="#fff"))
    assert found["corners"].measured == 36


def test_speck_of_dust_does_not_count_for_the_subject():
    pixels = drawn()
    pixels[5, 7] = 0
    assert measure_output(written(pixels), rules(background="#fff")).box == Box(20, 40, 180, 160)


def test_subject_on_a_busy_picture_is_unknown_and_said_so(rng):
    noise = rng.integers(0, 256, (100, 100, 3), np.uint8)
    gate = check_output(written(noise), rules(fill_min=0.8, edges="clear", keep_clear={"top": 0.1}))
    assert (gate.measured.box, gate.measured.fill, gate.passed) == (None, None, True)
    assert gate.unknown == ("fill", "edges", "keep-clear", "upscaling")


def test_lifestyle_picture_against_white_is_wrong_in_its_border_only(rng):
    noise = rng.integers(0, 200, (100, 100, 3), np.uint8)
    found = breaches(written(noise), rules(background="#fff", fill_min=0.8, edges="clear"))
    assert set(found) == {"border", "corners"}


# ------------------------------------------------------------------ our own pictures


@pytest.fixture
def product():
    """A pale cup with soft edges: white on white is what the gate must not be fooled by."""
    alpha = np.zeros((300, 300), np.float32)
    alpha[50:250, 80:220] = 1
    alpha[49, 80:220] = alpha[250, 80:220] = 0.5
    pixels = np.full((300, 300, 3), 252, np.uint8)
    pixels[140:160, 140:160] = 90
    return Image(pixels), Matte(alpha)


def delivered(product, ground=None, **fields):
    image, matte = product
    asked = rules(**{"format": "jpg", "max_scale": 2, **fields})
    done = compose_photo(image, image, matte, asked, ground)
    return encode_deliverable(done, asked, Details("array")).data, asked, done.placement


def test_pale_subject_on_white_is_measured_with_what_was_placed(product):
    data, asked, placement = delivered(
        product, size=200, fill=0.9, background="#fff", fill_min=0.85
    )
    assert not check_output(data, asked).passed
    gate = check_output(data, asked, placement=placement)
    assert gate.passed
    assert gate.measured.fill == pytest.approx(0.9, abs=0.01)


def test_dirt_beside_the_subject_counts_even_with_our_own_record(product):
    data, asked, placement = delivered(
        product, size=200, fill=0.5, background="#fff", format="png", edges="clear"
    )
    with PillowImage.open(BytesIO(data)) as opened:
        dirty = np.array(opened.convert("RGB"))
    dirty[90:93, 0:3] = 100
    gate = check_output(written(dirty), asked, placement=placement)
    assert {"edges", "border"} <= {breach.rule for breach in gate.breaches}


def test_shadow_does_not_count_for_the_subject_of_our_own_pictures(product):
    data, asked, placement = delivered(
        product, size=200, fill=0.6, fill_max=0.65, background="#fff", shadow="soft"
    )
    assert check_output(data, asked, placement=placement).passed


def test_picture_background_is_measured_with_our_own_record(product):
    backdrop = Backdrop(Image(np.full((200, 200, 3), 70, np.uint8)))
    data, asked, placement = delivered(product, backdrop, size=200, fill=0.5, fill_min=0.4)
    gate = check_output(data, asked, placement=placement)
    assert gate.unknown == ()
    assert gate.measured.fill == pytest.approx(0.5, abs=0.02)


def test_upscaling_is_told_by_our_own_record_alone(product):
    data, asked, placement = delivered(product, size=400, fill=0.9, background="#fff")
    strict = asked.model_copy(update={"max_scale": 1.0})
    (breach,) = check_output(data, strict, placement=placement).breaches
    assert (breach.rule, breach.measured) == ("upscaling", pytest.approx(placement.scale))
    assert "upscaling" in check_output(data, strict).unknown


def test_record_of_another_picture_is_not_believed(product):
    data, asked, _ = delivered(product, size=200, fill=0.9, background="#fff")
    _, _, other = delivered(product, size=100, fill=0.9, background="#fff")
    seen = measure_output(data, asked, placement=other)
    assert seen.box == measure_output(data, asked).box


# ------------------------------------------------------------------ files


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, kind.lower()) for kind in ("PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")]
    + [("JPEG", "jpg")],
)
def test_format_is_that_of_the_bytes(kind, name):
    assert measure_output(written(drawn(), kind), rules()).format == name


@pytest.mark.parametrize("quality", [50, 61, 75, 83, 90, 95, 100])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_jpeg_quality_is_read_from_the_file(quality, subsampling):
    source = written(drawn(), "JPEG", quality=quality, subsampling=subsampling)
    assert measure_output(source, rules()).jpeg_quality == quality


def test_file_on_disk_is_measured_like_its_bytes(tmp_path):
    path = tmp_path / "shoe.jpg"
    path.write_bytes(written(drawn(), "JPEG"))
    asked = rules(background="#fff")
    assert check_output(path, asked) == check_output(path.read_bytes(), asked)


def test_file_that_is_no_picture_is_an_error_and_no_breach(tmp_path):
    path = tmp_path / "shoe.jpg"
    path.write_text("Dear Sir")
    with pytest.raises(UnreadableError, match=r"shoe\.jpg: is not a picture"):
        check_output(path, rules())


def test_one_pixel_is_measured():
    gate = check_output(written(np.zeros((1, 1, 3), np.uint8)), rules(background="#fff"))
    assert gate.measured.border.count == 1
    assert [breach.rule for breach in gate.breaches] == ["border", "corners"]


def test_ratio_forgives_the_rounding_of_a_side():
    seen = Measured(format="png", bytes=1, size=(533, 300))
    assert judge_output(seen, rules(ratio="9:16")).passed
    assert not judge_output(seen, rules(ratio="4:5")).passed


def test_composed_white_deliverable_passes_its_own_gate():
    image = Image(drawn((900, 700), (0, 0, 900, 700), colour=(40, 90, 70)))
    alpha = np.zeros((900, 700), np.float32)
    alpha[60:860, 150:560] = 1
    asked = rules(size=800, fill=0.9, fill_min=0.85, padding=0.03, background="#fff", format="jpg",
                  edges="clear", shadow="contact")  # fmt: skip
    done = compose_photo(image, image, Matte(alpha), asked, Plain(WHITE))
    data = encode_deliverable(done, asked, Details("array")).data
    gate = check_output(data, asked, placement=done.placement)
    assert (gate.breaches, gate.unknown) == ((), ())
