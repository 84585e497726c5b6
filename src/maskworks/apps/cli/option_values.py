"""What no option of any command can mean, refused before the command begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import wraps
from math import isfinite
from pathlib import Path
from typing import Any

from maskworks.core.errors import UsageError

_BEYOND = 2**63
_LONGEST_SHOWN = 80  # characters of a value in a message
_REPORTS = {"--json": (".json",), "--html": (".html", ".htm"), "--csv": (".csv",)}


def watch_values(command: Any) -> None:  # noqa: ANN401 - Typer's own click is private
    """Have a command, or each of a group, refuse what an option cannot mean.

    These are numbers that are infinite, none, or beyond 64 bits; an option of one value that is
    given twice, of which the last would count without a word; and a report that would replace a
    file of another kind, or what the command reads.

    Parameters
    ----------
    command : command or group of commands, as `typer.main.get_command` returns it
    """
    for each in getattr(command, "commands", {}).values():
        watch_values(each)
    if command.callback is not None:
        _watch_words(command)
        _watch_call(command)


def _watch_words(command: Any) -> None:  # noqa: ANN401
    """Refuse options that are given twice; have messages about values name them."""
    parse, make_parser = command.parse_args, command.make_parser
    values: dict[str, object] = {}

    def watched(context: Any) -> Any:  # noqa: ANN401
        parser = make_parser(context)
        parse_words = parser.parse_args

        def parse_once(args: list[str]) -> Any:  # noqa: ANN401
            found, rest, order = parse_words(args=args)
            values.update(found)
            _refuse_twice(order)
            return found, rest, order

        parser.parse_args = parse_once
        return parser

    def parsed(context: Any, words: list[str]) -> list[str]:  # noqa: ANN401
        values.clear()
        try:
            return list(parse(context, words))
        except Exception as error:
            _say_value(error, values)
            raise

    command.parse_args, command.make_parser = parsed, watched


def _watch_call(command: Any) -> None:  # noqa: ANN401
    """Refuse numbers that none can mean, and reports that replace something else."""
    called = command.callback

    @wraps(called)
    def checked(**given: object) -> Any:  # noqa: ANN401 - whatever it returns
        for name, value in given.items():
            for each in value if isinstance(value, list | tuple) else (value,):
                _check_number(f"--{name.replace('_', '-')}", each)
        for option in command.params:
            if option.opts[0] in _REPORTS and not getattr(option, "is_flag", False):
                check_report(option.opts[0], option.name, given, _REPORTS[option.opts[0]])
        return called(**given)

    command.callback = checked


def _say_value(error: Exception, values: Mapping[str, object]) -> None:
    """Add to Typer's own message about a value what that value is."""
    given = values.get(getattr(getattr(error, "param", None), "name", None) or "")
    told = str(getattr(error, "message", ""))
    if given is not None and told and repr(given) not in told:
        error.message = f"{told}; got {_shown(given)}"  # type: ignore[attr-defined]


def check_report(
    option: str, name: str, given: Mapping[str, object], suffixes: Sequence[str]
) -> None:
    """Raise UsageError if the file of a report would replace what is none.

    Parameters
    ----------
    option : as it is written, such as "--json"
    name : of its value in `given`
    given : every value of the command by its name
    suffixes : of reports of that kind, in lower case
    """
    value = given.get(name)
    if not isinstance(value, str | Path) or str(value) == "-":
        return
    path = Path(value)
    try:
        if path.is_dir():
            raise UsageError(f"{option} {path}: is a folder; name the file to write")
        if not path.exists():
            return
    except OSError as error:
        raise UsageError(
            f"{option} {_shown(str(path))}: {error.strerror}; choose another"
        ) from error
    if path.suffix.lower() not in suffixes:
        raise UsageError(
            f"{option} {path}: exists and is no {suffixes[0]} file, and would be replaced; "
            "choose another name"
        )
    others = (each for other, each in given.items() if other != name)
    for other in others:
        if isinstance(other, str | Path) and _is_same(Path(other), path):
            raise UsageError(f"{option} {path}: is what is read; choose another name")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def _refuse_twice(order: Sequence[Any]) -> None:
    """Raise UsageError if an option of one value, or both of a pair of flags, occur twice."""
    for each in order:
        plain = getattr(each, "is_flag", False) and not each.secondary_opts
        if each.param_type_name == "argument" or plain or each.multiple or each.count:
            continue
        if order.count(each) > 1:
            names = "/".join([*each.opts, *each.secondary_opts])
            raise UsageError(
                f"{names} is given {order.count(each)} times, one counts; give it once"
            )


def _check_number(option: str, value: object) -> None:
    """Raise UsageError if a value is a number that no option can mean."""
    if isinstance(value, float) and not isfinite(value):
        raise UsageError(f"{option} is {value}, a finite number is needed; give another")
    if isinstance(value, int) and abs(value) >= _BEYOND:
        raise UsageError(f"{option} is {value}, below {_BEYOND:.0e} is needed; give another")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) and len(value) > _LONGEST_SHOWN else repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]} ..."
