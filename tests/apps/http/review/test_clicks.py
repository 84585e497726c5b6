"""Clicks on a photo: what they point at, with GrabCut and with a SAM."""

from __future__ import annotations

import json

import numpy as np
import pytest

from maskworks.apps.http.review.clicks import GRABCUT, Click, Finder, Sam, finder_of
from maskworks.apps.http.review.strokes import Stroke, draw
from maskworks.core.errors import ModelError, UsageError
from maskworks.core.instances import Instances
from maskworks.core.rle import encode_mask
from maskworks.core.values import Image, Matte
from maskworks.models.families.prompted import THING

SIZE = 80, 120


@pytest.fixture
def discs():
    """A photo of a red and a green disc on grey, and both as masks."""
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    red, green = (np.hypot(rows - 40, columns - at) < 20 for at in (35, 85))
    pixels = np.full((*SIZE, 3), 128, np.uint8)
    pixels[red], pixels[green] = (220, 30, 30), (30, 200, 30)
    return Image(pixels), red, green


def matte(inside):
    return Matte(inside.astype(np.float32))


def clicks(*given):
    return [Stroke(kind=kind, points=(point,)) for kind, point in given]


def inside(drawn):
    return drawn.alpha >= 0.5


def test_click_takes_one_of_two_things_away(discs):
    image, red, green = discs
    drawn = draw(image, matte(red | green), clicks(("background", (85, 40))))
    assert (inside(drawn) ^ red).sum() < 0.05 * red.sum()


def test_click_brings_a_thing_in(discs):
    image, red, green = discs
    drawn = draw(image, matte(red), clicks(("foreground", (85, 40))))
    assert (inside(drawn) ^ (red | green)).sum() < 0.05 * red.sum()


def test_last_click_on_a_place_counts(discs):
    image, red, green = discs
    here = (85, 40)
    both = matte(red | green)
    drawn = draw(image, both, clicks(("background", here), ("foreground", here)))
    assert (inside(drawn) ^ (red | green)).sum() < 0.05 * red.sum()


def test_click_beside_the_photo_changes_nothing(discs):
    image, red, _ = discs
    drawn = draw(image, matte(red), clicks(("foreground", (900, 900))))
    assert np.array_equal(drawn.alpha, matte(red).alpha)


class Told:
    """Answers every prompt with one mask, and keeps what it was asked."""

    def __init__(self, mask):
        self.mask, self.looks, self.prompts = mask, 0, []

    def encode(self, image):
        self.looks += 1
        return image.size

    def answer(self, seen, prompts):
        self.prompts += prompts
        mask = encode_mask(self.mask)
        return Instances.of([mask], labels=[0], scores=[1.0], taxonomy=THING, size=seen)


def test_sam_looks_once_and_is_told_of_earlier_clicks(discs):
    image, red, green = discs
    told, opened = Told(green), []
    sam = Sam(lambda: opened.append(1) or told)
    finder = Finder(side_px=1024, find=sam.find)
    given = clicks(("background", (35, 40)), ("foreground", (85, 40)))
    drawn = draw(image, matte(red), given, finder=finder)
    assert (inside(drawn) ^ (red | green)).sum() < 100, "of the red one only the click itself"
    assert (told.looks, opened) == (1, [1])
    assert told.prompts[1].inside == ((40, 85),)
    assert told.prompts[1].outside == ((40, 35),)


def test_finder_is_grabcut_unless_a_sam_was_named(tmp_path):
    assert finder_of(None) is GRABCUT
    with pytest.raises(UsageError, match="no such folder"):
        finder_of(str(tmp_path / "none"))
    with pytest.raises(ModelError, match="is not on this machine"):
        finder_of("hf:facebook/sam-vit-base")
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["OtherModel"]}))
    with pytest.raises(UsageError, match="is no SAM"):
        finder_of(str(tmp_path))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the libraries' own
def test_real_sam_answers_clicks(tmp_path, discs):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    small = {"hidden_size": 32}
    vision = transformers.SamVisionConfig(
        **small, output_channels=32, num_hidden_layers=1, num_attention_heads=2, image_size=128,
        patch_size=16, mlp_dim=64, global_attn_indexes=[0], window_size=4, num_pos_feats=16,
    )  # fmt: skip
    prompts = transformers.SamPromptEncoderConfig(**small, image_size=128, mask_input_channels=4)
    decoder = transformers.SamMaskDecoderConfig(
        **small, mlp_dim=64, num_hidden_layers=1, num_attention_heads=2, iou_head_hidden_dim=32
    )
    config = transformers.SamConfig(
        vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder
    )
    transformers.SamModel(config).save_pretrained(tmp_path)
    rule = {
        "size": {"longest_edge": 128}, "pad_size": {"height": 128, "width": 128}, "do_pad": True,
        "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
    }  # fmt: skip
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(rule))
    image, red, _ = discs
    finder = finder_of(str(tmp_path), threads=1)
    found = finder.find(image, red, Click(points=((85, 40),)))
    assert found.shape == SIZE
    assert found[red].all(), "keeping a thing takes nothing away"
    away = finder.find(image, red, Click(points=((85, 40),), wanted=False))
    assert not away[~red].any(), "taking a thing away adds nothing"
