"""How a download is shown: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from maskworks.models.download import Progress


def _megabytes(count: int | None) -> str:
    return f"{count / 1e6:,.1f} MB" if count else "-"


@contextmanager
def pull_progress(name: str) -> Iterator[Progress]:
    """Draw a bar on a terminal, print a line for each tenth elsewhere; both on stderr."""
    if not sys.stderr.isatty():
        yield _Lines(name)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(name, total=None)
        yield lambda here, total: bars.update(task, completed=here, total=total or None)


class _Lines:
    """Progress as lines, at most eleven a file."""

    def __init__(self, name: str) -> None:
        self.name, self.tenth = name, -1

    def __call__(self, here: int, total: int) -> None:
        tenth = 10 * here // total if total else 0
        if tenth > self.tenth:
            self.tenth = tenth
            share = f"{10 * tenth} %" if total else "started"
            print(f"{self.name}: {share}, {_megabytes(here)}", file=sys.stderr, flush=True)
