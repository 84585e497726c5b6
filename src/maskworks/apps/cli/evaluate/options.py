"""The options that sub-commands of `maskworks evaluate` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

STANDARD_OUTPUT = Path("-")
BESIDE = Path("beside-the-json")
"""The value of `--html` without a path."""


def folder(help_text: str) -> Any:  # noqa: ANN401 - as typer.Option returns it
    """Return the option that takes a folder."""
    return typer.Option(metavar="DIR", help=help_text)


JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="OUT",
        help="Write figures, rules, counts and versions here; - for stdout, instead of the table.",
    ),
]
HtmlOption = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="[OUT]",
        help="Draw the report as one offline page: OUT, or beside the JSON file without a value.",
    ),
]
AllowMissingOption = Annotated[
    bool,
    typer.Option(
        "--allow-missing", help="Count missing predictions as empty, and say how many there were."
    ),
]
BinaryOption = Annotated[
    bool | None,
    typer.Option(
        "--binary/--no-binary",
        help="Files are masks, of 0 and 1 or of 0 and 255, or alpha as it is stored; by default "
        "alpha, and values that cannot be meant so are refused.",
    ),
]
UnclearOption = Annotated[
    bool,
    typer.Option(
        "--skip-unclear",
        help="Leave true pixels of grey 64 to 191 out: of a truth drawn as a trimap, whose edge "
        "nobody decided.",
    ),
]


class HtmlCommand(TyperCommand):
    """A command whose `--html` may stand without a value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer's own
        """Give a bare `--html` its value before the arguments are parsed."""
        given: list[str] = []
        for at, word in enumerate(args):
            given.append(word)
            bare = at + 1 == len(args) or args[at + 1].startswith("--")
            if word == "--html" and bare:
                given.append(str(BESIDE))
        return super().parse_args(ctx, given)
