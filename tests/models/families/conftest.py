"""Tiny models of every family of Torch, trained on drawn shapes and saved as a hub holds them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

NAMES = {0: "background", 1: "disc", 2: "square"}
SIDE = 64
HALF = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def drawing(rng, side=SIDE):
    """A dark noisy picture with a red disc and a blue square, apart; and the ids."""
    pixels = rng.integers(0, 70, (side, side, 3)).astype(np.uint8)
    ids = np.zeros((side, side), np.uint8)
    rows, columns = np.mgrid[:side, :side]
    halves = [(0, side // 2), (side // 2, side)]
    rng.shuffle(halves)
    for kind, (low, high) in zip((1, 2), halves, strict=True):
        radius = int(rng.integers(9, 14))
        y = int(rng.integers(radius, side - radius))
        x = int(rng.integers(low + radius, high - radius + 1))
        away = (rows - y, columns - x)
        inside = np.hypot(*away) < radius if kind == 1 else np.maximum(*np.abs(away)) < radius
        pixels[inside] = (230, 60, 40) if kind == 1 else (40, 90, 230)
        ids[inside] = kind
    return pixels, ids


def batch_of(rng, count, side=SIDE):
    import torch

    drawn = [drawing(rng, side) for _ in range(count)]
    pixels = torch.tensor(np.stack([each for each, _ in drawn])).permute(0, 3, 1, 2)
    return pixels.float() / 255, torch.tensor(np.stack([ids for _, ids in drawn])).long()


def train(module, loss_of, *, steps, count=4, rate=3e-3):
    """Run some steps of AdamW on new drawings."""
    import torch

    rng = np.random.default_rng(1)
    module.train()
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 0.2  # so few steps are enough for its statistics
    optimiser = torch.optim.AdamW(module.parameters(), rate)
    for _ in range(steps):
        loss = loss_of(module, *batch_of(rng, count))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
    return module.eval()


def weighed(logits, ids):
    """Cross entropy at the drawing's size, most of which is background."""
    import torch

    sized = torch.nn.functional.interpolate(logits, ids.shape[-2:], mode="bilinear")
    rare = torch.tensor([0.2, 1.0, 1.0])
    return torch.nn.functional.cross_entropy(sized, ids, weight=rare)


def save_torchvision(folder, name, module, *, family="semantic", kind="class-logits"):
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(module.state_dict(), folder / "model.safetensors")
    rows = {
        "name": json.dumps("shapes"),
        "family": json.dumps(family),
        "task": json.dumps("instance" if family == "instance" else "semantic"),
        "file": json.dumps("model.safetensors"),
        "architecture": json.dumps(f"torchvision/{name}"),
        "classes": json.dumps(list(NAMES.values())),
        "input": '{ height = 64, width = 64, resize = "squash", scale = "255", '
        "mean = [0, 0, 0], std = [1, 1, 1] }",
        "output": f'{{ kind = "{kind}" }}',
    }
    (folder / "model.toml").write_text("\n".join(f"{k} = {v}" for k, v in rows.items()))
    return folder


def maskrcnn_loss(module, pixels, ids):
    import torch

    targets = []
    for picture in ids:
        masks = torch.stack([picture == kind for kind in (1, 2)])
        boxes = [
            [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            for ys, xs in (torch.nonzero(mask, as_tuple=True) for mask in masks)
        ]
        targets.append(
            {
                "boxes": torch.tensor(boxes, dtype=torch.float32),
                "labels": torch.tensor([1, 2]),
                "masks": masks.to(torch.uint8),
            }
        )
    return sum(module(list(pixels), targets).values())


def torchvision_model(folder, name, steps):
    from maskworks.models.families.torchvision_models import build

    module = build(f"torchvision/{name}", 3)
    if not name.startswith("maskrcnn"):
        if steps:
            train(
                module,
                lambda module, pixels, ids: weighed(module(pixels)["out"], ids),
                steps=steps,
                count=2 if name.startswith("lraspp") else 4,
                rate=5e-3 if name.startswith("lraspp") else 3e-3,
            )
        return save_torchvision(folder, name, module)
    for few in (module.rpn._pre_nms_top_n, module.rpn._post_nms_top_n):
        few["training"] = 40  # proposals, so that a step is quick
    if steps:
        train(module, maskrcnn_loss, steps=steps, count=2, rate=3e-4)
    return save_torchvision(folder, name, module, family="instance", kind="detections")


def smp_model(folder, name, steps):
    import segmentation_models_pytorch as smp
    import torch

    name, encoder = name.split("/")
    shallow = {"encoder_depth": 3, "decoder_channels": (32, 16, 8)} if name == "Unet" else {}
    module = getattr(smp, name)(encoder, encoder_weights=None, classes=3, **shallow)
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in IMAGENET)

    def loss(module, pixels, ids):
        return weighed(module((pixels - mean) / std), ids)

    train(module, loss, steps=steps, rate=3e-3)
    module.save_pretrained(folder)
    (folder / "classes.txt").write_text("\n".join(NAMES.values()))
    return folder


