from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from maskworks.apps.cli import main

SIDE = 64


def write_network(path: Path) -> None:
    """Write an ONNX file in the form of our own models: what is bright is the subject.

    matte = sigmoid(16 (brightness - 0.5)); presence is its maximum, confidence the mean of
    max(matte, 1 - matte), so a picture in middle grey has little of it.
    """
    numbers = {"gain": 16.0, "bias": -8.0, "one": 1.0}
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["grey", "gain"], ["scaled"]),
        helper.make_node("Add", ["scaled", "bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["matte"]),
        helper.make_node("Sub", ["one", "matte"], ["rest"]),
        helper.make_node("Max", ["matte", "rest"], ["sure"]),
        helper.make_node("ReduceMean", ["sure"], ["confidence"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("ReduceMax", ["matte"], ["presence"], axes=[1, 2, 3], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "bright",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [
            helper.make_tensor_value_info("matte", TensorProto.FLOAT, ["N", 1, SIDE, SIDE]),
            helper.make_tensor_value_info("confidence", TensorProto.FLOAT, ["N"]),
            helper.make_tensor_value_info("presence", TensorProto.FLOAT, ["N"]),
        ],
        [helper.make_tensor(k, TensorProto.FLOAT, [], [v]) for k, v in numbers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
    onnx.save(model, path)


@pytest.fixture(scope="session")
def model_home(tmp_path_factory) -> Path:
    """A MASKWORKS_HOME into which `bright` (with scores) and `plain` (without) were imported."""
    home = tmp_path_factory.mktemp("models")
    network = home / "network.onnx"
    write_network(network)
    before = os.environ.get("MASKWORKS_HOME")
    os.environ["MASKWORKS_HOME"] = str(home)
    try:
        common = ["--input-size", str(SIDE), "--normalise", "unit"]
        for name in ("plain", "bright"):
            assert main(["models", "import", str(network), "--name", name, *common]) == 0
    finally:
        if before is None:
            del os.environ["MASKWORKS_HOME"]
        else:
            os.environ["MASKWORKS_HOME"] = before
    catalogue = home / "imported.toml"
    head, bright = catalogue.read_text().split('name = "bright"')
    scores = "confidence = true, presence = true"
    bright = bright.replace("confidence = false, presence = false", scores)
    catalogue.write_text(f'{head}name = "bright"{bright}')
    return home


@dataclass(frozen=True)
class Photos:
    """Draws the pictures that the tests need."""

    folder: Path

    def write(self, name: str, *, size: tuple[int, int] = (60, 80), level: int = 250) -> Path:
        """Write a dark picture of (height, width) with a disc of this level in the middle."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows, columns = np.mgrid[0 : size[0], 0 : size[1]]
        away = np.hypot(rows - size[0] / 2, columns - size[1] / 2)
        pixels = np.where(away < min(size) / 3, level, 10).astype(np.uint8)
        Image.fromarray(np.repeat(pixels[..., np.newaxis], 3, axis=2)).save(path)
        return path


@pytest.fixture
def photos(tmp_path) -> Photos:
    return Photos(tmp_path / "in")


@pytest.fixture
def home(model_home, monkeypatch) -> Path:
    monkeypatch.setenv("MASKWORKS_HOME", str(model_home))
    return model_home


@pytest.fixture
def maskworks(home) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run the command in a process of its own."""

    def run(*arguments: object, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command(*arguments), input=stdin, capture_output=True, check=False, timeout=60
        )

    return run


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "maskworks.apps.cli", *map(str, arguments)]


@pytest.fixture
def start(home) -> Callable[..., subprocess.Popen[bytes]]:
    """Start the command in a process of its own and do not wait."""

    def run(*arguments: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    return run
