from __future__ import annotations

import json

import numpy as np
import pytest

from maskworks.core.errors import UsageError
from maskworks.core.values import Box, Image
from maskworks.models.families.prompted import Prompt, Prompted, open_prompted
from maskworks.models.labelling import label_picture
from maskworks.models.segmenters import Opening, load_segmenter

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny SAM with weights drawn by chance, as a hub would hold it."""
    from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig
    from transformers import SamVisionConfig as Vision

    torch.manual_seed(0)
    small = {"hidden_size": 32}
    vision = Vision(
        **small, output_channels=32, num_hidden_layers=1, num_attention_heads=2, image_size=128,
        patch_size=16, mlp_dim=64, global_attn_indexes=[0], window_size=4, num_pos_feats=16,
    )  # fmt: skip
    prompts = SamPromptEncoderConfig(**small, image_size=128, patch_size=16, mask_input_channels=4)
    decoder = SamMaskDecoderConfig(
        **small, mlp_dim=64, num_hidden_layers=1, num_attention_heads=2, iou_head_hidden_dim=32
    )
    model = SamModel(
        SamConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder)
    )
    path = tmp_path_factory.mktemp("sam")
    model.save_pretrained(path)
    rule = {
        "size": {"longest_edge": 128},
        "pad_size": {"height": 128, "width": 128},
        "do_pad": True,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    (path / "preprocessor_config.json").write_text(json.dumps(rule))
    return path


@pytest.fixture
def picture(rng):
    return Image(rng.integers(0, 256, (60, 90, 3)).astype(np.uint8))


def test_picture_is_looked_at_once_for_many_prompts(folder, picture):
    model = open_prompted(folder, "SamModel")
    looks = []
    model.module.vision_encoder.register_forward_hook(lambda *_: looks.append(1))
    seen = model.look(picture)
    prompts = [
        Prompt(inside=((30, 40),)),
        Prompt(inside=((10, 10),), outside=((50, 80),)),
        Prompt(box=Box(5, 5, 40, 60)),
    ]
    found = model.answer(seen, prompts)
    assert len(looks) == 1
    assert len(found) == 3
    assert found.size == (60, 90)


def test_masks_are_those_of_the_library(folder, picture):
    model = open_prompted(folder, "SamModel")
    found = model.answer(model.look(picture), [Prompt(inside=((30, 40),))])
    seen = model.look(picture)
    with torch.inference_mode():
        factor = 128 / 90
        whole = model.module(
            pixel_values=torch.from_numpy(seen.ready.batch),
            input_points=torch.tensor([[[[40 * factor, 30 * seen.ready.height / 60]]]]),
            input_labels=torch.tensor([[[1]]]),
        )
    best = int(whole.iou_scores[0, 0].argmax())
    sized = torch.nn.functional.interpolate(whole.pred_masks[0], (128, 128), mode="bilinear")
    cut = sized[:, best : best + 1, : seen.ready.height, : seen.ready.width]
    expected = torch.nn.functional.interpolate(cut, (60, 90), mode="bilinear")[0, 0] > 0
    assert (found.masks[0].to_mask().inside == expected.numpy()).mean() > 0.95


def test_everything_gives_each_object_once(picture):
    """A stand-in for the network answers a disc around the left or the right middle."""

    class Two:
        def get_image_embeddings(self, batch):
            self.shape = batch.shape[-2:]
            return batch

        def __call__(self, *, input_points, **_given):
            rows, columns = np.mgrid[: self.shape[0], : self.shape[1]]
            left = float(input_points[0, 0, 0, 0]) < self.shape[1] / 2
            middle = self.shape[1] * (0.25 if left else 0.75)
            logits = 10 - np.hypot(rows - self.shape[0] / 2, columns - middle)
            masks = torch.tensor(np.stack([logits] * 3)[None, None] * 8, dtype=torch.float32)
            scores = torch.tensor([[[0.9, 0.8, 0.1]]])
            return type("Answer", (), {"pred_masks": masks, "iou_scores": scores})

    from maskworks.models.families.hub_input import HubInput

    model = Prompted(Two(), HubInput(square=(60, 90)), "two")
    found = model.everything(model.look(picture), grid=4)
    assert len(found) == 2
    assert abs(found.areas - np.pi * 100).max() < 20


@pytest.mark.parametrize("opening", [Opening(min_score=1.0), Opening(min_score=0.0)])
def test_folder_of_sam_is_a_segmenter_of_objects(folder, picture, opening):
    segmenter = load_segmenter(str(folder), opening)
    assert segmenter.own == "instance"
    if opening.min_score == 1.0:
        assert len(label_picture(picture, segmenter, "instance").instances) == 0


def test_prompt_that_says_nothing_is_refused():
    with pytest.raises(UsageError, match="a point inside the object or a box"):
        Prompt(outside=((1, 1),))
