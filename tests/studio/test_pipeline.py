from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from maskworks.core.errors import UsageError
from maskworks.core.reading import Details, Picture, read_picture
from maskworks.core.values import Image, Matte
from maskworks.cutouts.backgrounds import Backdrop, Plain
from maskworks.cutouts.cutout import Cutout
from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.output.rules import OutputRules
from maskworks.studio.pipeline import (
    Item,
    Variant,
    assess,
    compose_each,
    decide,
    hold_against,
    send_down,
)
from maskworks.studio.route import Rules

SIDE = 80
CONTENT = hashlib.sha256(b"photo").hexdigest()
WHITE, BLACK = Variant("white", Plain((255, 255, 255))), Variant("black", Plain((0, 0, 0)))
RULES = OutputRules(format="png", size=40)
DELIVER = Rules(deliver_at=0.5, spot_check=0.0)


def item_of(*variants, status="ok", confidence=0.95, subject=True):
    """A cut-out disc, red on grey, as `cut` leaves it."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    inside = np.hypot(rows - SIDE / 2, columns - SIDE / 2) < SIDE * 0.3
    pixels = np.where(inside[..., np.newaxis], (200, 30, 40), 235).astype(np.uint8)
    matte = Matte((inside & subject).astype(np.float32))
    image, details = Image(pixels), Details(format="PNG")
    found = Cutout(image, matte, confidence, status, details, image, "off", 0.0)
    return Item(
        content=CONTENT,
        picture=Picture(image, None, details),
        variants=variants or (WHITE, BLACK),
        cutout=found,
    )


def names(item):
    return [reason.name for reason in item.reasons]


def test_every_background_gives_one_picture_of_the_asked_size():
    done = compose_each(item_of(), RULES)
    assert [made.variant for made in done.made] == ["white", "black"]
    for made, corner in zip(done.made, (255, 0), strict=True):
        picture = read_picture(made.data)
        assert picture.image.size == made.size == (40, 40)
        assert picture.image.pixels[0, 0].tolist() == [corner] * 3
        assert picture.image.pixels[20, 20].tolist() == [200, 30, 40]


def test_item_without_subject_is_not_composed_and_goes_to_review():
    item = assess(item_of(status="no-subject", confidence=0.9, subject=False))
    done = decide(compose_each(item, RULES), DELIVER)
    assert (done.made, done.score, done.decision.route) == ((), 0.0, "review")
    assert "no-subject" in names(done)


def test_subject_that_vanished_with_its_edge_is_no_subject():
    done = compose_each(item_of(subject=False), RULES)
    assert (done.made, names(done), done.has_subject) == ((), ["no-subject"], False)


def test_background_that_is_too_small_leaves_the_others_alone():
    tiny = Variant("tiny", Backdrop(Image(np.zeros((5, 5, 3), np.uint8))))
    done = compose_each(item_of(WHITE, tiny), RULES)
    assert [made.variant for made in done.made] == ["white"]
    (reason,) = done.reasons
    assert reason.name == "gate:background"
    assert reason.text.startswith("tiny: the background has 5x5 pixels")


def test_focus_of_a_background_stays_in_the_frame():
    halves = np.zeros((40, 80, 3), np.uint8)
    halves[:, 40:] = 255
    wall = Backdrop(Image(halves))
    item = item_of(Variant("left", wall, (0.5, 0.0)), Variant("right", wall, (0.5, 1.0)))
    made = compose_each(item, RULES).made
    corners = [read_picture(one.data).image.pixels[0, 0, 0] for one in made]
    assert corners == [0, 255]


def test_gate_sees_the_bytes_that_will_be_written():
    done = compose_each(item_of(WHITE), replace_rules(RULES, max_bytes=100))
    held = hold_against(done, replace_rules(RULES, max_bytes=100))
    (reason,) = held.reasons
    assert (reason.name, reason.limit) == ("gate:bytes", 100.0)
    assert reason.value == len(done.made[0].data)
    assert decide(replace(held, score=0.99), DELIVER).decision.route == "review"


def test_breach_of_some_variants_names_them():
    rules = OutputRules(format="png", size=40, background=["#ffffff"])
    free = OutputRules(format="png", size=40)
    held = hold_against(compose_each(item_of(), free), rules)
    border = next(reason for reason in held.reasons if reason.name == "gate:border")
    assert border.text.startswith("black: ")


def test_enlarged_subject_is_told_and_decides_nothing():
    rules = OutputRules(format="png", size=200, max_scale=8)
    held = hold_against(compose_each(item_of(WHITE), rules), rules)
    assert names(held) == ["upscaled"]
    assert decide(replace(held, score=0.99), DELIVER).decision.route == "deliver"


@pytest.mark.parametrize(
    ("score", "reasons", "route"),
    [
        pytest.param(0.9, (), "deliver", id="good"),
        pytest.param(0.4, (), "review", id="low"),
        pytest.param(None, (), "review", id="unknown"),
        pytest.param(0.9, (Reason("gate:fill", 0.7, 0.85, "x"),), "review", id="breach"),
        pytest.param(0.9, (Reason("blurred", 0.7, 0.6, "x"),), "deliver", id="only-told"),
    ],
)
def test_score_and_reasons_decide(score, reasons, route):
    done = decide(replace(item_of(), score=score, reasons=reasons), DELIVER)
    assert done.decision.route == route


@pytest.mark.parametrize(
    ("soft", "route"),
    [pytest.param(0.05, "deliver", id="within"), pytest.param(0.051, "review", id="torn")],
)
def test_torn_cut_out_is_never_delivered_unseen(soft, route):
    item = item_of(confidence=1.0)
    item = replace(item, cutout=replace(item.cutout, soft_interior=soft))
    done = decide(assess(item), DELIVER)
    assert (done.decision.route, "torn" in names(done)) == (route, route == "review")


def test_picture_whose_colours_could_not_be_converted_is_never_delivered_unseen():
    item = item_of(confidence=1.0)
    told = ("the codes 77 and 13 are not known here; taken as sRGB",)
    details = replace(item.picture.details, colours_sure=False, notes=told)
    unsure = replace(item, picture=replace(item.picture, details=details))
    done = decide(assess(unsure), DELIVER)
    assert decide(assess(item), DELIVER).decision.route == "deliver"
    assert done.decision.route == "review"
    reason = next(each for each in done.reasons if each.name == "colours-unsure")
    assert "the codes 77 and 13" in reason.text


def test_spot_check_marks_what_is_delivered():
    done = decide(replace(item_of(), score=0.9), Rules(deliver_at=0.5, spot_check=1.0))
    assert (done.decision.route, done.decision.spot_check) == ("deliver", True)
    assert names(done) == ["spot-check"]


def test_same_item_gives_the_same_bytes():
    steps = (assess, lambda item: compose_each(item, RULES))
    first, second = (send_down(item_of(), steps) for _ in range(2))
    assert [made.data for made in first.made] == [made.data for made in second.made]
    assert first.score == second.score


def test_step_before_the_cut_is_refused():
    with pytest.raises(UsageError, match="`cut` comes before the other steps"):
        assess(replace(item_of(), cutout=None))


def replace_rules(rules, **fields):
    return OutputRules.model_validate({**rules.model_dump(), **fields})
