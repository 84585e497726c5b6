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
AGREEMENTS = 3
SURE = 7.0  # logit from which a place is taken to be settled
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
    sides = []
    for side in logits[1:4]:
        other = torch.sigmoid(resized(side, matte))
        sides.append(_overlap(matte, other))
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
            *sides,
            parts / (area + 0.01),
            unsure,
        ),
        1,
    )
    return torch.cat((total, inside, outside, statistics), 1)


class Judge(nn.Module):
    """Predict (IoU, presence of a subject), both in [0, 1], from the evidence.

    Presence is told from all of it. The IoU is told from its last numbers alone, the statistics
    and how far the passes agree: the deep features know what the training pictures showed, and
    foretell worse how well a picture of something else is cut out.

    Parameters
    ----------
    wide, statistics : numbers of evidence in all, and of those at its end that are no features
    """

    def __init__(
        self, wide: int, statistics: int, *, hidden: int = 64, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.statistics = statistics
        self.norm = nn.BatchNorm1d(wide)
        self.overlap = _perceptron(statistics, hidden, dropout)
        self.presence = _perceptron(wide, hidden, dropout)

    def forward(self, gathered: Tensor) -> Tensor:
        """Map (N, E) evidence to (N, 2) logits of IoU and presence."""
        known = self.norm(gathered)
        overlap = self.overlap(known[:, -self.statistics :])
        return torch.cat((overlap, self.presence(known)), 1)


def _perceptron(wide: int, hidden: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(dropout),
        nn.Linear(wide, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, 1),
    )


class Passes(nn.Module):
    """A body that sees a picture, and where it is asked to, once more mirrored.

    The second pass sees it at 7/12 of its size, which costs a third of the first. Where the two
    agree the answer is right much oftener than where they do not. The matte is their mean in
    what is coarse, and the first pass's in what is fine.
    """

    def __init__(self, body: nn.Module, *, mirrored: bool) -> None:
        super().__init__()
        self.body, self.mirrored = body, mirrored

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 3, h, w) to a matte (N, 1, h, w) and evidence (N, E) for the head."""
        logits, features = self.body(x)
        gathered = evidence(logits, features)
        first = logits[0]
        if not self.mirrored:
            return torch.sigmoid(first), gathered
        again = self.body(mirrored_input(x))[0][0].flip(3)
        matte = torch.sigmoid(first + 0.5 * resized(coarse_difference(again, first), x))
        other = F.interpolate(again, size=x.shape[2:], mode="bilinear", align_corners=False)
        alike = agreement(torch.sigmoid(first), torch.sigmoid(other))
        return matte, torch.cat((gathered, alike), 1)


def coarse_difference(again: Tensor, first: Tensor) -> Tensor:
    """Return what another map of logits has more, (N, 1, h/8, w/8), both limited to `SURE`."""
    coarse = F.avg_pool2d(first.clamp(-SURE, SURE), 8)
    other = F.avg_pool2d(again.clamp(-SURE, SURE), 4)
    size = coarse.shape[2:]
    return F.interpolate(other, size=size, mode="bilinear", align_corners=False) - coarse


def mirrored_input(x: Tensor) -> Tensor:
    """Mirror (N, C, h, w) and shrink it to 7/12, each side to the nearest multiple of `STRIDE`."""
    size = [(side * 7 + 6 * STRIDE) // (12 * STRIDE) * STRIDE for side in x.shape[2:]]
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False).flip(3)


def agreement(one: Tensor, other: Tensor) -> Tensor:
    """Tell how far two mattes (N, 1, h, w) agree, (N, `AGREEMENTS`).

    Logits of the IoU of the mattes, of their masks, and of both shrunk to a coarse grid, where
    edges do not count.
    """
    pairs = [(one, other), tuple(torch.sigmoid(20 * (each - 0.5)) for each in (one, other))]
    pairs.append(tuple(F.avg_pool2d(each, STRIDE // 2) for each in (one, other)))
    return torch.stack([torch.logit(_overlap(a, b), 0.005) for a, b in pairs], 1)


def _overlap(one: Tensor, other: Tensor) -> Tensor:
    both = torch.minimum(one, other).mean((1, 2, 3))
    either = torch.maximum(one, other).mean((1, 2, 3))
    return (both + 1e-3) / (either + 1e-3)


class Judged(nn.Module):
    """A body and its judge as one network: matte, confidence, presence."""

    def __init__(self, body: nn.Module, judge: Judge, *, mirrored: bool = False) -> None:
        super().__init__()
        self.passes, self.judge = Passes(body, mirrored=mirrored), judge

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map (N, 3, h, w) to a matte (N, 1, h, w), confidence (N,) and presence (N,)."""
        matte, gathered = self.passes(x)
        scores = torch.sigmoid(self.judge(gathered))
        return matte, scores[:, 0], scores[:, 1]