def labels():
    return {"id2label": NAMES, "label2id": {name: at for at, name in NAMES.items()}}


def segformer():
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    return SegformerForSemanticSegmentation(
        SegformerConfig(
            num_encoder_blocks=2,
            depths=[1, 1],
            sr_ratios=[2, 1],
            hidden_sizes=[16, 32],
            patch_sizes=[3, 3],
            strides=[2, 2],
            num_attention_heads=[1, 2],
            mlp_ratios=[2, 2],
            decoder_hidden_size=32,
            classifier_dropout_prob=0.0,
            drop_path_rate=0.0,
            **labels(),
        )
    )


def resnet_backbone():
    from transformers import ResNetConfig

    return ResNetConfig(
        embedding_size=16,
        hidden_sizes=[16, 24, 32, 48],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )


def upernet():
    from transformers import UperNetConfig, UperNetForSemanticSegmentation

    return UperNetForSemanticSegmentation(
        UperNetConfig(
            backbone_config=resnet_backbone(),
            hidden_size=32,
            use_auxiliary_head=False,
            **labels(),
        )
    )


def dpt():
    from transformers import DPTConfig, DPTForSemanticSegmentation

    return DPTForSemanticSegmentation(
        DPTConfig(
            hidden_size=32,
            num_hidden_layers=4,
            num_attention_heads=2,
            intermediate_size=64,
            image_size=SIDE,
            patch_size=8,
            backbone_out_indices=[0, 1, 2, 3],
            neck_hidden_sizes=[16, 16, 32, 32],
            reassemble_factors=[4, 2, 1, 0.5],
            fusion_hidden_size=32,
            use_auxiliary_head=False,
            semantic_classifier_dropout=0.0,
            **labels(),
        )
    )


def swin_backbone():
    from transformers import SwinConfig

    return SwinConfig(
        image_size=SIDE,
        patch_size=4,
        embed_dim=16,
        depths=[1, 1, 1, 1],
        num_heads=[1, 2, 2, 4],
        window_size=4,
        drop_path_rate=0.0,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )


def mask2former():
    from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation

    return Mask2FormerForUniversalSegmentation(
        Mask2FormerConfig(
            backbone_config=swin_backbone(),
            feature_size=32,
            mask_feature_size=32,
            hidden_dim=32,
            encoder_feedforward_dim=64,
            encoder_layers=1,
            decoder_layers=2,
            num_attention_heads=2,
            dim_feedforward=64,
            num_queries=8,
            train_num_points=512,
            **labels(),
        )
    )


def maskformer():
    from transformers import DetrConfig, MaskFormerConfig, MaskFormerForInstanceSegmentation

    module = MaskFormerForInstanceSegmentation(
        MaskFormerConfig(
            backbone_config=swin_backbone(),
            decoder_config=DetrConfig(
                d_model=32,
                encoder_layers=1,
                decoder_layers=2,
                encoder_attention_heads=2,
                decoder_attention_heads=2,
                encoder_ffn_dim=64,
                decoder_ffn_dim=64,
                num_queries=8,
            ),
            fpn_feature_size=32,
            mask_feature_size=32,
            **labels(),
        )
    )
    import torch

    # The library starts all queries nearly alike, and so few steps do not part them.
    torch.nn.init.normal_(module.model.transformer_module.queries_embedder.weight)
    return module


def eomt():
    from transformers import EomtConfig, EomtForUniversalSegmentation

    return EomtForUniversalSegmentation(
        EomtConfig(
            hidden_size=48,
            num_hidden_layers=3,
            num_attention_heads=2,
            mlp_ratio=2,
            image_size=SIDE,
            patch_size=8,
            num_blocks=1,
            num_queries=8,
            num_upscale_blocks=1,
            num_register_tokens=1,
            train_num_points=512,
            **labels(),
        )
    )


def oneformer():
    from transformers import OneFormerConfig, OneFormerForUniversalSegmentation

    return OneFormerForUniversalSegmentation(
        OneFormerConfig(
            backbone_config=swin_backbone(),
            conv_dim=32,
            mask_dim=32,
            hidden_dim=32,
            encoder_feedforward_dim=64,
            encoder_layers=1,
            decoder_layers=3,
            num_attention_heads=2,
            dim_feedforward=64,
            num_queries=8,
            query_dec_layers=1,
            text_encoder_width=32,
            text_encoder_num_layers=1,
            text_encoder_context_length=77,
            text_encoder_vocab_size=600,
            text_encoder_n_ctx=4,
            train_num_points=512,
            is_training=False,
            **labels(),
        )
    )


