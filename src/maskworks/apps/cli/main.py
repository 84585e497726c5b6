"""Start a command: its module is imported only when it is the one that was asked for.

``maskworks --help`` and ``--version`` import nothing at all; that is why the top level is a
table and not a Typer application.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

COMMANDS = {
    "cutout": ("maskworks.apps.cli.cutout", "cutout", "Cut the subject out of pictures."),
    "video": ("maskworks.apps.cli.video", "app", "Cut the subject out of clips, with alpha."),
    "segment": ("maskworks.apps.cli.segment", "segment", "Label every pixel, object, or both."),
    "suitability": (
        "maskworks.apps.cli.suitability",
        "suitability",
        "Collect evidence of sensitive topics in clips, for a person.",
    ),
    "sites": (
        "maskworks.apps.cli.sites",
        "sites",
        "Rank screens by what surrounds them, for a person.",
    ),
    "track": ("maskworks.apps.cli.track", "track", "Follow and count the objects of a clip."),
    "run": ("maskworks.apps.cli.run", "run", "Run a campaign from folder to deliverables."),
    "review": ("maskworks.apps.cli.review", "app", "Decide on what awaits a person."),
    "ingest": ("maskworks.apps.cli.ingest", "ingest", "Deliver what a retoucher sends back."),
    "report": ("maskworks.apps.cli.report_campaign", "report", "Write a campaign's report."),
    "check": ("maskworks.apps.cli.check", "check", "Hold finished pictures against a preset."),
    "demo": ("maskworks.apps.cli.demo", "demo", "Cut example photos out and show the result."),
    "evaluate": ("maskworks.apps.cli.evaluate", "app", "Measure predictions against the truth."),
    "init": ("maskworks.apps.cli.init", "init", "Write a campaign file that fits a folder."),
    "exceptions": ("maskworks.apps.cli.exceptions", "app", "Propose rules for the exceptions."),
    "calibrate": ("maskworks.apps.cli.calibrate", "calibrate", "Hold scores against decisions."),
    "audit": ("maskworks.apps.cli.audit", "audit", "Say what happened to each picture, and why."),
    "serve": ("maskworks.apps.cli.serve", "serve", "Serve cut-outs and the review page over HTTP."),
    "mcp": ("maskworks.apps.cli.mcp", "mcp", "Serve an assistant within one folder (MCP)."),
    "keys": ("maskworks.apps.cli.keys", "app", "Make, list and revoke keys of the service."),
    "models": ("maskworks.apps.cli.models", "app", "List, fetch, check and add models."),
    "data": ("maskworks.apps.cli.data", "app", "Check, import and draw labelled data."),
    "train": ("maskworks.apps.cli.train", "train", "Train a model from a recipe."),
    "export": ("maskworks.apps.cli.export", "export", "Write a trained model as a model file."),
}
"""Name: (module, function or Typer application, one line of help)."""

SUMMARY = "Cut subjects out of pictures with soft edges, and say how sure the answer is."

OPTIONS = {
    "--version": "Print the version.",
    "--debug": "Before the command: show the whole traceback of an error.",
    "--help": "Print this.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 failed, 2 wrong use.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):  # a file name that is no text must not stop a run
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    _silence_libraries()
    debug = given[:1] == ["--debug"]
    rest = given[1:] if debug else given
    if not rest or rest[0] in ("--help", "-h", "help"):
        print(_help())
        return 0 if rest else 2
    if rest[0] in ("--version", "-V"):
        from maskworks.core.version import __version__

        print(f"maskworks {__version__}")
        return 0
    if rest[0] not in COMMANDS:
        print(_unknown(rest[0]), file=sys.stderr)
        return 2
    return _run(rest[0], rest[1:], debug=debug)


def _silence_libraries() -> None:
    """Keep libraries' warnings and their paths from the terminal, whatever ``python -W`` says.

    Notes of ours say what a user must know; ``-W error`` still makes errors of them.
    """
    import logging

    logging.captureWarnings(capture=True)
    for name in ("py.warnings", "PIL", "tifffile", "pydicom", "faster_coco_eval"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _run(name: str, arguments: list[str], *, debug: bool) -> int:
    from maskworks.core.errors import MaskworksError, UsageError

    # Looking for plug-ins, pydantic reads what every installed package says of itself.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    blank = [where for where, word in enumerate(arguments) if not word.strip()]
    if blank:  # `-o "$OUT"` would write here, and `"$PHOTOS"` mean all that lies here
        where = blank[0]
        after = f", after {arguments[where - 1]}" if where else ""
        print(
            f"maskworks: argument {where + 1} of {name} is empty{after}, as a variable that is not "
            "set is; name what is meant, such as . for this folder, or leave it out",
            file=sys.stderr,
        )
        return 2
    try:
        load(name).main(args=arguments, prog_name=f"maskworks {name}", obj=(name, *arguments))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except MaskworksError as error:
        if debug:
            raise
        print(f"maskworks: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except Exception as error:
        if debug or "--debug" in arguments:
            raise
        print(_unexpected(error, name), file=sys.stderr)
        return 1
    return 0


def _unexpected(error: Exception, name: str) -> str:
    """Say what went wrong where nothing of ours knows it; a disk's fault is no fault of ours."""
    words = " ".join(str(error).split()) or "no more is said of it"
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename is not None else ""
        return f"maskworks: {place}{error.strerror}; check the path, its rights and the disk"
    return (
        f"maskworks: unexpected {type(error).__name__}: {words}; this is a fault of Maskworks: "
        f"please report what `maskworks --debug {name} ...` prints"
    )


def load(name: str) -> Any:  # noqa: ANN401 - Typer's own click is private
    """Import a command and return it as a click command."""
    from importlib import import_module

    import typer

    from maskworks.apps.cli.option_values import watch_values

    module, attribute, _ = COMMANDS[name]
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        app = typer.Typer(add_completion=False)
        app.command(name)(found)
        found = app
    found.rich_markup_mode = None  # plain text wraps well everywhere and needs no rich
    command = typer.main.get_command(found)
    command.name = name
    command.params = [p for p in command.params if "completion" not in (p.name or "")]
    watch_values(command)
    return command


def cli() -> Any:  # noqa: ANN401 - Typer's own click is private
    """Return the whole command line as one click group, for documents and tests."""
    import typer

    class Commands(typer.core.TyperGroup):
        """Imports a command when it is asked for."""

        def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002
            return list(COMMANDS)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002
            return load(cmd_name) if cmd_name in COMMANDS else None

    return Commands(name="maskworks", help=SUMMARY)


def _help() -> str:
    names = [*COMMANDS, *OPTIONS]
    wide = max(map(len, names)) + 2
    return "\n".join(
        [
            "Usage: maskworks COMMAND [OPTIONS]",
            "",
            f"  {SUMMARY}",
            "",
            "Commands:",
            *(f"  {name:{wide}}{line}" for name, (_, _, line) in COMMANDS.items()),
            "",
            "Options:",
            *(f"  {name:{wide}}{line}" for name, line in OPTIONS.items()),
            "",
            "First: maskworks demo.  Then: maskworks cutout PHOTOS -o OUT.",
            "Each command explains itself: maskworks COMMAND --help.",
        ]
    )


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}."
    what = "option" if name.startswith("-") else "command"
    return f"maskworks: there is no {what} {name!r}; {hint} See `maskworks --help`"
