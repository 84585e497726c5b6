"""`maskworks review sites`: what people say of the sites that `maskworks sites` ranked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskworks.apps.cli.campaigns import person


def sites(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="That `maskworks sites` wrote.")],
    *,
    site: Annotated[
        str | None, typer.Option(metavar="ID", help="Without it all are listed.")
    ] = None,
    verdict: Annotated[
        str, typer.Option(metavar="WORD", help="accept, exclude or override.")
    ] = "accept",
    score: Annotated[
        float | None, typer.Option(help="With override: the person's score, 0 to 100.")
    ] = None,
    reason: Annotated[str, typer.Option(help="In words; with exclude it is needed.")] = "",
    by: Annotated[str | None, typer.Option(help="Who decides. Default: this user.")] = None,
) -> None:
    """List the sites with what people said of them, or say of one whether it is taken.

    The computed score stays; the decision stands beside it, and the ranking is made anew.
    """
    from maskworks.scene.sites.deciding import decide_site
    from maskworks.scene.sites.request import read_records
    from maskworks.scene.sites.site_writing import read_decisions

    if site is not None:
        said, ranked = decide_site(folder, site, verdict, by=person(by), reason=reason, score=score)
        place = next(each.rank for each in ranked if each.record.id == site)
        now = f"rank {place}" if place else "without a rank"
        print(f"{site}: {said.verdict}, by {said.reviewer}; now {now}")
        return
    last = {each.site: each for each in read_decisions(folder)}
    for record in read_records(folder):
        decision = last.get(record.id)
        told = "not decided"
        if decision is not None:
            told = f"{decision.verdict} by {decision.reviewer} {decision.reason}".rstrip()
        print(f"{record.id} {record.name}: {told}")
