"""The training loop: a time budget, stages, checkpoints, dev scores."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from maskworks.models.networks.live import LivePyramid
from maskworks.train.averaging import follow
from maskworks.train.budget import Budget
from maskworks.train.denormals import denormals_as_zero
from maskworks.train.mattes.before import matte_before, with_matte
from maskworks.train.mattes.build import Body, build_body, start_from
from maskworks.train.mattes.dev import dev_iou
from maskworks.train.mattes.losses import Target, matte_loss
from maskworks.train.mattes.pack import Pack
from maskworks.train.mattes.recipe import Recipe
from maskworks.train.mattes.sampler import Batch, Sampler, scaled, stream
from maskworks.train.mattes.thinning import LESSONS, thin
from maskworks.train.norms import normalised, recalibrate
from maskworks.train.optimiser import RelativeAdamW
from maskworks.train.precision import keep_depthwise_full, quick_precision
from maskworks.train.schedule import rate_at, stage_at

Report = Callable[[str], None]
WARM_UP = 0.03  # share of the training
LAST_RATE = 0.02  # of the first


def rate(progress: float) -> float:
    """Return the learning rate's factor at `progress` in [0, 1]."""
    done = (progress - WARM_UP) / (1 - WARM_UP)
    return rate_at(done, warm=max(progress, 0.001) / WARM_UP, floor=LAST_RATE)


def targets(batch: Batch, recipe: Recipe) -> Target:
    """Turn a batch's labels into float targets."""
    _, matte, known, _, truth = batch
    weight = torch.where(truth > 0, 1.0, recipe.teacher_weight)
    return Target(matte[:, None].float() / 255, known[:, None].float(), weight[:, None, None, None])


