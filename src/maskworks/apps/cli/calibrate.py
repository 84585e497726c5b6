"""`maskworks calibrate`: from review decisions to a new score file."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskworks.apps.cli.options import DatabaseOption, JsonOption
from maskworks.core.errors import OutputError

if TYPE_CHECKING:
    from maskworks.quality import Bin
    from maskworks.studio.calibration.calibrate import Calibration, FlagRate
    from maskworks.studio.calibration.judged import JudgedItem
    from maskworks.studio.campaign.campaign_file import CampaignFile


def calibrate(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="CAMPAIGN|DECISIONS",
            help="The campaign's .toml file or its folder; or CSV or JSON with source, outcome "
            "(accept, fix, reject) and score, as `maskworks review export` writes it.",
        ),
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="Write the new score file; .toml."),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(
            "--base",
            metavar="FILE",
            help="The score file the scores came from; default the campaign's, else ours.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace FILE.")] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold scores against what reviewers decided, and recalibrate them until they agree.

    Prints how reliable the scores were and would be, and which share of pictures each
    threshold (`deliver_at`) would flag. Without --out nothing is written.
    """
    from maskworks.cutouts.scoring.score_model import (
        DEFAULT_FILE,
        load_score_model,
        write_score_model,
    )
    from maskworks.studio.calibration.calibrate import apply_calibration
    from maskworks.studio.calibration.calibrate import calibrate as find_calibration
    from maskworks.studio.calibration.decision_files import DECISION_FILES
    from maskworks.studio.calibration.judged import read_judged
    from maskworks.studio.campaign.campaign_file import read_campaign

    if out is not None and out.exists() and not overwrite:
        raise OutputError(out, "exists already", "give --overwrite, or another name")
    if source.suffix.lower() in DECISION_FILES:
        base = base or DEFAULT_FILE
        judged = read_judged(source)
    else:
        file = read_campaign(source)
        base = base or file.scorer
        judged = _from_campaign(file, database, base)
    model = load_score_model(base)
    found = find_calibration(judged)
    if out is not None:
        today = datetime.now(UTC).date()
        new = apply_calibration(model, found, today=today, origin=source.name)
        write_score_model(new, out, heading="Recalibrated by `maskworks calibrate`.")
    print(json.dumps(_record(found), indent=2) if as_json else _lines(found, out))


def _from_campaign(file: CampaignFile, database: str | None, base: Path) -> tuple[JudgedItem, ...]:
    """Return the decisions on pictures whose scores are of this score file."""
    from maskworks.apps.cli.campaigns import known, opened
    from maskworks.cutouts.scoring.score_model import digest_of
    from maskworks.studio.calibration.judged import judged_items
    from maskworks.studio.store import list_events, list_items, list_reviews

    scorer = digest_of(base)
    with opened(file, database, create=False) as store:
        campaign = known(store, file)
        items = list_items(store, campaign)
        ours = [item for item in items if item.scorer == scorer]
        judged = judged_items(ours, list_reviews(store, campaign), list_events(store, campaign))
    others = sum(item.decision is not None and item.score is not None for item in items)
    others -= sum(item.decision is not None and item.score is not None for item in ours)
    if others:
        print(
            f"note: {others:,} decided pictures have a score of another score file and are left "
            f"out; --base FILE takes those of FILE",
            file=sys.stderr,
        )
    return judged


def _record(found: Calibration) -> dict[str, object]:
    """Return the finding as JSON can hold it: NaN becomes null."""
    record = asdict(found) | {"recalibration": found.recalibration.model_dump()}
    plain = _without_nan(record)
    assert isinstance(plain, dict)  # noqa: S101 - it was one
    return plain


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _lines(found: Calibration, out: Path | None) -> str:
    before, after = found.before, found.after
    method = found.recalibration.method
    lines = [
        f"{found.n:,} decisions, {found.good:,} accepted; {method} curve",
        "",
        "                       before    after (each from the other decisions)",
        f"calibration error    {before.error:8.3f} {after.error:8.3f}",
        f"log loss             {before.log_loss:8.3f} {after.log_loss:8.3f}",
        f"ranking (AUROC)      {before.auroc:8.3f} {after.auroc:8.3f}",
        "",
        "score            pictures  said  accepted",
        *(_bar(one) for one in before.bins if one.count),
        "",
        "deliver_at   flagged   bad among the delivered (recalibrated)",
        *map(_threshold, found.thresholds),
        "",
        f'Written: {out}. A campaign uses it with score_file = "{out.name}" under [quality].'
        if out
        else "Nothing was written; give --out FILE.toml.",
    ]
    return "\n".join(lines)


def _bar(one: Bin) -> str:
    range_ = f"{one.low:.1f} to {one.high:.1f}"
    return f"{range_} {one.count:14,} {one.confidence:5.2f} {one.outcome:9.2f}"


def _threshold(one: FlagRate) -> str:
    wrong = "nothing delivered" if math.isnan(one.wrong) else f"{one.wrong:.1%}"
    return f"{one.deliver_at:<10g} {one.flagged:9.1%}   {wrong}"
