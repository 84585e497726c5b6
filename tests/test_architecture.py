"""The rules of docs/architecture.md that no linter holds."""

from __future__ import annotations

import ast
import importlib
import re
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


CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
PAGE = (ROOT / "docs/architecture.md").read_text()


def _layers(container):
    """The layers that import-linter holds of a package, each a set of names."""
    rows = next(c["layers"] for c in CONTRACTS if c.get("containers") == [container])
    return [{name.strip(" ()") for name in row.split("|")} for row in rows]


@pytest.mark.parametrize(
    ("block", "container"), [("layers", "maskworks"), ("rooms", "maskworks.studio")]
)
def test_the_page_draws_the_picture_that_the_linter_holds(block, container):
    drawn = re.search(rf"^```{block}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    rows = [{n.strip(" *") for n in row.split("|")} for row in drawn[1].splitlines()]
    assert rows == _layers(container)
    assert set(PACKAGES) <= set().union(*_layers("maskworks"))


def test_the_page_says_where_each_heavy_library_is_imported():
    table = re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|$", PAGE, re.MULTILINE)
    held = {}
    for contract in CONTRACTS:
        for way in contract.get("ignore_imports", ()):
            source, library = way.split(" -> ")
            held.setdefault(library, set()).add(source.split(".")[1])
    assert {name: set(re.findall(r"\w+", homes)) for name, homes in table} == held


@pytest.mark.parametrize("row", re.findall(r"^\| (add .*) \|$", PAGE, re.MULTILINE))
def test_the_ten_common_changes_lead_to_files_that_are_there(row):
    paths = [name for name in re.findall(r"`([\w/.]+)`", row) if "/" in name]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_page_names_ten_common_changes():
    assert len(re.findall(r"^\| add ", PAGE, re.MULTILINE)) == 10


def _imports(folder, top):
    """Which modules of a folder each of them imports, anywhere in its text."""
    names = {path: ".".join(path.relative_to(top).with_suffix("").parts) for path in folder}
    names = {path: name.removesuffix(".__init__") for path, name in names.items()}
    known = set(names.values())
    graph = {}
    for path, name in names.items():
        found = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                deep = {f"{node.module}.{alias.name}" for alias in node.names} & known
                found |= deep or {node.module}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
        graph[name] = found & known - {name}
    return graph


def _in_circles(graph):
    """Modules that import themselves by way of others."""
    while True:  # what imports nothing more, or is imported by nothing more, is in no circle
        imported = set().union(*graph.values()) if graph else set()
        left = {n: i & graph.keys() for n, i in graph.items() if i & graph.keys()}
        left = {n: i for n, i in left.items() if n in imported}
        if left == graph:
            return sorted(graph)
        graph = left


@pytest.mark.parametrize("top", ["src", "bench", "docs", "examples"])
def test_no_import_goes_in_a_circle(top):
    assert _in_circles(_imports(sorted((ROOT / top).rglob("*.py")), ROOT / top)) == []


def test_a_circle_is_found():
    assert _in_circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == ["b", "c"]


def test_no_public_class_has_the_name_of_another():
    homes = {}
    for path in FILES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(_short(path))
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def _public_names(path):
    """The module, its public classes and functions, and their public methods and fields."""
    yield path.stem
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        for part in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                yield part.name
            elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                yield part.target.id


def test_names_are_the_fields_terms():
    """Wit is found by nobody who searches; `patience` is what stops a training early."""
    wit = {
        "aim", "bent", "book", "crew", "darkroom", "desk", "happening", "look", "lies", "said",
        "shelf", "surroundings", "telling", "told", "wish",
    }  # fmt: skip
    found = {}
    for path in FILES:
        for name in _public_names(path):
            words = re.findall(r"[a-z]+", re.sub("([A-Z])", r"_\1", name).lower())
            if not name.startswith("_") and wit & set(words):
                found.setdefault(_short(path), []).append(name)
    assert found == {}


def test_no_package_outweighs_the_others():
    lines = {
        package: sum(path.read_text().count("\n") for path in (SOURCE / package).rglob("*.py"))
        for package in PACKAGES
    }
    largest = max(lines, key=lines.get)
    assert lines[largest] <= 0.25 * sum(lines.values()), f"{largest} is {lines[largest]} lines"
