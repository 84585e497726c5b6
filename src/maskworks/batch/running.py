"""Run a plan: each picture in turn to a row, sweeping before and after, writing the manifest."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from maskworks.batch.backends import MapItems
from maskworks.batch.manifest import ManifestWriter
from maskworks.batch.planning import Plan
from maskworks.batch.work import Fault, ManifestRow, Work
from maskworks.batch.writing import sweep
from maskworks.core.errors import MaskworksError


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchRun:
    """A planned run that is ready to begin.

    Parameters
    ----------
    journal : ManifestWriter
        Writes the manifest.
    do : what is done with the pictures, by a backend that was opened
    """

    plan: Plan
    journal: ManifestWriter
    do: MapItems[Work, ManifestRow]

    def rows(self, stop: threading.Event) -> Iterator[ManifestRow]:
        """Yield the row of each picture as it is done; the manifest is whole however it ends."""
        folders = sorted({work.output.parent for work in self.plan.todo if work.deliver is None})
        sweep(folders)
        try:
            for row in self.do(self.plan.todo, stop):
                self.journal.add(row)
                yield row
        finally:
            self.journal.finish([str(work.source) for work in self.plan.works])
            sweep(folders)


_DIGITS = 4


@dataclass
class Draft:
    """The row of a picture while it is worked on: what is known stays known if a step fails."""

    row: ManifestRow

    @contextmanager
    def step(self, name: Literal["read", "segment", "refine", "write"]) -> Iterator[None]:
        """Note in the row how long a step takes; a step that fails takes no time."""
        began = time.perf_counter()
        yield
        took = {name: round(time.perf_counter() - began, _DIGITS)}
        self.row = replace(self.row, seconds=replace(self.row.seconds, **took))


def attempt(work: Work, draft: Draft, do: Callable[[], ManifestRow], *, debug: bool) -> ManifestRow:
    """Do one piece of work; whatever happens, the answer is a row.

    Parameters
    ----------
    work : Work
        An error that it brings is told like those of trying.
    draft : what is known of it; `do` may add to it
    do : does the work and returns the finished row
    debug : print the traceback of what is no `MaskworksError`
    """
    try:
        if work.error is not None:
            raise work.error  # noqa: TRY301 - known before it was tried, told like the others
        return do()
    except Exception as error:  # noqa: BLE001 - one bad picture never stops the rest
        fault = fault_of(error, work.shown, debug=debug)
        return replace(draft.row, status="failed", error=fault)


def fault_of(error: Exception, shown: str, *, debug: bool) -> Fault:
    """Return why a picture failed, for its row; the traceback of a surprise is for `debug` alone.

    Examples
    --------
    >>> from maskworks.core.errors import UsageError
    >>> fault_of(UsageError("no"), "a.jpg", debug=False)
    Fault(code='usage', message='no')
    >>> fault_of(ValueError("odd"), "a.jpg", debug=False).message
    'a.jpg: unexpected ValueError (odd); run it again with `--debug`'
    """
    if isinstance(error, MaskworksError):
        return Fault(error.code, str(error))
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    name = type(error).__name__
    message = f"{shown}: unexpected {name} ({error}); run it again with `--debug`"
    return Fault("internal", message)
