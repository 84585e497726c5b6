"""`maskworks mcp`: tools for an assistant, over standard input and output."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskworks.apps.cli.campaigns import person
from maskworks.apps.mcp.root import Root
from maskworks.core.errors import UsageError
from maskworks.core.extras import how_to_install


def mcp(
    *,
    root: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="All that an assistant may read and write lies here."),
    ] = Path(),
    by: Annotated[
        str | None,
        typer.Option("--by", help="On whose behalf it decides. Default: this user."),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Offer no tool that writes or decides.")
    ] = False,
) -> None:
    """Serve an assistant that speaks the Model Context Protocol, on stdin and stdout.

    An assistant's program starts it: name this command, with --root, in its configuration. It ends
    when its input does.
    """
    bound = Root.of(root)
    try:
        from maskworks.apps.mcp.server import build_server
    except ImportError as error:
        message = f"the protocol's package is not installed ({error}); {how_to_install('mcp')}"
        raise UsageError(message) from error
    build_server(bound, person=person(by), read_only=read_only).run("stdio")
