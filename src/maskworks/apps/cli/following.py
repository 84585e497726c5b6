"""Follow a run of pictures: report each row, sum up, and say how to go on."""

from __future__ import annotations

import shlex
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol

from maskworks.apps.cli.report import RowCounts, reporting, short
from maskworks.apps.cli.stopping import INTERRUPTED
from maskworks.batch.planning import Plan
from maskworks.batch.work import ManifestRow
from maskworks.core.errors import UsageError

Style = Literal["text", "json", "quiet"]

LONGEST_COMMAND = 2000


def style_of(*, as_json: bool, quiet: bool) -> Style:
    """Return what a run says."""
    return "json" if as_json else "quiet" if quiet else "text"


class Counted(Protocol):
    """What counts the pictures of a run for Prometheus."""

    def begin(self, count: int) -> None:
        """Say how many more pictures there are to do."""

    def row(self, row: ManifestRow) -> None:
        """Count a row."""

    def done(self, status: str, seconds: float | None = None) -> None:
        """Count a picture."""


@contextmanager
def metrics_at(address: str | None) -> Iterator[Counted | None]:
    """Serve /metrics while the block lasts, if an address was named.

    Raises
    ------
    UsageError
        If the address cannot be used, or the library is not installed.
    """
    if address is None:
        yield None
        return
    try:
        from maskworks.apps.http.run_metrics import serving_metrics
    except ImportError as error:
        raise UsageError(
            f"--metrics needs prometheus_client ({error}); run `pip install 'maskworks[serve]'`"
        ) from error
    with serving_metrics(address) as metrics:
        yield metrics


def follow(
    plan: Plan,
    rows: Iterable[ManifestRow],
    style: Style,
    stop: threading.Event,
    metrics: Counted | None = None,
) -> RowCounts:
    """Report each row as it comes.

    A full disk sets `stop`: what is not begun would be computed for nothing.
    """
    shown = {str(work.source): work.shown for work in plan.works}
    tally = RowCounts(kept=len(plan.kept))
    kind = "errors" if _is_piped(plan) and style == "text" else style
    with reporting(len(plan.todo), shown, style=kind) as say:
        for row in plan.kept:
            tally.add(row, shown.get(row.source, row.source))
            if style == "json":
                say(row)
        if metrics is not None:
            metrics.begin(len(plan.todo))
        for row in rows:
            tally.add(row, shown.get(row.source, row.source))
            say(row)
            if metrics is not None:
                metrics.row(row)
            if tally.full:
                stop.set()
    return tally


def sum_up(
    plan: Plan,
    tally: RowCounts,
    style: Style,
    *,
    notes: Sequence[str] = (),
    again: Sequence[str] = (),
    noun: str = "picture",
) -> int:
    """Print what became of a run and return its exit code.

    Parameters
    ----------
    notes : what else the user should know
    again : the words of the command, to go on with
    noun : what the inputs are
    """
    left = len(plan.works) - sum(tally.counts.values())
    lines = [tally.sentence(noun), *plan.notes, *tally.remarks(), *notes]
    if plan.manifest:
        lines.append(f"manifest: {short(str(plan.manifest))}")
    if style != "quiet" and (len(plan.works) > 1 or plan.manifest is not None):
        to_stderr = style == "json" or _is_piped(plan)
        print("\n".join(lines), file=sys.stderr if to_stderr else sys.stdout)
    if tally.full:
        hint = _how_to_resume(plan, again)
        print(f"the disk is full, {left} left undone; make room, then {hint}", file=sys.stderr)
        return 1
    if left:
        print(f"stopped with {left} left to do; {_how_to_resume(plan, again)}", file=sys.stderr)
        return INTERRUPTED
    return 1 if tally.counts["failed"] else 0


def _is_piped(plan: Plan) -> bool:
    return plan.works[0].output == Path("-")


def _how_to_resume(plan: Plan, again: Sequence[str]) -> str:
    if plan.manifest is None or not again:
        return "run it again"
    words = [w for w in ("maskworks", *again) if w not in ("--overwrite", "--resume")]
    command = shlex.join([*words, "--resume"])
    if len(command) > LONGEST_COMMAND:
        return "go on with the same command and `--resume`"
    return f"go on with:\n  {command}"