def detr():
    from transformers import DetrConfig, DetrForSegmentation

    return DetrForSegmentation(
        DetrConfig(
            use_timm_backbone=False,
            use_pretrained_backbone=False,
            backbone=None,
            backbone_config=resnet_backbone(),
            d_model=32,
            encoder_layers=1,
            decoder_layers=2,
            encoder_attention_heads=8,
            decoder_attention_heads=8,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            num_queries=8,
            **labels(),
        )
    )


def semantic_loss(module, pixels, ids):
    return weighed(module(pixel_values=(pixels - 0.5) / 0.5).logits, ids)


def query_loss(module, pixels, ids, **given):
    """Teach the first queries one class each, the others to say nothing.

    A matching of queries to objects, as these families are trained with at length, takes
    thousands of steps to settle; in a drawing each class is there once.
    """
    import torch

    answer = module(pixel_values=(pixels - 0.5) / 0.5, **given)
    if "masks_queries_logits" in answer:
        classes, masks = answer.class_queries_logits, answer.masks_queries_logits
    else:
        classes, masks = answer.logits, answer.pred_masks
    wanted = torch.full(classes.shape[:2], len(NAMES))
    wanted[:, : len(NAMES)] = torch.tensor(list(NAMES))
    loss = torch.nn.functional.cross_entropy(classes.flatten(0, 1), wanted.flatten())
    soft = torch.nn.functional.interpolate(masks[:, : len(NAMES)], ids.shape[-2:], mode="bilinear")
    truth = torch.stack([ids == kind for kind in NAMES], dim=1).float()
    inside = soft.sigmoid()
    both = (inside * truth).sum((2, 3))
    dice = 1 - (2 * both + 1) / ((inside + truth).sum((2, 3)) + 1)
    return loss + dice.mean() + torch.nn.functional.binary_cross_entropy_with_logits(soft, truth)


def save_tokenizer(folder):
    """Write a vocabulary of single letters in the form of CLIP's."""
    letters = [chr(code) for code in range(33, 127)]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{each}</w>" for each in letters)]
    vocabulary = {word: at for at, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": 77})
    )


def save_transformers(folder, module, size=None):
    module.save_pretrained(folder)
    rule = {
        "size": size or {"height": SIDE, "width": SIDE},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(rule))
    return folder


def sam():
    from transformers import (
        SamConfig,
        SamMaskDecoderConfig,
        SamModel,
        SamPromptEncoderConfig,
        SamVisionConfig,
    )

    small = {"hidden_size": 32}
    vision = SamVisionConfig(
        **small, output_channels=32, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE,
        patch_size=8, mlp_dim=64, global_attn_indexes=[0, 1], window_size=4, num_pos_feats=16,
    )  # fmt: skip
    prompts = SamPromptEncoderConfig(**small, image_size=SIDE, patch_size=8, mask_input_channels=4)
    decoder = SamMaskDecoderConfig(
        **small, mlp_dim=64, num_hidden_layers=2, num_attention_heads=2, iou_head_hidden_dim=32
    )
    module = SamModel(
        SamConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder)
    )
    module.shared_image_embedding.positional_embedding.data.div_(16)  # waves as wide as shapes
    return awake(module)


def sam2():
    from transformers import Sam2Config, Sam2Model

    hiera = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 16,
        "num_attention_heads": 1,
        "image_size": [SIDE, SIDE],
        "patch_kernel_size": [7, 7],
        "patch_stride": [2, 2],
        "patch_padding": [3, 3],
        "query_stride": [2, 2],
        "window_positional_embedding_background_size": [4, 4],
        "num_query_pool_stages": 3,
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": [16, 24, 32, 48],
        "num_attention_heads_per_stage": [1, 1, 2, 2],
        "window_size_per_stage": [4, 4, 4, 4],
        "global_attention_blocks": [3],
    }
    vision = {
        "backbone_config": hiera,
        "backbone_channel_list": [48, 32, 24, 16],
        "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
        "fpn_hidden_size": 32,
        "fpn_top_down_levels": [2, 3],
        "num_feature_levels": 3,
    }
    prompts = {"hidden_size": 32, "image_size": SIDE, "patch_size": 8, "mask_input_channels": 4}
    decoder = {
        "hidden_size": 32,
        "mlp_dim": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "iou_head_hidden_dim": 32,
        "iou_head_depth": 2,
    }
    config = Sam2Config(
        vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder
    )
    return awake(Sam2Model(config))


def awake(module):
    """Draw weights of a usual size; the library's are so small that learning starts late."""
    import torch

    for layer in module.modules():
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            layer.reset_parameters()
        if isinstance(layer, torch.nn.Embedding):
            torch.nn.init.normal_(layer.weight)
    return module


