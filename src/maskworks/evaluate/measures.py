"""What `maskworks evaluate mattes` prints: each measure's name, unit, definition and source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RHEMANN = (
    "Rhemann et al., A Perceptually Motivated Online Benchmark for Image Matting, CVPR 2009; "
    "details as in the code of Xu et al., Deep Image Matting, CVPR 2017"
)

THOUSAND = 1000
"""What the sums over pixels are divided by before they are printed, as in papers."""


@dataclass(frozen=True)
class Measure:
    """One column: `name` is its key in JSON, `heading` and `decimals` are for the table.

    `region` says which pixels count: "unknown" those of the trimap's unknown part (all of
    them without a trimap), "whole" always all.
    """

    name: str
    heading: str
    unit: str
    better: Literal["lower", "higher"]
    region: Literal["unknown", "whole"]
    definition: str
    source: str
    decimals: int = 4


MEASURES = (
    Measure(
        name="sad",
        heading="SAD/1000",
        unit="thousand pixels of full coverage",
        better="lower",
        region="unknown",
        definition="sum of |predicted - truth|, divided by 1000",
        source=RHEMANN,
    ),
    Measure(
        name="mse",
        heading="MSE",
        unit="1",
        better="lower",
        region="unknown",
        definition="mean of (predicted - truth) squared",
        source=RHEMANN,
        decimals=5,
    ),
    Measure(
        name="gradient",
        heading="Grad/1000",
        unit="thousands",
        better="lower",
        region="unknown",
        definition=(
            "sum of the squared differences of the gradient magnitudes, divided by 1000; "
            "first derivatives of a Gaussian, sigma 1.4, filters of length 1, q = 2"
        ),
        source=RHEMANN,
    ),
    Measure(
        name="connectivity",
        heading="Conn/1000",
        unit="thousands",
        better="lower",
        region="unknown",
        definition=(
            "sum of the differences in connectedness, divided by 1000; thresholds in steps of "
            "0.1, 4-connected, theta 0.15, p = 1, lambda 1"
        ),
        source=RHEMANN,
    ),
    Measure(
        name="iou",
        heading="IoU",
        unit="1",
        better="higher",
        region="whole",
        definition="intersection over union at alpha >= 0.5",
        source="Jaccard, New Phytologist, 1912",
    ),
    Measure(
        name="boundary_iou",
        heading="BIoU",
        unit="1",
        better="higher",
        region="whole",
        definition=(
            "intersection over union, at alpha >= 0.5, of the bands inside the outlines that are "
            "2 % of the diagonal wide by Euclidean distance"
        ),
        source="Cheng et al., Boundary IoU, CVPR 2021 (their code measures by squares)",
    ),
    Measure(
        name="boundary_f",
        heading="BF",
        unit="1",
        better="higher",
        region="whole",
        definition=(
            "F-score of the outlines at alpha >= 0.5, matched within 0.8 % of the diagonal, "
            "rounded up to whole pixels"
        ),
        source="Perazzi et al., DAVIS, CVPR 2016",
    ),
)
"""The columns, in order."""

USUAL_NAMES = {
    "SAD": "sad",
    "MSE": "mse",
    "Grad": "gradient",
    "Conn": "connectivity",
    "IoU": "iou",
    "boundary_IoU": "boundary_iou",
    "boundary_F": "boundary_f",
}
"""The key of each mean at the top of the JSON, as papers call it: the name of the measure."""
