"""`maskworks keys`: who may use the service, and how much."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from maskworks.apps.cli.options import JsonOption

if TYPE_CHECKING:
    from maskworks.studio.store import Store
    from maskworks.studio.store.keys import Scope

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke keys of the service.")

Database = Annotated[
    str | None,
    typer.Option(
        envvar="MASKWORKS_DATABASE",
        help="File, or postgresql://user:password@host/name; default DATA/service.db.",
    ),
]
Data = Annotated[Path, typer.Option(help="The service's folder.")]
_DATA = Path("maskworks-data")


@app.callback()
def group() -> None:
    """Make, list and revoke keys of the service."""


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="cut, jobs, review or admin; may be given again. Default: cut."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0, help="Megapixels a minute; default: the service's.")
    ] = None,
    quota: Annotated[
        float | None, typer.Option(min=0, help="Credits a month; default: no limit.")
    ] = None,
    database: Database = None,
    data: Data = _DATA,
) -> None:
    """Make a key and print it, once: only its digest is kept."""
    from maskworks.studio.store.keys import Allowance, add_key

    allowance = Allowance(
        scopes=cast("list[Scope]", scope or ["cut"]),
        megapixels_per_minute=rate,
        monthly_credits=quota,
    )
    with _opened(database, data) as store:
        key, secret = add_key(store, name, allowance)
    print(secret)
    print(f"key {key.prefix} for {key.name}: {', '.join(key.scopes)}", file=sys.stderr)


@app.command("list")
def show(
    *,
    database: Database = None,
    data: Data = _DATA,
    as_json: JsonOption = False,
) -> None:
    """List every key with what it has used this month."""
    from maskworks.studio.store.keys import list_keys
    from maskworks.studio.store.usage import spent_this_month

    with _opened(database, data, create=False) as store:
        rows = [(key, spent_this_month(store, key)) for key in list_keys(store)]
    if as_json:
        records = [
            {
                "prefix": key.prefix, "name": key.name, "scopes": key.scopes,
                "megapixels_per_minute": key.megapixels_per_minute,
                "monthly_credits": key.monthly_credits, "added_at": key.added_at.isoformat(),
                "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
                "requests": spent.requests, "credits": spent.credits,
            }
            for key, spent in rows
        ]  # fmt: skip
        print(json.dumps(records, indent=2, ensure_ascii=False))
        return
    for key, spent in rows:
        state = "revoked" if key.revoked_at else ",".join(key.scopes)
        print(f"{key.prefix}  {state:20}  {spent.requests:8,} requests  {key.name}")
    noun = "key" if len(rows) == 1 else "keys"
    print(f"{len(rows)} {noun}", file=sys.stderr)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="KEY", help="Its prefix, or its name.")],
    *,
    database: Database = None,
    data: Data = _DATA,
) -> None:
    """Let a key count no longer, at once."""
    from maskworks.studio.store.keys import revoke_key

    with _opened(database, data, create=False) as store:
        key = revoke_key(store, name)
    print(f"{key.prefix} of {key.name} is revoked")


def _opened(database: str | None, data: Path, *, create: bool = True) -> Store:
    from maskworks.studio.output_folder import make_folder
    from maskworks.studio.store import open_store

    if database is None and create:
        make_folder(data)
    return open_store(database or data / "service.db", create=create)
