"""`maskworks audit`: what happened to every picture, when, by whom and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskworks.apps.cli.options import DatabaseOption
from maskworks.core.atomic import write_text_atomic
from maskworks.core.bounded import text_of
from maskworks.core.errors import UsageError
from maskworks.core.toml_text import parse_toml

if TYPE_CHECKING:
    from maskworks.studio.store import CampaignRow, Store


def audit(
    campaign: Annotated[
        Path | None,
        typer.Argument(
            metavar="CAMPAIGN", help="The campaign's .toml file or its folder, or its database."
        ),
    ] = None,
    *,
    database: DatabaseOption = None,
    item: Annotated[
        str | None, typer.Option(help="Only this one: its number, its path or its SKU.")
    ] = None,
    as_json: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write JSON; - is stdout.")
    ] = None,
    as_csv: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help="Write CSV; - is stdout.")
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Follow the chain of digests instead; exit code 1 if it is broken."
        ),
    ] = False,
) -> None:
    """Print the audit trail of a campaign: every change of a picture's route.

    Each event holds the digest of the one before it, so that nothing in between can be changed,
    removed or put in unnoticed. Compare the last digest with one that was noted or exported
    earlier: what was cut off the end, or written anew, shows only so.
    """
    from maskworks.studio.store import list_campaigns, list_events, to_csv, to_json, to_lines
    from maskworks.studio.store.opening import open_to_read

    if as_json is not None and as_csv is not None:
        raise UsageError("give --json or --csv, not both")
    where, name = _resolve(campaign, database)
    with open_to_read(where) as store:
        known = {one.name: one for one in list_campaigns(store)}
        if name is not None and name not in known:
            there = ", ".join(map(repr, known)) or "none yet"
            raise UsageError(f"{store.name}: has no campaign {name!r}; there are: {there}")
        only = None if name is None else known[name]
        if verify:
            raise typer.Exit(_verify(store, only))
        events = list_events(store, only, item=item)
    if item is not None and not events:
        raise UsageError(f"no item is {item!r}; give its number, its path or its SKU")
    if as_json is not None:
        _write(as_json, to_json(events))
    elif as_csv is not None:
        _write(as_csv, to_csv(events))
    else:
        sys.stdout.write(to_lines(events))


def _verify(store: Store, only: CampaignRow | None) -> int:
    """Print what was found of each chain, and return the exit code."""
    from maskworks.studio.store.events import verify_trail

    found = verify_trail(store, only)
    for one in found:
        if one.wrong is None:
            whole = f"{one.events:,} events, each as it was written"
            print(f"{one.campaign}: {whole}; the last: {one.head}")
            continue
        remedy = "compare with an earlier export or copy of the database"
        print(f"{one.campaign}: {one.wrong}; {remedy}", file=sys.stderr)
    return 1 if any(one.wrong for one in found) else 0


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
        name = parse_toml(text_of(path))["campaign"]["name"]
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
