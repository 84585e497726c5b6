"""Write the documents that the program itself knows best: `python docs/generate.py [--check]`.

docs/commands.md   every command with its options, the exit codes, the error codes
docs/presets.md    what marketplaces ask of a picture, and where that is written
docs/models.md     the catalogue: licence, terms of the training data, input, origin
docs/suitability.schema.json   the evidence record of `maskworks suitability`
src/maskworks/client/   what the service takes and answers, from its OpenAPI document

`--check` writes nothing and exits with 1 if a document is not what it would write.
"""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
HEAD = "<!-- Written by docs/generate.py; change the program, then `make fix`. -->\n\n"

# Neither a user's own models nor the size of a terminal may show in the documents.
for name in ("MASKWORKS_HOME", "U2NET_HOME"):
    os.environ[name] = str(DOCS / "no-such-folder")

from client_source import client_files  # noqa: E402 - beside this file
from presets_page import presets_page  # noqa: E402 - beside this file

from maskworks.apps.cli import cli  # noqa: E402 - after the environment is set
from maskworks.core.errors import MaskworksError  # noqa: E402
from maskworks.models.catalogue import load_catalogue  # noqa: E402
from maskworks.models.spec import ModelSpec  # noqa: E402
from maskworks.scene.record import SuitabilityRecord  # noqa: E402

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def cell(text: object) -> str:
    """Return `text` fit for one cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


# ------------------------------------------------------------------ commands


def commands_page() -> str:
    """Return docs/commands.md."""
    parts = [
        "# Commands",
        "",
        "What `maskworks COMMAND --help` says, on one page.",
        "",
        *_command(cli(), "maskworks", None),
        "## Exit codes",
        "",
        "| code | |",
        "|---|---|",
        "| 0 | everything was done |",
        "| 1 | some of it failed; the manifest or the message says what and why |",
        "| 2 | wrong use: nothing was started |",
        "| 130 | stopped with Ctrl-C; what was finished is in the manifest |",
        "",
        "## Error codes",
        "",
        "`error.code` of a manifest row, `code` of a Python exception.",
        "",
        "| code | exception | |",
        "|---|---|---|",
        *_errors(MaskworksError),
    ]
    return HEAD + "\n".join(parts) + "\n"


# Typer brings a click of its own, whose names are private: hence Any.


def _command(command: Any, name: str, parent: Any) -> Iterator[str]:  # noqa: ANN401
    context = command.context_class(command, info_name=name, parent=parent)
    yield f"## `{context.command_path}`"
    yield ""
    yield from _paragraphs(command.help or "")
    yield f"    {context.command_path} {' '.join(command.collect_usage_pieces(context))}"
    yield ""
    rows = [row for row in (_parameter(p, context) for p in command.get_params(context)) if row]
    if rows:
        yield from ("| | |", "|---|---|", *rows, "")
    if hasattr(command, "list_commands"):
        for below in command.list_commands(context):
            yield from _command(command.get_command(context, below), below, context)


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.replace("\b", "").replace("\f", "").strip().split("\n\n"):
        yield " ".join(paragraph.split())
        yield ""


def _parameter(parameter: Any, context: Any) -> str | None:  # noqa: ANN401
    record = parameter.get_help_record(context)
    if record is None or "--help" in parameter.opts:
        return None
    names, text = record
    return f"| `{cell(names)}` | {cell(text)} |"


def _errors(error: type[MaskworksError]) -> Iterator[str]:
    summary = (error.__doc__ or "").strip().split("\n", maxsplit=1)[0]
    yield f"| `{error.code}` | `{error.__name__}` | {cell(summary)} |"
    for below in error.__subclasses__():
        yield from _errors(below)


# ------------------------------------------------------------------ models


MODELS_INTRODUCTION = (
    "`maskworks models list` prints this with what is on your machine; `--commercial-only` (or "
    "`MASKWORKS_COMMERCIAL_ONLY=1`) refuses those whose licence forbids commercial use. The "
    "licence is that of the weights. What their training pictures allow is another matter, and "
    "stands beside it in the owners' words as far as they are known. Networks of torchvision, "
    "segmentation_models_pytorch and transformers, SAM, what becomes ONNX, and other people's "
    "files with their scores: [models/families.md](models/families.md)."
)


def models_page() -> str:
    """Return docs/models.md."""
    specs = list(load_catalogue())
    lines = [
        "# Models",
        "",
        MODELS_INTRODUCTION,
        "",
        "| name | | MB | licence | commercial | input |",
        "|---|---|---|---|---|---|",
        *map(_model_row, specs),
        "",
        "## Training data and origin",
        "",
    ]
    for spec in specs:
        card = f" [Model card](../src/maskworks/models/weights/{spec.card})." if spec.card else ""
        lines += [f"- **{spec.name}**: {cell(spec.data)} <{spec.source}>{card}"]
    return HEAD + "\n".join(lines) + "\n"


def _model_row(spec: ModelSpec) -> str:
    size = "" if spec.bytes is None else f"{spec.bytes / 1e6:.1f}"
    title = f"{spec.title} (in the package)" if spec.embedded else spec.title
    allowed = "yes" if spec.commercial else "**no**"
    shape = f"{spec.input.height} x {spec.input.width}, {spec.input.resize}"
    return f"| `{spec.name}` | {cell(title)} | {size} | {spec.licence} | {allowed} | {shape} |"


def schema_page() -> str:
    """Return docs/suitability.schema.json."""
    schema = SuitabilityRecord.model_json_schema(mode="serialization")
    return json.dumps({"$schema": DIALECT, **schema}, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` compare them."""
    stale = False
    pages = {
        DOCS / "commands.md": commands_page(),
        DOCS / "models.md": models_page(),
        DOCS / "presets.md": HEAD + presets_page(),
        DOCS / "suitability.schema.json": schema_page(),
        **client_files(DOCS.parent),
    }
    for path, text in pages.items():
        old = path.read_text() if path.exists() else ""
        if old == text:
            continue
        stale = True
        if "--check" in arguments:
            lines = difflib.unified_diff(
                old.splitlines(), text.splitlines(), str(path), "as generated", lineterm="", n=0
            )
            print("\n".join(list(lines)[:20]))
        else:
            path.write_text(text)
            print(f"written: {path.relative_to(DOCS.parent)}")
    if stale and "--check" in arguments:
        print("documents are out of date; `make fix` writes them")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
