"""What a run says while it goes on: a bar on a terminal, lines in a pipe, JSON for machines."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from maskworks.batch.manifest import to_json
from maskworks.batch.urls import is_url
from maskworks.batch.work import STATUSES, ManifestRow
from maskworks.core.atomic import FULL

_MOST_NOTES = 8

Say = Callable[[ManifestRow], None]


@dataclass
class RowCounts:
    """Counts of rows by status, their rate, and their notes.

    `full` says that there is no room for another output.
    """

    counts: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    began: float = field(default_factory=time.perf_counter)
    notes: list[str] = field(default_factory=list)
    full: bool = False

    def add(self, row: ManifestRow, shown: str) -> None:
        """Count a row, and keep its notes."""
        self.counts[row.status] += 1
        self.notes += [f"{shown} {note}" for note in row.notes]
        fault = row.error.message if row.error is not None else ""
        self.full = self.full or any(reason in fault for reason in FULL)

    def remarks(self) -> list[str]:
        """Return what was damaged or assumed, a few lines of it."""
        if not self.notes:
            return []
        some = [f"  {note}" for note in self.notes[:_MOST_NOTES]]
        more = len(self.notes) - _MOST_NOTES
        rest = [f"  and {more} more, all in the manifest"] if more > 0 else []
        return ["mind:", *some, *rest]

    def sentence(self, noun: str = "picture") -> str:
        """Say it in one line."""
        done = sum(self.counts.values())
        seconds = max(time.perf_counter() - self.began, 1e-6)
        kinds = ", ".join(f"{self.counts[s]} {s}" for s in STATUSES if self.counts[s])
        noun = noun if done == 1 else f"{noun}s"
        before = f" ({self.kept} done before)" if self.kept else ""
        rate = (done - self.kept) / seconds
        return f"{done} {noun}: {kinds or 'none done'}{before}; {seconds:.1f} s, {rate:.1f}/s"


def line_of(row: ManifestRow, shown: str) -> str:
    """Return one row as a line of text."""
    if row.error is not None:
        return f"{row.status:11} {row.error.message}"
    sure = "   -" if row.confidence is None else f"{row.confidence:.2f}"
    arrow = f" -> {short(row.output)}" if row.output else ""
    return f"{row.status:11} {sure}  {shown}{arrow}"


def short(path: str) -> str:
    """Return a path as seen from here, where that is shorter."""
    if is_url(path):
        return path
    try:
        near = os.path.relpath(path)
    except ValueError:  # another drive
        return path
    return path if near.startswith("..") or path == "-" else near


@contextmanager
def reporting(total: int, shown: dict[str, str], *, style: str) -> Iterator[Say]:
    """Yield a function that takes each row as it comes.

    Parameters
    ----------
    total : how many rows there will be
    shown : what each source is called
    style : "json" (rows on stdout), "quiet" (failures on stderr), "errors" (everything on
        stderr, since stdout carries a picture) or "text" (a bar or lines)
    """
    if style == "json":
        yield lambda row: _line(to_json(row))
    elif style == "quiet":
        yield lambda row: _print_failure(row, shown)
    elif style == "errors":
        yield lambda row: print(line_of(row, shown.get(row.source, row.source)), file=sys.stderr)
    elif sys.stdout.isatty() and sys.stderr.isatty() and total > 1:
        with _bar(total, shown) as say:
            yield say
    else:
        yield lambda row: _line(line_of(row, shown.get(row.source, row.source)))


def _line(text: str) -> None:
    """Print a line; where nobody reads any more, say so once and print no other."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        away = os.open(os.devnull, os.O_WRONLY)
        os.dup2(away, sys.stdout.fileno())
        os.close(away)
        print("whoever read the lines went away; the work goes on without them", file=sys.stderr)


def _print_failure(row: ManifestRow, shown: dict[str, str]) -> None:
    if row.status == "failed":
        print(line_of(row, shown.get(row.source, row.source)), file=sys.stderr)


@contextmanager
def _bar(total: int, shown: dict[str, str]) -> Iterator[Say]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True)
    tally = RowCounts()
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), Remaining())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total, rate="")

        def say(row: ManifestRow) -> None:
            tally.counts[row.status] += 1
            if row.status != "ok":
                line = line_of(row, shown.get(row.source, row.source))
                console.print(line, markup=False, highlight=False, soft_wrap=True)
            done = sum(tally.counts.values())
            rate = done / max(time.perf_counter() - tally.began, 1e-6)
            progress.update(task, completed=done, rate=f"{rate:.1f}/s")

        yield say
