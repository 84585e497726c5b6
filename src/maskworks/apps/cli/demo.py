"""`maskworks demo`: cut example photos out, run a campaign of them, and show both on a page."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from maskworks.apps.cli.campaigns import known, opened
from maskworks.apps.cli.report import short
from maskworks.apps.cli.run import run_file
from maskworks.apps.cli.stopping import INTERRUPTED, finishing
from maskworks.apps.demo.campaign import CORRUPT, shown_of, write_campaign
from maskworks.apps.demo.campaign_page import STYLE, campaign_section
from maskworks.apps.demo.clip import clip_section
from maskworks.apps.demo.page import page, total_seconds
from maskworks.apps.demo.photos import DemoPhoto, samples
from maskworks.batch.work import ManifestRow
from maskworks.batch.writing import write_file
from maskworks.core.errors import UsageError
from maskworks.core.writing import write_text_atomic
from maskworks.cutouts.request import CutoutRequest, open_cutting
from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.run.filing import out_of

DELIVER_AT = 0.85
"""Below this confidence the demo sends a picture to a person, as a campaign does."""

MOVING = "chelsea.png"
"""The photo that the demo's clip pans over."""

HEADINGS = ("picture", "status", "confidence", "size", "seconds")


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for pictures and page.")
    ] = Path("demo-out"),
    model: Annotated[str, typer.Option(help="As `maskworks models list` names it.")] = "cutout",
) -> None:
    """Cut example photos out, run a whole campaign of some, and show both on a page.

    All are photos: those that scikit-image brings along, and some of ours; hard ones and ones
    without a subject are among them. Writes DIR/index.html, the cut-outs and a manifest,
    and DIR/campaign with everything that a campaign has: two concepts with three approved
    backgrounds each, an exception, a photo without a subject, a corrupt file, and its report.
    Nothing is downloaded.
    """
    folder = output.absolute()
    _refuse_foreign(folder)
    began = time.perf_counter()
    shown = samples()
    rows = _cut(folder, shown, model)
    seconds = time.perf_counter() - began
    print_table(rows)
    failed = sum(row.status == "failed" for row in rows)
    counts = f"{len(rows)} pictures in {seconds:.1f} s with the model {model}, start included"
    print(f"\n{counts}")
    remarks = {sample.name: sample.remark for sample in shown}
    index = folder / "index.html"
    if len(rows) < len(shown):
        write_text_atomic(index, page(rows, remarks, f"{counts}."))
        raise typer.Exit(INTERRUPTED)
    moving = next((each.content for each in shown if each.name == MOVING), shown[0].content)
    clip = clip_section(folder, moving, model)
    section, unexpected = _campaign(folder, shown, model)
    section = clip + section
    write_text_atomic(index, page(rows, remarks, f"{counts}.", section=section, style=STYLE))
    print(f"\nAll of it took {time.perf_counter() - began:.0f} s.")
    print(f"open {short(str(index))} in a browser; the campaign's report is linked there")
    raise typer.Exit(1 if failed or unexpected else 0)


def _campaign(folder: Path, shown: Sequence[DemoPhoto], model: str) -> tuple[str, int]:
    """Run the campaign as `maskworks run` does; return its section and what failed unforeseen."""
    path = write_campaign(folder / "campaign", shown, model=model)
    print(f"\nNow a campaign, as a producer runs it:\n$ maskworks run {short(str(path))}")
    file = read_campaign(path)
    if run_file(file, None) == INTERRUPTED:
        raise typer.Exit(INTERRUPTED)
    with opened(file, None, create=False) as store:
        pictures = shown_of(file, store, known(store, file))
    unexpected = sum(one.route == "failed" and one.source != CORRUPT for one in pictures)
    return campaign_section(pictures, out_of(file) / "report.html", folder), unexpected


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"-o {folder} is a file, not a folder; name another place")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "photos").is_dir():
        raise UsageError(f"-o {folder} holds something else than a demo; name an empty folder")


def _cut(folder: Path, shown: Sequence[DemoPhoto], model: str) -> list[ManifestRow]:
    for sample in shown:
        write_file(folder / "photos" / sample.name, sample.content, may_replace=True)
    request = CutoutRequest(
        inputs=tuple(str(folder / "photos" / sample.name) for sample in shown),
        output=str(folder),
        model=model,
        min_confidence=DELIVER_AT,
        existing="overwrite",
    )
    stop = threading.Event()
    with finishing(stop):
        cutting = open_cutting(request)
        rows = {row.source: row for row in cutting.rows(stop)}
    order = [str(work.source) for work in cutting.plan.works]
    return [rows[source] for source in order if source in rows]


def cells_of(row: ManifestRow) -> tuple[str, ...]:
    """Return a row of the table, as text."""
    confidence = "-" if row.confidence is None else f"{row.confidence:.2f}"
    size = f"{row.width}x{row.height}" if row.width else "-"
    seconds = total_seconds(row)
    spent = "-" if seconds is None else f"{seconds:.2f}"
    return Path(row.source).name, row.status, confidence, size, spent


def print_table(rows: Sequence[ManifestRow]) -> None:
    """Print a table: with colour on a terminal, plain in a pipe."""
    lines = [cells_of(row) for row in rows]
    if not sys.stdout.isatty():
        wide = [max(map(len, column)) for column in zip(HEADINGS, *lines, strict=True)]
        for cells in (HEADINGS, *lines):
            padded = (
                cell.ljust(width) if at < 2 else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(cells, wide, strict=True))
            )
            print("  ".join(padded))
        return
    from rich.console import Console
    from rich.table import Table

    colours = {"ok": "green", "review": "yellow", "no-subject": "blue", "failed": "red"}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for at, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if at < 2 else "right")
    for cells in lines:
        table.add_row(*cells, style=colours[cells[1]] if cells[1] != "ok" else None)
    Console(highlight=False).print(table)
