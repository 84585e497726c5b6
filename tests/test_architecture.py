"""The rules of docs/architecture.md that no linter holds."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import maskworks

SOURCE = Path(maskworks.__file__).parent
ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(SOURCE.rglob("*.py"))
PACKAGES = sorted(p.parent.name for p in SOURCE.glob("*/__init__.py"))
MOST_LINES = 350
VAGUE = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc", "tools"}
HEAVY = ("numpy", "onnxruntime", "PIL", "pydantic", "rich", "scipy", "skimage", "torch", "typer")


def _short(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def _free_keywords(tree: ast.AST, *, inside_function: bool = False) -> list[str]:
    """Name every function with `**kwargs` that is not the inner function of a decorator."""
    found = []
    for node in ast.iter_child_nodes(tree):
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function and node.args.kwarg is not None and not inside_function:
            found.append(f"{node.name} (line {node.lineno})")
        found += _free_keywords(node, inside_function=inside_function or is_function)
    return found


@pytest.mark.parametrize("path", FILES, ids=_short)
def test_module_names_its_keywords(path):
    found = _free_keywords(ast.parse(path.read_text()))
    assert not found, f"**kwargs hides what a caller may pass; name the arguments of {found}"


def test_free_keywords_are_found_and_decorators_are_let_be():
    bad = "def draw(x, **options): ..."
    good = "def timed(f):\n    def inner(*args, **kwargs):\n        return f(*args, **kwargs)\n"
    assert _free_keywords(ast.parse(bad)) == ["draw (line 1)"]
    assert _free_keywords(ast.parse(good)) == []


@pytest.mark.parametrize("path", FILES, ids=_short)
def test_module_stays_readable_in_one_sitting(path):
    lines = path.read_text().count("\n")
    assert lines <= MOST_LINES, f"{lines} lines; split it by what its parts are about"


@pytest.mark.parametrize("path", FILES, ids=_short)
def test_module_is_named_for_what_it_holds(path):
    assert path.stem not in VAGUE, "say what is in it; such a name attracts anything"


@pytest.mark.parametrize("package", ["", *PACKAGES])
def test_public_names_are_there_and_explained(package):
    module = importlib.import_module(f"maskworks.{package}" if package else "maskworks")
    names = list(getattr(module, "__all__", ()))
    assert len(names) == len(set(names))
    for name in names:
        value = getattr(module, name)
        if callable(value) and getattr(value, "__module__", "").startswith("maskworks"):
            assert value.__doc__, f"maskworks.{package}.{name} says nothing about itself"


def test_every_package_is_in_the_picture(root):
    config = tomllib.loads((root / "pyproject.toml").read_text())
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    drawn = {name.strip(" ()") for layer in layers for name in layer.split("|")}
    page = (root / "docs/architecture.md").read_text()
    assert set(PACKAGES) <= drawn
    assert [name for name in sorted(drawn) if name not in page] == []


def _fresh(code: str) -> dict:
    """Run `code` in an interpreter of its own; it leaves its answer in `answer`."""
    program = f"import json, resource, sys\n{code}\nprint(json.dumps(answer))"
    # Bytecode is written: what is measured is the second start and every one after it.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    return json.loads(run.stdout.splitlines()[-1])


def test_importing_maskworks_imports_nothing_heavy():
    code = f"import maskworks\nanswer = [n for n in {HEAVY!r} if n in sys.modules]"
    assert _fresh(code) == []


CPU = "resource.getrusage(resource.RUSAGE_SELF)"
LIST_COMMANDS = """
from maskworks.apps.cli import main
sys.argv = ["maskworks", "--help"]
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main()
"""


@pytest.mark.parametrize(
    ("code", "most_s"),
    [
        pytest.param("import maskworks", 0.2, id="import"),
        pytest.param(LIST_COMMANDS, 0.4, id="help"),
    ],
)
def test_start_is_quick(code, most_s):
    # Processor time, start of the interpreter included: it does not depend on what else runs.
    code = f"{code}\nuse = {CPU}\nanswer = use.ru_utime + use.ru_stime"
    assert min(_fresh(code) for _ in range(3)) < most_s


def test_help_imports_no_command_and_no_heavy_library():
    heavy = tuple(name for name in HEAVY if name not in {"rich", "typer"})
    code = f"{LIST_COMMANDS}\nanswer = [n for n in {heavy!r} if n in sys.modules]"
    assert _fresh(code) == []
