"""What a campaign's run says: a bar with rate and time left, plain lines, or JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskworks.apps.cli.report import short
from maskworks.studio.cost import shown as money
from maskworks.studio.route import ROUTES

if TYPE_CHECKING:
    from maskworks.studio.campaign.campaign_file import CampaignFile
    from maskworks.studio.report import Written
    from maskworks.studio.run.item_work import Done
    from maskworks.studio.run.run import RunEnded, RunStarted
    from maskworks.studio.store import Worker


class ProgressReporter:
    """Reports the progress of a run: as lines, a bar or JSON."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._bar: Any = None
        self._task: Any = None
        self._began = time.perf_counter()
        self._finished = 0
        self._found: RunStarted | None = None

    def waiting(self, other: Worker) -> None:
        """Say once who is waited for."""
        print(f"waiting for {other.name}", file=sys.stderr, flush=True)

    def started(self, found: RunStarted) -> None:
        """Say what there is to do, and start the bar on a terminal."""
        self._found = found
        if self.as_json:
            return
        print(_stock(found), flush=True)
        for note in found.notes:
            print(f"note: {note}", flush=True)
        self._began = time.perf_counter()
        if found.todo > 1 and sys.stdout.isatty() and sys.stderr.isatty():
            self._bar = _progress()
            self._bar.start()
            self._task = self._bar.add_task("", total=found.todo, rate="")

    def done(self, one: Done) -> None:
        """Say what became of one picture."""
        self._finished += 1
        if self.as_json:
            print(json.dumps(record(one)), flush=True)
        elif self._bar is None:
            print(line_of(one), flush=True)
        else:
            if one.outcome.route != "deliver":
                console = self._bar.console
                console.print(line_of(one), markup=False, highlight=False, soft_wrap=True)
            rate = self._finished / max(time.perf_counter() - self._began, 1e-6)
            self._bar.update(self._task, completed=self._finished, rate=f"{rate:.1f}/s")

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def sum_up(self, file: CampaignFile, ended: RunEnded, written: Written | None) -> None:
        """Print the summary: routes, cost, and the paths of what was written."""
        from maskworks.studio.run.filing import out_of

        counts, out = ended.counts, out_of(file)
        routes = {route: getattr(counts, route) for route in ROUTES}
        if self.as_json:
            rest = {"left": ended.left, "seconds": round(ended.seconds, 3), "out": str(out)}
            summary = {"routes": routes, "cost": _figures(out) if written else None} | rest
            summary |= _before(self._found)
            print(json.dumps({"summary": summary}), flush=True)
            return
        kinds = ", ".join(f"{number:,} {route}" for route, number in routes.items())
        speed = f"; {self._finished:,} done in {ended.seconds:.1f} s" if self._finished else ""
        print(f"{_pictures(counts.total)}: {kinds}{speed}")
        if written is not None:
            print("\n".join([*_cost(file, written), *_places(ended, out), *written.notes]))


@contextmanager
def watching(watch: ProgressReporter) -> Iterator[None]:
    """Take the bar away whatever happens."""
    try:
        yield
    finally:
        watch.close()


def line_of(one: Done) -> str:
    """Return what became of a picture as one line."""
    outcome = one.outcome
    if outcome.error is not None:
        return f"{'failed':8} {outcome.error.message}"
    sure = "   -" if outcome.score is None else f"{outcome.score:.2f}"
    names = ", ".join(reason.name for reason in outcome.reasons)
    return f"{outcome.route:8} {sure}  {one.source}{f'  ({names})' if names else ''}"


def record(one: Done) -> dict[str, object]:
    """Return what became of a picture as plain values."""
    outcome = one.outcome
    error = outcome.error
    return {
        "source": one.source,
        "route": outcome.route,
        "score": outcome.score,
        "reasons": [
            {"name": r.name, "value": float(r.value), "limit": r.limit, "text": r.text}
            for r in outcome.reasons
        ],
        "outputs": [output.path for output in outcome.outputs],
        "spot_check": outcome.spot_check,
        "seconds": None if outcome.seconds is None else round(outcome.seconds, 3),
        "error": None if error is None else {"code": error.code, "message": error.message},
    }


def _stock(found: RunStarted) -> str:
    added = found.added
    parts = [
        (added.kept, "done before"),
        (added.new, "new"),
        (added.changed, "changed"),
        (added.waiting, "waiting since an earlier run"),
        (added.returned, "back again"),
        (added.gone, "gone"),
        (found.reopened, "to be made again"),
        (found.rerouted, "on another route by the rules of now"),
    ]
    parted = ", ".join(f"{number:,} {what}" for number, what in parts if number)
    todo = f"{found.todo:,} to do" if found.todo else "nothing to do"
    return f"{_pictures(found.total)}, {todo} ({parted or 'none'})"


def _cost(file: CampaignFile, written: Written) -> list[str]:
    from maskworks.studio.report.ledger import open_words

    bill = written.summary.bill
    if bill is None or not bill.items:
        return []
    code = file.campaign.campaign.currency
    now = f"cost {money(bill.total, code)}, {money(bill.blended, code)} a picture"
    saved = f"{money(bill.saved, code)} saved ({bill.saved_share:.0%})"
    lines = [f"{now}; without this line {money(bill.baseline, code)}: {saved}"]
    rates = file.campaign.cost
    words = "" if rates is None else open_words(bill, rates, code)
    return [*lines, words] if words else lines


def _pictures(number: int) -> str:
    return "1 picture" if number == 1 else f"{number:,} pictures"


def _before(found: RunStarted | None) -> dict[str, object]:
    """Return what a run found, as plain values."""
    if found is None:
        return {}
    added = found.added
    return {
        "kept": added.kept,
        "new": added.new,
        "changed": added.changed,
        "gone": added.gone,
        "reopened": found.reopened,
        "rerouted": found.rerouted,
        "notes": list(found.notes),
    }


def _figures(out: Path) -> object:
    return json.loads((out / "report.json").read_text(encoding="utf-8"))["cost"]


def _places(ended: RunEnded, out: Path) -> list[str]:
    there = short(str(out))
    counts = ended.counts
    lines = [(counts.deliver, "deliver"), (counts.review, "review")]
    found = [f"{there}/{folder}: {_pictures(number)}" for number, folder in lines if number]
    if ended.handed_over:
        found.append(f"{there}/manual/brief.csv: {ended.handed_over:,} for the retoucher")
    return [*found, f"{there}/deliverables.csv", f"{there}/report.html"]


def _progress() -> Any:  # noqa: ANN401 - rich is imported only on a terminal
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), Remaining())
    return Progress(*columns, console=Console(stderr=True), transient=True)
