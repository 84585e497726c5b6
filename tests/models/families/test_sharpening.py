from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from maskworks.core.errors import ChecksumError, ModelError
from maskworks.models import load_catalogue, store
from maskworks.models.families.sharpening import sharpened
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.models.spec import ModelSpec, Sharpening


@pytest.fixture(scope="module")
def row():
    return load_catalogue().find("cutout").sharpening


@pytest.fixture(scope="module")
def sharpener(row):
    return open_onnx(store.sharpening(row), threads=1)


def disc(radius, softness, side=128):
    rows, columns = np.mgrid[0:side, 0:side]
    away = np.hypot(rows - side / 2 + 0.5, columns - side / 2 + 0.5)
    return np.clip((radius - away) / softness + 0.5, 0, 1).astype(np.float32)


def scene(truth, front, behind):
    colours = truth * np.float32(front) + (1 - truth) * np.float32(behind)
    return np.stack([colours] * 3)[np.newaxis].astype(np.float32)


@pytest.mark.parametrize(("front", "behind"), [(0.6, -0.4), (-0.7, 0.2)])
def test_a_soft_matte_comes_nearer_to_a_sharp_picture(sharpener, front, behind):
    truth, matte = disc(40, 1), disc(40, 4)  # as soft as a decision at half of the size
    seen = np.concatenate([scene(truth, front, behind), matte[np.newaxis, np.newaxis]], axis=1)
    (found,) = sharpener(seen)
    assert found.shape == (1, 1, 128, 128)
    assert np.abs(found[0, 0] - truth).mean() < 0.9 * np.abs(matte - truth).mean()


def test_what_is_sure_stays_0_and_1(sharpener):
    truth = disc(40, 1)
    seen = np.concatenate([scene(truth, 0.6, -0.4), truth[np.newaxis, np.newaxis]], axis=1)
    (found,) = sharpener(seen)
    assert found[0, 0, :8].max() < 0.01
    assert found[0, 0, 56:72, 56:72].min() > 0.99


def test_the_matte_alone_is_sharpened_and_sees_the_input():
    def network(batch):
        return np.full((1, 1, *batch.shape[2:]), 0.25, np.float32), np.float32([0.9])

    def adds(batch):
        assert batch.shape == (1, 4, 8, 12)
        return (batch[:, 3:] + batch[:, :1],)

    matte, confidence = sharpened(network, adds)(np.full((1, 3, 8, 12), 0.5, np.float32))
    assert (matte == 0.75).all()
    assert confidence == np.float32(0.9)


@pytest.mark.parametrize(
    ("size", "matte"),
    [
        pytest.param((8, 10), np.zeros((8, 10), np.float32), id="no multiple of four"),
        pytest.param((8, 8), np.zeros((4, 4), np.float32), id="a matte of another size"),
        pytest.param((8, 8), np.full((8, 8), np.nan, np.float32), id="not finite"),
    ],
)
def test_what_cannot_be_sharpened_comes_back_as_it_was(size, matte):
    def never(_):
        raise AssertionError("was asked")

    (found,) = sharpened(lambda _: (matte,), never)(np.zeros((1, 3, *size), np.float32))
    assert found is matte


def test_a_damaged_file_is_never_used(row, monkeypatch, tmp_path):
    monkeypatch.setattr(store, "WEIGHTS", tmp_path)
    with pytest.raises(ModelError, match=r"sharpen\.onnx: there is no such file"):
        store.sharpening(row)
    (tmp_path / row.file).write_bytes(b"half")
    with pytest.raises(ChecksumError, match=r"sharpen\.onnx"):
        store.sharpening(row)


@pytest.mark.parametrize(
    ("content", "state"),
    [
        pytest.param(None, "absent", id="not there"),
        pytest.param(b"half", "wrong", id="damaged"),
    ],
)
def test_verifying_a_model_looks_at_its_second_file_too(row, monkeypatch, tmp_path, content, state):
    spec = load_catalogue().find("cutout")
    assert store.verify(spec).state == "ok"
    (tmp_path / spec.local_name).symlink_to(store.WEIGHTS / spec.local_name)
    if content is not None:
        (tmp_path / row.file).write_bytes(content)
    monkeypatch.setattr(store, "WEIGHTS", tmp_path)
    found = store.verify(spec)
    assert found.state == state
    assert row.file in (found.remedy or str(found.path))


def test_only_a_matte_of_plain_colours_can_be_sharpened():
    spec = load_catalogue().find("u2netp").model_dump()
    spec["sharpening"] = Sharpening(file="a.onnx", sha256="0" * 64)
    with pytest.raises(ValidationError, match="sharpening needs a matte, scale 255, mean and std"):
        ModelSpec.model_validate(spec)
