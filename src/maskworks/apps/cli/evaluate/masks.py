"""`maskworks evaluate saliency` and `video`: soft masks against masks."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from maskworks.apps.cli.evaluate.options import (
    AllowMissingOption,
    BinaryOption,
    HtmlOption,
    JsonOption,
    folder,
)
from maskworks.apps.cli.evaluate.report_output import ReportTable, report_files, shown
from maskworks.apps.cli.options import MOST_PIXELS, MaxPixelsOption
from maskworks.core.reading import Limits


class Holds(StrEnum):
    """What the frames of a sequence hold."""

    AUTO = "auto"
    NUMBERS = "numbers"
    MATTE = "matte"


def saliency(
    *,
    truth: Annotated[Path, folder("Folder of the true masks.")],
    predictions: Annotated[Path, folder("Folder of the saliency maps or mattes.")],
    json_file: JsonOption = None,
    html_file: HtmlOption = None,
    allow_missing: AllowMissingOption = False,
    binary: BinaryOption = None,
    max_pixels: MaxPixelsOption = MOST_PIXELS,
) -> None:
    """Measure saliency maps: MAE, F-measures, weighted F, S-measure and E-measures.

    The figures are those of pysodmetrics: predictions are stretched to 0 and 1 first, the truth
    is inside above 128. Pictures belong together by their path without the suffix.

    Exit code: 0 measured, 1 files do not fit, 2 wrong use.
    """
    from maskworks.evaluate.pages.pictures import saliency_page
    from maskworks.evaluate.saliency import evaluate_saliency

    files = report_files(json_file, html_file, task="saliency")
    report = evaluate_saliency(
        truth,
        predictions,
        limits=Limits(max_pixels),
        allow_missing=allow_missing,
        binary=binary,
    )
    record: dict[str, Any] = report.record()
    names = ("MAE", "maxF", "meanF", "wF", "S", "maxE", "meanE")
    lines = [(row["name"], *(shown(row[n]) for n in names)) for row in record["pictures"]]
    lines.append((f"set of {len(lines)}", *(shown(record[n]) for n in names)))
    table = ReportTable(
        ("picture", *names),
        lines,
        (
            "MAE: lower is better, the others higher. maxF and maxE of the set are those of its "
            "mean curve."
        ),
    )
    files.write(record, table, lambda: saliency_page(report, record))


def video(
    *,
    truth: Annotated[Path, folder("Folder with one folder of frames a sequence.")],
    predictions: Annotated[Path, folder("The same to measure.")],
    holds: Annotated[
        Holds,
        typer.Option(help="Frames hold numbers of objects, or a matte; auto asks the truth."),
    ] = Holds.AUTO,
    skip_ends: Annotated[
        bool,
        typer.Option(
            "--skip-ends",
            help="Leave out first and last frames, as DAVIS does where the first is given.",
        ),
    ] = False,
    frames: Annotated[
        Path | None,
        folder("The clips' own frames, named as the truth: adds the warp error of mattes."),
    ] = None,
    json_file: JsonOption = None,
    html_file: HtmlOption = None,
    allow_missing: AllowMissingOption = False,
    binary: BinaryOption = None,
    max_pixels: MaxPixelsOption = MOST_PIXELS,
) -> None:
    """Measure sequences: J and F of DAVIS with recall and decay, and how steady alpha is.

    Every folder with pictures is a sequence, its frames in order of their names. Mattes count as
    masks from alpha 0.5; dtSSD is the error in the change of alpha from frame to frame.

    Exit code: 0 measured, 1 files do not fit, 2 wrong use.
    """
    from maskworks.evaluate.pages.pictures import video_page
    from maskworks.evaluate.video import evaluate_video

    files = report_files(json_file, html_file, task="video")
    report = evaluate_video(
        truth,
        predictions,
        holds=holds.value if binary is None else "mask" if binary else "alpha",
        skip_ends=skip_ends,
        frames=frames,
        limits=Limits(max_pixels),
        allow_missing=allow_missing,
    )
    record: dict[str, Any] = report.record()
    names = ["J&F", "J", "J_recall", "J_decay", "F", "F_recall", "F_decay", "dtSSD"]
    names += [] if frames is None else ["warp_error"]
    lines = [
        (name, *(shown(row[n]) for n in names)) for name, row in record["per_sequence"].items()
    ]
    counts = record["counts"]
    lines.append((f"mean of {counts['objects']} objects", *(shown(record[n]) for n in names)))
    table = ReportTable(
        ("sequence", *names),
        lines,
        (
            f"{counts['frames']} frames in {counts['sequences']} sequences; frames that count: "
            f"{record['frames_that_count']}.\n"
            "Higher is better for J and F and their recall, lower for decay, dtSSD and warp error."
        ),
    )
    files.write(record, table, lambda: video_page(report, record))
