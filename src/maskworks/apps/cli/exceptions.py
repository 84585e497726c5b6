"""`maskworks exceptions`: what the review decisions say about the exception list."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from maskworks.apps.cli.options import DatabaseOption, JsonOption
from maskworks.core.errors import UsageError
from maskworks.studio.calibration.decision_files import DECISION_FILES, read_decisions
from maskworks.studio.calibration.suggestions import (
    FAILS_AT_LEAST,
    FEWEST,
    DecisionRow,
    Suggestion,
    suggest_rules,
)
from maskworks.studio.campaign.exceptions import COLUMNS, Rule, read_exceptions

app = typer.Typer(no_args_is_help=True, help="Rules for pictures that go straight to a person.")


@app.callback()
def group() -> None:
    """Rules for pictures that go straight to a person."""


@app.command()
def suggest(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="CAMPAIGN|DECISIONS",
            help="The campaign's .toml file or its folder; or CSV or JSON with source, outcome "
            "(accept, fix, reject), sku, tags, reason, when, as `maskworks review export` "
            "writes it.",
        ),
    ],
    rules: Annotated[
        Path | None,
        typer.Option(
            "--exceptions",
            metavar="FILE",
            help="The list so far; what it covers is out. Default: the campaign's.",
        ),
    ] = None,
    *,
    above: Annotated[
        float,
        typer.Option(
            min=0, max=0.99, help="The lower end of the 95 % interval must be above this."
        ),
    ] = FAILS_AT_LEAST,
    fewest: Annotated[
        int, typer.Option(min=1, help="A rule must cover at least so many decided pictures.")
    ] = FEWEST,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose rules where a tag, the beginning of a SKU or a folder fails again and again.

    Prints lines that can be added to the exception list as they are:
    maskworks exceptions suggest spring >> spring/exceptions.csv
    """
    listed: tuple[Rule, ...] = ()
    if source.suffix.lower() in DECISION_FILES:
        rows = read_decisions(source)
    else:
        rows, listed = _from_campaign(source, database)
    if not rows:
        raise UsageError(f"{source}: there is no decision in it; review some pictures first")
    known = read_exceptions(rules) if rules else listed
    found = suggest_rules(rows, rules=known, above=above, fewest=fewest)
    if as_json:
        print(json.dumps([_record(one) for one in found], indent=2, ensure_ascii=False))
        return
    if not found:
        said = f"no tag, SKU prefix or folder fails surely enough among {len(rows):,} decisions"
        print(f"{said}; collect more, or lower --above", file=sys.stderr)
    print(_lines(found), end="")


def _from_campaign(
    source: Path, database: str | None
) -> tuple[tuple[DecisionRow, ...], tuple[Rule, ...]]:
    """Return the decisions of a campaign, and its exception list."""
    from maskworks.apps.cli.campaigns import known, opened
    from maskworks.studio.campaign.campaign_file import read_campaign
    from maskworks.studio.store import list_reviews

    file = read_campaign(source)
    with opened(file, database, create=False) as store:
        reviews = list_reviews(store, known(store, file))
    rows = tuple(
        DecisionRow(
            source=one.source,
            outcome=one.decision,
            sku=one.sku or "",
            tags=one.tags,
            reason=one.why,
            when=one.at.isoformat(),
        )
        for one in reviews
    )
    return rows, file.rules


def _record(one: Suggestion) -> dict[str, object]:
    low, high = one.rate.interval
    return {
        "rule": one.rule.kind,
        "pattern": one.rule.pattern,
        "reason": one.rule.reason,
        "n": one.rate.n,
        "failures": one.rate.hits,
        "rate": one.rate.share,
        "interval": [low, high],
    }


def _lines(found: Sequence[Suggestion]) -> str:
    written = io.StringIO()
    rows = csv.DictWriter(written, COLUMNS, lineterminator="\n")
    for one in found:
        rule = one.rule
        rows.writerow(dict(zip(COLUMNS, (rule.kind, rule.pattern, rule.reason), strict=True)))
    return written.getvalue()
