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
        float | None,
        typer.Option(min=0, max=100, help="With override: the person's score, 0 to 100."),
    ] = None,
    reason: Annotated[str, typer.Option(help="In words; with exclude it is needed.")] = "",
    by: Annotated[str | None, typer.Option(help="Who decides. Default: this user.")] = None,
    weights: Annotated[
        bool, typer.Option("--weights", help="Print the weights that fit the decisions best.")
    ] = False,
) -> None:
    """List the sites with what people said of them, or say of one whether it is taken.

    The computed score stays; the decision stands beside it, and the ranking is made anew.
    """
    from maskworks.scene.sites.decisions import decide_site
    from maskworks.scene.sites.request import read_records
    from maskworks.scene.sites.site_writing import read_decisions

    if weights:
        _tell_weights(folder)
        return
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


def _tell_weights(folder: Path) -> None:
    """Print the weights before and after; a person puts them into the policy, or does not."""
    from maskworks.scene.sites.ranking import rank_sites
    from maskworks.scene.sites.request import read_records
    from maskworks.scene.sites.scoring import score_site
    from maskworks.scene.sites.site_writing import read_decisions, read_ranked_policy
    from maskworks.scene.sites.weight_fit import fit_weights

    policy, top, _ = read_ranked_policy(folder)
    scores = [score_site(each, policy) for each in read_records(folder)]
    fit = fit_weights(rank_sites(scores, read_decisions(folder), top=top))
    for name, weight in fit.before.items():
        print(f"{name}: {weight:g} -> {fit.after[name]:g}")
    print(
        f"pairs of {fit.accepted} accepted and {fit.excluded} excluded sites in the right order: "
        f"{100 * fit.ordered_before:.0f} %, with these weights {100 * fit.ordered_after:.0f} %, "
        f"of sites that they were not fitted on {100 * fit.left_out:.0f} %"
    )
