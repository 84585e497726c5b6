from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import start

import maskworks

HEAVY = {"numpy", "onnxruntime", "PIL", "pydantic", "rich", "scipy", "skimage", "torch", "typer"}


@pytest.mark.parametrize("command", ["import maskworks", "main(['--help'])", "main(['--version'])"])
def test_what_is_asked_for_all_the_time_imports_no_library(command):
    code = (
        f"import sys; from maskworks.apps.cli.main import main; {command}; "
        f"print(sorted({HEAVY} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


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


def test_a_new_campaigns_file_is_made_without_alembic(tmp_path):
    code = (
        "import sys; from pathlib import Path; from maskworks.studio.store import open_store; "
        "open_store(Path(sys.argv[1])).close(); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "new.db")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


def test_the_start_is_what_the_command_takes_beyond_its_picture(tmp_path):
    whole, picture = start.measure(start.PICTURE, tmp_path, 0)
    assert 0 < picture < whole
