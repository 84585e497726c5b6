"""Train the network that redraws edges: views, loss, loop, checkpoints, held-out scores."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from maskworks.models.networks.edge import EdgeNet
from maskworks.train.augment import Bytes, Generator, relit
from maskworks.train.edge.lessons import LAYERS, Lesson
from maskworks.train.edge.recipe import EdgeRecipe
from maskworks.train.loop import Budget, rate_at

Report = Callable[[str], None]

SHARES = (0.45, 0.35, 0.2)
"""How often each coarse matte is the one given: first look, second look, fast network."""

FAR = 0.1
"""Weight of a pixel where neither matte is in doubt and both agree."""

CHECKPOINT_S = 120.0
REPORT_S = 60.0


@dataclass(frozen=True, eq=False)
class View:
    """One training view: `pixels` uint8 (S, S, 3); `coarse` and `truth` float32 (S, S)."""

    pixels: Bytes
    coarse: np.ndarray
    truth: np.ndarray


def draw_view(lesson: Lesson, size: int, rng: Generator) -> View:
    """Draw a view centred near the edge, or where the coarse matte is wrong.

    The geometry is one affine map for all layers; the coarse matte is then bent, blurred,
    widened or narrowed a little, since on new pictures it is worse than on these.
    """
    truth = lesson.layers[0]
    coarse = lesson.layers[1 + int(rng.choice(len(SHARES), p=SHARES))]
    apart = cv2.absdiff(truth, coarse) > 40
    edge = (truth > 20) & (truth < 235)
    draw = rng.random()
    spots = np.flatnonzero(apart if draw < 0.35 else edge) if draw < 0.9 else np.empty(0, int)
    height, width = truth.shape
    spot = int(rng.choice(spots)) if len(spots) else int(rng.integers(truth.size))
    y, x = divmod(spot, width)
    scale = float(np.exp(rng.uniform(-0.5, 0.35)))
    angle = float(rng.uniform(-0.4, 0.4)) if rng.random() < 0.3 else 0.0
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    flip = -1.0 if rng.random() < 0.5 else 1.0
    matrix = np.array([[cos * flip, -sin * flip, 0.0], [sin, cos, 0.0]])
    target = size * rng.uniform(0.25, 0.75, 2)
    matrix[:, 2] = target - matrix[:, :2] @ np.array([x, y], float)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR

    def warped(layer: np.ndarray, border: int) -> np.ndarray:
        if scale < 0.7:
            layer = cv2.GaussianBlur(layer, (0, 0), 0.5 / scale - 0.3)
        return cv2.warpAffine(layer, matrix, (size, size), flags=how & 1, borderMode=border)

    pixels = warped(lesson.pixels, cv2.BORDER_REFLECT_101)
    true = warped(truth, cv2.BORDER_REFLECT_101).astype(np.float32) / 255
    given = warped(coarse, cv2.BORDER_REFLECT_101).astype(np.float32) / 255
    return View(lit(pixels, rng), bent(given, rng), true)


def bent(coarse: np.ndarray, rng: Generator) -> np.ndarray:
    """Spoil a coarse matte a little: bend, blur, widen or narrow it."""
    size = coarse.shape[0]
    if rng.random() < 0.5:
        field = rng.standard_normal((2, 6, 6)).astype(np.float32) * rng.uniform(0.5, 4.0)
        rows, columns = np.mgrid[:size, :size].astype(np.float32)
        shift = [cv2.resize(part, (size, size), interpolation=cv2.INTER_CUBIC) for part in field]
        coarse = cv2.remap(
            coarse, columns + shift[0], rows + shift[1], cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT
        )
    if rng.random() < 0.3:
        coarse = cv2.GaussianBlur(coarse, (0, 0), rng.uniform(0.5, 3.0))
    if rng.random() < 0.25:
        side = int(rng.integers(2, 6))
        change = cv2.dilate if rng.random() < 0.5 else cv2.erode
        coarse = change(coarse, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    return np.clip(coarse, 0, 1)


def lit(pixels: Bytes, rng: Generator) -> Bytes:
    """Change light, sharpness, grain and compression of a view."""
    if rng.random() < 0.6:
        pixels = relit(pixels, rng)
    if rng.random() < 0.15:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.2))
    if rng.random() < 0.2:
        grain = rng.standard_normal(pixels.shape, np.float32) * rng.uniform(1, 7)
        pixels = np.clip(pixels + grain, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        quality = int(rng.uniform(40, 92))
        stored = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        pixels = cv2.imdecode(stored, cv2.IMREAD_COLOR)
    return pixels


def to_tensors(views: list[View], recipe: EdgeRecipe) -> tuple[Tensor, Tensor]:
    """Return the network's input (N, 4, S, S) and the true mattes (N, 1, S, S)."""
    pixels = torch.from_numpy(np.stack([v.pixels for v in views])).permute(0, 3, 1, 2).float() / 255
    mean = torch.tensor(recipe.mean)[None, :, None, None]
    std = torch.tensor(recipe.std)[None, :, None, None]
    coarse = torch.from_numpy(np.stack([v.coarse for v in views]))[:, None]
    truth = torch.from_numpy(np.stack([v.truth for v in views]))[:, None]
    return torch.cat(((pixels - mean) / std, coarse), 1), truth


