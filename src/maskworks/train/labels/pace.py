"""Progress of a run: learning rate, speed and reports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maskworks.core.errors import RecipeError
from maskworks.train.budget import Budget
from maskworks.train.labels.recipe import LabelRecipe, LabelStage
from maskworks.train.labels.scoring import Scores
from maskworks.train.labels.watch import ProgressListener, Tick
from maskworks.train.schedule import rate_at

_MEMORY = ("not enough memory", "out of memory", "can't allocate", "bad_alloc")


@dataclass
class Progress:
    """How far a run is; kept in every checkpoint."""

    step: int = 0
    pictures: int = 0
    elapsed_s: float = 0.0
    best: float = -1.0
    since_best: int = 0


def rate(progress: float, step: int, recipe: LabelRecipe) -> float:
    """Return the learning rate's factor: a linear warm-up, then the recipe's schedule."""
    warm = (step + 1) / (recipe.warm_up + 1)
    return rate_at(progress, warm=warm, schedule=recipe.schedule)


def explained(error: RuntimeError | MemoryError, stage: LabelStage) -> Exception:
    """Return the error that says which setting halves the memory, or the one that came."""
    told = any(sign in str(error).lower() for sign in _MEMORY)
    if not told and not isinstance(error, MemoryError):
        return error
    many = "s" if stage.batch > 1 else ""
    views = f"{stage.batch} view{many} of {stage.height}x{stage.width}"
    if stage.batch == 1:
        remedy = f"height = {max(32, stage.height // 32 * 16)} halves it: views half as tall"
    else:
        remedy = (
            f"batch = {stage.batch // 2} with accumulate = {stage.accumulate * 2} halves it "
            "and learns the same"
        )
    return RecipeError(Path("stage.batch"), f"there is not memory enough for {views}", remedy)


class Pace:
    """Reports the mean loss and speed at intervals, and every step to the listener."""

    def __init__(self, at: Progress, watch: ProgressListener, budget: Budget) -> None:
        self.at, self.watch, self.budget = at, watch, budget
        self.since, self.seen, self.speed = at.elapsed_s, at.pictures, 0.0
        self.losses: list[float] = []

    def step(self, loss: float, share: float, dev: Scores | None) -> None:
        """Count a step."""
        self.losses.append(loss)
        mean, at = sum(self.losses) / len(self.losses), self.at
        passed = at.elapsed_s - self.since
        self.speed = (at.pictures - self.seen) / passed if passed > 0 else 0.0
        shown = None if dev is None else (dev.name, dev.main)
        self.watch.tick(Tick(min(1.0, share), at.step, mean, self.speed, shown))
        if passed >= self.budget.report_s:
            self.watch.say(
                f"{at.elapsed_s / 60:6.1f}/{self.budget.minutes:g} min  step {at.step}  "
                f"loss {mean:.4f}  {self.speed:.2f} pictures/s"
            )
            self.since, self.seen, self.losses = at.elapsed_s, at.pictures, []
