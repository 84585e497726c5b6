"""`maskworks run`: a campaign from its file to deliverables, hand-off, list and report."""

from __future__ import annotations

import json
import math
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskworks.apps.cli.campaigns import known, opened
from maskworks.apps.cli.following import Counted, metrics_at
from maskworks.apps.cli.options import (
    AddressOption,
    BackendOption,
    CampaignArgument,
    DatabaseOption,
    DebugOption,
    MetricsOption,
    PictureSecondsOption,
    ThreadsOption,
)
from maskworks.apps.cli.progress import ProgressReporter, watching
from maskworks.apps.cli.report import short
from maskworks.apps.cli.stopping import INTERRUPTED, finishing
from maskworks.batch.backends import BackendName
from maskworks.batch.watching import settled_files
from maskworks.core.errors import UsageError
from maskworks.studio.campaign.assignment import Assignment, PlannedItem, assign
from maskworks.studio.campaign.campaign_file import CampaignFile, read_campaign

if TYPE_CHECKING:
    from maskworks.studio.run.item_work import Done
    from maskworks.studio.run.run import RunStarted


def run(
    campaign: CampaignArgument,
    *,
    check: Annotated[
        bool,
        typer.Option("--check", help="Say what would happen, picture by picture; do nothing."),
    ] = False,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Wait for another run of this campaign instead of refusing."),
    ] = False,
    database: DatabaseOption = None,
    threads: ThreadsOption = 0,
    picture_seconds: PictureSecondsOption = 300.0,
    backend: BackendOption = "local",
    address: AddressOption = None,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Stay, and run again once new pictures have come and settled."
        ),
    ] = False,
    metrics: MetricsOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line on stdout, nothing else.")
    ] = False,
    debug: DebugOption = False,
) -> None:
    """Run a campaign: every picture ends in deliver, review, manual or failed.

    Outputs lie in NAME-out beside the campaign file: deliver/CONCEPT/VARIANT/... and
    deliverables.csv, review/... for what awaits a decision, manual/ with a PSD, a TIFF and
    brief.csv for the retoucher, and report.html. A second run does only what is new or
    changed. It may be stopped or killed at any moment; run it again to go on.

    Exit code: 0 all delivered or handed over, 1 some failed, 2 wrong use, 130 stopped.
    """
    file = read_campaign(campaign)
    if check:
        _check(file, database, as_json=as_json)
        return
    with metrics_at(metrics) as counted:

        def once() -> int:
            return run_file(
                file, database, wait=wait, threads=threads, picture_seconds=picture_seconds,
                backend=backend, address=address, metrics=counted, as_json=as_json, debug=debug,
            )  # fmt: skip

        raise typer.Exit(_watch(file, once) if watch else once())


def _watch(file: CampaignFile, once: Callable[[], int]) -> int:
    """Run once, and again whenever a new picture has settled, until it is stopped."""
    from maskworks.studio.run.filing import out_of

    if not file.input.is_dir():
        raise UsageError(f"{file.input}: --watch looks at a folder; a list is run when it changes")
    stop, worst = threading.Event(), 0

    def there() -> list[Path]:
        try:
            return [item.path for item in assign(file, beside=out_of(file)).items]
        except UsageError:  # no picture yet
            return []

    with finishing(stop):
        for _ in settled_files(there, stop):
            code = once()
            if code == INTERRUPTED:
                break
            worst = max(worst, code)
    return worst


