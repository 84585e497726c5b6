"""Random views of labelled pictures: zoomed, cropped, mirrored, recoloured."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from maskworks.train.labels.recipe import LabelStage, Views

_FILLED = 0.45  # grey beside a picture that is smaller than the view


@dataclass(frozen=True)
class LabelSet:
    """Decoded pictures and labels in memory.

    Parameters
    ----------
    names : stems
    pixels : uint8 (3, H, W) each
    labels : uint8 or int32 (H, W) each
    objects : int32 (H, W) each, 0 outside of objects; empty where only classes are learnt
    depth : uint8 (H, W) each, how deep inside its object; empty likewise
    """

    names: tuple[str, ...]
    pixels: list[Tensor]
    labels: list[Tensor]
    objects: list[Tensor] = field(default_factory=list)
    depth: list[Tensor] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)

    def part(self, first: int, end: int) -> LabelSet:
        """Return the pictures from place `first` to before `end`."""
        at = slice(first, end)
        layers = (self.pixels, self.labels, self.objects, self.depth)
        return LabelSet(self.names[at], *(each[at] for each in layers))


@dataclass(frozen=True)
class Batch:
    """Views: `pixels` float (N, 3, h, w) in [0, 1] and `labels` int64 (N, h, w).

    Where objects are learnt also `objects` int64 (N, h, w), and `depth` float (N, h, w) in [0, 1].
    """

    pixels: Tensor
    labels: Tensor
    objects: Tensor | None = None
    depth: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(*(None if v is None else v.to(device) for v in vars(self).values()))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Splits:
    """The pictures that are learnt from, and those that decide when it is best."""

    train: LabelSet
    dev: LabelSet


class ViewSampler:
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

    def batch(self, stage: LabelStage) -> Batch:
        """Draw the next views."""
        drawn = [self._view(stage) for _ in range(stage.batch)]
        pixels, layers = (torch.stack([each[at] for each in drawn]) for at in (0, 1))
        if not self.pictures.objects:
            return Batch(pixels, layers[:, 0])
        return Batch(pixels, layers[:, 0], layers[:, 1], layers[:, 2].float() / 255)

    def _uniform(self, low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=self.generator).item()

    def _view(self, stage: LabelStage) -> tuple[Tensor, Tensor]:
        if not self.order:
            self.order = torch.randperm(len(self.pictures), generator=self.generator).tolist()
        index = self.order.pop()
        zoom = math.exp(self._uniform(*(math.log(z) for z in stage.zoom)))
        aspect = math.exp(self._uniform(-self.rule.aspect, self.rule.aspect))
        x, y = self._cropped(index, (stage.height, stage.width), (zoom * aspect, zoom / aspect))
        if self._uniform(0, 1) < self.rule.flip:
            x, y = x.flip(2), y.flip(2)
        if self._uniform(0, 1) < self.rule.rise:
            x, y = x.flip(1), y.flip(1)
        if self._uniform(0, 1) < self.rule.colour:
            x = self._recoloured(x)
        return x, y

    def _cropped(
        self, index: int, size: tuple[int, int], zoom: tuple[float, float]
    ) -> tuple[Tensor, Tensor]:
        """Cut the part that fills the view, then resize it, so that little is resampled.

        Return pixels (3, h, w) and int64 (1 or 3, h, w): classes, objects, depth.
        """
        x = self.pictures.pixels[index]
        layers = [self.pictures.labels[index]]
        if self.pictures.objects:
            layers += [self.pictures.objects[index], self.pictures.depth[index]]
        cut, sides = [], []
        for whole, wanted, factor in zip(x.shape[1:], size, zoom, strict=True):
            part = min(int(whole), max(1, round(wanted / factor)))
            at = int(self._uniform(0, int(whole) - part + 0.999))
            cut.append(slice(at, at + part))
            sides.append(min(wanted, max(1, round(part * factor))))
        part_x = x[:, cut[0], cut[1]].float()[None] / 255
        part_y = torch.stack([each[cut[0], cut[1]].float() for each in layers])[None]
        small = zoom[0] < 1 or zoom[1] < 1
        part_x = F.interpolate(part_x, size=sides, mode="bilinear", antialias=small)[0]
        part_y = F.interpolate(part_y, size=sides, mode="nearest-exact")[0].long()
        below, right = size[0] - sides[0], size[1] - sides[1]
        part_x = F.pad(part_x, (0, right, 0, below), value=_FILLED)
        outside = F.pad(part_y[1:], (0, right, 0, below))
        classes = F.pad(part_y[:1], (0, right, 0, below), value=self.unknown)
        return part_x, torch.cat((classes, outside))

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
