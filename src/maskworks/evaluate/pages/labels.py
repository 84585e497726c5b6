"""Pages for label maps, instances and panoptic pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.panoptic import ids_of_png
from maskworks.core.taxonomy import Taxonomy, colour_of
from maskworks.core.values import Pixels
from maskworks.evaluate.instances import FIGURES, InstanceReport
from maskworks.evaluate.label_pictures import read_channels, read_ids
from maskworks.evaluate.pages.drawing import (
    WORST,
    bars,
    legend,
    matrix,
    page,
    pictures,
    record_facts,
    tiles,
)
from maskworks.evaluate.pages.objects import drawn_objects, worst_pictures
from maskworks.evaluate.panoptic import PanopticReport
from maskworks.evaluate.semantic import PictureScore, SemanticReport

_RIGHT, _WRONG, _LEFT_OUT = (226, 232, 238), (200, 60, 20), (120, 120, 120)


def semantic_page(report: SemanticReport, record: Mapping[str, Any]) -> str:
    """Return the page of `evaluate semantic`: figures, classes, confusions, worst pictures."""
    names = ("mIoU", "pixel_accuracy", "mean_accuracy", "fwIoU", "Dice", "boundary_IoU")
    columns = ("IoU", "Dice", "accuracy", "boundary_IoU")
    rows = [
        (row["name"], [*(row[name] for name in columns), f"{row['truth_pixels']:,}"])
        for row in record["per_class"]
    ]
    scored = [each for each in report.pictures if math.isfinite(each.iou)]
    worst = sorted(scored, key=lambda each: each.iou)[:WORST]
    used = {each.name: each.colour for each in report.taxonomy.categories}
    parts = [
        tiles({name.replace("_", " "): record[name] for name in names}),
        bars("Classes", ("class", *columns, "true pixels"), rows),
        matrix(report.taxonomy.names, report.confusion.counts),
        pictures("Worst pictures", [_semantic_row(each, report) for each in worst]),
        legend(used | {"wrong": _WRONG, "left out": _LEFT_OUT}) if worst else "",
        record_facts(record),
    ]
    return page("Semantic segmentation, measured", parts)


def panoptic_page(report: PanopticReport, record: Mapping[str, Any]) -> str:
    """Return the page of `evaluate panoptic`: figures, classes, worst pictures."""
    figures = {name: record[name] for name in ("PQ", "SQ", "RQ")}
    figures |= {f"PQ {group}": record[group]["PQ"] for group in ("things", "stuff")}
    rows = [
        (
            row["name"],
            [row["PQ"], row["SQ"], row["RQ"]]
            + [f"{row[name]:,}" for name in ("matched", "missed", "spurious")],
        )
        for row in record["per_class"]
    ]
    scored = [each for each in report.pictures if math.isfinite(each.pq)]
    worst = sorted(scored, key=lambda each: each.pq)[:WORST]
    drawn = []
    for each in worst:
        sides: list[tuple[str, Pixels]] = [("truth", _segments(read_channels(each.truth)))]
        if each.prediction is not None:
            sides.append(("prediction", _segments(read_channels(each.prediction))))
        drawn.append((f"{each.name}: PQ {each.pq:.4f}", sides))
    headings = ("class", "PQ", "SQ", "RQ", "matched", "missed", "spurious")
    parts = [
        tiles(figures),
        bars("Classes", headings, rows),
        pictures("Worst pictures", drawn),
        record_facts(record),
    ]
    return page("Panoptic segmentation, measured", parts)


def instances_page(report: InstanceReport, record: Mapping[str, Any]) -> str:
    """Return the page of `evaluate instances`: the twelve figures, classes, worst pictures."""
    kinds = ("", "boundary_") if report.boundary else ("",)
    names = [f"{kind}{name}" for kind in kinds for name in FIGURES[:3]]
    rows = [(name, [value]) for name, value in record["per_class"].items()]
    figures: list[tuple[str, list[object]]] = [
        (name, [record[f"{kind}{name}"] for kind in kinds]) for name in FIGURES
    ]
    titles = ("figure", "by mask IoU", "by boundary IoU")[: len(kinds) + 1]
    parts = [
        tiles({name.replace("_", " "): record[name] for name in names}),
        bars("The twelve figures of COCO", titles, figures),
        bars("Classes", ("class", "AP"), rows),
        pictures(
            "Worst pictures",
            [
                (f"{each.name}: F1 {each.f1:.4f} at IoU 0.5", drawn_objects(each))
                for each in worst_pictures(
                    report.truth, report.predictions, WORST, skip_damaged=report.skipped
                )
            ],
        ),
        record_facts(record),
    ]
    return page("Instance segmentation, measured", parts)


def _semantic_row(
    picture: PictureScore, report: SemanticReport
) -> tuple[str, list[tuple[str, Pixels]]]:
    taxonomy = report.taxonomy
    truth = read_ids(picture.truth, binary=report.binary)
    ours = (
        np.full_like(truth, taxonomy.ignore or 0)
        if picture.prediction is None
        else read_ids(picture.prediction, binary=report.binary)
    )
    return f"{picture.name}: mIoU {picture.iou:.4f}", [
        ("truth", _coloured(truth, taxonomy)),
        ("prediction", _coloured(ours, taxonomy)),
        ("mistakes", _mistakes(truth, ours, taxonomy.ignore)),
    ]


def _coloured(ids: NDArray[np.uint16], taxonomy: Taxonomy) -> Pixels:
    table = np.zeros((int(max(ids.max(), *taxonomy.ids)) + 1, 3), np.uint8)
    for each in taxonomy.categories:
        table[each.id] = each.colour
    return table[ids]


def _mistakes(truth: NDArray[np.uint16], ours: NDArray[np.uint16], ignore: int | None) -> Pixels:
    table: Pixels = np.array([_RIGHT, _WRONG, _LEFT_OUT], np.uint8)
    kind = (truth != ours).astype(np.uint8)
    if ignore is not None:
        kind[truth == ignore] = 2
    drawn: Pixels = table[kind]
    return drawn


def _segments(pixels: Pixels) -> Pixels:
    """Return each segment of a COCO panoptic picture in a colour of its own, void black."""
    ids = ids_of_png(pixels)
    found, places = np.unique(ids, return_inverse=True)
    table = np.array(
        [(0, 0, 0) if number == 0 else colour_of(at + 1) for at, number in enumerate(found)],
        np.uint8,
    )
    return table[places.reshape(ids.shape)]