class MatteTraining:
    """One training run in a folder; it resumes from its last checkpoint.

    Parameters
    ----------
    folder : holds ``last.pt``, ``log.csv`` and the recipe's copy
    """

    def __init__(
        self, recipe: Recipe, data: Path, pack: Pack, folder: Path, report: Report
    ) -> None:
        self.recipe, self.data, self.folder, self.report = recipe, data, folder, report
        self.sampler = Sampler(pack, recipe)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(recipe.seed)
        self.body = build_body(recipe)
        self.step, self.elapsed_s, self.pictures = 0, 0.0, 0
        folder.mkdir(parents=True, exist_ok=True)
        last = folder / "last.pt"
        saved = torch.load(last, weights_only=True) if last.exists() else None
        loaded = self._initialised() if saved is None else set(saved["loaded"])
        self.loaded = loaded
        self.body.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        keep_depthwise_full(self.body)
        for name, parameter in self.body.named_parameters():
            if name.startswith(recipe.freeze) and recipe.freeze:
                parameter.requires_grad = False
        self.average = {k: v.detach().clone() for k, v in self.body.state_dict().items()}
        kind = RelativeAdamW if recipe.frozen_norm else torch.optim.AdamW
        self.optimizer = kind(self._groups(), lr=recipe.lr, weight_decay=recipe.weight_decay)
        if saved is not None:
            self._restore(saved)

    def _initialised(self) -> set[str]:
        init = self.recipe.init
        if init is None:
            return set()
        loaded = start_from(self.body, init, self.data)
        if isinstance(self.body, LivePyramid):
            batch = next(stream(self.sampler, 192, LESSONS, self.recipe.seed, workers=0))
            missed = thin(self.body, init, self.data, normalised(scaled(batch[0]), self.recipe))
            loaded = {n for n, _ in self.body.named_parameters() if not n.startswith("memory")}
            self.report(f"thinned {init.weights}: misses {missed:.3f} of what its encoder answers")
        if init.folded_norm:
            batches = stream(self.sampler, 256, 8, self.recipe.seed, workers=0)
            count = max(1, init.calibration_pictures // 8)
            recalibrate(
                self.body,
                (normalised(scaled(next(batches)[0]), self.recipe) for _ in range(count)),
                loaded,
            )
        self.report(f"started from {init.weights}: {len(loaded)} tensors")
        return loaded

    def _groups(self) -> list[dict[str, object]]:
        old = [p for n, p in self.body.named_parameters() if p.requires_grad and n in self.loaded]
        new = [
            p for n, p in self.body.named_parameters() if p.requires_grad and n not in self.loaded
        ]
        factor = self.recipe.init_lr_factor
        groups = [{"params": old, "factor": factor}, {"params": new, "factor": 1.0}]
        return [g for g in groups if g["params"]]

    def _restore(self, saved: dict[str, object]) -> None:
        self.body.load_state_dict(saved["body"])  # type: ignore[arg-type]
        self.average = saved["average"]  # type: ignore[assignment]
        self.optimizer.load_state_dict(saved["optimizer"])  # type: ignore[arg-type]
        self.step = int(saved["step"])  # type: ignore[call-overload]
        self.elapsed_s = float(saved["elapsed_s"])  # type: ignore[arg-type]
        self.pictures = int(saved["pictures"])  # type: ignore[call-overload]
        self.report(f"resumed at step {self.step}, {self.elapsed_s / 60:.1f} min in")

    def save(self) -> None:
        """Write ``last.pt`` atomically."""
        part = self.folder / "last.pt.part"
        state = {
            "body": self.body.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "pictures": self.pictures,
            "loaded": sorted(self.loaded),
        }
        torch.save(state, part)
        part.replace(self.folder / "last.pt")

    def averaged(self) -> Body:
        """Return a network with the averaged weights, on the CPU, in evaluation mode."""
        body = build_body(self.recipe)
        body.load_state_dict({k: v.cpu() for k, v in self.average.items()})
        return body.eval()

    def _learn(self, batch: Batch, factor: float) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr * factor * group["factor"]
        x = normalised(scaled(batch[0]), self.recipe).to(self.device)
        wanted = targets(batch, self.recipe)
        if self.recipe.remembers:
            x = with_matte(x, matte_before(wanted.matte).to(self.device))
        target = Target(*(t.to(self.device) for t in (wanted.matte, wanted.known, wanted.weight)))
        with quick_precision(self.device):
            logits, _ = self.body(x)
        loss = matte_loss([logit.float() for logit in logits], target)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.body.parameters(), 1.0)
        self.optimizer.step()
        follow(self.average, self.body, most=self.recipe.ema, step=self.step)
        return float(loss.detach())

    @denormals_as_zero()
    def train(self, budget: Budget) -> None:
        """Train until `budget.minutes` in all are used, counting earlier sessions."""
        if budget.threads:
            torch.set_num_threads(budget.threads)
        total_s = budget.minutes * 60
        marks = {"save": self.elapsed_s, "report": self.elapsed_s, "dev": self.elapsed_s}
        seen, losses, part = 0, [0.0, 0], None
        batches: Iterator[Batch] = iter(())
        self.body.train()
        clock = time.monotonic()
        while self.elapsed_s < total_s:
            progress = self.elapsed_s / total_s
            if (stage := stage_at(self.recipe.stage, progress)) is not part:
                part = stage
                batches = stream(
                    self.sampler, part.size, part.batch, self.recipe.seed + 1000 + self.step
                )
            batch = next(batches)
            loss = self._learn(batch, rate(progress))
            count = len(batch[0])
            self.step, self.pictures, seen = self.step + 1, self.pictures + count, seen + count
            losses = [losses[0] + loss, losses[1] + 1]
            clock, before = time.monotonic(), clock
            self.elapsed_s += clock - before
            if self.elapsed_s - marks["report"] >= budget.report_s:
                speed = seen / (self.elapsed_s - marks["report"])
                self.report(
                    f"{self.elapsed_s / 60:6.1f}/{budget.minutes:g} min  step {self.step}  "
                    f"{part.size} px  loss {losses[0] / losses[1]:.4f}  {speed:.2f} pictures/s"
                )
                marks["report"], seen, losses = self.elapsed_s, 0, [0.0, 0]
            if self.elapsed_s - marks["save"] >= budget.checkpoint_s:
                self.save()
                marks["save"] = self.elapsed_s
            if self.elapsed_s - marks["dev"] >= budget.dev_s:
                self._score()
                marks["dev"], clock = self.elapsed_s, time.monotonic()
        self.save()
        self._score()

    def _score(self) -> None:
        scores = dev_iou(self.averaged(), self.recipe, self.data / self.recipe.dev)
        line = "  ".join(f"{kind} {value:.3f}" for kind, value in scores.items())
        self.report(f"dev IoU at step {self.step} ({self.recipe.dev_pictures} a kind): {line}")
        log = self.folder / "log.csv"
        fresh = not log.exists()
        with log.open("a", newline="") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(["minutes", "step", "pictures", *scores])
            row = [f"{v:.4f}" for v in scores.values()]
            writer.writerow([f"{self.elapsed_s / 60:.1f}", self.step, self.pictures, *row])
