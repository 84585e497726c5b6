"""The site is built from the pages of the repository; what a page names must be there."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="module")
def hooks(root):
    spec = importlib.util.spec_from_file_location("site_hooks", root / "docs/site_hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_in_the_navigation(root):
    text = (root / "mkdocs.yml").read_text()
    named = set(re.findall(r": ([\w/.-]+\.md)$", text, re.MULTILINE))
    pages = {path.relative_to(root / "docs").as_posix() for path in (root / "docs").rglob("*.md")}
    shown = {page for page in pages if not page.startswith("decisions/")}
    assert named - {"index.md", "reference.md"} == shown


def test_the_reference_has_every_name_at_the_top(hooks):
    import maskworks

    page = hooks.reference()
    named = set(re.findall(r"^::: maskworks\.[\w.]+\.(\w+)$", page, re.MULTILINE))
    assert named == set(maskworks.__all__)


@pytest.mark.parametrize(
    ("repository", "shown"),
    [
        pytest.param("", "see the recipe (`recipes/cutout.toml`)", id="none"),
        pytest.param(
            "https://host/x/", "see [the recipe](https://host/x/recipes/cutout.toml)", id="one"
        ),
    ],
)
def test_a_link_out_of_the_pages_names_no_address_that_is_not_given(
    hooks, monkeypatch, repository, shown
):
    monkeypatch.setattr(hooks, "REPOSITORY", repository)
    page = SimpleNamespace(file=SimpleNamespace(src_uri="train.md"))
    text = "see [the recipe](../recipes/cutout.toml)"
    assert hooks.on_page_markdown(text, page, None, None) == shown


def test_no_address_is_named_that_nobody_owns(root):
    names = ("pyproject.toml", "CITATION.cff", "SECURITY.md", "README.md", "mkdocs.yml")
    files = [root / name for name in names] + list((root / ".github").rglob("*.*"))
    assert [path.name for path in files if "github.com/maskworks" in path.read_text()] == []


@pytest.mark.slow
def test_the_site_is_built_without_a_broken_link(root, tmp_path):
    pytest.importorskip("mkdocs", reason="needs the extra [site]")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", tmp_path / "site"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cutout_many" in (tmp_path / "site/reference.html").read_text()
