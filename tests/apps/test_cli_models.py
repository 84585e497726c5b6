from __future__ import annotations

import functools
import hashlib
import http.server
import json
import threading

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from typer.testing import CliRunner

from maskworks.apps.cli.models import app
from maskworks.core.errors import LicenceError, ModelError, UnknownModelError, UsageError
from maskworks.models.catalogue import IMPORTED
from maskworks.models.importing import to_toml
from maskworks.models.settings import home
from maskworks.models.spec import InputSpec, ModelSpec, OutputSpec

BODY = b"weights" * 1000


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    for name in ("MASKWORKS_MIRROR", "MASKWORKS_OFFLINE", "MASKWORKS_COMMERCIAL_ONLY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def network(tmp_path):
    """An ONNX network that answers the mean of the channels."""
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["input"], ["matte"], axes=[1], keepdims=1)],
        "tiny",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, "h", "w"])],
        [helper.make_tensor_value_info("matte", TensorProto.FLOAT, None)],
    )
    path = tmp_path / "tiny.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9), path
    )
    return path


@pytest.fixture
def remote(tmp_path):
    """A catalogue row whose file a server on 127.0.0.1 has; returns the served folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "far.onnx").write_bytes(BODY)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        spec = ModelSpec(
            name="far",
            title="Far away",
            family="saliency",
            task="cutout",
            url=f"http://127.0.0.1:{server.server_address[1]}/far.onnx",
            sha256=hashlib.sha256(BODY).hexdigest(),
            bytes=len(BODY),
            input=InputSpec(
                height=32, width=32, resize="pad", scale="255", mean=(0, 0, 0), std=(1, 1, 1)
            ),
            output=OutputSpec(kind="matte"),
            licence="CC-BY-NC-4.0",
            commercial=False,
            data="none",
            source="this test",
        )
        home().mkdir(parents=True, exist_ok=True)
        (home() / IMPORTED).write_text(to_toml([spec]))
        yield folder
        server.shutdown()
        thread.join()


def test_list_names_every_model_with_its_licence():
    printed = call("list").stdout
    for part in ("street", "birefnet-massive", "CC-BY-NC-4.0", "Apache-2.0", "972.7"):
        assert part in printed


def test_list_commercial_only_leaves_the_others_out(monkeypatch):
    assert "bria-rmbg" in call("list").stdout
    assert "bria-rmbg" not in call("list", "--commercial-only").stdout
    monkeypatch.setenv("MASKWORKS_COMMERCIAL_ONLY", "1")
    assert "bria-rmbg" not in call("list").stdout


def test_list_json_is_for_machines():
    rows = {row["name"]: row for row in json.loads(call("list", "--json").stdout)}
    assert rows["u2netp"]["path"] is None
    assert rows["u2netp"]["origin"] == "release"
    assert rows["birefnet-dis"]["output"]["kind"] == "logits"
    assert "bytes" not in rows["birefnet-dis"]


def test_show_prints_terms_and_rules():
    printed = call("show", "isnet-general-use").stdout
    assert "non-commercial research" in printed
    for rule in ("height 1024, width 1024", "resize squash", "scale max", "mean 0.5 0.5 0.5"):
        assert rule in printed
    assert json.loads(call("show", "bria-rmbg", "--json").stdout)["commercial"] is False
    assert isinstance(call("show", "u3net").exception, UnknownModelError)


def test_pull_fetches_and_verify_checks(remote):
    done = call("pull", "far")
    assert done.exit_code == 0
    assert "far: 100 %" in done.stderr
    path = home() / "models" / "far.onnx"
    assert done.stdout.strip() == f"far: {path}"
    assert path.read_bytes() == BODY
    assert "far: ok" in call("verify").stdout
    path.write_bytes(b"x" * len(BODY))
    wrong = call("verify")
    assert wrong.exit_code == 1
    assert "far: WRONG" in wrong.stdout
    assert "models pull far --force" in wrong.stdout
    assert call("pull", "far", "--force").exit_code == 0
    assert call("verify", "far").exit_code == 0


def test_pull_takes_a_mirror(remote):
    (remote / "mirror").mkdir()
    (remote / "far.onnx").rename(remote / "mirror" / "far.onnx")
    assert "404" in str(call("pull", "far").exception)
    assert call("pull", "far", "--mirror", remote / "mirror").exit_code == 0


def test_pull_refuses_non_commercial_weights_by_name(remote, monkeypatch):
    refused = call("pull", "far", "--commercial-only").exception
    assert isinstance(refused, LicenceError)
    assert refused.name == "far"
    monkeypatch.setenv("MASKWORKS_COMMERCIAL_ONLY", "1")
    assert isinstance(call("pull", "u2net", "bria-rmbg").exception, LicenceError)
    assert not (home() / "models").exists()


def test_pull_offline_says_so(remote, monkeypatch):
    monkeypatch.setenv("MASKWORKS_OFFLINE", "1")
    assert "MASKWORKS_OFFLINE" in str(call("pull", "far").exception)


def test_verify_of_a_named_model_that_is_not_here_fails():
    done = call("verify", "u2net")
    assert done.exit_code == 1
    assert "models pull u2net" in done.stdout
    assert call("verify", "u3net").exit_code != 0


def test_import_adds_a_model_that_list_shows(network):
    done = call(
        "import", network, "--name", "mine", "--input-size", "64x96", "--normalise", "unit",
        "--resize", "squash", "--scale", "max", "--output", "matte", "--licence", "MIT",
        "--commercial",
    )  # fmt: skip
    assert done.exit_code == 0
    row = json.loads(call("show", "mine", "--json").stdout)
    assert row["path"] == str(home() / "models" / "mine.onnx")
    wanted = {
        "height": 64,
        "width": 96,
        "resize": "squash",
        "scale": "max",
        "mean": [0.0, 0.0, 0.0],
        "std": [1.0, 1.0, 1.0],
    }
    assert {name: row["input"][name] for name in wanted} == wanted
    assert (row["licence"], row["commercial"], row["origin"]) == ("MIT", True, "imported")
    again = ("import", network, "--name", "mine", "--input-size", "32", "--normalise", "unit")
    assert isinstance(call(*again).exception, ModelError)
    assert call(*again, "--force").exit_code == 0
    assert json.loads(call("show", "mine", "--json").stdout)["commercial"] is False


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--input-size", "big"), "an input size is 320"),
        (("--input-size", "32", "--normalise", "some"), "a normalisation is"),
        (("--input-size", "32", "--normalise", "0,0,0/1,0,1"), "std must be greater than 0"),
        (("--input-size", "9000"), "height"),
    ],
    ids=["size", "normalisation", "zero", "range"],
)
def test_import_with_a_wrong_rule_is_wrong_use(network, options, message):
    refused = call("import", network, "--name", "mine", *options).exception
    assert isinstance(refused, UsageError)
    assert message in str(refused)


def test_import_refuses_a_file_that_is_not_there(tmp_path):
    refused = call("import", tmp_path / "x.onnx", "--name", "x", "--input-size", "32").exception
    assert isinstance(refused, UsageError)


def test_an_imported_model_runs(network):
    call("import", network, "--name", "mine", "--input-size", "32", "--normalise", "unit")
    from maskworks.core.values import Image
    from maskworks.models import load_model

    found = load_model("mine").predict(Image(np.full((20, 30, 3), 102, np.uint8)))
    assert np.abs(found.matte.alpha - 0.4).max() < 1e-6


def test_errors_are_one_line_on_stderr(network, capsys):
    from maskworks.apps.cli import main

    assert main(["models", "show", "u3net"]) == 1
    assert main(["models", "import", str(network), "--name", "x", "--input-size", "big"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert [line.split(":")[0] for line in printed.err.splitlines()] == ["maskworks"] * 2
