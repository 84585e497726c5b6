"""CLIPSeg from a user's cache, answered as transformers answers it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image as Pil
from skimage import data

import maskworks as mw
from maskworks.apps.cli.main import main
from maskworks.core.errors import ModelError, UsageError
from maskworks.models.finding import only
from maskworks.models.opening import Opening
from maskworks.models.segmenters import load_segmenter

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own, at import

NAME = "hf:owner/tiny-clipseg"
SIDE = 32


@pytest.fixture
def saved(tmp_path, monkeypatch, cache):
    """A CLIPSeg drawn at random, as the libraries of Hugging Face keep it."""
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("MASKWORKS_OFFLINE", "1")
    folder = tmp_path / "hub/models--owner--tiny-clipseg/snapshots/one"
    folder.mkdir(parents=True)
    small = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
    }
    torch.manual_seed(3)
    module = CLIPSegForImageSegmentation(
        CLIPSegConfig(
            text_config={**small, "vocab_size": 192, "eos_token_id": 1, "bos_token_id": 0},
            vision_config={**small, "image_size": SIDE, "patch_size": 8},
            projection_dim=12,
            reduce_dim=8,
            decoder_num_attention_heads=2,
            decoder_intermediate_size=16,
            extract_layers=[0, 1, 2],
        )
    )
    with torch.no_grad():  # so that words differ by more than their rounding
        for name, weights in module.named_parameters():
            if "film" in name or "transposed" in name:
                weights.normal_(0, 0.5)
    module.save_pretrained(folder)
    rule = {
        "size": {"height": SIDE, "width": SIDE},
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(rule))
    letters = [chr(code) for code in range(33, 127)]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{each}</w>" for each in letters)]
    (folder / "vocab.json").write_text(json.dumps({word: at for at, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": 77})
    )
    return folder


def test_words_are_answered_as_transformers_answers_them(saved):
    from transformers import CLIPSegForImageSegmentation, CLIPTokenizer

    words = ("red cup", "spoon")
    square = np.ascontiguousarray(data.coffee()[:SIDE, :SIDE])  # of the network's size
    found = mw.segment(square, NAME, find=words)
    module = CLIPSegForImageSegmentation.from_pretrained(saved).eval()
    tokens = CLIPTokenizer.from_pretrained(saved)(list(words), return_tensors="pt", padding=True)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    values = torch.tensor(((square / 255 - mean) / std).transpose(2, 0, 1), dtype=torch.float32)
    with torch.inference_mode():
        logits = module(pixel_values=values.expand(2, -1, -1, -1), **tokens).logits.numpy()
    assert np.abs(logits[0] - logits[1]).max() > 0.1  # the words are told apart
    ours = found.labelled.scores.values
    assert ours.shape == (3, SIDE, SIDE)
    assert not ours[0].any()
    assert np.abs(ours[1:] - logits).max() < 1e-3
    best = np.where(logits.max(axis=0) > 0, logits.argmax(axis=0) + 1, 0)
    assert (found.labels.ids == best).mean() > 0.99
    assert found.labels.taxonomy.names == ("background", "red cup", "spoon")


def test_probability_of_one_word_is_its_sigmoid(saved):
    found = mw.segment(data.coffee(), NAME, find="a red cup")
    logits = found.labelled.scores.values[1]
    rows = found.labelled.scores.rows(0, 400)
    assert rows[1].shape == (400, 600)
    assert rows[1].max() <= 1 / (1 + np.exp(-logits.max())) + 1e-6
    assert rows.sum(axis=0) == pytest.approx(1, abs=1e-5)


def test_command_finds_words_of_a_cached_model(saved, tmp_path):
    Pil.fromarray(data.coffee()).save(tmp_path / "coffee.png")
    out = tmp_path / "out"
    asked = ["segment", str(tmp_path / "coffee.png"), "-o", str(out), "--model", NAME]
    assert main([*asked, "--find", "cup, spoon", "--task", "instance"]) == 0
    table = json.loads((out / "classes.json").read_text())
    assert table["taxonomy"] == "words"
    assert np.asarray(Pil.open(out / "coffee.png")).shape == (400, 600)


def test_it_must_be_told_words(saved, tmp_path, capsys):
    Pil.fromarray(data.coffee()).save(tmp_path / "coffee.png")
    asked = ["segment", str(tmp_path / "coffee.png"), "-o", str(tmp_path / "out")]
    assert main([*asked, "--model", NAME]) == 2
    assert "is told in words; give --find" in capsys.readouterr().err


def test_open_model_is_told_nothing_else(saved):
    opened = load_segmenter(NAME, Opening(find=("cup",)))
    with pytest.raises(UsageError, match="told in words what to find when it was opened"):
        only(opened, ["spoon"])


def test_tokenizer_that_is_not_there_is_said(saved):
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        (saved / name).unlink()
    with pytest.raises(ModelError, match=r"has no tokenizer, .* copy tokenizer\.json"):
        load_segmenter(NAME, Opening(find=("cup",)))


def test_it_is_not_exported(saved, tmp_path, capsys):
    assert main(["export", NAME, "-o", str(tmp_path / "clipseg.onnx")]) != 0
    assert "CLIPSeg is told words beside the picture" in capsys.readouterr().err
