"""`maskworks report`: routes, reasons, cost and pictures of a campaign, as it is now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskworks.apps.cli.campaigns import known
from maskworks.apps.cli.options import CampaignArgument, DatabaseOption
from maskworks.apps.cli.report import short
from maskworks.studio.campaign.campaign_file import read_campaign


def report(
    campaign: CampaignArgument,
    *,
    database: DatabaseOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Write there, if the outputs' is read-only."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print report.json too, and nothing else.")
    ] = False,
) -> None:
    """Write report.html, report.json, report.csv and items.parquet beside the outputs.

    They show the campaign as it is now, with every decision and every file that came back.
    """
    from maskworks.studio.run.reporting import report_campaign
    from maskworks.studio.store import database_beside
    from maskworks.studio.store.opening import open_to_read

    file = read_campaign(campaign)
    with open_to_read(database or database_beside(file.path)) as store:
        written = report_campaign(file, store, known(store, file), into=output)
    if as_json:
        (figures,) = [path for path in written.files if path.name == "report.json"]
        print(figures.read_text(encoding="utf-8"), end="")
        return
    for path in written.files:
        print(short(str(path)))
    for note in written.notes:
        print(note)
