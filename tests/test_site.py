"""The site is built from the pages of the repository; what a page names must be there."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys

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


@pytest.mark.slow
def test_the_site_is_built_without_a_broken_link(root, tmp_path):
    pytest.importorskip("mkdocs", reason="needs the extra [site]")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", tmp_path / "site"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cutout_many" in (tmp_path / "site/reference.html").read_text()
