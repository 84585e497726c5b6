"""The page for mattes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskworks.evaluate.mattes import Report
from maskworks.evaluate.measures import MEASURES, USUAL_NAMES
from maskworks.evaluate.pages.drawing import WORST, bars, facts, page, pictures, tiles
from maskworks.evaluate.pages.pictures import compared
from maskworks.evaluate.pairing import Pair
from maskworks.evaluate.reading import read_matte


def mattes_page(report: Report, pairs: Sequence[Pair]) -> str:
    """Return the page of `evaluate mattes`: means, pictures by their SAD, the worst drawn."""
    record = report.record()
    columns = ("iou", "sad", "mse", "gradient", "connectivity", "boundary_iou", "boundary_f")
    order = sorted(report.scores, key=lambda row: -row.sad)
    rows = [(row.name, [getattr(row, name) for name in columns]) for row in order[: 4 * WORST]]
    headings = {measure.name: measure.heading for measure in MEASURES}
    by_name = {pair.name: pair for pair in pairs}
    drawn = []
    for row in order[:WORST]:
        pair = by_name[row.name]
        truth = read_matte(pair.truth, binary=report.binary).alpha
        ours = (
            np.zeros_like(truth)
            if pair.prediction is None
            else read_matte(pair.prediction, binary=report.binary).alpha
        )
        drawn.append((f"{row.name}: SAD/1000 {row.sad:.4f}", compared(ours, truth)))
    parts = [
        tiles({name: record[name] for name in USUAL_NAMES}),
        bars("Largest SAD", ("picture", *(headings[name] for name in columns)), rows),
        pictures("Worst pictures", drawn),
        facts(
            {
                "truth": report.truth,
                "predictions": report.predictions,
                "trimaps": report.trimaps,
                "resize rule": record["resize_rule"],
                "pixels that count": f"{record['region']} (SAD, MSE, Grad, Conn)",
                "unit": "SAD, Grad and Conn are sums divided by 1000",
                "counts": f"{record['scored']} measured, {record['failed']} failed",
                "counted as empty": ", ".join(report.missing) or None,
            }
        ),
    ]
    return page("Mattes, measured", parts)
