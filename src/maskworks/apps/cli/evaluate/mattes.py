"""`maskworks evaluate mattes`: soft alpha against soft alpha."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from maskworks.apps.cli.evaluate.options import (
    AllowMissingOption,
    BinaryOption,
    HtmlOption,
    JsonOption,
    folder,
)
from maskworks.apps.cli.evaluate.report_output import ReportFiles, ReportTable, report_files
from maskworks.apps.cli.options import MOST_PIXELS, MaxPixelsOption
from maskworks.apps.cli.stopping import INTERRUPTED, finishing
from maskworks.batch.memory import reuse_memory
from maskworks.core.reading import Limits
from maskworks.evaluate.mattes import Failure, Report, Score, score_pairs
from maskworks.evaluate.measures import MEASURES
from maskworks.evaluate.pairing import pair_files


def mattes(
    *,
    truth: Annotated[Path, folder("Folder of the true mattes.")],
    predictions: Annotated[Path, folder("Folder of the mattes or RGBA cut-outs to measure.")],
    trimaps: Annotated[
        Path | None,
        folder(
            "Folder of trimaps: SAD, MSE, gradient and connectivity then count their unknown "
            "part alone."
        ),
    ] = None,
    json_file: JsonOption = None,
    html_file: HtmlOption = None,
    allow_missing: AllowMissingOption = False,
    binary: BinaryOption = None,
    max_pixels: MaxPixelsOption = MOST_PIXELS,
) -> None:
    """Measure mattes against the truth, per picture and in the mean.

    Files belong together by their path below the folder without the suffix: TRUTH/a/shoe.png and
    PREDICTIONS/a/shoe.webp. A matte is a grey picture or the alpha channel of one, of 8 or 16
    bits, at the size of the truth. SAD, gradient and connectivity errors are printed divided by
    1000, as papers do. Whatever lacks its counterpart or cannot be read is named; the rest is
    measured all the same, and is what the means are of.

    Exit code: 0 all measured, 1 some not, 2 wrong use, 130 stopped.
    """
    from maskworks.evaluate.pages.mattes import mattes_page

    files = report_files(json_file, html_file, task="mattes")
    pairing = pair_files(truth, predictions, trimaps, allow_missing=allow_missing)
    stop = threading.Event()
    reuse_memory()
    with finishing(stop):
        rows = list(
            _shown(
                score_pairs(pairing.pairs, Limits(max_pixels), binary=binary, stop=stop),
                len(pairing.pairs),
            )
        )
    if len(rows) < len(pairing.pairs):
        print(f"stopped with {len(pairing.pairs) - len(rows)} left to do", file=sys.stderr)
        raise typer.Exit(INTERRUPTED)
    failures = [row for row in rows if isinstance(row, Failure)]
    failures += [Failure(name, error.code, str(error)) for name, error in pairing.problems]
    report = Report(
        truth=truth,
        predictions=predictions,
        trimaps=trimaps,
        scores=tuple(row for row in rows if isinstance(row, Score)),
        failures=tuple(sorted(failures, key=lambda failure: failure.name)),
        missing=tuple(pair.name for pair in pairing.pairs if pair.prediction is None),
        binary=binary,
    )
    _print_report(report, files, spare=pairing.spare)
    files.write_page(lambda: mattes_page(report, pairing.pairs))
    raise typer.Exit(1 if report.failures else 0)


def _print_report(report: Report, files: ReportFiles, *, spare: int) -> None:
    """Print the table and what failed; write the JSON."""
    headings = ("picture", *(measure.heading for measure in MEASURES))
    table = ReportTable(headings, list(_lines(report)) if report.scores else [], _footnote(report))
    notes = report.notes()
    files.write_json(report.record(), lambda: table.show(notes) if table.lines else None)
    if report.missing:
        print(f"counted as empty: {len(report.missing)} missing predictions", file=sys.stderr)
    for failure in report.failures:
        print(f"failed: {failure.message}", file=sys.stderr)
    if spare:
        print(f"left aside: {spare} trimaps without a truth", file=sys.stderr)
    if report.failures:
        total = len(report.scores) + len(report.failures)
        print(f"{len(report.failures)} of {total} pictures could not be measured", file=sys.stderr)


def _lines(report: Report) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each row of the table, the mean last."""
    for row in report.scores:
        yield (row.name, *(f"{getattr(row, m.name):.{m.decimals}f}" for m in MEASURES))
    means = report.means() or {}
    yield f"mean of {len(report.scores)}", *(f"{means[m.name]:.{m.decimals}f}" for m in MEASURES)


def _footnote(report: Report) -> str:
    pixels = (
        "Every pixel counts"
        if report.trimaps is None
        else "SAD, MSE, Grad and Conn count the trimap's unknown part, the others every pixel"
    )
    return (
        f"{pixels}; SAD, Grad and Conn are sums, divided by 1000.\n"
        "Lower is better for SAD, MSE, Grad and Conn, higher for IoU, BIoU and BF."
    )


def _shown(rows: Iterable[Score | Failure], total: int) -> Iterator[Score | Failure]:
    """Pass rows on; on a terminal with a bar."""
    if not sys.stderr.isatty() or total < 2:
        yield from rows
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(rows, "", total=total, console=Console(stderr=True), transient=True)
