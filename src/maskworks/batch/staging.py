"""Pictures of an object store: fetched to this machine, worked on as files, and sent back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from maskworks.batch.running import Draft, attempt
from maskworks.batch.urls import UrlPath, fetch, send
from maskworks.batch.work import ManifestRow, Work

DoWork = Callable[[Work], ManifestRow]


def staged(do: DoWork, *, again: bool, model: str, debug: bool = False) -> DoWork:
    """Return a `do` that also takes work whose input or output is on an object store.

    Parameters
    ----------
    do : what is done with a picture on this machine; it writes no file but `Work.output`
    again : whether a picture may have been done before (`Share.again`)
    model : the model's name, for the row of a picture that cannot be fetched
    debug : print the traceback of what is no `MaskworksError`
    """

    def do_staged(work: Work) -> ManifestRow:
        if again and work.error is None:
            work = replace(work, may_replace=True)
        if not isinstance(work.source, UrlPath) and not isinstance(work.output, UrlPath):
            return do(work)
        import tempfile

        row = ManifestRow(source=str(work.source), output=None, status="failed", model=model)
        with tempfile.TemporaryDirectory(prefix="maskworks-") as folder:
            return attempt(work, Draft(row), lambda: _there_and_back(work, do, folder), debug=debug)

    return do_staged


def _there_and_back(work: Work, do: DoWork, folder: str) -> ManifestRow:
    source, output = work.source, work.output
    if isinstance(source, UrlPath):
        local = Path(folder, "in", source.name)
        local.parent.mkdir()
        fetch(source, local, shown=work.shown)
        work = replace(work, source=local)
    if not isinstance(output, UrlPath):
        return replace(do(work), source=str(source))
    made = Path(folder, "out", output.name)
    row = replace(do(replace(work, output=made)), source=str(source))
    if row.output is not None:
        send(made, output)
        return replace(row, output=str(output))
    if row.status == "no-subject" and work.replaces_own and work.may_replace:
        output.unlink(missing_ok=True)
    return row
