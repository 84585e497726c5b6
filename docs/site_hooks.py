"""What the site shows differently: links out of docs/, the README as its start, the demo.

The pages are the same that are read in the repository; nothing is written twice.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "docs"))  # this file is loaded by its path

from live_demo import demo_files  # noqa: E402 - beside this file

REPOSITORY = os.environ.get("MASKWORKS_REPOSITORY", "")
"""Where links out of docs/ lead, such as https://HOST/maskworks/blob/main/; else they are text."""
LINK = re.compile(r"(\]\(|src=\")(?!https?:|#|mailto:)([^)\"\s]+)")
TEXT_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|#|mailto:)([^)\s]+)\)")
TRY_IT = """
## Try it

[This site carries the page](live/index.html), as files that a static host sends: nothing that you
choose there leaves your browser.
"""


def on_files(files: Any, config: Any) -> Any:  # noqa: ANN401 - mkdocs' own types
    """Add the start page, the reference of the Python face, and the page /live as a demo."""
    from mkdocs.structure.files import File

    for place, held in demo_files():
        if isinstance(held, Path):
            files.append(File.generated(config, place, abs_src_path=str(held)))
        else:
            files.append(File.generated(config, place, content=held))
    pages = {"index.md": _start(), "reference.md": reference()}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:  # noqa: ANN401, ARG001
    """Lead links that leave docs/ to the repository; without an address they name the file."""
    here = (ROOT / "docs" / page.file.src_uri).parent

    def led(match: re.Match[str]) -> str:
        path, _, anchor = match[2].partition("#")
        target = (here / path).resolve()
        shown = target.is_relative_to(ROOT / "docs") and target.is_file()
        if shown or not target.is_relative_to(ROOT) or not target.exists():
            return match[0]  # what leads nowhere is left to mkdocs, which fails
        place = target.relative_to(ROOT).as_posix()
        if REPOSITORY:
            return f"[{match[1]}]({REPOSITORY}{place}{'#' + anchor if anchor else ''})"
        return match[1] if place in match[1] else f"{match[1]} (`{place}`)"

    shown = TEXT_LINK.sub(led, markdown)
    return f"{shown}\n{TRY_IT}\n" if page.file.src_uri == "live.md" else shown


def _start() -> str:
    """Return the README with its links as seen from docs/."""
    text = (ROOT / "README.md").read_text()
    return LINK.sub(
        lambda m: m[1] + (m[2].removeprefix("docs/") if m[2].startswith("docs/") else f"../{m[2]}"),
        text,
    )


def reference() -> str:
    """Return the page of every name at the top of the package, by where it comes from."""
    import ast

    tree = ast.parse((ROOT / "src/maskworks/__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    groups: dict[str, list[str]] = {}
    for line in (node for node in block.body if isinstance(node, ast.ImportFrom)):
        home = str(line.module)
        groups.setdefault(home.split(".")[1], []).append(f"{home}.{line.names[0].name}")
    parts = ["# Python reference", "", "Every name is importable from `maskworks`.", ""]
    for group, names in sorted(groups.items()):
        parts += [f"## {group}", ""]
        parts += [f"::: {name}\n    options:\n      heading_level: 3\n" for name in sorted(names)]
    return "\n".join(parts)
