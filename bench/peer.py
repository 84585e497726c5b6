"""rembg, in an environment of its own, with U2-NetP exported by our own code.

The published u2netp.onnx is not fetched: the same network is built here, filled
with the published weights and exported with the seven outputs that the released
file has.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv-rembg"
PINS = ROOT / "bench/rembg.txt"


class FailedRunError(Exception):
    """A program did not do what it was timed for."""


@dataclass(frozen=True)
class Peer:
    """Where rembg is and where it finds its model."""

    folder: Path  # of its programs
    home: Path  # U2NET_HOME
    models: tuple[str, ...] = ("u2netp",)

    def program(self, name: str) -> str:
        """Return the path of a program in rembg's environment."""
        return str(self.folder / name)

    def environment(self, threads: int) -> dict[str, str]:
        """Return what rembg needs to run offline with `threads` threads."""
        return {
            **clean_environment(),
            "U2NET_HOME": str(self.home),
            "MODEL_CHECKSUM_DISABLED": "1",
            "OMP_NUM_THREADS": str(threads),
        }


class MissingError(Exception):
    """What the comparison needs is not here; the message says what."""


def clean_environment() -> dict[str, str]:
    """Return the environment without what would keep either side from caching bytecode."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def prepare_peer(weights: Path, home: Path, u2net: Path | None = None) -> Peer:
    """Install rembg if need be and put u2netp.onnx, and u2net.onnx if given, where it looks.

    Raises
    ------
    MissingError
        If the weights are not there, or rembg cannot be installed.
    """
    if not weights.exists():
        message = (
            f"no U2-NetP weights at {weights}: the comparison with rembg needs the published "
            "network's state dict as safetensors; name it with --weights FILE"
        )
        raise MissingError(message)
    _install()
    model = home / "u2netp.onnx"
    if not model.exists():
        _export(weights, model)
    if u2net is None:
        return Peer(VENV / "bin", home)
    if not u2net.is_file():
        raise MissingError(f"{u2net}: there is no such file; leave --u2net out, or name another")
    (home / "u2net.onnx").unlink(missing_ok=True)
    (home / "u2net.onnx").symlink_to(u2net.resolve())
    return Peer(VENV / "bin", home, ("u2netp", "u2net"))


def _install() -> None:
    stamp = VENV / ".installed"
    if stamp.exists() and stamp.read_text() == PINS.read_text():
        return
    print(f"installing rembg into {VENV.name} (minutes) ...", flush=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin/pip", "install", "-qq", "-r", PINS], check=True)
    except subprocess.CalledProcessError as error:
        message = f"rembg could not be installed: {error}"
        raise MissingError(message) from error
    stamp.write_text(PINS.read_text())


def _export(weights: Path, model: Path) -> None:
    if importlib.util.find_spec("torch") is None:
        print("installing torch to export U2-NetP ...", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "-qq", "-c", ROOT / "constraints.txt"]
        subprocess.run([*pip, "-e", ".[torch]"], check=True, cwd=ROOT)
    model.parent.mkdir(parents=True, exist_ok=True)
    script = ROOT / "bench/export_u2netp.py"
    subprocess.run([sys.executable, script, weights, model], check=True)
