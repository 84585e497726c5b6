"""The training loop of label maps: schedules, averaging, checkpoints, the log."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from maskworks.core.errors import RecipeError
from maskworks.models.networks.espnet import EspNet
from maskworks.train.labels.building import build_network, recalibrate_norms, start_network
from maskworks.train.labels.losses import class_weights, label_loss
from maskworks.train.labels.recipe import LabelRecipe, Stage
from maskworks.train.labels.scoring import normalised, score
from maskworks.train.labels.views import LabelSet, Sampler
from maskworks.train.loop import Budget

Report = Callable[[str], None]
Batch = tuple[Tensor, Tensor]
_MEMORY = ("not enough memory", "out of memory", "can't allocate")


@dataclass(frozen=True)
class Splits:
    """The pictures that are learnt from, and those that decide when it is best."""

    train: LabelSet
    dev: LabelSet


@dataclass
class Progress:
    """How far a run is; kept in every checkpoint."""

    step: int = 0
    pictures: int = 0
    elapsed_s: float = 0.0
    best: float = -1.0
    since_best: int = 0


def rate_at(progress: float, step: int, recipe: LabelRecipe) -> float:
    """Return the learning rate's factor: a linear warm-up, then poly or a half cosine to 0."""
    warm = min(1.0, (step + 1) / (recipe.warm_up + 1))
    left = max(0.0, 1 - progress)
    if recipe.schedule == "poly":
        return warm * float(left**0.9)
    return warm * 0.5 * (1 + math.cos(math.pi * (1 - left)))


def stage_at(stages: tuple[Stage, ...], progress: float) -> Stage:
    """Return the stage in which `progress` in [0, 1] lies."""
    end = 0.0
    for stage in stages:
        end += stage.share
        if progress < end:
            return stage
    return stages[-1]


