from __future__ import annotations

import json
import subprocess
import sys

import pytest

EXPECTED = {
    "document": (3, None),
    "medical": (3, None),
    "crop": (2, None),
    "driving": (1, range(4, 9)),
    "satellite": (2, range(2, 3)),
}

NEEDS = {"satellite": ["rasterio"], "medical": ["nibabel"]}


def test_every_example_is_run(root):
    assert {path.stem for path in (root / "examples").glob("*.py")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_example_runs_and_finds_what_is_there(root, tmp_path, name):
    for library in NEEDS.get(name, ()):
        pytest.importorskip(library)
    done = subprocess.run(
        [sys.executable, root / f"examples/{name}.py", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    shares = json.loads((tmp_path / "labels/classes.json").read_text())["classes"]
    classes, objects = EXPECTED[name]
    assert sum(each["pixels"] > 0 for each in shares) == classes
    if objects is not None:
        assert sum(each["objects"] or 0 for each in shares) in objects
