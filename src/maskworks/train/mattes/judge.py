"""Train the confidence head on what the finished body really reaches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from maskworks.models.families.saliency import SMALLEST_SUBJECT
from maskworks.models.networks.judge import AGREEMENTS, STATISTICS, Judge, Passes
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.train.mattes.build import Body
from maskworks.train.mattes.export import write_onnx
from maskworks.train.mattes.pack import Pack
from maskworks.train.mattes.recipe import Recipe
from maskworks.train.mattes.sampler import Sampler, any_rectangle, scaled, stacked
from maskworks.train.norms import normalised


@dataclass(frozen=True)
class EvidenceSet:
    """Training set of the confidence head: one row a picture."""

    gathered: Tensor  # (N, E) evidence
    iou: Tensor  # (N,) the IoU reached, in [0, 1]
    iou_weight: Tensor  # (N,) 0 where the IoU means nothing
    subject: Tensor  # (N,) 1, 0, or -1 where nobody said


def reached_iou(matte: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """IoU at 0.5 of each picture, (N,); 1 where both are empty.

    Parameters
    ----------
    matte, truth : (N, h, w) in [0, 1]
    known : (N, h, w), pixels that count are 1
    """
    ours, theirs, counts = matte >= 0.5, truth >= 0.5, known > 0
    both = (ours & theirs & counts).sum((1, 2)).float()
    either = ((ours | theirs) & counts).sum((1, 2)).float()
    return torch.where(either > 0, both / either.clamp(min=1), torch.ones_like(both))


def gather(
    body: Body,
    pack: Pack,
    recipe: Recipe,
    scratch: Path,
    report: Callable[[str], None],
    *,
    threads: int = 0,
) -> EvidenceSet:
    """Run the body over held-out and training pictures, plain and damaged.

    A share of them, the recipe's `judge.empty`, shows no subject. A third are
    shown as at inference, the rest cropped, turned, relit, blurred or
    composited, so that the head meets failures too.
    The body runs as ONNX, in a file in `scratch`, which takes half of Torch's time.
    """
    rules = recipe.judge
    rng = np.random.default_rng(recipe.seed + 99)
    unseen = Sampler(pack, recipe, held_out=True, hard=True)
    seen = Sampler(pack, recipe, hard=True)
    empty = Sampler(pack, recipe, hard=True, empty=True)

    def choose() -> Sampler:
        if empty.sources and rng.random() < rules.empty:
            return empty
        return unseen if rng.random() < 0.5 else seen

    path = scratch / "witness.onnx"
    write_onnx(Passes(body, mirrored=recipe.mirrored_pass), path, rules.size, ("matte", "evidence"))
    network = open_onnx(path, threads=threads)
    parts: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    for done in range(0, rules.pictures, 8):
        shape = any_rectangle(rules.size, rng)
        samples = [choose().draw(shape, rng, plain=rng.random() < 0.35) for _ in range(8)]
        batch = stacked(samples)
        x = normalised(scaled(batch[0]), recipe).contiguous().numpy()
        answers = [network(x[i : i + 1]) for i in range(len(x))]
        matte = torch.from_numpy(np.concatenate([a[0][:, 0] for a in answers]))
        gathered = torch.from_numpy(np.concatenate([a[1] for a in answers]))
        iou = reached_iou(matte, batch[1].float() / 255, batch[2])
        blank = (matte >= 0.5).float().mean((1, 2)) < SMALLEST_SUBJECT
        weight = torch.where(batch[4] > 0, 1.0, 0.4)
        weight = torch.where((batch[3] == 0) & blank, torch.zeros(()), weight)
        weight = torch.where((batch[3] == -1) & (batch[4] > 0), torch.full((), 0.3), weight)
        parts.append((gathered, iou, weight, batch[3]))
        if done % 160 == 0:
            report(f"confidence head: {done}/{rules.pictures} pictures gathered")
    columns = [torch.cat(column) for column in zip(*parts, strict=True)]
    return EvidenceSet(*columns)


def train_judge(lessons: EvidenceSet, recipe: Recipe) -> Judge:
    """Fit the head by cross-entropy on the IoU reached and on presence.

    Cross-entropy with a soft target makes the expected prediction equal the
    expected IoU, which is what calibration asks for.
    """
    rules = recipe.judge
    torch.manual_seed(recipe.seed)
    statistics = STATISTICS + (AGREEMENTS if recipe.mirrored_pass else 0)
    judge = Judge(lessons.gathered.shape[1], statistics, dropout=rules.dropout)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=rules.lr, weight_decay=rules.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, rules.steps)
    count = len(lessons.iou)
    told = presence_weight(lessons.subject, rules.absent_prior)
    present = lessons.subject.clamp(min=0).float()
    judge.train()
    for _ in range(rules.steps):
        rows = torch.randint(0, count, (128,))
        scores = judge(lessons.gathered[rows])
        overlap = F.binary_cross_entropy_with_logits(
            scores[:, 0], lessons.iou[rows], reduction="none"
        )
        presence = F.binary_cross_entropy_with_logits(scores[:, 1], present[rows], reduction="none")
        weight = lessons.iou_weight[rows]
        loss = (overlap * weight).sum() / weight.sum().clamp(min=1)
        loss = loss + (presence * told[rows]).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        judge.get_parameter("presence.4.bias").add_(rules.presence_offset)
    return judge.eval()


def presence_weight(subject: Tensor, absent_prior: float | None) -> Tensor:
    """Weigh pictures so that those without a subject count for a share of `absent_prior`.

    Parameters
    ----------
    subject : (N,) of 1, 0, or -1 where nobody said, which weighs nothing
    absent_prior : None weighs every picture alike

    Examples
    --------
    >>> presence_weight(torch.tensor([1, 1, 1, 0, -1]), 0.25)
    tensor([1.2500, 1.2500, 1.2500, 1.2500, 0.0000])
    """
    told = (subject >= 0).float()
    if absent_prior is None:
        return told * len(subject) / told.sum().clamp(min=1)
    there, absent = (subject == 1).float(), (subject == 0).float()
    shares = (1 - absent_prior) * there / there.sum().clamp(min=1)
    shares = shares + absent_prior * absent / absent.sum().clamp(min=1)
    return shares * len(subject)
