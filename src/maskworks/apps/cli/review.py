"""`maskworks review`: what awaits a person's decision, and what they decide."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from maskworks.apps.cli.campaigns import known, opened, person
from maskworks.apps.cli.option_values import check_report
from maskworks.apps.cli.options import JsonOption
from maskworks.apps.cli.report import short
from maskworks.apps.cli.review_evidence import agreement, evidence
from maskworks.apps.cli.review_sites import sites
from maskworks.core.atomic import write_text_atomic
from maskworks.core.errors import MaskworksError
from maskworks.studio.campaign.campaign_file import read_campaign

if TYPE_CHECKING:
    from maskworks.studio.store import ItemRow, Verdict

app = typer.Typer(no_args_is_help=True, help="List the review queue, and decide on items.")

Campaign = Annotated[
    Path, typer.Argument(metavar="CAMPAIGN", help="The campaign's .toml file, or its folder.")
]
Names = Annotated[
    list[str], typer.Argument(metavar="PICTURE", help="Its number, its path or its SKU.")
]
By = Annotated[str | None, typer.Option("--by", help="Who decides. Default: this user.")]
Database = Annotated[
    str | None,
    typer.Option(
        envvar="MASKWORKS_DATABASE",
        help="File, or postgresql://user:password@host/name; default beside the campaign.",
    ),
]


app.command("evidence")(evidence)
app.command("sites")(sites)
app.command("agreement")(agreement)


@app.callback()
def group() -> None:
    """Look at what awaits a decision, and decide."""


@app.command("list")
def show(
    campaign: Campaign,
    *,
    database: Database = None,
    as_json: JsonOption = False,
) -> None:
    """List the pictures in review and the spot checks that nobody has decided on yet."""
    from maskworks.studio.output_folder import FOLDERS
    from maskworks.studio.review.deciding import awaiting
    from maskworks.studio.run.filing import out_of
    from maskworks.studio.store import deliverables

    file = read_campaign(campaign)
    with opened(file, database, create=False) as store:
        row = known(store, file)
        items = awaiting(store, row)
        made: dict[int, list[str]] = {}
        for one in deliverables(store, row, route=None):
            path = out_of(file) / FOLDERS.get(one.route, "") / one.output.path
            made.setdefault(one.item_id, []).append(short(str(path)))
    if as_json:
        rows = [_record(item, made.get(item.id, [])) for item in items]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for item in items:
        print("\n".join([*_lines(item), *(f"        {name}" for name in made.get(item.id, []))]))
    noun = "picture awaits" if len(items) == 1 else "pictures await"
    print(f"{len(items):,} {noun} a decision", file=sys.stderr)


@app.command()
def accept(
    campaign: Campaign,
    pictures: Names,
    *,
    by: By = None,
    why: Annotated[str, typer.Option(help="In words, for the trail.")] = "",
    database: Database = None,
) -> None:
    """Deliver pictures as they are."""
    raise typer.Exit(_decide(campaign, pictures, "accept", (by, why, database)))


@app.command()
def reject(
    campaign: Campaign,
    pictures: Names,
    *,
    why: Annotated[str, typer.Option(help="What is wrong; the retoucher reads it.")],
    by: By = None,
    database: Database = None,
) -> None:
    """Send pictures to a retoucher: they are not delivered."""
    raise typer.Exit(_decide(campaign, pictures, "reject", (by, why, database)))


@app.command()
def fix(
    campaign: Campaign,
    pictures: Names,
    *,
    why: Annotated[str, typer.Option(help="What is to be put right.")],
    by: By = None,
    database: Database = None,
) -> None:
    """Keep pictures in review until a corrected file comes back with `maskworks ingest`."""
    raise typer.Exit(_decide(campaign, pictures, "fix", (by, why, database)))


@app.command()
def export(
    campaign: Campaign,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="- is stdout.")
    ] = "-",
    *,
    form: Annotated[
        Literal["csv", "json"] | None,
        typer.Option("--format", help="Default: what FILE ends in, else csv."),
    ] = None,
    database: Database = None,
) -> None:
    """Write every decision, for `maskworks exceptions suggest` and `maskworks calibrate`."""
    from maskworks.studio.review.deciding import export_decisions

    check_report("--output", "output", {"output": output, "of": campaign}, (".csv", ".json"))
    file = read_campaign(campaign)
    chosen = form or ("json" if output.lower().endswith(".json") else "csv")
    with opened(file, database, create=False) as store:
        text = export_decisions(store, known(store, file), chosen)
    if output == "-":
        sys.stdout.write(text)
    else:
        write_text_atomic(Path(output), text)


def _decide(
    campaign: Path,
    pictures: list[str],
    verdict: Verdict,
    said: tuple[str | None, str, str | None],
) -> int:
    """Decide on each picture, and return the exit code: 1 if one could not be decided on."""
    from maskworks.studio.review.deciding import judge, named
    from maskworks.studio.review.rehanding import hand_missing
    from maskworks.studio.run.filing import follow_up, out_of

    by, why, database = said
    file, who = read_campaign(campaign), person(by)
    refused = 0
    with opened(file, database, create=False) as store:
        row = known(store, file)
        items = named(store, row, pictures)
        for item in items:
            try:
                after = judge(store, item, verdict, who=who, why=why, rates=file.campaign.cost)
            except MaskworksError as error:
                print(f"maskworks: {error}", file=sys.stderr)
                refused += 1
            else:
                print(f"{item.id} {item.source}: {item.route} -> {after}")
        if verdict != "accept":
            hand_missing(file, store, row, {item.id for item in items})
        follow_up(out_of(file), store, row)
    return 1 if refused else 0


def _lines(item: ItemRow) -> list[str]:
    score = "   -" if item.score is None else f"{item.score:.2f}"
    why = [f"        - {reason.text or reason.name}" for reason in item.reasons]
    return [f"{item.id:6} {score}  {item.source}", *why]


def _record(item: ItemRow, made: list[str]) -> dict[str, object]:
    return {
        "item": item.id,
        "source": item.source,
        "sku": item.sku,
        "concept": item.concept,
        "route": item.route,
        "score": item.score,
        "spot_check": item.spot_check,
        "reasons": [
            {"name": r.name, "value": r.value, "limit": r.limit, "text": r.text}
            for r in item.reasons
        ],
        "outputs": made,
    }