class LabelRun:
    """One training run in a folder; it resumes from its last checkpoint.

    Parameters
    ----------
    recipe : LabelRecipe
    data : folder that the recipe's paths are relative to
    splits : Splits
    folder : holds ``last.pt``, ``best.pt`` and ``log.csv``
    report : called with each line of progress

    Raises
    ------
    RecipeError
        If the weights to start from do not fit, or the checkpoint is another network's.
    """

    def __init__(
        self, recipe: LabelRecipe, data: Path, splits: Splits, folder: Path, report: Report
    ) -> None:
        self.recipe, self.splits, self.folder, self.report = recipe, splits, folder, report
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(recipe.seed)
        torch.set_flush_denormal(True)
        classes = len(recipe.class_names)
        self.sampler = Sampler(splits.train, recipe.views, unknown=classes, seed=recipe.seed)
        self.network = build_network(recipe)
        self.weights = class_weights(splits.train.labels, recipe.losses, classes)
        self.at = Progress()
        folder.mkdir(parents=True, exist_ok=True)
        last = folder / "last.pt"
        saved = torch.load(last, weights_only=True) if last.exists() else None
        if saved is None:
            self._begin(data)
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad = not (recipe.freeze and name.startswith(recipe.freeze))
        self.average = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
        self.optimizer = self._optimizer()
        if saved is not None:
            self._restore(saved)

    def _begin(self, data: Path) -> None:
        start = self.recipe.start
        if start is None:
            return
        loaded = start_network(self.network, start, data)
        self.report(f"started from {start.weights}: {len(loaded)} tensors")
        if start.recalibrate:
            stage = self.recipe.stage[0]
            batches = [
                normalised(self.sampler.batch(stage)[0], self.recipe)
                for _ in range(start.recalibrate)
            ]
            recalibrate_norms(self.network, batches)

    def _optimizer(self) -> torch.optim.Optimizer:
        recipe = self.recipe
        factor = 1.0 if recipe.start is None else recipe.start.lr_factor
        old: list[nn.Parameter] = []
        new: list[nn.Parameter] = []
        for name, parameter in self.network.named_parameters():
            if parameter.requires_grad:
                (old if factor < 1 and name.startswith("base_net.") else new).append(parameter)
        groups = [
            {"params": part, "factor": share} for part, share in ((old, factor), (new, 1.0)) if part
        ]
        if recipe.optimizer == "sgd":
            return torch.optim.SGD(
                groups, lr=recipe.lr, momentum=0.9, weight_decay=recipe.weight_decay
            )
        return torch.optim.AdamW(groups, lr=recipe.lr, weight_decay=recipe.weight_decay)

    def _architecture(self) -> dict[str, Any]:
        recipe = self.recipe
        return {
            "network": recipe.network,
            "channels": recipe.channels,
            "classes": list(recipe.class_names),
        }

    def _restore(self, saved: dict[str, Any]) -> None:
        ours = self._architecture()
        for key, value in saved["architecture"].items():
            if value != ours[key]:
                raise RecipeError(
                    self.folder / "last.pt",
                    f"is a checkpoint of {key} {value}, the recipe says {ours[key]}",
                    "give another -o, or the recipe it began with",
                )
        self.network.load_state_dict(saved["body"])
        self.average = saved["average"]
        self.optimizer.load_state_dict(saved["optimizer"])
        self.sampler.restore(saved["sampler"])
        torch.set_rng_state(saved["rng"])
        self.at = Progress(**saved["progress"])
        self.report(f"resumed at step {self.at.step}, {self.at.elapsed_s / 60:.1f} min in")

    def save(self, name: str) -> None:
        """Write a checkpoint into the run's folder, whole or not at all."""
        part = self.folder / f"{name}.part"
        state = {
            "architecture": self._architecture(),
            "body": self.network.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "sampler": self.sampler.state(),
            "rng": torch.get_rng_state(),
            "progress": vars(self.at),
        }
        torch.save(state, part)
        part.replace(self.folder / name)

    def _answers(self, x: Tensor) -> Tensor:
        if self.recipe.losses.stride == 2 and isinstance(self.network, EspNet):
            return self.network.coarse(x)
        return self.network(x)

    def _mode(self) -> None:
        self.network.train()
        if self.recipe.frozen_norm:
            for layer in self.network.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()

    def _loss(self, batch: Batch) -> Tensor:
        x, y = batch
        logits = self._answers(normalised(x, self.recipe).to(self.device))
        if self.recipe.losses.stride == 2:
            at = int(torch.randint(2, (), generator=self.sampler.generator))
            y = y[:, at::2, at::2]
        weights = None if self.weights is None else self.weights.to(self.device)
        return label_loss(
            logits,
            y.to(self.device),
            self.recipe.losses,
            weights=weights,
            generator=self.sampler.generator,
        )

    def learn(self, progress: float) -> float:
        """Take one step of the optimizer and return its loss.

        Raises
        ------
        RecipeError
            If the loss is not finite (the batch is kept as ``bad-batch.pt``), or there is not
            memory enough for the stage's batch.
        """
        stage = stage_at(self.recipe.stage, progress)
        factor = rate_at(progress, self.at.step, self.recipe)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr * factor * group["factor"]
        self.optimizer.zero_grad(set_to_none=True)
        total = 0.0
        for _ in range(stage.accumulate):
            batch = self.sampler.batch(stage)
            try:
                loss = self._loss(batch) / stage.accumulate
                self._refuse_nan(loss, batch)
                loss.backward()
            except RuntimeError as error:
                raise self._explained(error, stage) from error
            total += float(loss.detach())
        trained = [p for p in self.network.parameters() if p.requires_grad]
        nn.utils.clip_grad_norm_(trained, self.recipe.clip)
        self.optimizer.step()
        self.at.step += 1
        self.at.pictures += stage.batch * stage.accumulate
        self._follow()
        return total

    def _refuse_nan(self, loss: Tensor, batch: Batch) -> None:
        if bool(torch.isfinite(loss)):
            return
        kept = self.folder / "bad-batch.pt"
        torch.save({"pictures": batch[0], "labels": batch[1], "step": self.at.step}, kept)
        raise RecipeError(
            self.folder,
            f"the loss is {float(loss.detach())} at step {self.at.step}",
            f"its batch is kept in {kept}; lower lr or clip, then run again: "
            "it goes on from the last checkpoint",
        )

    @staticmethod
    def _explained(error: RuntimeError, stage: Stage) -> Exception:
        if not any(sign in str(error).lower() for sign in _MEMORY):
            return error
        return RecipeError(
            Path("stage.batch"),
            f"there is not memory enough for {stage.batch} views of {stage.height}x{stage.width}",
            f"batch = {max(1, stage.batch // 2)} with accumulate = {stage.accumulate * 2} halves "
            "it and learns the same",
        )

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the averaged weights towards the network's."""
        keep = min(self.recipe.ema, (1 + self.at.step) / (10 + self.at.step))
        for name, value in self.network.state_dict().items():
            kept = self.average[name]
            if value.is_floating_point():
                kept.lerp_(value, 1 - keep)
            else:
                kept.copy_(value)

    def _progress(self, budget: Budget) -> float:
        if self.recipe.steps is not None:
            return self.at.step / self.recipe.steps
        return self.at.elapsed_s / (budget.minutes * 60)

    def train(self, budget: Budget) -> bool:
        """Train until the steps or the minutes are used, earlier sessions counted.

        Returns
        -------
        True if the schedule is through (or stopped early, as `patience` asks), False if the
        minutes ran out before the recipe's steps.
        """
        if budget.threads:
            torch.set_num_threads(budget.threads)
        report_at = save_at = self.at.elapsed_s
        seen, losses = self.at.pictures, []
        self._mode()
        clock, judged = time.monotonic(), False
        patience = self.recipe.patience
        while self._progress(budget) < 1 and self.at.elapsed_s < budget.minutes * 60:
            losses.append(self.learn(self._progress(budget)))
            before, clock = clock, time.monotonic()
            self.at.elapsed_s += clock - before
            if self.at.elapsed_s - report_at >= budget.report_s:
                speed = (self.at.pictures - seen) / (self.at.elapsed_s - report_at)
                self.report(
                    f"{self.at.elapsed_s / 60:6.1f}/{budget.minutes:g} min  step {self.at.step}  "
                    f"loss {sum(losses) / len(losses):.4f}  {speed:.2f} pictures/s"
                )
                report_at, seen, losses = self.at.elapsed_s, self.at.pictures, []
            if self.at.elapsed_s - save_at >= budget.checkpoint_s:
                self.save("last.pt")
                save_at, clock = self.at.elapsed_s, time.monotonic()
            if judged := self.at.step % self.recipe.dev_steps == 0:
                self.judge()
                save_at, clock = self.at.elapsed_s, time.monotonic()
                if patience is not None and self.at.since_best >= patience:
                    self.report(f"stopped: {patience} dev scores without a new best")
                    return True
        if not judged:
            self.judge()
        return self._progress(budget) >= 1

    def averaged(self) -> nn.Module:
        """Return a network with the averaged weights, ready to answer."""
        network = build_network(self.recipe)
        network.load_state_dict({k: v.cpu() for k, v in self.average.items()})
        return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def judge(self) -> float:
        """Score the averaged network on dev, write checkpoints and the log, return its mIoU."""
        found = score(self.averaged(), self.splits.dev, self.recipe)
        mean = found.mean(found.iou)
        better = mean > self.at.best
        self.at.since_best = 0 if better else self.at.since_best + 1
        self.at.best = max(self.at.best, mean)
        if better:
            self.save("best.pt")
        self.save("last.pt")
        self._log(mean, [float(v) for v in found.iou])
        self.report(f"dev mIoU {mean:.4f} at step {self.at.step}{', the best' if better else ''}")
        self._mode()
        return mean

    def _log(self, mean: float, ious: list[float]) -> None:
        log = self.folder / "log.csv"
        new = not log.exists()
        with log.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            if new:
                names = [f"iou {name}" for name in self.recipe.class_names]
                writer.writerow(["step", "pictures", "minutes", "dev mIoU", *names])
            at = self.at
            row = [at.step, at.pictures, f"{at.elapsed_s / 60:.2f}", f"{mean:.4f}"]
            writer.writerow([*row, *(f"{value:.4f}" for value in ious)])
