"""Each family of Torch, end to end: a tiny model is trained here on drawn shapes until it really
segments them, saved as a hub would hold it, opened through the public path, and asked."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from PIL import Image as Pil

from maskworks.apps.cli import main
from maskworks.core.values import Image
from maskworks.models.labelling import label_picture
from maskworks.models.segmenters import Opening, load_segmenter

torch = pytest.importorskip("torch")

NAMES = {0: "background", 1: "disc", 2: "square"}
SIDE = 64

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own, at import and training


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


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


def batch_of(rng, count):
    drawn = [drawing(rng) for _ in range(count)]
    pixels = torch.tensor(np.stack([each for each, _ in drawn])).permute(0, 3, 1, 2)
    return pixels.float() / 255, torch.tensor(np.stack([ids for _, ids in drawn])).long()


def train(module, loss_of, *, steps, count=4, rate=3e-3):
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


def cross_entropy(read):
    def loss(module, pixels, ids):
        logits = read(module(pixels))
        sized = torch.nn.functional.interpolate(logits, ids.shape[-2:], mode="bilinear")
        return torch.nn.functional.cross_entropy(sized, ids)

    return loss


def agreement(model, *, task="semantic", opening=None):
    """Return the share of right pixels over drawings never seen, and the last answer."""
    segmenter = load_segmenter(str(model), opening or Opening())
    rng = np.random.default_rng(99)
    shares = []
    for _ in range(6):
        pixels, ids = drawing(rng)
        found = label_picture(Image(pixels), segmenter, task)
        shares.append((found.labels.ids == ids)[ids > 0].mean())
    return float(np.mean(shares)), found


# ---------------------------------------------------------------- torchvision


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


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        pytest.param("lraspp_mobilenet_v3_large", 50, id="lraspp"),
        pytest.param("deeplabv3_mobilenet_v3_large", 40, id="deeplab", marks=pytest.mark.slow),
        pytest.param("fcn_resnet50", 25, id="fcn", marks=pytest.mark.slow),
    ],
)
def test_torchvision_state_dict_segments_what_it_was_trained_on(tmp_path, name, steps):
    from maskworks.models.families.torchvision_models import build

    module = train(
        build(f"torchvision/{name}", 3), cross_entropy(lambda out: out["out"]), steps=steps
    )
    folder = save_torchvision(tmp_path / "tv", name, module)
    share, _ = agreement(folder)
    assert share > 0.8


def test_torchvision_onnx_agrees_with_torch(tmp_path):
    from maskworks.models.families.torchvision_models import build

    module = build("torchvision/lraspp_mobilenet_v3_large", 3).eval()
    wrapped = torch.nn.Module()
    wrapped.inner, wrapped.forward = module, lambda x: module(x)["out"]
    compare_exports(wrapped, tmp_path)


def compare_exports(module, folder):
    """Export a module, run both on a drawing, and compare the logits."""
    from maskworks.models.runtimes.onnx import open_onnx

    module.eval()
    pixels, _ = batch_of(np.random.default_rng(3), 1)
    path = folder / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, (pixels,), str(path), dynamo=False, opset_version=17)
    with torch.inference_mode():
        expected = module(pixels).numpy()
    found = open_onnx(path, threads=1)(pixels.numpy())[0]
    assert np.abs(found - expected).max() <= 1e-4


@pytest.mark.slow
def test_mask_rcnn_finds_each_object(tmp_path):
    from maskworks.models.families.torchvision_models import build

    name = "maskrcnn_resnet50_fpn"
    module = build(f"torchvision/{name}", 3)
    for few in (module.rpn._pre_nms_top_n, module.rpn._post_nms_top_n):
        few["training"] = 40  # proposals, so that a step is quick

    def loss(module, pixels, ids):
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

    train(module, loss, steps=150, count=2, rate=3e-4)
    folder = save_torchvision(tmp_path / "rcnn", name, module, family="instance", kind="detections")
    share, found = agreement(folder, task="instance")
    assert share > 0.8
    assert sorted(found.instances.labels.tolist()) == [1, 2]


# ---------------------------------------------------------------- segmentation_models_pytorch


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        pytest.param("Unet", "resnet18", id="unet"),
        pytest.param("UnetPlusPlus", "resnet18", id="unet++", marks=pytest.mark.slow),
        pytest.param("DeepLabV3Plus", "mobilenet_v2", id="deeplab+", marks=pytest.mark.slow),
        pytest.param("FPN", "timm-mobilenetv3_small_100", id="fpn", marks=pytest.mark.slow),
        pytest.param("PSPNet", "resnet18", id="pspnet", marks=pytest.mark.slow),
        pytest.param("UPerNet", "resnet18", id="upernet", marks=pytest.mark.slow),
        pytest.param("Segformer", "mit_b0", id="segformer", marks=pytest.mark.slow),
    ],
)
def test_smp_folder_segments_what_it_was_trained_on(tmp_path, name, encoder):
    smp = pytest.importorskip("segmentation_models_pytorch")
    shallow = {"encoder_depth": 3, "decoder_channels": (32, 16, 8)} if name == "Unet" else {}
    module = getattr(smp, name)(encoder, encoder_weights=None, classes=3, **shallow)

    def loss(module, pixels, ids):
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in
                     ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))  # fmt: skip
        return torch.nn.functional.cross_entropy(module((pixels - mean) / std), ids)

    train(module, loss, steps=20, rate=3e-3)
    folder = tmp_path / "smp"
    module.save_pretrained(folder)
    (folder / "classes.txt").write_text("\n".join(NAMES.values()))
    share, found = agreement(folder)
    assert share > 0.8
    assert found.labels.taxonomy.names == tuple(NAMES.values())
    compare_exports(module, tmp_path)


# ---------------------------------------------------------------- transformers


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
    logits = module(pixel_values=(pixels - 0.5) / 0.5).logits
    sized = torch.nn.functional.interpolate(logits, ids.shape[-2:], mode="bilinear")
    rare = torch.tensor([0.2, 1.0, 1.0])  # most of a drawing is background
    return torch.nn.functional.cross_entropy(sized, ids, weight=rare)


def query_loss(module, pixels, ids, **given):
    """Teach the first queries one class each, the others to say nothing.

    A matching of queries to objects, as these families are trained with at length, takes
    thousands of steps to settle; in a drawing each class is there once.
    """
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


@pytest.mark.parametrize(
    ("build", "loss", "steps"),
    [
        pytest.param(segformer, semantic_loss, 40, id="segformer"),
        pytest.param(upernet, semantic_loss, 60, id="upernet", marks=pytest.mark.slow),
        pytest.param(dpt, semantic_loss, 200, id="dpt", marks=pytest.mark.slow),
        pytest.param(mask2former, query_loss, 250, id="mask2former", marks=pytest.mark.slow),
        pytest.param(maskformer, query_loss, 400, id="maskformer", marks=pytest.mark.slow),
        pytest.param(eomt, query_loss, 250, id="eomt", marks=pytest.mark.slow),
    ],
)
def test_transformers_folder_segments_what_it_was_trained_on(tmp_path, build, loss, steps):
    module = train(build(), loss, steps=steps, rate=1e-3 if steps > 100 else 3e-3)
    folder = save_transformers(tmp_path / "hub", module)
    share, found = agreement(folder)
    assert share > 0.8
    assert found.labels.taxonomy.names == tuple(NAMES.values())
    if loss is query_loss:
        share, found = agreement(folder, task="panoptic")
        assert share > 0.75
        assert {each.category for each in found.panoptic.segments} >= {1, 2}
        assert agreement(folder, task="instance")[0] > 0.7


@pytest.mark.slow
def test_oneformer_is_told_its_task_in_words(tmp_path):
    folder = tmp_path / "hub"
    folder.mkdir()
    save_tokenizer(folder)
    from maskworks.models.families.transformers_models import _tokens

    tokens = _tokens(folder)

    def loss(module, pixels, ids):
        task = list(tokens)[int(ids.sum()) % 3]
        return query_loss(module, pixels, ids, task_inputs=tokens[task].expand(len(ids), -1))

    module = train(oneformer(), loss, steps=700, rate=2e-3)
    save_transformers(folder, module)
    share, _ = agreement(folder)
    assert share > 0.75
    _, found = agreement(folder, task="panoptic")
    assert {each.category for each in found.panoptic.segments} >= {1, 2}


@pytest.mark.slow
def test_detr_finds_each_object(tmp_path):
    module = train(detr(), query_loss, steps=800, rate=2e-3)
    folder = save_transformers(tmp_path / "hub", module)
    share, found = agreement(folder, task="instance", opening=Opening(min_score=0.3))
    assert share > 0.6
    assert set(found.instances.labels.tolist()) == {1, 2}


def test_command_runs_a_folder_of_transformers(tmp_path):
    folder = save_transformers(tmp_path / "model", segformer())
    Pil.fromarray(drawing(np.random.default_rng(0), 90)[0]).save(tmp_path / "a.png")
    out = str(tmp_path / "out")
    assert main(["segment", str(tmp_path / "a.png"), "-o", out, "--model", str(folder)]) == 0
    assert np.asarray(Pil.open(tmp_path / "out/a.png")).shape == (90, 90)


def test_segformer_onnx_agrees_with_torch(tmp_path):
    module = segformer().eval()
    wrapped = torch.nn.Module()
    wrapped.inner, wrapped.forward = module, lambda x: module(pixel_values=x).logits
    compare_exports(wrapped, tmp_path)
