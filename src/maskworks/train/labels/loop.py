"""The training loop of label maps: schedules, averaging, checkpoints, the log."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from maskworks.core.errors import RecipeError
from maskworks.train.averaging import follow
from maskworks.train.budget import Budget
from maskworks.train.denormals import denormals_as_zero
from maskworks.train.labels.building import recalibrate_norms, start_network
from maskworks.train.labels.families import build_network, is_encoder
from maskworks.train.labels.lesson import Draw, LossModule
from maskworks.train.labels.losses import class_weights
from maskworks.train.labels.pace import Pace, Progress, explained, rate
from maskworks.train.labels.recipe import LabelRecipe
from maskworks.train.labels.scoring import Scores, answers, as_callable, score
from maskworks.train.labels.team import ALONE, Team, device_name
from maskworks.train.labels.views import Batch, Splits, ViewSampler
from maskworks.train.labels.watch import Log, ProgressListener, draw_example, write_jpeg
from maskworks.train.norms import normalised, recalibrate
from maskworks.train.schedule import stage_at

_FOLDED_BATCHES = 4  # on which folded batch norms are measured, the function left as it is


class LabelRun:
    """One training run in a folder; it resumes from its last checkpoint.

    Parameters
    ----------
    data : folder that the recipe's paths are relative to
    folder : holds ``last.pt``, ``best.pt``, ``log.csv``, ``events`` and ``examples``
    team : of the processes that train together

    Raises
    ------
    RecipeError
        If the weights to start from do not fit, or the checkpoint is another network's.
    """

    def __init__(
        self,
        recipe: LabelRecipe,
        data: Path,
        splits: Splits,
        *,
        folder: Path,
        watch: ProgressListener,
        team: Team = ALONE,
    ) -> None:
        self.recipe, self.splits, self.folder = recipe, splits, folder
        self.watch, self.team, self.device = watch, team, team.device
        torch.manual_seed(recipe.seed)
        classes = len(recipe.class_names)
        seed = recipe.seed + 1000 * team.rank
        self.sampler = ViewSampler(splits.train, recipe.views, unknown=classes, seed=seed)
        self.network = build_network(recipe)
        weights = class_weights(splits.train.labels, recipe.losses, classes)
        self.at, self.begun = Progress(), "nothing"
        self.dev: Scores | None = None
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
        self.lesson: nn.Module = LossModule(self.network, recipe, weights)
        if team.size > 1:
            unused = recipe.detects
            self.lesson = DistributedDataParallel(self.lesson, find_unused_parameters=unused)
        self.log = Log(folder, self.at.step) if team.leads else None

    def _begin(self, data: Path) -> None:
        start = self.recipe.start
        if start is None:
            return
        first = self.recipe.stage[0]
        size = (first.height, first.width)
        loaded = start_network(self.network, start, data, size=size)
        share = f"{len(loaded.names)} of {len(self.network.state_dict())} tensors"
        self.begun = f"{Path(start.weights).name}, {share}"
        self.watch.say(f"started from {start.weights}: {share}")
        count = start.recalibrate or (_FOLDED_BATCHES if loaded.folded else 0)
        batches = [normalised(self.sampler.batch(first).pixels, self.recipe) for _ in range(count)]
        if start.recalibrate:
            recalibrate_norms(self.network, batches)
        elif loaded.folded:
            recalibrate(self.network, batches, loaded.names)

    def _optimizer(self) -> torch.optim.Optimizer:
        recipe = self.recipe
        factor = 1.0 if recipe.start is None else recipe.start.lr_factor
        old: list[nn.Parameter] = []
        new: list[nn.Parameter] = []
        for name, parameter in self.network.named_parameters():
            if parameter.requires_grad:
                (old if factor < 1 and is_encoder(name) else new).append(parameter)
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
            "encoder": recipe.encoder,
            "channels": recipe.channels,
            "targets": recipe.targets,
            "queries": recipe.queries.model_dump(),
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
        if len(saved["samplers"]) != self.team.size:
            raise RecipeError(
                self.folder / "last.pt",
                f"was written by {len(saved['samplers'])} processes, these are {self.team.size}",
                "go on with as many",
            )
        self.network.load_state_dict(saved["body"])
        self.average = {name: each.to(self.device) for name, each in saved["average"].items()}
        self.optimizer.load_state_dict(saved["optimizer"])
        self.sampler.restore(saved["samplers"][self.team.rank])
        torch.set_rng_state(saved["rng"])
        self.at, self.begun = Progress(**saved["progress"]), saved["begun"]
        self.watch.say(f"resumed at step {self.at.step}, {self.at.elapsed_s / 60:.1f} min in")

    def save(self) -> None:
        """Write ``last.pt``, whole or not at all: everything that is needed to go on."""
        samplers = self.team.gathered(self.sampler.state())
        if self.team.leads:
            rest = {
                "body": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "samplers": samplers,
                "rng": torch.get_rng_state(),
            }
            self._write("last.pt", rest)

    def _write(self, name: str, more: dict[str, Any]) -> None:
        part = self.folder / f"{name}.part"
        state = {
            "architecture": self._architecture(),
            "average": self.average,
            "progress": vars(self.at),
            "begun": self.begun,
            "device": device_name(self.device),
            "threads": torch.get_num_threads() * self.team.size,
            **more,
        }
        torch.save(state, part)
        part.replace(self.folder / name)

    def _mode(self) -> None:
        self.network.train()
        if self.recipe.frozen_norm:
            for layer in self.network.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()

    def learn(self, progress: float) -> float:
        """Take one step of the optimizer and return its loss.

        Raises
        ------
        RecipeError
            If the loss is not finite (the batch is kept as ``bad-batch.pt``), or there is not
            memory enough for the stage's batch.
        """
        stage = stage_at(self.recipe.stage, progress)
        factor = rate(progress, self.at.step, self.recipe)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr * factor * group["factor"]
        self.optimizer.zero_grad(set_to_none=True)
        draw, total = Draw(self.sampler.generator), 0.0
        for _ in range(stage.accumulate):
            try:
                batch = self.sampler.batch(stage)
                seen = Batch(
                    normalised(batch.pixels, self.recipe), batch.labels, batch.objects, batch.depth
                )
                loss = self.lesson(seen.to(self.device), draw) / stage.accumulate
                self._refuse_nan(loss, batch)
                loss.backward()
            except (RuntimeError, MemoryError) as error:
                raise explained(error, stage) from error
            total += float(loss.detach())
        trained = [p for p in self.network.parameters() if p.requires_grad]
        nn.utils.clip_grad_norm_(trained, self.recipe.clip)
        self.optimizer.step()
        self.at.step += 1
        self.at.pictures += stage.batch * stage.accumulate * self.team.size
        follow(self.average, self.network, most=self.recipe.ema, step=self.at.step)
        return total

    def _refuse_nan(self, loss: Tensor, batch: Batch) -> None:
        if bool(torch.isfinite(loss)):
            return
        kept = self.folder / "bad-batch.pt"
        torch.save({"pictures": batch.pixels, "labels": batch.labels, "step": self.at.step}, kept)
        raise RecipeError(
            self.folder,
            f"the loss is {float(loss.detach())} at step {self.at.step}",
            f"its batch is kept in {kept}; lower lr or clip, then run again: "
            "it goes on from the last checkpoint",
        )

    def _progress(self, budget: Budget) -> float:
        if self.recipe.steps is not None:
            return self.at.step / self.recipe.steps
        return self.at.elapsed_s / (budget.minutes * 60)

    @denormals_as_zero()
    def train(self, budget: Budget) -> bool:
        """Train until the steps or the minutes are used, earlier sessions counted.

        Returns
        -------
        True if the schedule is through (or stopped early, as `patience` asks), False if the
        minutes ran out before the recipe's steps.
        """
        if budget.threads:
            torch.set_num_threads(budget.threads)
        save_at, clock, judged = self.at.elapsed_s, time.monotonic(), False
        pace = Pace(self.at, self.watch, budget)
        self._mode()
        while self._goes_on(budget):
            loss = self.learn(self._progress(budget))
            before, clock = clock, time.monotonic()
            self.at.elapsed_s = self.team.agreed(self.at.elapsed_s + clock - before)
            pace.step(loss, self._progress(budget), self.dev)
            judged = self.at.step % self._dev_steps() == 0
            if judged:
                self.judge()
            elif self.at.elapsed_s - save_at >= budget.checkpoint_s:
                self.save()
            else:
                continue
            save_at, clock = self.at.elapsed_s, time.monotonic()
            if self.recipe.patience is not None and self.at.since_best >= self.recipe.patience:
                self.watch.say(f"stopped: {self.recipe.patience} dev scores without a new best")
                return True
        if not judged:
            self.judge()
        return self._progress(budget) >= 1

    def _goes_on(self, budget: Budget) -> bool:
        return self._progress(budget) < 1 and self.at.elapsed_s < budget.minutes * 60

    def _dev_steps(self) -> int:
        if self.recipe.dev_steps is not None:
            return self.recipe.dev_steps
        stage = self.recipe.stage[0]
        return math.ceil(len(self.splits.train) / (stage.batch * stage.accumulate * self.team.size))

    def averaged(self) -> nn.Module:
        """Return a network with the averaged weights, ready to answer."""
        network = build_network(self.recipe)
        network.load_state_dict(self.average)
        network.eval().to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def judge(self) -> float:
        """Score the averaged network on dev, write checkpoints, log and examples; return it."""
        mean = self._judged() if self.team.leads else 0.0
        mean = self.team.agreed(mean)
        better = mean > self.at.best
        self.at.since_best = 0 if better else self.at.since_best + 1
        self.at.best = max(self.at.best, mean)
        if better and self.team.leads:
            self._write("best.pt", {})
        self.save()
        if self.dev is not None:
            marked = ", the best" if better else ""
            self.watch.say(
                f"dev {self.dev.name} {mean:.4f}{self.dev.over} at step {self.at.step}{marked}"
            )
        self._mode()
        return mean

    def _judged(self) -> float:
        network = as_callable(self.averaged(), self.recipe)
        found = score(network, self.splits.dev, self.recipe)
        at = self.at
        figures: dict[str, float | int] = {
            "step": at.step,
            "pictures": at.pictures,
            "minutes": round(at.elapsed_s / 60, 2),
            f"dev {found.name}": found.main,
            **found.classes,
        }
        self.dev = found
        if self.log is not None:
            self.log.row(figures)
            self._draw(self.log, network)
        return found.main

    def _draw(self, log: Log, network: Any) -> None:  # noqa: ANN401 - a Network
        """Draw the first dev pictures with their truth and the answer."""
        some = self.splits.dev.part(0, self.recipe.examples)
        truths = some.objects or some.labels
        for at, (image, found) in enumerate(answers(network, some, self.recipe)):
            drawn = draw_example(image, truths[at].numpy(), found)
            name = some.names[at].replace("/", "-")
            write_jpeg(self.folder / "examples" / f"step-{self.at.step:06}" / f"{name}.jpg", drawn)
            log.picture(name, drawn, self.at.step)
