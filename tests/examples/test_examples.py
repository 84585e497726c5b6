from __future__ import annotations

import ast
import json
import re
import subprocess
import sys

import pytest

EXPECTED = {
    "crop": r"2 classes; leaves cover \d\d?% of the field",
    "document": r"3 classes; ink is \d\d?% of the page",
    "driving": r"\d+ regions",
    "medical": r"ok: .*\nair [\d.]+ ml, soft tissue [\d.]+ ml, bone [\d.]+ ml",
    "satellite": r"ok: .*\n2 fields",
    "shop": r"0: photo-0\.jpg at 0\.\d\d; .*\n1: unreadable\n2: photo-2\.jpg at 0\.\d\d; .*",
}

NEEDS = {"satellite": ["rasterio"], "medical": ["nibabel"]}


def test_every_example_is_run(root):
    assert {path.stem for path in (root / "examples").glob("*.py")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_example_runs_and_says_what_it_found(root, tmp_path, name):
    for library in NEEDS.get(name, ()):
        pytest.importorskip(library)
    done = subprocess.run(
        [sys.executable, root / f"examples/{name}.py", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(EXPECTED[name], done.stdout.strip()), done.stdout
    assert list(tmp_path.rglob("*.*")), "it writes what it made"


def test_the_notebook_runs_from_top_to_bottom(root):
    """Each cell is executed; what stands in its last line is shown as a notebook would."""
    book = json.loads((root / "examples/first_steps.ipynb").read_text())
    names, shown = {}, []
    for cell in book["cells"]:
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == [], "keep it without outputs: they are made anew"
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "first_steps", "exec"), names)
        if last is not None:
            shown.append(eval(compile(ast.Expression(last.value), "first_steps", "eval"), names))
    pictures = [value._repr_png_() for value in shown if hasattr(value, "_repr_png_")]
    assert [data[1:4] for data in pictures] == [b"PNG", b"PNG"]
    assert shown[1] == (300, 451)
    assert shown[-1] > 0.9
