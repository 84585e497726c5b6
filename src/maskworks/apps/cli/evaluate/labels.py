"""`maskworks evaluate semantic`, `panoptic` and `instances`: labels against labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from maskworks.apps.cli.evaluate.options import (
    AllowMissingOption,
    HtmlOption,
    JsonOption,
    folder,
)
from maskworks.apps.cli.evaluate.report_output import ReportTable, report_files, shown
from maskworks.apps.cli.options import MOST_PIXELS, MaxPixelsOption
from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits
from maskworks.core.taxonomy import MOST_IDS, Category, Taxonomy, load_taxonomy, plain_taxonomy

IGNORE, MOST_ID = 255, 65_535
"""The id of pixels without a label where neither a taxonomy nor the user names one."""

NamesOption = Annotated[
    str | None,
    typer.Option(metavar="A,B,C", help="Or the names of the classes, of the ids 0, 1, 2 ..."),
]


def semantic(
    *,
    truth: Annotated[Path, folder("Folder of the true label maps.")],
    predictions: Annotated[Path, folder("Folder of the label maps to measure.")],
    classes: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST_IDS, metavar="N", help="How many classes there are: ids 0 to N - 1."
        ),
    ] = None,
    taxonomy: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help="Or a taxonomy by name, a .toml file of your own, a recipe, or the folder of a "
            "run or model.",
        ),
    ] = None,
    names: NamesOption = None,
    ignore: Annotated[
        str | None,
        typer.Option(
            metavar="K",
            help="Id of true pixels to leave out, or none; by default the taxonomy's, or 255.",
        ),
    ] = None,
    binary: Annotated[
        bool,
        typer.Option(
            "--binary",
            help="Files are masks, of 0 and 1 or of 0 and 255: classes 0 outside and 1 inside.",
        ),
    ] = False,
    json_file: JsonOption = None,
    html_file: HtmlOption = None,
    allow_missing: AllowMissingOption = False,
    max_pixels: MaxPixelsOption = MOST_PIXELS,
) -> None:
    """Measure label maps: mIoU, accuracies, Dice and boundary IoU from one confusion matrix.

    Pictures hold one class id a pixel, grey or palette, 8 or 16 bits; they belong together by
    their path below the folder without the suffix. A prediction that is missing, has another size
    or an unknown id is an error that names the file.

    Exit code: 0 measured, 1 files do not fit, 2 wrong use.
    """
    from maskworks.evaluate.label_masks import LabelMeaning
    from maskworks.evaluate.pages.labels import semantic_page
    from maskworks.evaluate.semantic import evaluate_semantic

    files = report_files(json_file, html_file, task="semantic")
    chosen = _taxonomy(classes, taxonomy, ignore, names)
    report = evaluate_semantic(
        truth,
        predictions,
        chosen,
        limits=Limits(max_pixels),
        allow_missing=allow_missing,
        meaning=LabelMeaning(binary=binary, ignore_meant=ignore is not None),
    )
    record: dict[str, Any] = report.record()
    measures = ("IoU", "Dice", "accuracy", "boundary_IoU")
    lines = [
        (row["name"], *(shown(row[name]) for name in measures), f"{row['truth_pixels']:,}")
        for row in record["per_class"]
    ]
    means = (record["mIoU"], record["Dice"], record["mean_accuracy"], record["boundary_IoU"])
    total = f"{record['counts']['pixels']:,}"
    lines.append((f"mean of {record['counts']['classes_in_truth']}", *map(shown, means), total))
    table = ReportTable(
        ("class", *measures, "pixels"),
        lines,
        (
            f"mIoU {shown(record['mIoU'])} over {_share_of(record['counts'])}, "
            f"pixel accuracy {shown(record['pixel_accuracy'])}, "
            f"frequency weighted IoU {shown(record['fwIoU'])} of "
            f"{record['counts']['pictures']} pictures.\n"
            f"{_left_out(chosen)} Means are over the classes in the truth."
        ),
    )
    files.write(record, table, lambda: semantic_page(report, record))


def instances(
    *,
    truth: Annotated[Path, typer.Option(metavar="JSON", help="COCO file of the true objects.")],
    predictions: Annotated[
        Path, typer.Option(metavar="JSON", help="COCO results: masks with scores.")
    ],
    boundary: Annotated[
        bool, typer.Option("--boundary", help="Also AP and AR by boundary IoU.")
    ] = False,
    skip_damaged: Annotated[
        bool,
        typer.Option(
            "--skip-damaged",
            help="Leave out entries of another form and masks that are none, and count them.",
        ),
    ] = False,
    json_file: JsonOption = None,
    html_file: HtmlOption = None,
    allow_missing: AllowMissingOption = False,
) -> None:
    """Measure instance masks: the twelve AP and AR figures of COCO, and boundary AP.

    A mask of another size than its picture, an unknown picture or an unknown class is an error
    that names the file; so is a picture of the truth that is not among the `images` of the
    predictions, if they list any. Pictures belong together by `file_name` and classes by name
    where both files have them, else by id.

    Exit code: 0 measured, 1 files do not fit, 2 wrong use.
    """
    from maskworks.evaluate.instances import FIGURES, evaluate_objects
    from maskworks.evaluate.pages.labels import instances_page

    files = report_files(json_file, html_file, task="instances")
    report = evaluate_objects(
        truth,
        predictions,
        boundary=boundary,
        allow_missing=allow_missing,
        skip_damaged=skip_damaged,
    )
    record: dict[str, Any] = report.record()
    kinds = ("", "boundary_") if boundary else ("",)
    lines = [(name, *(shown(record[f"{kind}{name}"]) for kind in kinds)) for name in FIGURES]
    counts = record["counts"]
    table = ReportTable(
        ("figure", *("boundary" if kind else "mask" for kind in kinds)),
        lines,
        (
            f"{counts['objects']} objects and {counts['predictions']} predictions in "
            f"{counts['pictures']} pictures; -1 where there is no such object."
        ),
    )
    files.write(record, table, lambda: instances_page(report, record))


def panoptic(
    *,
    truth: Annotated[Path, typer.Option(metavar="JSON", help="COCO panoptic file of the truth.")],
    predictions: Annotated[
        Path, typer.Option(metavar="JSON", help="COCO panoptic file to measure.")
    ],
    truth_masks: Annotated[
        Path | None,
        folder("Its PNG files; by default the folder gt/ beside gt.json."),
    ] = None,
    prediction_masks: Annotated[Path | None, folder("The same of the predictions.")] = None,
    json_file: JsonOption = None,
    html_file: HtmlOption = None,
    allow_missing: AllowMissingOption = False,
    max_pixels: MaxPixelsOption = MOST_PIXELS,
) -> None:
    """Measure panoptic segmentations: PQ, SQ and RQ for all, things, stuff and each class.

    By COCO's rules for void and crowds. A missing picture, another size, or ids that a file does
    not list are an error that names the file.

    Exit code: 0 measured, 1 files do not fit, 2 wrong use.
    """
    from maskworks.evaluate.pages.labels import panoptic_page
    from maskworks.evaluate.panoptic import evaluate_panoptic

    files = report_files(json_file, html_file, task="panoptic")
    report = evaluate_panoptic(
        truth,
        predictions,
        truth_masks=truth_masks,
        prediction_masks=prediction_masks,
        limits=Limits(max_pixels),
        allow_missing=allow_missing,
    )
    record: dict[str, Any] = report.record()
    names = ("PQ", "SQ", "RQ")
    lines = [
        (row["name"], *(shown(row[name]) for name in names), str(row["matched"] + row["missed"]))
        for row in record["per_class"]
    ]
    counts = record["counts"]
    for title, figures in (("things", record["things"]), ("stuff", record["stuff"])):
        lines.append((title, *(shown(figures[name]) for name in names), ""))
    objects = str(counts["matched"] + counts["missed"])
    lines.append(("all", *(shown(record[name]) for name in names), objects))
    table = ReportTable(
        ("class", *names, "segments"),
        lines,
        (
            f"{counts['pictures']} pictures: {counts['matched']} segments matched, "
            f"{counts['missed']} missed, {counts['spurious']} spurious.\n"
            "Means are over the classes that occur; void and crowds are left out as COCO does."
        ),
    )
    files.write(record, table, lambda: panoptic_page(report, record))


def _share_of(counts: dict[str, int]) -> str:
    there, named = counts["classes_in_truth"], counts["classes"]
    return f"{named} classes" if there == named else f"{there} of the {named} classes"


def _left_out(chosen: Taxonomy) -> str:
    if chosen.ignore is None:
        return "Left out: nothing."
    return f"Left out: true pixels of id {chosen.ignore}."


def _ignored(word: str) -> int | None:
    """Return the id that `--ignore` names, None for "none"."""
    if word.lower() == "none":
        return None
    if not word.isdecimal() or int(word) > MOST_ID:
        raise UsageError(f"--ignore {word}: name an id of 0 to {MOST_ID}, or none")
    return int(word)


def _taxonomy(
    classes: int | None, name: str | None, ignore: str | None, names: str | None = None
) -> Taxonomy:
    from maskworks.evaluate.semantic import numbered_taxonomy

    if sum(each is not None for each in (classes, name, names)) != 1:
        raise UsageError(
            "give one of --classes N, --names A,B,C and --taxonomy T, so that ids have a meaning"
        )
    if names is not None:
        left_out = IGNORE if ignore is None else _ignored(ignore)
        return plain_taxonomy([each.strip() for each in names.split(",")], ignore=left_out)
    if name is None:
        return numbered_taxonomy(classes or 0, IGNORE if ignore is None else _ignored(ignore))
    chosen = load_taxonomy(name)
    if ignore is None:
        return chosen
    left_out = _ignored(ignore)
    kept: tuple[Category, ...] = tuple(each for each in chosen.categories if each.id != left_out)
    return Taxonomy(chosen.name, kept, left_out, chosen.source)
