"""Weights that follow a network's while it is trained (an exponential moving average)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def follow(average: dict[str, Tensor], network: nn.Module, *, most: float, step: int) -> None:
    """Move averaged weights towards a network's, in place.

    Parameters
    ----------
    average : by name, as the network's state; what is no number with a fraction is copied
    most : share that is kept of the average, in [0, 1); less in the first steps
    step : from 0
    """
    keep = min(most, (1 + step) / (10 + step))
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            average[name].lerp_(value, 1 - keep)
        else:
            average[name].copy_(value)
