from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
import start

import maskworks


@pytest.mark.parametrize(
    ("arguments", "most_s"),
    [
        pytest.param(["-c", "import maskworks"], 0.2, id="import"),
        pytest.param(["-m", "maskworks.apps.cli", "--help"], 0.4, id="help"),
        pytest.param(["-m", "maskworks.apps.cli", "--version"], 0.4, id="version"),
    ],
)
def test_start_is_quick_by_the_clock(arguments, most_s):
    def seconds(command):
        began = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        return time.perf_counter() - began

    bare = min(seconds(["-c", "pass"]) for _ in range(3))
    assert min(seconds(arguments) for _ in range(5)) - bare < most_s


HEAVY = {"numpy", "onnxruntime", "PIL", "pydantic", "rich", "scipy", "skimage", "torch", "typer"}


def test_importing_the_package_imports_no_library():
    code = f"import sys, maskworks; print(sorted({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_are_listed_and_others_are_refused():
    assert set(maskworks.__all__) <= set(dir(maskworks))
    with pytest.raises(AttributeError, match="no attribute 'remove'"):
        _ = maskworks.remove


SPARED = {"rich", "scipy", "skimage", "sqlalchemy", "torch", "maskworks.refine.laplacian"}


def test_a_plain_cut_out_imports_nothing_it_does_not_need(tmp_path):
    bundled = Path(maskworks.__file__).parent / "apps/demo/bundled/boots.jpg"
    code = (
        "import sys; from maskworks.apps.cli import main; code = main(sys.argv[1:]); "
        f"print(code, sorted({SPARED} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, "cutout", str(bundled), "-o", str(tmp_path / "a.png")]
    done = subprocess.run([*command, "--quiet"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0 []"


def test_the_start_is_what_the_command_takes_beyond_its_picture(tmp_path):
    whole, picture = start.measure(start.PICTURE, tmp_path, 0)
    assert 0 < picture < whole
