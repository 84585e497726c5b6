"""Run a whole campaign in one call: its file in, its deliverables and report out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from maskworks.batch.backends import BackendName
from maskworks.core.public import public
from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.report import Written
from maskworks.studio.run.filing import out_of
from maskworks.studio.run.item_work import Done
from maskworks.studio.run.reporting import report_campaign
from maskworks.studio.run.run import CampaignRun, RunListener, enter, run_opened
from maskworks.studio.store import Counts, database_beside, open_store


@dataclass(frozen=True, kw_only=True)
class CampaignResult:
    """What a run of a campaign gave.

    Parameters
    ----------
    out : the folder of deliverables, hand-offs and reports
    counts : pictures by route, over all runs
    left : pictures not done since the run was stopped
    seconds : how long it took
    report : the files of the report; None if some pictures are left
    """

    out: Path
    counts: Counts
    left: int
    seconds: float
    report: Written | None


@public
def run_campaign(  # noqa: PLR0913 - as many as a run has options
    campaign: str | Path,
    *,
    database: str | None = None,
    threads: int = 0,
    wait_s: float = 0.0,
    backend: BackendName = "local",
    address: str | None = None,
    on_item: Callable[[Done], None] | None = None,
    stop: threading.Event | None = None,
) -> CampaignResult:
    """Run a campaign: do what is new or changed, and write its report.

    Parameters
    ----------
    campaign : path of a campaign.toml, or of the folder that holds it
    database : str, optional
        SQLite file or URL; by default beside the campaign file.
    threads : int
        Cores to use; 0 takes all.
    wait_s : float
        How long to wait for another run of the same campaign.
    backend, address : who does the work, as `maskworks.batch.choosing.backend_of` takes them;
        on Ray the database is PostgreSQL
    on_item : callable, optional
        Told what became of each picture as it is done.
    stop : Event, optional
        Once set, pictures in hand are finished and no other is begun.

    Raises
    ------
    UsageError
        If the file, or what it names, is wrong.
    HeldError
        If another run is on it, and it is not waited for.
    OutputError
        If something cannot be written.

    Examples
    --------
    >>> result = run_campaign("spring/campaign.toml")  # doctest: +SKIP
    >>> result.counts.deliver, result.report.files  # doctest: +SKIP
    """
    path = Path(campaign)
    file = read_campaign(path / "campaign.toml" if path.is_dir() else path)
    with open_store(database or database_beside(file.path), create=True) as store:
        run = CampaignRun(
            file=file,
            store=store,
            stop=stop or threading.Event(),
            threads=threads,
            wait_s=wait_s,
            backend=backend,
            address=address,
            database=database,
        )
        listener = RunListener() if on_item is None else RunListener(done=on_item)
        ended = run_opened(run, listener)
        row = enter(store, file)
        report = None if ended.left else report_campaign(file, store, row, wall_s=ended.seconds)
    return CampaignResult(
        out=out_of(file),
        counts=ended.counts,
        left=ended.left,
        seconds=ended.seconds,
        report=report,
    )
