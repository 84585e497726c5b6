"""Loss of a batch, for every family of networks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from maskworks.models.networks.espnet import EspNet
from maskworks.train.labels.losses import label_loss
from maskworks.train.labels.objects import boxes_of
from maskworks.train.labels.queries import QueryNetwork, segments_of
from maskworks.train.labels.recipe import LabelRecipe
from maskworks.train.labels.views import Batch


@dataclass(frozen=True)
class Draw:
    """What is random in a loss: where a coarse answer is compared, and Lovasz's pixels."""

    generator: torch.Generator


class LossModule(nn.Module):
    """A network and its loss in one module, so that several processes can share the work.

    Parameters
    ----------
    network : of the recipe
    weights : (C,) of the cross-entropy, or None
    """

    def __init__(self, network: nn.Module, recipe: LabelRecipe, weights: Tensor | None) -> None:
        super().__init__()
        self.network, self.recipe, self.weights = network, recipe, weights

    def forward(self, batch: Batch, draw: Draw) -> Tensor:
        """Return the loss of a batch whose pixels are normalised."""
        device = batch.pixels.device.type
        half = self.recipe.precision == "bfloat16"
        with torch.autocast(device, torch.bfloat16, enabled=half):
            if self.recipe.detects:
                return self._of_detections(batch)
            if isinstance(self.network, QueryNetwork):
                return self._of_segments(batch, self.network)
            logits = self._answers(batch.pixels)
        return self._of_pixels(logits.float(), batch, draw)

    def _answers(self, x: Tensor) -> Tensor:
        if self.recipe.losses.stride == 2 and isinstance(self.network, EspNet):
            return self.network.coarse(x)
        answer: Tensor = self.network(x)
        return answer

    def _of_pixels(self, logits: Tensor, batch: Batch, draw: Draw) -> Tensor:
        rule, labels = self.recipe.losses, batch.labels
        if rule.stride == 2:
            at = int(torch.randint(2, (), generator=draw.generator))
            labels = labels[:, at::2, at::2]
        classes = len(self.recipe.class_names)
        weights = None if self.weights is None else self.weights.to(logits.device)
        total = label_loss(
            logits[:, :classes], labels, rule, weights=weights, generator=draw.generator
        )
        if batch.depth is not None and rule.depth:
            known = ((labels >= 0) & (labels < classes)).float()
            apart = (logits[:, classes].sigmoid() - batch.depth).abs() * known
            total = total + rule.depth * 4 * apart.sum() / known.sum().clamp(min=1)
        return total

    def _of_segments(self, batch: Batch, network: QueryNetwork) -> Tensor:
        classes = len(self.recipe.class_names)
        objects = [None] * len(batch.labels) if batch.objects is None else batch.objects
        found = [segments_of(*each, classes) for each in zip(batch.labels, objects, strict=True)]
        masks, ids = zip(*found, strict=True)
        return network.loss(batch.pixels, list(masks), list(ids))

    def _of_detections(self, batch: Batch) -> Tensor:
        if batch.objects is None:
            raise TypeError(batch)  # a recipe that detects has objects; its model checks it
        targets = [
            _target(labels, objects)
            for labels, objects in zip(batch.labels, batch.objects, strict=True)
        ]
        losses: dict[str, Tensor] = self.network(list(batch.pixels), targets)
        return torch.stack(list(losses.values())).sum()


def _target(labels: Tensor, objects: Tensor) -> dict[str, Tensor]:
    """Return boxes, labels and masks of one view's objects, as torchvision takes them."""
    boxes = boxes_of(objects.cpu().numpy())
    masks = [objects == number for number in boxes]
    ids = [int(labels[mask].mode().values) for mask in masks]
    height, width = labels.shape
    return {
        "boxes": torch.tensor(list(boxes.values()), dtype=torch.float32)
        .reshape(-1, 4)
        .to(labels.device),
        "labels": torch.tensor(ids, dtype=torch.int64, device=labels.device),
        "masks": torch.stack(masks).to(torch.uint8)
        if masks
        else torch.zeros((0, height, width), dtype=torch.uint8, device=labels.device),
    }
