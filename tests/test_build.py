"""The wheel holds all that the program needs, and runs where nothing else is installed."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile

import pytest
from PIL import Image
from skimage import data

pytestmark = pytest.mark.slow


def _run(*words, cwd):
    done = subprocess.run([str(w) for w in words], cwd=cwd, capture_output=True, text=True)  # noqa: PLW1510 - told below
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    pytest.importorskip("build", reason="needs the package build")
    out = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--outdir", out, root, cwd=out)
    assert len(list(out.glob("maskworks-*.tar.gz"))) == 1
    return next(out.glob("maskworks-*.whl"))


def test_the_wheel_holds_every_file_of_the_package(root, wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    files = [path for path in (root / "src/maskworks").rglob("*") if path.is_file()]
    wanted = {
        path.relative_to(root / "src").as_posix()
        for path in files
        if "__pycache__" not in path.parts
    }
    assert wanted - held == set()
    assert [name for name in held if "/tests/" in name] == []


def test_the_wheel_runs_in_a_clean_environment(root, wheel, tmp_path):
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env/bin/python"
    _run(python, "-m", "pip", "install", "-q", "-c", root / "constraints.txt", wheel, cwd=tmp_path)
    assert _run(tmp_path / "env/bin/maskworks", "--version", cwd=tmp_path).strip()
    Image.fromarray(data.chelsea()).save(tmp_path / "cat.png")
    _run(tmp_path / "env/bin/maskworks", "cutout", "cat.png", "-o", "out.png", cwd=tmp_path)
    with Image.open(tmp_path / "out.png") as cut:
        assert cut.mode == "RGBA"
    program = "import maskworks as mw; print(mw.cutout('cat.png').status)"
    assert _run(python, "-c", program, cwd=tmp_path).strip() == "ok"
