"""Losses of label maps; each is a mean over classes or pixels, 0 for a perfect answer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from maskworks.train.labels.recipe import Losses

_NONE = -100  # what cross_entropy leaves out
_EPS = 1e-6


def label_loss(
    logits: Tensor,
    labels: Tensor,
    rule: Losses,
    *,
    weights: Tensor | None,
    generator: torch.Generator,
) -> Tensor:
    """Add up the losses that a recipe asks for.

    Parameters
    ----------
    logits : float (N, C, h, w)
    labels : int64 (N, h, w), 0 to C - 1; anything else is unknown and counts for nothing
    weights : (C,) of the cross-entropy, or None
    generator : draws the pixels of Lovasz

    Returns
    -------
    A scalar, 0 where no pixel has a truth.
    """
    classes = logits.shape[1]
    known = (labels >= 0) & (labels < classes)
    total = logits.sum() * 0
    if not bool(known.any()):
        return total
    truth = torch.where(known, labels, torch.full_like(labels, _NONE))
    if rule.cross_entropy:
        total = total + rule.cross_entropy * F.cross_entropy(
            logits, truth, weight=weights, ignore_index=_NONE, label_smoothing=rule.smoothing
        )
    if rule.focal:
        total = total + rule.focal * focal(logits, truth, gamma=rule.gamma)
    if rule.dice:
        total = total + rule.dice * dice(logits.softmax(1), truth)
    if rule.boundary:
        total = total + rule.boundary * boundary(logits.softmax(1), truth)
    if rule.lovasz:
        flat, ids = logits.permute(0, 2, 3, 1)[known], labels[known]
        if len(ids) > rule.pixels:
            chosen = torch.randint(len(ids), (rule.pixels,), generator=generator)
            flat, ids = flat[chosen], ids[chosen]
        total = total + rule.lovasz * lovasz(flat.softmax(1), ids)
    return total


def focal(logits: Tensor, truth: Tensor, *, gamma: float) -> Tensor:
    """Weigh the cross-entropy of each pixel by (1 - p) ** `gamma` (Lin et al., ICCV 2017).

    `truth` is -100 where it is unknown.
    """
    each = F.cross_entropy(logits, truth, ignore_index=_NONE, reduction="none")
    weighed = (1 - torch.exp(-each)) ** gamma * each
    return weighed.sum() / (truth != _NONE).sum()


def _one_hot(truth: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    known = truth != _NONE
    hot = F.one_hot(truth.clamp(min=0), classes).permute(0, 3, 1, 2).float()
    return hot * known[:, None], known[:, None].float()


def dice(chances: Tensor, truth: Tensor) -> Tensor:
    """Return 1 - soft Dice, the mean over the classes in the truth (Milletari et al., 3DV 2016)."""
    hot, known = _one_hot(truth, chances.shape[1])
    both = (chances * hot).sum((0, 2, 3))
    either = (chances * known).sum((0, 2, 3)) + hot.sum((0, 2, 3))
    present = hot.sum((0, 2, 3)) > 0
    return (1 - 2 * both / (either + _EPS))[present].mean()


def lovasz(chances: Tensor, truth: Tensor) -> Tensor:
    """Return the Lovasz-softmax loss over the classes in the truth (Berman et al., CVPR 2018).

    Parameters
    ----------
    chances : (P, C), rows add up to 1
    truth : int64 (P,), 0 to C - 1

    Examples
    --------
    >>> sure = torch.eye(3)
    >>> float(lovasz(sure, torch.tensor([0, 1, 2]))), float(lovasz(sure, torch.tensor([1, 2, 0])))
    (0.0, 1.0)
    """
    found = []
    for each in truth.unique().tolist():
        inside = (truth == each).float()
        errors, order = (inside - chances[:, each]).abs().sort(descending=True)
        inside = inside[order]
        left = inside.sum() - inside.cumsum(0)
        union = inside.sum() + (1 - inside).cumsum(0)
        jaccard = 1 - left / union
        steps = torch.cat((jaccard[:1], jaccard[1:] - jaccard[:-1]))
        found.append(errors @ steps)
    return torch.stack(found).mean()


def boundary(chances: Tensor, truth: Tensor, *, near: int = 2) -> Tensor:
    """Return 1 - boundary F1, the mean over the classes in the truth.

    Boundaries within `near` pixels of each other match (Bokhovkin and Burnaev, Boundary Loss
    for Remote Sensing Imagery Semantic Segmentation, ISNN 2019).
    """
    hot, known = _one_hot(truth, chances.shape[1])
    ours, theirs = _edge(chances) * known, _edge(hot) * known
    reach = 2 * near + 1
    wide_ours, wide_theirs = (F.max_pool2d(e, reach, 1, near) for e in (ours, theirs))
    precision = (ours * wide_theirs).sum((0, 2, 3)) / (ours.sum((0, 2, 3)) + _EPS)
    recall = (theirs * wide_ours).sum((0, 2, 3)) / (theirs.sum((0, 2, 3)) + _EPS)
    score = 2 * precision * recall / (precision + recall + _EPS)
    present = theirs.sum((0, 2, 3)) > 0
    return (1 - score)[present].mean() if bool(present.any()) else chances.sum() * 0


def _edge(inside: Tensor) -> Tensor:
    """Return how much each pixel lies inside, one pixel from the outside."""
    outside = 1 - inside
    return F.max_pool2d(outside, 3, 1, 1) - outside


def class_weights(labels: list[Tensor], rule: Losses, classes: int) -> Tensor | None:
    """Return the weights (C,) that a recipe asks for, of mean 1 over the pixels; None for none."""
    if rule.class_weights == "none":
        return None
    if not isinstance(rule.class_weights, str):
        return torch.tensor(rule.class_weights)
    counts = torch.zeros(classes, dtype=torch.int64)
    for each in labels:
        ids = each[each < classes].long()
        counts += torch.bincount(ids, minlength=classes)
    share = counts.double() / counts.sum().clamp(min=1)
    middle = share[share > 0].median()
    weights = torch.where(share > 0, (middle / share.clamp(min=1e-12)).sqrt(), torch.ones(()))
    weights = weights.clamp(0.4, 3.0)
    return (weights / (weights * share).sum()).float()
