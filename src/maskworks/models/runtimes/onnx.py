"""ONNX Runtime; the only file that imports it.

Session options follow the work: one picture at a time per call, several calls in flight.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort

from maskworks.core.errors import ModelError, NetworkError, ProviderError, UsageError
from maskworks.models.runtimes.network import SMALL_PX

if TYPE_CHECKING:
    from pathlib import Path

    from maskworks.models.runtimes.network import Batch, Network, Outputs

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}

ERRORS_ONLY = 3

_TYPES: dict[str, type[np.generic]] = {"tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


def open_onnx(path: Path, *, threads: int = 0, provider: str = "cpu") -> Network:
    """Open an ONNX file as a network.

    Parameters
    ----------
    threads : int, >= 0
        Threads inside one call; 0 takes every core this process may use.
    provider : one of `PROVIDERS`

    Returns
    -------
    Network
        Safe to call from several threads at once.

    Raises
    ------
    ProviderError
        If the provider is not here. There is no falling back.
    ModelError
        If the file is no network that ONNX Runtime can open, or takes more than one input.
    UsageError
        If `threads` is negative.
    """
    if threads < 0:
        message = f"threads must be 0 (all cores) or more, got {threads}; give 0 or a count"
        raise UsageError(message)
    wanted = _check_provider(provider)
    session = _session(path, threads, wanted)
    if wanted not in session.get_providers():  # a GPU library that is there but does not load
        raise ProviderError(provider, _short(session.get_providers()))
    session.disable_fallback()
    inputs = session.get_inputs()
    if len(inputs) != 1:
        message = (
            f"{path}: takes {len(inputs)} inputs ({', '.join(i.name for i in inputs)}), "
            "a picture is one; export it with a single input"
        )
        raise ModelError(message)
    return _network(session, path.stem)


def _session(path: Path, threads: int, provider: str) -> Any:  # noqa: ANN401 - untyped library
    if not path.is_file():
        message = f"{path}: there is no such file; fetch it with `maskworks models pull`"
        raise ModelError(message)
    try:
        return ort.InferenceSession(path, _options(threads), providers=[provider])
    except Exception as error:
        message = (
            f"{path}: ONNX Runtime {ort.__version__} cannot open it ({_line(error)}); "
            "check it with `maskworks models verify`, or export it again"
        )
        raise ModelError(message) from error


@dataclass(frozen=True, kw_only=True)
class Port:
    """An input or output of a network; a side of its shape that is not fixed is None."""

    name: str
    shape: tuple[int | None, ...]
    kind: str

    def __str__(self) -> str:
        sides = ", ".join("?" if side is None else str(side) for side in self.shape)
        return f"{self.name} {self.kind} ({sides})"


@dataclass(frozen=True, kw_only=True)
class OnnxFacts:
    """What an ONNX file says of itself: inputs, outputs, and the metadata it carries."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    metadata: Mapping[str, str]


def describe_onnx(path: Path) -> OnnxFacts:
    """Return what an ONNX file says of itself.

    Raises
    ------
    ModelError
        If ONNX Runtime cannot open it.
    """
    session = _session(path, 1, PROVIDERS["cpu"])
    inputs, outputs = (
        tuple(_port(each) for each in ports)
        for ports in (session.get_inputs(), session.get_outputs())
    )
    metadata = dict(session.get_modelmeta().custom_metadata_map)
    return OnnxFacts(inputs=inputs, outputs=outputs, metadata=metadata)


def _port(port: Any) -> Port:  # noqa: ANN401 - untyped library
    shape = tuple(side if isinstance(side, int) and side > 0 else None for side in port.shape)
    return Port(name=port.name, shape=shape, kind=port.type.removeprefix("tensor(").rstrip(")"))


def _network(session: Any, name: str) -> Network:  # noqa: ANN401 - untyped library
    given = session.get_inputs()[0]
    dtype = _TYPES.get(given.type, np.float32)
    gives_back = ort.RunOptions()
    gives_back.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    def network(batch: Batch) -> Outputs:
        # What a large input needed would stay in the arena, beside that of every other size. Giving
        # back what a small one needed costs `cutout` half its time again, in page faults.
        options = gives_back if batch.shape[-2] * batch.shape[-1] > SMALL_PX else None
        try:
            return tuple(session.run(None, {given.name: batch.astype(dtype, copy=False)}, options))
        except Exception as error:
            raise NetworkError(name, f"ONNX Runtime failed ({_line(error)})") from error

    return network


def _options(threads: int) -> Any:  # noqa: ANN401 - untyped library
    ort.set_default_logger_severity(ERRORS_ONLY)
    options = ort.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads or _cores()
    options.inter_op_num_threads = 1
    # Waiting threads sleep: the cores they would spin on decode and encode other pictures.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Measured with u2netp at 320: 357 MB with the arena alone (553 with memory patterns, 410
    # without an arena, at 1.2 to 1.7 times the processor time), and no slower.
    options.enable_cpu_mem_arena = True
    options.enable_mem_pattern = False
    return options


def _cores() -> int:
    """Return the cores this process may use, which in a container are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_provider(provider: str) -> str:
    available = ort.get_available_providers()
    wanted = PROVIDERS.get(provider)
    if wanted is None or wanted not in available:
        raise ProviderError(provider, _short(available))
    return wanted


def _short(names: list[str]) -> tuple[str, ...]:
    known = {long: short for short, long in PROVIDERS.items()}
    return tuple(known[name] for name in names if name in known)


def _line(error: Exception) -> str:
    """Return ONNX Runtime's own message as one short line, without its code."""
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", " ".join(str(error).split()))
    text = text or type(error).__name__
    return text if len(text) <= 240 else text[:239] + "…"
