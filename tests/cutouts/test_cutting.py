from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as PillowImage

from maskworks import cutout
from maskworks.core import Image, ImageError, Matte, ModelError, UsageError
from maskworks.core.reading import Limits
from maskworks.core.sources import to_picture
from maskworks.cutouts import Backdrop, Blurred, Plain, parse_background
from maskworks.cutouts.backgrounds import blur_behind, put_behind
from maskworks.cutouts.judging import LIKELY_BAD_BELOW, judge
from maskworks.models import InputSpec, Model, ModelSpec, OutputSpec
from maskworks.refine import RefineOptions
from maskworks.studio.pipeline import Item, assess


def bright(batch):
    """A network: what is bright is the subject; sure of it, and sure that it is there."""
    matte = batch.mean(axis=1, keepdims=True)
    return matte, np.array([0.9], np.float32), matte.max(axis=(1, 2, 3))


@pytest.fixture
def model() -> Model:
    spec = ModelSpec(
        name="bright",
        title="A test's own",
        family="saliency",
        task="cutout",
        file="bright.onnx",
        sha256="0" * 64,
        input=InputSpec(
            height=32, width=32, resize="pad", scale="255", mean=(0, 0, 0), std=(1, 1, 1)
        ),
        output=OutputSpec(kind="matte", confidence=True, presence=True),
        licence="MIT",
        commercial=True,
        data="none",
        source="this test",
    )
    return Model(spec, bright)


@pytest.fixture
def pixels():
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[10:30, 20:40] = 255
    return picture


def png_bytes(pixels):
    written = io.BytesIO()
    PillowImage.fromarray(pixels).save(written, "PNG")
    return written.getvalue()


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda p, _: p, id="array"),
        pytest.param(lambda p, _: png_bytes(p), id="bytes"),
        pytest.param(lambda p, _: PillowImage.fromarray(p), id="pillow"),
        pytest.param(lambda p, _: PillowImage.fromarray(p).convert("P"), id="pillow-palette"),
        pytest.param(lambda p, _: p[..., 0], id="grey"),
    ],
)
def test_cutout_takes_what_a_caller_has(wrap, pixels, model, tmp_path):
    result = cutout(wrap(pixels, tmp_path), model)
    assert (result.image.pixels == pixels).all()
    assert (result.status, result.confidence) == ("ok", pytest.approx(0.9))
    assert result.matte.alpha[20, 30] > 0.9
    assert result.matte.alpha[0, 0] == 0
    assert result.rgba().shape == (40, 60, 4)


def test_cutout_takes_a_path_and_saves_what_the_suffix_says(pixels, model, tmp_path):
    (tmp_path / "in.png").write_bytes(png_bytes(pixels))
    result = cutout(str(tmp_path / "in.png"), model)
    for name, form, mode in (("a.png", "PNG", "RGBA"), ("a.jpg", "JPEG", "RGB")):
        result.save(tmp_path / name)
        with PillowImage.open(tmp_path / name) as picture:
            assert (picture.format, picture.mode) == (form, mode)
    result.save(str(tmp_path / "red.png"), background=Plain((255, 0, 0)))
    with PillowImage.open(tmp_path / "red.png") as picture:
        assert picture.getpixel((0, 0)) == (255, 0, 0)
    with pytest.raises(UsageError, match="must end in"):
        result.save(tmp_path / "a")


def test_own_alpha_of_an_array_is_kept(pixels, model):
    alpha = np.full((40, 60), 255, np.uint8)
    alpha[:, :30] = 0
    result = cutout(np.dstack([pixels, alpha]), model)
    assert result.matte.alpha[:, :30].max() == 0
    assert result.matte.alpha[20, 35] > 0.8


@pytest.mark.parametrize("refine", ["off", "fast", "fine", "auto"])
def test_cutting_out_twice_changes_no_bit(model, tmp_path, refine):
    rows, columns = np.mgrid[0:200, 0:300]
    lit = np.clip((70 - np.hypot(rows - 100, columns - 150)) / 4 + 0.5, 0, 1)
    photo = np.rint(lit[..., None] * [250, 240, 235]).astype(np.uint8)
    way = RefineOptions(method=refine)
    once = cutout(photo, model, refinement=way)
    once.save(tmp_path / "once.png")
    twice = cutout(tmp_path / "once.png", model, refinement=way)
    twice.save(tmp_path / "twice.png")
    assert 0.15 < (once.matte.alpha > 0.9).mean() < 0.35  # the disc covers a quarter
    assert (tmp_path / "twice.png").read_bytes() == (tmp_path / "once.png").read_bytes()
    assert (twice.refined, twice.status) == ("none (own alpha kept)", "ok")


