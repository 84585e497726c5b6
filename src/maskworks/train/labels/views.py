"""Random views of labelled pictures: zoomed, cropped, mirrored, recoloured."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from maskworks.train.labels.recipe import Stage, Views

_FILLED = 0.45  # grey beside a picture that is smaller than the view


@dataclass(frozen=True)
class LabelSet:
    """Decoded pictures and labels in memory.

    Parameters
    ----------
    names : stems
    pixels : uint8 (3, H, W) each
    labels : uint8 or int32 (H, W) each
    """

    names: tuple[str, ...]
    pixels: list[Tensor]
    labels: list[Tensor]

    def __len__(self) -> int:
        return len(self.names)


class Sampler:
    """Draws views; its state can be kept and given back, and the views go on as they were."""

    def __init__(self, pictures: LabelSet, rule: Views, *, unknown: int, seed: int) -> None:
        self.pictures, self.rule, self.unknown = pictures, rule, unknown
        self.generator = torch.Generator().manual_seed(seed)
        self.order: list[int] = []

    def state(self) -> dict[str, object]:
        """Return what `restore` needs."""
        return {"generator": self.generator.get_state(), "order": list(self.order)}

    def restore(self, state: dict[str, object]) -> None:
        """Go on where a sampler of the same pictures was."""
        self.generator.set_state(state["generator"])  # type: ignore[arg-type]
        self.order = list(state["order"])  # type: ignore[call-overload]

    def batch(self, stage: Stage) -> tuple[Tensor, Tensor]:
        """Draw the next views: float (N, 3, h, w) in [0, 1] and int64 (N, h, w)."""
        drawn = [self._view(stage) for _ in range(stage.batch)]
        return torch.stack([x for x, _ in drawn]), torch.stack([y for _, y in drawn])

    def _uniform(self, low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=self.generator).item()

    def _view(self, stage: Stage) -> tuple[Tensor, Tensor]:
        if not self.order:
            self.order = torch.randperm(len(self.pictures), generator=self.generator).tolist()
        index = self.order.pop()
        zoom = math.exp(self._uniform(*(math.log(z) for z in stage.zoom)))
        aspect = math.exp(self._uniform(-self.rule.aspect, self.rule.aspect))
        x, y = self._cropped(index, (stage.height, stage.width), (zoom * aspect, zoom / aspect))
        if self._uniform(0, 1) < self.rule.flip:
            x, y = x.flip(2), y.flip(1)
        if self._uniform(0, 1) < self.rule.rise:
            x, y = x.flip(1), y.flip(0)
        if self._uniform(0, 1) < self.rule.colour:
            x = self._recoloured(x)
        return x, y

    def _cropped(
        self, index: int, size: tuple[int, int], zoom: tuple[float, float]
    ) -> tuple[Tensor, Tensor]:
        """Cut the part that fills the view, then resize it, so that little is resampled."""
        x, y = self.pictures.pixels[index], self.pictures.labels[index]
        cut, sides = [], []
        for whole, wanted, factor in zip(x.shape[1:], size, zoom, strict=True):
            part = min(int(whole), max(1, round(wanted / factor)))
            at = int(self._uniform(0, int(whole) - part + 0.999))
            cut.append(slice(at, at + part))
            sides.append(min(wanted, max(1, round(part * factor))))
        part_x = x[:, cut[0], cut[1]].float()[None] / 255
        part_y = y[cut[0], cut[1]].float()[None, None]
        small = zoom[0] < 1 or zoom[1] < 1
        part_x = F.interpolate(part_x, size=sides, mode="bilinear", antialias=small)[0]
        part_y = F.interpolate(part_y, size=sides, mode="nearest-exact")[0, 0].long()
        below, right = size[0] - sides[0], size[1] - sides[1]
        return (
            F.pad(part_x, (0, right, 0, below), value=_FILLED),
            F.pad(part_y, (0, right, 0, below), value=self.unknown),
        )

    def _recoloured(self, x: Tensor) -> Tensor:
        rule = self.rule
        x = x.clamp(0, 1) ** math.exp(self._uniform(-rule.gamma, rule.gamma))
        x = x * self._uniform(1 - rule.brightness, 1 + rule.brightness)
        middle = x.mean()
        x = (x - middle) * self._uniform(1 - rule.contrast, 1 + rule.contrast) + middle
        grey = x.mean(0, keepdim=True)
        x = (x - grey) * self._uniform(1 - rule.saturation, 1 + rule.saturation) + grey
        tint = [self._uniform(1 - rule.tint, 1 + rule.tint) for _ in range(3)]
        return (x * torch.tensor(tint)[:, None, None]).clamp(0, 1)
