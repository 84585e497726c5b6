"""The training of a detector: at every step a teacher says what is in a view, and it is learnt."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from maskworks.models.families.box_answers import best_boxes
from maskworks.models.networks.objects import Decoded, ObjectsNetwork, decode
from maskworks.train.averaging import follow
from maskworks.train.budget import Budget
from maskworks.train.denormals import denormals_as_zero
from maskworks.train.objects.losses import Lesson, detection_loss, places_of
from maskworks.train.objects.recipe import DetectorRecipe
from maskworks.train.objects.scoring import dev_ap
from maskworks.train.objects.start import start_from
from maskworks.train.objects.views import GREY, DetectorViews
from maskworks.train.schedule import rate_at

Report = Callable[[str], None]
_SAME = 0.65
_WARM_UP = 0.03  # share of the training
_LAST_RATE = 0.02  # of the first


@torch.no_grad()
def lesson_of(teacher: ObjectsNetwork, view: Tensor, recipe: DetectorRecipe) -> Lesson:
    """Ask the teacher what it sees in a view (1, 3, S, S), in pixels of the student's input."""
    boxes, there, kinds = decode(teacher(view))
    chances = (torch.sigmoid(there)[..., None] * torch.sigmoid(kinds))[0]
    rule = recipe.teacher
    found = best_boxes(boxes[0].numpy(), chances.numpy(), min_score=rule.doubt, iou=_SAME)
    edges = torch.from_numpy(found.edges) * (recipe.size / rule.size)
    edges = edges.clamp(0, recipe.size)
    wide = ((edges[:, 2:] - edges[:, :2]).amin(1) >= 2).numpy()
    sure = torch.from_numpy((found.scores >= rule.sure) & wide)
    # The teacher's own objectness of a kept box is its score over its class probability.
    own = chances.argmax(1)
    rows = [int(np.flatnonzero((boxes[0].numpy() == e).all(1))[0]) for e in found.edges]
    kept = torch.tensor(rows, dtype=torch.long)[sure]
    return Lesson(
        boxes=edges[sure],
        kinds=own[kept],
        there=torch.sigmoid(there[0, kept]),
        sure=torch.sigmoid(kinds[0, kept, own[kept]]),
        doubted=edges[~sure],
    )


class DetectorTraining:
    """One run in a folder; it resumes from its last checkpoint, ``last.pt``."""

    def __init__(self, recipe: DetectorRecipe, data: Path, folder: Path, report: Report) -> None:
        self.recipe, self.data, self.folder, self.report = recipe, data, folder, report
        torch.manual_seed(recipe.seed)
        self.views = DetectorViews(data, recipe)
        self.teacher = ObjectsNetwork(context=0).eval()
        start_from(data / recipe.teacher.weights, self.teacher)
        self.body = ObjectsNetwork(recipe.context)
        start_from(data / recipe.init.weights, self.body)
        self.step, self.elapsed_s = 0, 0.0
        for name, parameter in self.body.named_parameters():
            parameter.requires_grad = not (recipe.freeze and name.startswith(recipe.freeze))
        free = [(n, p) for n, p in self.body.named_parameters() if p.requires_grad]
        new = [p for n, p in free if n.startswith("context.")]
        old = [p for n, p in free if not n.startswith("context.")]
        self.optimizer = torch.optim.AdamW(
            [{"params": old, "top": recipe.lr}, {"params": new, "top": recipe.new_lr}],
            lr=recipe.lr,
            weight_decay=1e-4,
        )
        self.average = {k: v.detach().clone() for k, v in self.body.state_dict().items()}
        folder.mkdir(parents=True, exist_ok=True)
        last = folder / "last.pt"
        if last.exists():
            saved = torch.load(last, weights_only=True)
            self.body.load_state_dict(saved["body"])
            self.average = saved["average"]
            self.optimizer.load_state_dict(saved["optimizer"])
            self.step, self.elapsed_s = int(saved["step"]), float(saved["elapsed_s"])
            report(f"resumed at step {self.step}, {self.elapsed_s / 60:.1f} min in")

    def save(self) -> None:
        """Write ``last.pt`` atomically."""
        part = self.folder / "last.pt.part"
        state = {
            "body": self.body.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "pictures": self.step * self.recipe.batch,
        }
        torch.save(state, part)
        part.replace(self.folder / "last.pt")

    def averaged(self) -> ObjectsNetwork:
        """Return a network with the averaged weights, in evaluation mode."""
        body = ObjectsNetwork(self.recipe.context)
        body.load_state_dict(self.average)
        return body.eval()

    def _batch(self) -> tuple[Tensor, list[Lesson]]:
        small, lessons = [], []
        for at in range(self.recipe.batch):
            view = self.views.view(self.step * self.recipe.batch + at)
            lessons.append(lesson_of(self.teacher, _tensor(view), self.recipe))
            size = (self.recipe.size, self.recipe.size)
            small.append(_tensor(cv2.resize(view, size, interpolation=cv2.INTER_AREA)))
        return torch.cat(small), lessons

    def _learn(self, factor: float, places: Tensor) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = group["top"] * factor
        x, lessons = self._batch()
        loss = detection_loss(self.body(x), lessons, places)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.body.parameters(), 10.0)
        self.optimizer.step()
        follow(self.average, self.body, most=self.recipe.ema, step=self.step)
        return float(loss.detach())

    @denormals_as_zero()
    def train(self, budget: Budget) -> None:
        """Train until `budget.minutes` in all are used, counting earlier sessions."""
        if budget.threads:
            torch.set_num_threads(budget.threads)
        total_s = budget.minutes * 60
        places = places_of(self.recipe.size)
        saved = told = self.elapsed_s
        losses: list[float] = []
        clock = time.monotonic()
        while self.elapsed_s < total_s:
            done = self.elapsed_s / total_s
            factor = rate_at(done, warm=max(done, 1e-3) / _WARM_UP, floor=_LAST_RATE)
            losses.append(self._learn(factor, places))
            self.step += 1
            clock, before = time.monotonic(), clock
            self.elapsed_s += clock - before
            if self.elapsed_s - told >= budget.report_s:
                self.report(
                    f"{self.elapsed_s / 60:6.1f}/{budget.minutes:g} min  step {self.step}  "
                    f"loss {np.mean(losses):.4f}"
                )
                told, losses = self.elapsed_s, []
            if self.elapsed_s - saved >= budget.checkpoint_s:
                self.save()
                saved = self.elapsed_s
        self.save()
        found = dev_ap(Decoded(self.averaged()), self.recipe, self.data)
        self.report(f"dev at step {self.step}: AP {found.ap:.4f}  AP50 {found.ap50:.4f}")


def _tensor(view: np.ndarray) -> Tensor:
    """Turn uint8 (S, S, 3) into what the network takes, (1, 3, S, S)."""
    return torch.from_numpy(view.transpose(2, 0, 1).astype(np.float32)[np.newaxis] - GREY)