def test_a_cut_out_keeps_its_alpha_where_the_network_sees_nothing(model):
    rows, columns = np.mgrid[0:200, 0:300]
    alpha = np.where(np.hypot(rows - 100, columns - 150) < 60, 255, 0).astype(np.uint8)
    dark = np.full((200, 300, 3), 10, np.uint8)
    result = cutout(np.dstack([dark, alpha]), model)
    assert np.array_equal(np.rint(result.matte.alpha * 255), alpha)
    assert result.status == "ok"


def test_what_is_opaque_of_a_photo_on_clear_ground_is_still_cut_out(model):
    photo = np.zeros((200, 300, 4), np.uint8)
    photo[20:180, 20:280, 3] = 255
    photo[60:140, 100:200, :3] = 255
    result = cutout(photo, model)
    assert result.matte.alpha[100, 150] > 0.9
    assert result.matte.alpha[:20].max() == 0  # clear before
    assert result.matte.alpha[100, 60] == 0  # opaque before, and no subject


@pytest.mark.parametrize("refine", ["fast", "fine"])
def test_a_cut_out_with_a_torn_inside_is_for_review_however_sure_the_model_is(model, refine):
    photo = np.zeros((200, 300, 3), np.uint8)
    photo[30:170, 50:250] = 255
    whole = cutout(photo, model, refinement=RefineOptions(method=refine))
    photo[60:140, 90:210] = 110  # the network says .43 of it
    torn = cutout(photo, model, refinement=RefineOptions(method=refine))
    assert (whole.status, torn.status) == ("ok", "review")
    assert torn.confidence == whole.confidence == pytest.approx(0.9)
    assert torn.soft_interior > 0.2


def test_an_empty_matte_of_a_model_that_sees_a_subject_is_for_review(model):
    photo = np.zeros((200, 300, 3), np.uint8)
    unsure = replace(model, network=lambda batch: (*bright(batch)[:2], np.array([0.8], np.float32)))
    result = cutout(photo, unsure)
    assert result.matte.alpha.max() == 0
    assert (result.status, result.confidence) == ("review", 0.0)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.zeros((4, 4, 3), np.float32), "uint8"),
        (np.zeros((4, 4, 2), np.uint8), "uint8"),
        (np.zeros((0, 4, 3), np.uint8), "at least 1x1"),
        (3.5, "got float"),
        (b"Dear Sir", "is not a picture"),
    ],
)
def test_cutout_refuses_what_is_no_picture(source, message, model):
    with pytest.raises(ImageError, match=message):
        cutout(source, model)


@pytest.mark.parametrize(
    ("confidence", "presence", "covered", "expected"),
    [
        pytest.param(0.9, 0.9, 0.5, ("ok", 0.9), id="sure"),
        pytest.param(0.8, 0.9, 0.5, ("ok", 0.8), id="tie-is-ok"),
        pytest.param(0.79, 0.9, 0.5, ("review", 0.79), id="unsure"),
        pytest.param(0.9, 0.5, 0.5, ("ok", 0.9), id="presence-tie-is-a-subject"),
        pytest.param(0.9, 0.25, 0.5, ("no-subject", 0.75), id="absent"),
        pytest.param(0.9, 1.0, 0.0004, ("review", 0.0), id="seen-but-nothing-left"),
        pytest.param(None, None, 0.5, ("ok", None), id="model-without-scores"),
        pytest.param(None, None, 0.0, ("no-subject", None), id="empty-matte"),
    ],
)
def test_answer_is_judged(confidence, presence, covered, expected):
    assert judge(confidence, presence, covered, min_confidence=0.8) == expected


@pytest.mark.parametrize(
    ("fields", "size", "seen_px"),
    [
        pytest.param({"resize": "pad"}, (40, 60), 32, id="padded: the long side fits"),
        pytest.param({"resize": "area"}, (40, 60), 32, id="a square of 32 is the least"),
        pytest.param({"resize": "area", "height": 96, "width": 96}, (400, 600), 128, id="area"),
        pytest.param({"resize": "area", "height": 96, "width": 96}, (40, 60), 60, id="small"),
    ],
)
def test_a_cutout_says_at_what_size_the_network_saw_it(model, fields, size, seen_px):
    rule = model.spec.input.model_copy(update=fields)
    seen = Model(model.spec.model_copy(update={"input": rule}), bright)
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[10:30, 20:40] = 255
    assert cutout(pixels, seen).seen_px == seen_px


