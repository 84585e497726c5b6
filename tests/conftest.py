"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout, for tests about the project as a whole."""
    return ROOT


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory, monkeypatch):
    """Keep every test away from the models in the user's own cache folders."""
    monkeypatch.setenv("MASKWORKS_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("U2NET_HOME", str(tmp_path_factory.mktemp("u2net")))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same on every run."""
    return np.random.default_rng(20240501)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory) -> dict[str, Path]:
    """Folders with ONNX networks of any size, by task, as `maskworks segment --model` takes them.

    "semantic": a pixel below 0.5 is dark, else bright. "instance": all pixels in which red is
    above 0.5 are a red object, and so on; it is none if no pixel is.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    whole, real = TensorProto.INT64, TensorProto.FLOAT
    numbers = {
        "gain": np.array(40, np.float32),
        "half": np.array(0.5, np.float32),
        "mix": np.array([[-1 / 3] * 3, [1 / 3] * 3], np.float32).reshape(2, 3, 1, 1) * 40,
        "shift": np.array([20, -20], np.float32),
        "labels": np.array([1, 2, 3], np.int64),
        "order": np.array([3, 2], np.int64),
        "zeros": np.zeros(2, np.int64),
        "boxes_shape": np.array([3, 4], np.int64),
        "all": np.array([1, 2, 3], np.int64),
    }
    made = helper.make_node
    graphs = {
        "semantic": ([made("Conv", ["pixels", "mix", "shift"], ["logits"])], {"logits": real}),
        "instance": (
            [
                made("Sub", ["pixels", "half"], ["above"]),
                made("Mul", ["above", "gain"], ["steep"]),
                made("Sigmoid", ["steep"], ["soft"]),
                made("Transpose", ["soft"], ["masks"], perm=[1, 0, 2, 3]),
                made("ReduceMax", ["masks"], ["scores"], axes=[1, 2, 3], keepdims=0),
                made("Shape", ["pixels"], ["shape"]),
                made("Gather", ["shape", "order"], ["corner"]),
                made("Concat", ["zeros", "corner"], ["box"], axis=0),
                made("Expand", ["box", "boxes_shape"], ["boxes_whole"]),
                made("Cast", ["boxes_whole"], ["boxes"], to=real),
                made("Identity", ["labels"], ["classes"]),
            ],
            {"boxes": real, "classes": whole, "scores": real, "masks": real},
        ),
    }
    rows = {
        "semantic": 'classes = ["dark", "bright"]\noutput = { kind = "class-logits" }',
        "instance": 'classes = ["background", "red", "green", "blue"]\n'
        'output = { kind = "detections" }',
    }
    rule = 'height = 64, width = 64, resize = "keep", stride = 8, scale = "255"'
    folders = {}
    for task, (nodes, outputs) in graphs.items():
        folder = folders[task] = tmp_path_factory.mktemp(task)
        used = {name for node in nodes for name in node.input}
        graph = helper.make_graph(
            nodes,
            "tiny",
            [helper.make_tensor_value_info("pixels", real, ["N", 3, "H", "W"])],
            [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
            [
                numpy_helper.from_array(value, name)
                for name, value in numbers.items()
                if name in used
            ],
        )
        opset = [helper.make_opsetid("", 13)]
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), folder / "tiny.onnx")
        (folder / "model.toml").write_text(
            f'name = "tiny-{task}"\nfamily = "{task}"\ntask = "{task}"\nfile = "tiny.onnx"\n'
            f"input = {{ {rule}, mean = [0, 0, 0], std = [1, 1, 1] }}\n{rows[task]}\n"
        )
    return folders


@pytest.fixture
def ray_workers():
    """Return a function: the processes of Ray's actors that hold a model, of this test alone."""

    def parent_of(number: int) -> int:
        return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])

    def is_ours(number: int) -> bool:
        while number > 1:
            number = parent_of(number)
            if number == os.getpid():
                return True
        return False

    def found() -> list[int]:
        numbers = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if b"MapWorker" in path.read_bytes() and is_ours(int(path.parent.name)):
                    numbers.append(int(path.parent.name))
            except OSError:  # it ended between two looks
                continue
        return numbers

    return found