def edge_loss(logits: Tensor, truth: Tensor, coarse: Tensor) -> Tensor:
    """Absolute error, cross-entropy and Laplacian pyramid of the matte, near the edge.

    Parameters
    ----------
    logits, truth, coarse : (N, 1, S, S)

    References
    ----------
    Laplacian pyramid loss: Hou & Liu, Context-Aware Image Matting, ICCV 2019.
    """
    matte = torch.sigmoid(logits)
    with torch.no_grad():
        doubt = (coarse * (1 - coarse) > 0.0475) | (truth * (1 - truth) > 0.0196)
        doubt = (doubt | ((coarse - truth).abs() > 0.1)).float()
        near = F.max_pool2d(doubt, 9, 1, 4)
        weight = FAR + (1 - FAR) * near
        norm = weight.sum()
    apart = (matte - truth).abs()
    loss = (apart * weight).sum() / norm
    cross = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    loss = loss + 0.3 * (cross * weight).sum() / norm
    error = matte - truth
    for level in range(3):
        small = F.avg_pool2d(error, 2)
        back = F.interpolate(small, scale_factor=2.0, mode="bilinear", align_corners=False)
        share = F.avg_pool2d(weight, 2**level) if level else weight
        loss = loss + 0.5 * ((error - back).abs() * share).sum() / share.sum()
        error = small
    return loss


class EdgeRun:
    """A run in a folder; it resumes from its last checkpoint."""

    def __init__(
        self, recipe: EdgeRecipe, lessons: list[Lesson], folder: Path, report: Report
    ) -> None:
        self.recipe, self.lessons, self.folder, self.report = recipe, lessons, folder, report
        torch.manual_seed(recipe.seed)
        self.body = EdgeNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = {k: v.detach().clone() for k, v in self.body.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            self.body.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay
        )
        self.step, self.elapsed_s = 0, 0.0
        last = folder / "last.pt"
        if last.exists():
            saved = torch.load(last, weights_only=True)
            self.body.load_state_dict(saved["body"])
            self.average = saved["average"]
            self.optimizer.load_state_dict(saved["optimizer"])
            self.step, self.elapsed_s = saved["step"], saved["elapsed_s"]
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
        }
        torch.save(state, part)
        part.replace(self.folder / "last.pt")

    def train(self, budget: Budget) -> None:
        """Train until `budget.minutes` in all are used, counting earlier sessions."""
        if budget.threads:
            torch.set_num_threads(budget.threads)
        cv2.setNumThreads(1)
        torch.set_flush_denormal(True)
        rng = np.random.default_rng(self.recipe.seed + 1000 + self.step)
        total_s = budget.minutes * 60
        marks = {"save": self.elapsed_s, "report": self.elapsed_s}
        losses: list[float] = []
        clock = time.monotonic()
        self.body.train()
        while self.elapsed_s < total_s:
            picked = rng.integers(len(self.lessons), size=self.recipe.batch)
            views = [draw_view(self.lessons[i], self.recipe.view, rng) for i in picked]
            losses.append(self._learn(views, rate_at(self.elapsed_s / total_s)))
            clock, before = time.monotonic(), clock
            self.elapsed_s += clock - before
            if self.elapsed_s - marks["report"] >= REPORT_S:
                speed = len(losses) * self.recipe.batch / (self.elapsed_s - marks["report"])
                self.report(
                    f"{self.elapsed_s / 60:6.1f}/{budget.minutes:g} min  step {self.step}  "
                    f"loss {np.mean(losses):.4f}  {speed:.1f} views/s"
                )
                marks["report"], losses = self.elapsed_s, []
            if self.elapsed_s - marks["save"] >= CHECKPOINT_S:
                self.save()
                marks["save"] = self.elapsed_s
        self.save()

    def _learn(self, views: list[View], factor: float) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.lr * factor
        x, truth = to_tensors(views, self.recipe)
        loss = edge_loss(self.body(x.contiguous(memory_format=torch.channels_last)), truth, x[:, 3:])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.body.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        keep = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.body.state_dict().items():
                if value.is_floating_point():
                    self.average[name].lerp_(value, 1 - keep)
                else:
                    self.average[name].copy_(value)
        return float(loss.detach())


def averaged(folder: Path) -> EdgeNet:
    """Return the run's network with the averaged weights, in evaluation mode."""
    body = EdgeNet()
    saved = torch.load(folder / "last.pt", weights_only=True)
    body.load_state_dict(saved["average"])
    return body.eval()


__all__ = ["LAYERS", "EdgeRun", "View", "averaged", "draw_view", "edge_loss"]
