"""How well a network labels a split, picture by picture at its own size."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maskworks.quality.confusion import Confusion, confusion_of
from maskworks.train.labels.recipe import LabelRecipe
from maskworks.train.labels.views import LabelSet


def normalised(x: Tensor, recipe: LabelRecipe) -> Tensor:
    """Map pictures (N, 3, h, w) in [0, 1] to the network's input, channels last in memory."""
    mean = torch.tensor(recipe.mean)[None, :, None, None]
    std = torch.tensor(recipe.std)[None, :, None, None]
    return ((x - mean) / std).contiguous(memory_format=torch.channels_last)


def input_size(size: tuple[int, int], recipe: LabelRecipe) -> tuple[int, int]:
    """Return the size at which a picture of `size` (H, W) enters: it fits into the input.

    Examples
    --------
    A recipe of input 360 x 480 leaves 360 x 480 alone and takes 720 x 1280 as 270 x 480.
    """
    factor = min(recipe.height / size[0], recipe.width / size[1])
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


@torch.no_grad()
def score(network: nn.Module, pictures: LabelSet, recipe: LabelRecipe) -> Confusion:
    """Count true and predicted classes over a split; one matrix for all pictures."""
    classes = len(recipe.class_names)
    total = Confusion(np.zeros((classes, classes + 1), np.int64))
    network.eval()
    device = next(network.parameters()).device
    for pixels, labels in zip(pictures.pixels, pictures.labels, strict=True):
        size = (int(labels.shape[0]), int(labels.shape[1]))
        x = pixels[None].float() / 255
        wanted = input_size(size, recipe)
        if wanted != size:
            x = F.interpolate(x, size=wanted, mode="bilinear", antialias=wanted[0] < size[0])
        logits = network(normalised(x, recipe).to(device))
        if wanted != size:
            logits = F.interpolate(logits, size=size, mode="bilinear")
        total += confusion_of(labels.numpy(), logits[0].argmax(0).cpu().numpy(), classes=classes)
    return total
