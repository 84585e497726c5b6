"""What a matte network is punished for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Target:
    """A batch's labels at the network's size, float32.

    `weight` (N, 1, 1, 1) is 1 for the truth and less for a teacher's opinion.
    """

    matte: Tensor  # (N, 1, h, w) in [0, 1]
    known: Tensor  # (N, 1, h, w), 0 or 1
    weight: Tensor


def edge_weight(matte: Tensor, known: Tensor) -> Tensor:
    """Weigh pixels near the matte's edge up to three times as much as flat ones."""
    flat = matte[:, 0]  # without the dimension of one channel pooling takes its quick way
    across = F.avg_pool2d(flat, (1, 15), stride=1, padding=(0, 7))
    near = F.avg_pool2d(across, (15, 1), stride=1, padding=(7, 0))[:, None]
    return known * (1 + 4 * (near - matte).abs())


def soft_iou_loss(matte: Tensor, target: Target) -> Tensor:
    """1 - soft IoU per picture, (N,); pictures without a subject count 0."""
    kept = matte * target.known
    truth = target.matte * target.known
    both = (kept * truth).sum((1, 2, 3))
    either = (kept + truth - kept * truth).sum((1, 2, 3))
    has_subject = (truth.sum((1, 2, 3)) > 16).to(matte.dtype)
    return (1 - both / either.clamp(min=1)) * has_subject


def matte_loss(logits: list[Tensor], target: Target, *, side_weight: float = 0.3) -> Tensor:
    """Cross-entropy on every map, soft IoU and absolute error on the final one.

    Parameters
    ----------
    logits : list of (N, 1, h, w), the final map first; smaller ones are compared with the labels'
        means over their pixels
    side_weight : weight of each other map

    Returns
    -------
    scalar, mean over the batch

    References
    ----------
    Deep supervision as in Qin et al. 2020; soft IoU as in Rahman & Wang,
    Optimizing Intersection-Over-Union in Deep Neural Networks, ISVC 2016.
    """
    weight = edge_weight(target.matte, target.known) * target.weight
    norm = target.known.sum().clamp(min=1)
    total = logits[0].new_zeros(())
    for index, logit in enumerate(logits):
        label, share, known = target.matte, weight, norm
        if logit.shape != label.shape:
            size = (int(logit.shape[2]), int(logit.shape[3]))
            label, share = F.adaptive_avg_pool2d(label, size), F.adaptive_avg_pool2d(weight, size)
            known = norm * logit.numel() / target.matte.numel()
        cross = F.binary_cross_entropy_with_logits(logit, label, reduction="none")
        part = (cross * share).sum() / known
        total = total + part * (1.0 if index == 0 else side_weight)
    matte = torch.sigmoid(logits[0])
    overlap = (soft_iou_loss(matte, target) * target.weight[:, 0, 0, 0]).mean()
    absolute = ((matte - target.matte).abs() * weight).sum() / norm
    return total + 0.5 * overlap + 0.5 * absolute
