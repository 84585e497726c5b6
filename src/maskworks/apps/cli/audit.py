"""`maskworks audit`: what happened to every picture, when, by whom and why."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from maskworks.core.atomic import write_text_atomic
from maskworks.core.errors import UsageError


def audit(
    campaign: Annotated[
        Path | None,
        typer.Argument(
            metavar="CAMPAIGN", help="The campaign's .toml file or its folder, or its database."
        ),
    ] = None,
    *,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="MASKWORKS_DATABASE",
            help="File, or postgresql://user:password@host/name; default beside the campaign.",
        ),
    ] = None,
    item: Annotated[
        str | None, typer.Option(help="Only this one: its number, its path or its SKU.")
    ] = None,
    as_json: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write JSON; - is stdout.")
    ] = None,
    as_csv: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help="Write CSV; - is stdout.")
    ] = None,
) -> None:
    """Print the audit trail of a campaign: every change of a picture's route."""
    from maskworks.studio.store import (
        list_campaigns,
        list_events,
        open_store,
        to_csv,
        to_json,
        to_lines,
    )

    if as_json is not None and as_csv is not None:
        raise UsageError("give --json or --csv, not both")
    where, name = _resolve(campaign, database)
    with open_store(where, create=False) as store:
        known = {one.name: one for one in list_campaigns(store)}
        if name is not None and name not in known:
            there = ", ".join(map(repr, known)) or "none yet"
            raise UsageError(f"{store.name}: has no campaign {name!r}; there are: {there}")
        only = None if name is None else known[name]
        events = list_events(store, only, item=item)
    if item is not None and not events:
        raise UsageError(f"no item is {item!r}; give its number, its path or its SKU")
    if as_json is not None:
        _write(as_json, to_json(events))
    elif as_csv is not None:
        _write(as_csv, to_csv(events))
    else:
        sys.stdout.write(to_lines(events))


def _resolve(campaign: Path | None, database: str | None) -> tuple[Path | str, str | None]:
    """Return the database, and the campaign's name if a campaign's file says it."""
    from maskworks.studio.store import database_beside

    if campaign is None:
        if database is None:
            raise UsageError("name a campaign's .toml file, or its database")
        return database, None
    if campaign.is_dir():
        campaign = campaign / "campaign.toml"
    if campaign.suffix.lower() != ".toml":
        if database is not None:
            raise UsageError(f"{campaign} and --database are both databases; give one of them")
        return campaign, None
    return database or database_beside(campaign), _name(campaign)


def _name(path: Path) -> str:
    """Return what a campaign's file calls it; a trail can be read whatever else is wrong."""
    try:
        name = tomllib.loads(path.read_text(encoding="utf-8"))["campaign"]["name"]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: has no `name` in a table [campaign] ({error})") from error
    return str(name)


def _write(file: str, text: str) -> None:
    if file == "-":
        sys.stdout.write(text)
    else:
        write_text_atomic(Path(file), text)
