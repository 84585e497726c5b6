"""Documents cannot lie: every command and example in them runs, every link leads somewhere.

A block of ```console holds commands behind `$ ` and, if it shows any, the output they must
give (`...` stands for anything). A block of ```python is a program. Any block below a comment
<!-- file: NAME --> is written to that file. Other comments say where it runs instead of here:

<!-- slow -->            in `make test-slow`
<!-- checkout -->        in a fresh copy of the checkout, in `make test-slow`
<!-- elsewhere: why -->  not run; its options and targets must exist
"""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from skimage import data

import maskworks

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    path
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md")])
    if not path.name.startswith("0000-")
]
BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<kind>\w+)\n(?P<body>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
GROUPS = ("data", "evaluate", "exceptions", "keys", "models", "review", "video")
MATCH = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """One fenced example of a document."""

    page: str
    line: int
    kind: str
    mark: str
    body: str

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Each command of a console block with the output it shows, which may be empty."""
        found: list[tuple[str, str]] = []
        for line in self.body.replace("\\\n", "").splitlines():
            if line.startswith("$ "):
                found.append((line[2:], ""))
            else:
                assert found, f"{self.page}:{self.line} shows output before the first `$ `"
                found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
        return found


def blocks_of(path: Path) -> list[Block]:
    """Find the examples of a document, in order."""
    text = path.read_text()
    return [
        Block(
            path.relative_to(ROOT).as_posix(),
            text[: m.start("kind")].count("\n") + 1,
            m["kind"],
            (m["mark"] or "").strip(),
            m["body"],
        )
        for m in BLOCK.finditer(text)
        if m["kind"] in {"console", "python"} or (m["mark"] or "").startswith("file:")
    ]


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def _with_marks(blocks):
    for block in blocks:
        marks = [pytest.mark.slow] if block.mark in {"slow", "checkout"} else []
        yield pytest.param(block, id=f"{block.page}:{block.line}", marks=marks)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """One folder per document, with the photos that its examples name."""

    def folder_of(page: str) -> Path:
        folder = made.get(page)
        if folder is None:
            folder = made[page] = tmp_path_factory.mktemp("docs")
            _lay_out(folder)
        return folder

    made: dict[str, Path] = {}
    return folder_of


def _lay_out(folder: Path) -> None:
    """Write photos, a background and a model file, mine.onnx."""
    photos = {
        "backgrounds/wall.jpg": np.kron(data.brick(), np.ones((3, 3), np.uint8)),
        "cat.jpg": data.chelsea(),
        "photos/cup.jpg": data.coffee(),
        "photos/team/portrait.jpg": data.astronaut(),
    }
    for name, photo in photos.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo).save(folder / name, quality=90)
    _write_clip(folder / "clips/pan.mp4", data.chelsea())
    weights = Path(maskworks.__file__).parent / "models/weights/cutout.onnx"
    if weights.exists():
        shutil.copy(weights, folder / "mine.onnx")


def _write_clip(path: Path, photo: np.ndarray) -> None:
    """Write four frames that pan over a photo."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 192, 144, "yuv420p"
        for index in range(4):
            part = np.ascontiguousarray(photo[:288:2, 20 + 4 * index :][:, :384:2])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(part, format="rgb24")))
        container.mux(stream.encode(None))


def _environment(folder: Path) -> dict[str, str]:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    home = {"MASKWORKS_HOME": str(folder / ".home"), "U2NET_HOME": str(folder / ".u2net")}
    return os.environ | home | {"PATH": programs, "NO_COLOR": "1", "COLUMNS": "100"}


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=_environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("block", list(_with_marks(BLOCKS)))
def test_example_runs(block, folders, tmp_path):
    if block.mark.startswith("elsewhere"):
        if block.kind != "python":
            _check_names(block)
        return
    folder = _fresh_copy(tmp_path) if block.mark == "checkout" else folders(block.page)
    if block.mark.startswith("file:"):
        (folder / block.mark.removeprefix("file:").strip()).write_text(block.body)
        return
    if block.kind == "python":
        _run([sys.executable, "-W", "error", "-c", block.body], folder)
        return
    for command, expected in block.commands:
        output = _run(["bash", "-euo", "pipefail", "-c", command], folder)
        if expected:
            assert _says(expected, output), (
                f"$ {command}\nthe document says\n{expected}\nit prints\n{output}"
            )


def _says(expected: str, output: str) -> bool:
    """Say whether a program printed what a document says, its line a picture in any order."""
    same = doctest.OutputChecker().check_output
    in_order = ["".join(sorted(text.splitlines(keepends=True))) for text in (expected, output)]
    return same(expected, output, MATCH) or same(*in_order, MATCH)


def _fresh_copy(folder: Path) -> Path:
    """Copy what git tracks or would track: what a fresh clone will hold."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def _check_names(block: Block) -> None:
    """Check that the targets, commands and options of a block that is not run exist."""
    assert block.mark.partition(":")[2].strip(), "say why it is not run"
    targets = re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for command, _ in block.commands:
        words = command.split("  #")[0].split()
        if words[0] == "make":
            assert words[1] in targets
        elif Path(words[0]).name == "maskworks":
            name = [word for word in words[1:3] if re.fullmatch("[a-z]+", word)]
            name = name if name[0] in GROUPS else name[:1]
            shown = _run(["maskworks", *name, "--help"], ROOT)
            options = [word.split("=")[0] for word in words if word.startswith("-")]
            assert [option for option in options if option not in shown] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    text = BLOCK.sub("", page.read_text())
    missing = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert missing == []


def test_readme_is_a_front_door(root):
    text = (root / "README.md").read_text()
    assert text.count("\n") < 150, "one screen per user; the rest belongs in docs/"
    kinds = {block.kind for block in blocks_of(root / "README.md")}
    assert kinds == {"console", "python"}


def test_blocks_are_found_with_their_marks(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("A\n\n<!-- slow -->\n```console\n$ echo a \\\n  b\na b\n$ true\n```\n")
    (block,) = blocks_of(page)
    assert (block.line, block.mark) == (4, "slow")
    assert block.commands == [("echo a   b", "a b\n"), ("true", "")]


def test_generated_documents_are_up_to_date(root):
    done = subprocess.run(
        [sys.executable, root / "docs/generate.py", "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_error_code_is_explained(root):
    from maskworks.core.errors import MaskworksError

    def tree(error):
        yield error
        for below in error.__subclasses__():
            yield from tree(below)

    page = (root / "docs/commands.md").read_text()
    ours = {e.code for e in tree(MaskworksError) if e.__module__.startswith("maskworks.core")}
    assert [code for code in sorted(ours) if f"`{code}`" not in page] == []