def test_a_model_of_another_family_gives_no_matte(model, pixels):
    spec = model.spec.model_copy(update={"family": "semantic"})
    with pytest.raises(ModelError, match="gives no matte of a subject"):
        cutout(pixels, Model(spec, bright))


def plain(value, height=20, width=30):
    return Image(np.full((height, width, 3), value, np.uint8))


def disc(height=20, width=30):
    rows, columns = np.mgrid[0:height, 0:width]
    return Matte((np.hypot(rows - height / 2, columns - width / 2) < 6).astype(np.float32))


@pytest.mark.parametrize(
    ("background", "corner"),
    [
        pytest.param(Plain((1, 2, 3)), (1, 2, 3), id="colour"),
        pytest.param(Backdrop(plain(77, 5, 9)), (77, 77, 77), id="picture"),
        pytest.param(Blurred(), (100, 100, 100), id="blur"),
    ],
)
def test_background_is_behind_the_subject(background, corner):
    photo = plain(100)
    photo.pixels[disc().alpha > 0] = 200
    composed = put_behind(photo, disc(), background).pixels
    assert tuple(composed[0, 0]) == corner
    assert tuple(composed[10, 15]) == (200, 200, 200)


def test_blur_leaves_no_ghost_of_the_subject():
    photo = plain(100, 200, 300)
    matte = disc(200, 300)
    photo.pixels[matte.alpha > 0] = 255
    assert blur_behind(photo, matte, 0.05).pixels.max() <= 101


def test_backdrop_with_alpha_lies_on_white(tmp_path):
    PillowImage.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    backdrop = parse_background(str(tmp_path / "clear.png"))
    assert isinstance(backdrop, Backdrop)
    assert (backdrop.image.pixels == 255).all()


def test_background_that_is_nothing_is_refused():
    with pytest.raises(UsageError, match="no such picture and no such colour"):
        parse_background("nowhere.png")


def test_a_cut_out_has_the_score_and_reasons_of_a_campaign(model):
    photo = np.zeros((200, 300, 3), np.uint8)
    photo[60:140, 30:130] = photo[60:140, 180:240] = 255
    found = cutout(photo, model)
    item = assess(Item(content="", picture=to_picture(photo, Limits()), variants=(), cutout=found))
    assert (found.score, found.reasons) == (item.score, item.reasons)
    second = {reason.name: reason.value for reason in found.reasons}["several-subjects"]
    assert second == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize(
    ("confidence", "status"),
    [
        pytest.param(0.95, "ok", id="likely good"),
        pytest.param(0.7, "review", id="more likely bad than good"),
    ],
)
def test_what_is_likelier_bad_than_good_is_for_review_without_being_asked(
    model, pixels, confidence, status
):
    said = np.array([confidence], np.float32)
    unsure = replace(model, network=lambda batch: (bright(batch)[0], said, bright(batch)[2]))
    found = cutout(pixels, unsure)
    assert found.confidence == pytest.approx(confidence)
    assert (found.status, found.score >= LIKELY_BAD_BELOW) == (status, status == "ok")


def test_a_score_below_what_is_asked_is_for_review(model, pixels):
    found = cutout(pixels, model)
    above = float(np.nextafter(found.score, 1))
    assert found.status == "ok"
    assert found.score < found.confidence  # else the confidence would decide
    assert cutout(pixels, model, min_confidence=found.score).status == "ok"
    assert cutout(pixels, model, min_confidence=above).status == "review"


@pytest.mark.parametrize("method", ["off", "fast", "fine"])
@pytest.mark.parametrize("level", [0, 40, 110, 128, 140])
def test_nothing_empty_or_torn_is_ever_ok(model, method, level):
    photo = np.zeros((200, 300, 3), np.uint8)
    photo[30:170, 50:250] = level  # half there, all through
    sure = np.array([0.99], np.float32)
    certain = replace(model, network=lambda batch: (bright(batch)[0], sure, sure))
    found = cutout(photo, certain, refinement=RefineOptions(method=method))
    assert found.status == "review"
    assert found.torn or (found.matte.alpha >= 0.5).mean() < 0.0005