def run_file(
    file: CampaignFile,
    database: str | None,
    *,
    wait: bool = False,
    threads: int = 0,
    picture_seconds: float = 300.0,
    backend: BackendName = "local",
    address: str | None = None,
    metrics: Counted | None = None,
    as_json: bool = False,
    debug: bool = False,
) -> int:
    """Run a campaign, say what happens, write its report; return the exit code of `run`."""
    from maskworks.batch.memory import reuse_memory
    from maskworks.studio.run.reporting import report_campaign
    from maskworks.studio.run.run import CampaignRun, RunListener, run_opened

    stop = threading.Event()
    reuse_memory()
    watch = ProgressReporter(as_json=as_json)
    try:
        with opened(file, database) as store, watching(watch):
            work = CampaignRun(
                file=file,
                store=store,
                stop=stop,
                threads=threads,
                wait_s=math.inf if wait else 0.0,
                held=lambda: finishing(stop),
                debug=debug,
                picture_seconds=picture_seconds or None,
                backend=backend,
                address=address,
                database=database,
            )

            def started(found: RunStarted) -> None:
                watch.started(found)
                if metrics is not None:
                    metrics.begin(found.todo)

            def done(one: Done) -> None:
                watch.done(one)
                if metrics is not None:
                    metrics.done(one.outcome.route, one.outcome.seconds)

            listener = RunListener(waiting=watch.waiting, started=started, done=done)
            ended = run_opened(work, listener)
            watch.close()
            row = known(store, file)
            written = (
                None if ended.left else report_campaign(file, store, row, wall_s=ended.seconds)
            )
    except KeyboardInterrupt:
        print("stopped before it began", file=sys.stderr)
        return INTERRUPTED
    watch.sum_up(file, ended, written)
    if ended.left:
        print(
            f"stopped with {ended.left:,} left to do; go on with:\n"
            f"  maskworks run {short(str(file.path))}",
            file=sys.stderr,
        )
        return INTERRUPTED
    return 1 if ended.counts.failed else 0


def _check(file: CampaignFile, database: str | None, *, as_json: bool) -> None:
    """Print what would become of every picture, as far as that is known without looking at it."""
    from maskworks.studio.campaign.variants import background_notes
    from maskworks.studio.run.filing import out_of

    plan = assign(file, beside=out_of(file))
    for item in plan.items:
        what, why = _expected(item)
        names = [scenery.variant for scenery in item.backgrounds]
        if as_json:
            fields = {"source": item.source, "sku": item.sku, "tags": item.tags}
            fate = {"concept": item.concept, "variants": names, "action": what, "why": why}
            print(json.dumps(fields | fate))
        else:
            tail = why or f"{item.concept}: {', '.join(names) or 'the output’s own background'}"
            print(f"{what:7} {item.source}  ({tail})")
    if not as_json:
        notes = (*plan.notes, *background_notes(file), *_before(file, database, plan))
        print("\n".join([_sentence(plan), *notes]))


def _expected(item: PlannedItem) -> tuple[str, str]:
    if item.fault is not None:
        return "fail", item.fault.message
    if item.rule is not None:
        return "manual", f"exception {item.rule.name}: {item.rule.reason}"
    return "cut", ""


def _sentence(plan: Assignment) -> str:
    kinds = [_expected(item)[0] for item in plan.items]
    made = sum(max(1, len(i.backgrounds)) for i in plan.items if _expected(i)[0] == "cut")
    return (
        f"{len(kinds):,} pictures: {kinds.count('cut'):,} to cut out for up to {made:,} "
        f"deliverables, {kinds.count('manual'):,} straight to a person, "
        f"{kinds.count('fail'):,} to fail; nothing was written"
    )


def _before(file: CampaignFile, database: str | None, plan: Assignment) -> list[str]:
    """Say what of it is done already, if there was a run."""
    from maskworks.studio.run.run import preview
    from maskworks.studio.store import database_beside, list_campaigns

    if database is None and not database_beside(file.path).is_file():
        return []
    name = file.campaign.campaign.name
    with opened(file, database, create=False) as store:
        rows = [one for one in list_campaigns(store) if one.name == name]
        if not rows:
            return []
        found = preview(store, rows[0], file, plan)
    done = f"{found.kept:,} done before, {found.new:,} new, {found.changed:,} changed"
    return [f"{done}, {found.waiting:,} waiting, {found.gone:,} gone"]
