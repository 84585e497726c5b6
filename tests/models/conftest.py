from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from maskworks.models.spec import InputSpec, ModelSpec, OutputSpec

VARIABLES = (
    "MASKWORKS_MIRROR",
    "MASKWORKS_OFFLINE",
    "MASKWORKS_COMMERCIAL_ONLY",
    "U2NET_HOME",
    "XDG_DATA_HOME",
    "http_proxy",
    "https_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """A MASKWORKS_HOME of its own, and nothing of the machine's."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.setenv("MASKWORKS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@dataclass
class FileServer:
    """What the server has, how it misbehaves, and what it was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    etag: str | None = '"one"'
    ranges: bool = True
    length: bool = True
    break_after: list[int] = field(default_factory=list)
    """Bytes to send before the connection breaks, one entry per answer."""
    statuses: list[int] = field(default_factory=list)
    """Status codes to answer with before anything else, one entry per answer."""
    redirect: str | None = None
    delay_s: float = 0.0
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    """(path, Range, If-Range) of every request."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    plan: FileServer

    def do_GET(self) -> None:
        plan, asked = self.plan, self.headers
        plan.asked.append((self.path, asked.get("Range"), asked.get("If-Range")))
        self.close_connection = True
        if plan.statuses:
            self.send_error(plan.statuses.pop(0))
            return
        if plan.redirect:
            self.send_response(302)
            self.send_header("Location", plan.redirect)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = plan.files.get(self.path.lstrip("/"))
        if body is None:
            self.send_error(404)
            return
        self._send(body)

    def _send(self, body: bytes) -> None:
        plan = self.plan
        start = 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        known = self.headers.get("If-Range")
        if wanted and plan.ranges and (known is None or known == plan.etag):
            start = int(wanted[1])
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        if plan.etag:
            self.send_header("ETag", plan.etag)
        if plan.length:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        rest = body[start:]
        if plan.delay_s:
            threading.Event().wait(plan.delay_s)
        self.wfile.write(rest[: plan.break_after.pop(0)] if plan.break_after else rest)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A real file server on 127.0.0.1."""
    plan = FileServer()
    handler = type("Planned", (Handler,), {"plan": plan})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        plan.url = f"http://127.0.0.1:{running.server_address[1]}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield plan
        running.shutdown()
        thread.join()


@pytest.fixture
def rule() -> InputSpec:
    return InputSpec(
        height=32, width=32, resize="pad", scale="255", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
    )


@pytest.fixture
def row(rule) -> Callable[..., ModelSpec]:
    """A row for a body of bytes at a URL; any field can be given."""

    def make(body: bytes = b"", **fields: object) -> ModelSpec:
        values: dict[str, object] = {
            "name": "tiny",
            "title": "A test's own",
            "family": "saliency",
            "task": "cutout",
            "input": rule,
            "output": OutputSpec(kind="matte"),
            "licence": "MIT",
            "commercial": True,
            "data": "none",
            "source": "this test",
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        return ModelSpec.model_validate({**values, **fields})

    return make


@pytest.fixture
def tiny(tmp_path) -> Callable[..., Path]:
    """Write an ONNX network: the mean of the channels, times `gain`, plus `bias`."""

    def make(
        name: str = "tiny",
        *,
        side: int | str = "s",
        gain: float = 1.0,
        bias: float = 0.0,
        inputs: int = 1,
        scores: bool = False,
        kind: int = TensorProto.FLOAT,
    ) -> Path:
        dtype = np.float16 if kind == TensorProto.FLOAT16 else np.float32
        nodes = [
            helper.make_node("ReduceMean", ["input"], ["grey"], axes=[1], keepdims=1),
            helper.make_node("Mul", ["grey", "gain"], ["scaled"]),
            helper.make_node("Add", ["scaled", "bias"], ["matte"]),
        ]
        outputs = [helper.make_tensor_value_info("matte", kind, None)]
        if scores:
            nodes += [
                helper.make_node(
                    "ReduceMean", ["matte"], ["confidence"], axes=[1, 2, 3], keepdims=0
                ),
                helper.make_node("ReduceMax", ["matte"], ["presence"], axes=[1, 2, 3], keepdims=0),
            ]
            outputs += [
                helper.make_tensor_value_info(each, kind, None)
                for each in ("confidence", "presence")
            ]
        shape = ["N", 3, side, side if isinstance(side, int) else "t"]
        graph = helper.make_graph(
            nodes,
            name,
            [
                helper.make_tensor_value_info("input" if i == 0 else f"input{i}", kind, shape)
                for i in range(inputs)
            ],
            outputs,
            [
                helper.make_tensor("gain", kind, [], np.array([gain], dtype)),
                helper.make_tensor("bias", kind, [], np.array([bias], dtype)),
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
        path = tmp_path / f"{name}.onnx"
        onnx.save(model, path)
        return path

    return make
