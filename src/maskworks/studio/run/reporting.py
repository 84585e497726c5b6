"""The report of a campaign, from what its store holds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from maskworks.core.errors import UsageError
from maskworks.core.public import public
from maskworks.studio import output_folder
from maskworks.studio.campaign.campaign_file import CampaignFile
from maskworks.studio.cost import ZERO
from maskworks.studio.report import ReportHeader, ReportItem, Written, write_report
from maskworks.studio.run.filing import out_of, photo_of
from maskworks.studio.store import (
    CampaignRow,
    Filter,
    ItemRow,
    Store,
    counts,
    deliverables,
    list_items,
)


@public
def report_campaign(
    file: CampaignFile,
    store: Store,
    campaign: CampaignRow,
    *,
    wall_s: float | None = None,
    into: Path | None = None,
) -> Written:
    """Write report.html, report.json, report.csv and items.parquet beside the outputs.

    Parameters
    ----------
    store, campaign : what became of every picture
    wall_s : how long the run took, seconds
    into : another folder than that of the outputs

    Raises
    ------
    UsageError
        If some pictures are not done yet.
    OutputError
        If a file cannot be written.

    Examples
    --------
    >>> report_campaign(file, store, campaign)  # doctest: +SKIP
    """
    now = counts(store, campaign)
    if now.done < now.total:
        raise UsageError(
            f"{now.total - now.done:,} of {now.total:,} pictures are not done yet; finish them "
            "with `maskworks run`, then report"
        )
    about, rules = file.campaign, file.campaign.output
    out = out_of(file)
    header = ReportHeader(
        campaign=about.campaign.name,
        items_in=now.total,
        deliver_at=about.quality.deliver_at,
        currency=about.campaign.currency,
        model=about.input.model,
        preset=rules.preset or "",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        rates=about.cost,
        wall_s=wall_s,
    )
    made: dict[int, list[str]] = {}
    for one in deliverables(store, campaign, route=None):
        folder = output_folder.FOLDERS.get(one.route)
        if folder is not None:
            made.setdefault(one.item_id, []).append(f"{folder}/{one.output.path}")
    items = [
        _row(item, made.get(item.id, []), file, out)
        for item in list_items(store, campaign, Filter(states=["done"]))
    ]
    return write_report(into or out, header, items)


def _row(item: ItemRow, made: list[str], file: CampaignFile, out: Path) -> ReportItem:
    if item.route is None:
        raise UsageError(f"{item.source}: has no route yet; finish it with `maskworks run`")
    return ReportItem(
        source=item.source,
        route=item.route,
        sku=item.sku or "",
        tags=item.tags,
        concept=item.concept or "",
        score=item.score,
        reasons=item.reasons,
        unit_cost=item.cost or ZERO,
        baseline=item.baseline or ZERO,
        seconds=item.seconds or 0.0,
        outputs=tuple(made),
        before=photo_of(file, item.source),
        after=out / made[0] if made else None,
        error=item.error.message if item.error else None,
    )
