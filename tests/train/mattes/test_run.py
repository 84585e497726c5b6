"""The whole way on tiny drawn data: train, resume, judge, export, measure, run the file."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from maskworks.core.errors import RecipeError
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.train.mattes.card import write_card
from maskworks.train.mattes.export import export_onnx, parity
from maskworks.train.mattes.loop import rate
from maskworks.train.mattes.run import assess_run, export_run, open_run


def test_a_run_reports_speed_and_dev_scores(finished):
    _, _, lines = finished
    text = "\n".join(lines)
    assert "pictures/s" in text
    assert "dev IoU at step" in text
    assert "maskworks export" in text


def test_a_second_call_resumes_where_the_first_stopped(finished, data, train):
    recipe, folder, _ = finished
    before = open_run(folder)
    lines = train(recipe, data, folder, 0.16)
    after = open_run(folder)
    assert any("resumed at step" in line for line in lines)
    assert after.steps > before.steps
    assert after.pictures == 2 * after.steps


def test_the_exported_file_equals_torch_and_is_measured(finished, data):
    _, folder, _ = finished
    exported = export_run(folder, folder / "out" / "tiny.onnx")
    assert exported.difference <= 1e-4
    network = open_onnx(exported.path)
    for count in (1, 3):
        matte, confidence, presence = network(np.zeros((count, 3, 64, 64), np.float32))
        assert matte.shape == (count, 1, 64, 64)
        assert confidence.shape == presence.shape == (count,)
    found = assess_run(folder, exported.path, data, lambda _: None)
    assert found["pictures"] == 2
    assert found["empty_pictures"] == 1
    assert set(found["iou"]) == {"discs"}
    assert json.loads((folder / "summary.json").read_text())["pictures"] == 2
    card = write_card(folder, exported, found)
    text = card.read_text()
    assert exported.sha256 in text
    card.write_text(text.replace("None yet.", "It fails on fog."))
    assert "It fails on fog." in write_card(folder, exported, found).read_text()
    assert (folder / "out" / "tiny-reliability.svg").read_text().startswith("<svg")


def test_a_file_that_differs_from_torch_is_not_kept(finished, tmp_path, monkeypatch):
    _, folder, _ = finished
    done = open_run(folder)
    target = tmp_path / "tiny.onnx"
    target.write_bytes(b"the old one")
    monkeypatch.setattr("maskworks.train.mattes.export.PARITY_AT_MOST", -1.0)
    with pytest.raises(RecipeError, match="differ by"):
        export_onnx(done.body, done.judge, done.recipe, target)
    assert target.read_bytes() == b"the old one"
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.onnx"]


def test_parity_notices_a_changed_network(finished):
    _, folder, _ = finished
    done = open_run(folder)
    exported = export_run(folder, folder / "parity.onnx")
    from maskworks.models.networks.judge import Judged

    network = Judged(done.body, done.judge, mirrored=True).eval()
    assert parity(network, exported.path, 64) <= 1e-4
    with torch.no_grad():
        next(network.parameters()).add_(0.5)
    assert parity(network, exported.path, 64) > 1e-4


def test_a_folder_without_a_run_says_how_to_train(tmp_path):
    with pytest.raises(RecipeError, match="train first"):
        open_run(tmp_path)


def test_the_learning_rate_warms_up_and_comes_down():
    rates = [rate(p) for p in np.linspace(0, 1, 50)]
    peak = int(np.argmax(rates))
    assert rates[0] < 0.1
    assert rates[peak] == pytest.approx(1, abs=0.01)
    assert all(np.diff(rates[peak:]) <= 0)
