"""`maskworks ingest`: what a retoucher sends back is composed and delivered."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from maskworks.apps.cli.campaigns import known, opened, person
from maskworks.apps.cli.options import DatabaseOption
from maskworks.apps.cli.report import short
from maskworks.studio.campaign.campaign_file import read_campaign


def ingest(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="Cut-outs named as brief.csv says: PNG, TIFF or WebP with alpha, or PSD.",
        ),
    ],
    campaign: Annotated[
        Path,
        typer.Option("--campaign", metavar="FILE", help="The campaign's .toml file."),
    ],
    *,
    by: Annotated[str | None, typer.Option("--by", help="Who. Default: this user.")] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Deliver also what breaks a rule of the output.")
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Take a retoucher's files back: each is put on its backgrounds, checked and delivered.

    Exit code: 0 all delivered, 1 some could not be, 2 wrong use.
    """
    from maskworks.studio.review.ingesting import IngestContext, ingest_folder
    from maskworks.studio.run.filing import follow_up, out_of

    file = read_campaign(campaign)
    with opened(file, database, create=False) as store:
        row = known(store, file)
        context = IngestContext(file=file, store=store, campaign=row, who=person(by), anyway=anyway)
        try:
            found = ingest_folder(context, folder)
        finally:
            follow_up(out_of(file), store, row)
    for one in found.returned:
        if one.fault is not None:
            print(f"refused   {one.fault.message}")
        else:
            notes = f"  ({'; '.join(one.notes)})" if one.notes else ""
            print(f"delivered {one.source} <- {short(str(one.file))}{notes}")
    for path in found.unmatched:
        print(f"unknown   {short(str(path))}: no picture of the campaign is called so")
    refused = sum(one.fault is not None for one in found.returned)
    delivered = len(found.returned) - refused
    print(
        f"{delivered:,} delivered, {refused:,} refused, {len(found.unmatched):,} unknown; "
        f"{found.still_out:,} still out",
        file=sys.stderr,
    )
    raise typer.Exit(1 if refused or found.unmatched else 0)
