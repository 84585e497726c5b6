"""The confidence head: a network's own prediction of how good its matte is.

After mask-quality heads in the literature (Huang et al., Mask Scoring R-CNN,
CVPR 2019; Kirillov et al., Segment Anything, ICCV 2023): pooled features and
the network's own matte go through a small perceptron that predicts the IoU
that the matte reaches, and whether there is a subject at all.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maskworks.models.networks.u2net import resized

STATISTICS = 14
STRIDE = 32  # of the deep features; heights and widths are multiples of it


def evidence(logits: list[Tensor], features: Tensor) -> Tensor:
    """Gather the features of the confidence head.

    Parameters
    ----------
    logits : list of (N, 1, h, w), the final map first, then the side maps, which may be smaller
    features : (N, C, h / 32, w / 32), deep features

    Returns
    -------
    (N, 3 C + 14)
        Features averaged over the picture, inside and outside the matte, then
        statistics of the matte: area, doubt, doubt along the edge,
        compactness, how far the side maps agree with the final one, where the
        matte lies and whether it touches the border.
    """
    matte = torch.sigmoid(logits[0])
    small = F.avg_pool2d(matte, STRIDE)
    total = features.mean((2, 3))
    inside = (features * small).sum((2, 3)) / (small.sum((2, 3)) + 0.1)
    outside = (features * (1 - small)).sum((2, 3)) / ((1 - small).sum((2, 3)) + 0.1)

    area = matte.mean((1, 2, 3))
    hard = torch.sigmoid(20 * (matte - 0.5))
    hard_area = hard.mean((1, 2, 3))
    doubt = (4 * matte * (1 - matte)).mean((1, 2, 3))
    edges = (hard[:, :, 1:, 1:] - hard[:, :, :-1, 1:]).abs() + (
        hard[:, :, 1:, 1:] - hard[:, :, 1:, :-1]
    ).abs()
    length = edges.mean((1, 2, 3))
    peak = F.avg_pool2d(matte, 16).amax((1, 2, 3))
    rim = torch.cat((hard[:, :, 0], hard[:, :, -1], hard[:, :, :, 0], hard[:, :, :, -1]), 2)
    agreement = []
    for side in logits[1:4]:
        other = torch.sigmoid(resized(side, matte))
        both = torch.minimum(matte, other).mean((1, 2, 3))
        either = torch.maximum(matte, other).mean((1, 2, 3))
        agreement.append((both + 1e-3) / (either + 1e-3))
    # Doubt left inside after local averaging: whole parts in doubt, not edges.
    blurred = F.avg_pool2d(matte, 9, stride=4, padding=4)
    parts = (4 * blurred * (1 - blurred)).mean((1, 2, 3))
    sure = (matte > 0.9).to(matte.dtype).mean((1, 2, 3))
    unsure = ((matte > 0.1).to(matte.dtype).mean((1, 2, 3)) - sure) / (hard_area + 0.01)
    statistics = torch.stack(
        (
            area,
            hard_area,
            torch.sqrt(hard_area + 1e-6),
            doubt,
            doubt / (area + 0.01),
            length,
            length / (torch.sqrt(hard_area + 1e-6) + 0.01),
            peak,
            rim.mean((1, 2)),
            *agreement,
            parts / (area + 0.01),
            unsure,
        ),
        1,
    )
    return torch.cat((total, inside, outside, statistics), 1)


class Judge(nn.Module):
    """Predict (IoU, presence of a subject), both in [0, 1], from the evidence."""

    def __init__(self, feature_channels: int, hidden: int = 64, dropout: float = 0.2) -> None:
        super().__init__()
        wide = 3 * feature_channels + STATISTICS
        self.norm = nn.BatchNorm1d(wide)
        self.layers = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(wide, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 2),
        )

    def forward(self, gathered: Tensor) -> Tensor:
        """Map (N, E) evidence to (N, 2) logits of IoU and presence."""
        scores: Tensor = self.layers(self.norm(gathered))
        return scores


class Judged(nn.Module):
    """A body and its judge as one network: matte, confidence, presence."""

    def __init__(self, body: nn.Module, judge: Judge) -> None:
        super().__init__()
        self.body, self.judge = body, judge

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (N, 3, h, w) to a matte (N, 1, h, w), confidence (N,) and presence (N,)."""
        logits, features = self.body(x)
        scores = torch.sigmoid(self.judge(evidence(logits, features)))
        return torch.sigmoid(logits[0]), scores[:, 0], scores[:, 1]
