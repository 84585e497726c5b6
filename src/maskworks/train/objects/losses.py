"""Which places answer for which box, and what their answers cost.

Ge et al., OTA, CVPR 2021, in the short form of YOLOX: a box goes to its cheapest places, as many
as overlap it well; a place that two boxes want serves the cheaper one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from maskworks.models.networks.objects import STRIDES, decode

_CENTRE = 2.5
_BEST = 10
_IOU_COST = 3.0
_FAR = 1e5
_BOX = 5.0
_OVERLAP = 0.5


@dataclass(frozen=True)
class Lesson:
    """The boxes of one picture: (G, 4) x1 y1 x2 y2 of the input, and what they are.

    `kinds` int64 (G,); `there` and `sure` (G,) the teacher's objectness and class probability;
    `doubted` (D, 4) are boxes of which nothing is said.
    """

    boxes: Tensor
    kinds: Tensor
    there: Tensor
    sure: Tensor
    doubted: Tensor


def overlaps(a: Tensor, b: Tensor) -> Tensor:
    """Return the IoU of every box of (A, 4) with every one of (B, 4): (A, B).

    Examples
    --------
    >>> overlaps(torch.tensor([[0.0, 0, 2, 2]]), torch.tensor([[1.0, 0, 3, 2]])).round(decimals=3)
    tensor([[0.3330]])
    """
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    areas = [(each[:, 2:] - each[:, :2]).clamp(min=0).prod(-1) for each in (a, b)]
    return shared / (areas[0][:, None] + areas[1][None] - shared).clamp(min=1e-9)


def generous_iou(a: Tensor, b: Tensor) -> Tensor:
    """Return the generalised IoU of each pair of (N, 4) boxes: (N,) in [-1, 1]."""
    shared = (
        (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    )
    both = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - shared
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    return shared / both.clamp(min=1e-9) - (hull - both) / hull.clamp(min=1e-9)


def places_of(size: int) -> Tensor:
    """Return the middle and the stride of every place of a square input: (P, 3)."""
    found = []
    for stride in STRIDES:
        at = (torch.arange(size // stride) + 0.5) * stride
        y, x = torch.meshgrid(at, at, indexing="ij")
        found.append(torch.stack([x, y, torch.full_like(x, stride)], -1).reshape(-1, 3))
    return torch.cat(found)


@torch.no_grad()
def assign(
    lesson: Lesson, places: Tensor, boxes: Tensor, there: Tensor, kinds: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the places that answer, (K,), and the box each answers for, (K,)."""
    x, y, stride = (places[:, at, None] for at in range(3))
    gt = lesson.boxes
    in_box = (x > gt[:, 0]) & (x < gt[:, 2]) & (y > gt[:, 1]) & (y < gt[:, 3])
    middle = (gt[:, :2] + gt[:, 2:]) / 2
    reach = _CENTRE * stride
    near = ((x - middle[:, 0]).abs() < reach) & ((y - middle[:, 1]).abs() < reach)
    can = torch.nonzero((in_box | near).any(1)).squeeze(1)
    iou = overlaps(boxes[can], gt)
    chance = (torch.sigmoid(there[can])[:, None] * torch.sigmoid(kinds[can])).sqrt()
    missed = F.binary_cross_entropy(chance, torch.zeros_like(chance), reduction="none").sum(1)
    own = chance[:, lesson.kinds].clamp(1e-6, 1 - 1e-6)
    of_class = missed[:, None] + (1 - own).log() - own.log()
    cost = of_class - _IOU_COST * (iou + 1e-8).log() + _FAR * (~(in_box & near))[can]
    taken = torch.zeros_like(cost, dtype=torch.bool)
    counts = iou.topk(min(_BEST, len(can)), 0).values.sum(0).int().clamp(min=1)
    for number, count in enumerate(counts.tolist()):
        taken[cost[:, number].topk(min(count, len(can)), largest=False).indices, number] = True
    twice = taken.sum(1) > 1
    if twice.any():
        best = cost[twice].argmin(1)
        taken[twice] = F.one_hot(best, taken.shape[1]).bool()
    rows, columns = torch.nonzero(taken, as_tuple=True)
    return can[rows], columns


def detection_loss(levels: list[Tensor], lessons: list[Lesson], places: Tensor) -> Tensor:
    """Return the cost of a batch's answers, a place that answers counting as one.

    Objectness and class are taught as probable as the teacher thinks them, so that scores keep
    their meaning.
    """
    boxes, there, kinds = decode(levels)
    total = levels[0].new_zeros(())
    count = 0
    for at, lesson in enumerate(lessons):
        wanted = torch.zeros_like(there[at])
        asked = torch.ones_like(wanted)
        if len(lesson.doubted):
            unsure = overlaps(boxes[at].detach(), lesson.doubted).amax(1) > _OVERLAP
            asked[unsure] = 0
        if len(lesson.boxes):
            rows, owners = assign(lesson, places, boxes[at], there[at], kinds[at])
            count += len(rows)
            wanted[rows], asked[rows] = lesson.there[owners], 1
            apart = 1 - generous_iou(boxes[at][rows], lesson.boxes[owners])
            weight = lesson.there[owners] * lesson.sure[owners]
            total = total + _BOX * (weight * apart).sum()
            target = F.one_hot(lesson.kinds[owners], kinds.shape[2]) * lesson.sure[owners][:, None]
            total = total + F.binary_cross_entropy_with_logits(
                kinds[at][rows], target.float(), reduction="sum"
            )
        total = total + F.binary_cross_entropy_with_logits(
            there[at], wanted, weight=asked, reduction="sum"
        )
    return total / max(count, 1)