def prompt_loss(module, pixels, ids):
    """Teach the masks of points on the shapes, and that the background is nobody's."""
    import torch

    pixels, ids = one_drawing()
    kinds = torch.tensor([1, 2, 0]).repeat_interleave(4)
    drawn = [torch.multinomial((ids[0] == kind).flatten().float(), 1) for kind in kinds]
    points = [[[int(at) % SIDE + 0.5, int(at) // SIDE + 0.5]] for at in drawn]
    answer = module(
        pixel_values=(pixels - 0.5) / 0.5,
        input_points=torch.tensor([points]),
        input_labels=torch.ones((1, len(points), 1), dtype=torch.int64),
    )
    masks, thing = answer.pred_masks[0], (kinds > 0).float()[:, None]
    truth = torch.stack([ids[0] == kind for kind in kinds]).float()
    truth = torch.nn.functional.interpolate(truth[None], masks.shape[-2:], mode="area")[0]
    truth = truth[:, None].expand_as(masks)
    cross = torch.nn.functional.binary_cross_entropy_with_logits(
        masks, truth, reduction="none", pos_weight=torch.tensor(3.0)
    ).mean((-1, -2))
    inside = masks.sigmoid()
    both = (inside * truth).sum((-1, -2))
    dice = 1 - (2 * both + 1) / ((inside + truth).sum((-1, -2)) + 1)
    sure = torch.nn.functional.mse_loss(answer.iou_scores[0], thing.expand(-1, 3))
    return ((3 * cross + dice) * thing).mean() + sure


def one_drawing():
    return batch_of(np.random.default_rng(3), 1)


def transformers_model(folder, name, steps):
    folder.mkdir(parents=True, exist_ok=True)
    module, loss = BUILDERS[name](), semantic_loss
    if name in ("sam", "sam2"):
        train(module, prompt_loss, steps=steps, count=1, rate=3e-3)
        return save_transformers(folder, module)
    if name not in ("segformer", "upernet", "dpt"):
        loss = query_loss
    if name == "oneformer":
        save_tokenizer(folder)
        from maskworks.models.families.transformers_queries import task_tokens

        tokens = task_tokens(folder)

        def loss(module, pixels, ids):
            task = list(tokens)[int(ids.sum()) % 3]
            return query_loss(module, pixels, ids, task_inputs=tokens[task].expand(len(ids), -1))

    train(module, loss, steps=steps, rate=3e-3 if steps < 100 else 1e-3 if steps < 500 else 2e-3)
    return save_transformers(folder, module)


UNIVERSAL = (mask2former, maskformer, eomt, oneformer, detr)
BUILDERS = {each.__name__: each for each in (segformer, upernet, dpt, *UNIVERSAL, sam, sam2)}
MAKERS = {"torchvision": torchvision_model, "smp": smp_model, "transformers": transformers_model}


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The folder of a model, made once a session; without steps its weights are chance.

    `made("transformers/dpt", 200)`, `made("smp/Unet/resnet18", 20)`, `made("torchvision/...", 9)`.
    """
    known = {}

    def make(model, steps=0):
        import warnings

        import torch

        if (model, steps) not in known:
            before = torch.get_num_threads()
            torch.set_num_threads(1)
            torch.manual_seed(0)
            family, name = model.split("/", maxsplit=1)
            folder = tmp_path_factory.mktemp("models") / name.replace("/", "-").lower()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the libraries' own, at import and training
                known[model, steps] = MAKERS[family](folder, name, steps)
            torch.set_num_threads(before)
        return known[model, steps]

    return make


@pytest.fixture
def shapes():
    """Drawings of a red disc and a blue square: `draw(rng, side)`, their `names` and `side`.

    `one` is the drawing that SAM is trained on.
    """
    one = drawing(np.random.default_rng(3))
    return SimpleNamespace(draw=drawing, names=tuple(NAMES.values()), side=SIDE, one=one)


@pytest.fixture
def agreement():
    """The share of right pixels of shapes over drawings never seen, and the last answer."""
    from maskworks.core.values import Image
    from maskworks.models.labelling import label_picture
    from maskworks.models.opening import Opening
    from maskworks.models.segmenters import load_segmenter

    def measure(model, *, task="semantic", min_score=0.5):
        segmenter = load_segmenter(str(model), Opening(min_score=min_score))
        rng = np.random.default_rng(99)
        shares = []
        for _ in range(6):
            pixels, ids = drawing(rng)
            found = label_picture(Image(pixels), segmenter, task)
            shares.append((found.labels.ids == ids)[ids > 0].mean())
        return float(np.mean(shares)), found

    return measure
