"""Pages for saliency maps and sequences."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Matte, Pixels
from maskworks.evaluate.label_pictures import read_ids
from maskworks.evaluate.pages.drawing import (
    WORST,
    bars,
    curve,
    page,
    pictures,
    record_facts,
    tiles,
)
from maskworks.evaluate.reading import read_matte
from maskworks.evaluate.saliency import SaliencyPicture, SaliencyReport
from maskworks.evaluate.video import BINARY, Held, SequenceScore, VideoReport

_LEVELS = 256


def saliency_page(report: SaliencyReport, record: Mapping[str, Any]) -> str:
    """Return the page of `evaluate saliency`: figures, curves, worst pictures."""
    names = ("MAE", "maxF", "meanF", "wF", "S", "maxE", "meanE")
    scores = [each.score for each in report.pictures]
    curves = {
        "F": np.mean([score.f_curve for score in scores], axis=0)[::-1].tolist(),
        "E": np.mean([score.e_curve for score in scores], axis=0)[::-1].tolist(),
    }
    order = sorted(report.pictures, key=lambda each: each.score.s)
    rows = [
        (each.name, [each.score.s, each.score.mae, each.score.weighted_f])
        for each in order[: 4 * WORST]
    ]
    parts = [
        tiles({name: record[name] for name in names}),
        curve("F and E over the threshold", curves, label="Mean F and E at thresholds 0 to 255"),
        bars("Lowest S-measures", ("picture", "S", "MAE", "wF"), rows),
        pictures(
            "Worst pictures", [_saliency_row(each, binary=report.binary) for each in order[:WORST]]
        ),
        record_facts(record),
    ]
    return page("Saliency, measured", parts)


def video_page(report: VideoReport, record: Mapping[str, Any]) -> str:
    """Return the page of `evaluate video`: figures, sequences, frames, worst frames."""
    names = ("J&F", "J", "F", "J_recall", "J_decay", "F_recall", "F_decay", "dtSSD")
    columns = ("J&F", "J", "F", "J_recall", "J_decay", "dtSSD")
    rows = [
        (name, [row[column] for column in columns]) for name, row in record["per_sequence"].items()
    ]
    worst = sorted(report.sequences, key=_mean_j)[:WORST]
    curves = [
        curve(
            f"{each.name}: J and F by frame",
            {
                "J": np.mean([o.j for o in each.objects], axis=0).tolist(),
                "F": np.mean([o.f for o in each.objects], axis=0).tolist(),
            },
            label=f"J and F of the frames of {each.name}",
        )
        for each in worst
    ]
    parts = [
        tiles({name.replace("_", " "): record[name] for name in names}),
        bars("Sequences", ("sequence", *columns), rows),
        *curves,
        pictures(
            "Worst frames",
            [_frame_row(each, skip_ends=report.skip_ends) for each in worst],
        ),
        record_facts(record),
    ]
    return page("Video segmentation, measured", parts)


def compared(ours: NDArray[np.float32], truth: NDArray[np.float32]) -> list[tuple[str, Pixels]]:
    """Return the truth, the prediction and their difference as pictures with captions."""
    return [
        ("truth", _grey(truth)),
        ("prediction", _grey(ours)),
        ("difference: missing blue, too much orange", _difference(ours, truth)),
    ]


def _mean_j(sequence: SequenceScore) -> float:
    return float(np.mean([each.j.mean() for each in sequence.objects]))


def _saliency_row(
    picture: SaliencyPicture, *, binary: bool | None
) -> tuple[str, list[tuple[str, Pixels]]]:
    truth = read_matte(picture.truth, binary=binary).alpha
    ours = (
        np.zeros_like(truth)
        if picture.prediction is None
        else read_matte(picture.prediction, binary=binary).alpha
    )
    return f"{picture.name}: S {picture.score.s:.4f}", compared(ours, truth)


def _frame_row(sequence: SequenceScore, *, skip_ends: bool) -> tuple[str, list[tuple[str, Pixels]]]:
    at = int(np.argmin(np.mean([each.j for each in sequence.objects], axis=0)))
    frame = sequence.frames[at + int(skip_ends)]
    truth = _inside(frame.truth, sequence.holds)
    ours = (
        np.zeros_like(truth)
        if frame.prediction is None
        else _inside(frame.prediction, sequence.holds)
    )
    j = float(np.mean([each.j[at] for each in sequence.objects]))
    return f"{frame.name}: J {j:.4f}", compared(ours, truth)


def _inside(path: Path, holds: Held) -> NDArray[np.float32]:
    if holds == "numbers":
        ids = read_ids(path)
        return ((ids > 0) & (ids < _LEVELS - 1)).astype(np.float32)
    matte: Matte = read_matte(path, binary=BINARY.get(holds))
    return matte.alpha


def _grey(alpha: NDArray[np.float32]) -> Pixels:
    return np.repeat(np.rint(alpha * 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)


def _difference(ours: NDArray[np.float32], truth: NDArray[np.float32]) -> Pixels:
    apart = (ours - truth)[..., np.newaxis]
    colour = np.where(apart > 0, (200, 80, 30), (47, 111, 176))
    return np.asarray(np.rint(245 + np.abs(apart) * (colour - 245)), np.uint8)
