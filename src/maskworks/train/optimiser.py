"""AdamW for networks whose batch norms were folded into their convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

USUAL_SIZE = 0.1
"""Root mean square of a channel's weights at which a step is as long as AdamW's."""

LEAST_SIZE = 0.01
"""Smaller channels step as if they had it, so that one of zeros can still learn."""


class RelativeAdamW(torch.optim.AdamW):
    """AdamW whose steps are in proportion to the size of the channel that they change.

    Folding a batch norm multiplies each output channel by its own number, so that in one network
    the weights of some are a thousand times those of others. Adam steps equally far in all: what
    is a nudge to one destroys another. Here the step of each output channel's weights, of
    parameters with two dimensions or more, is multiplied by their root mean square over
    `USUAL_SIZE`. After You et al., Large Batch Optimization for Deep Learning (LAMB), ICLR 2020,
    which does it a layer at a time.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]  # noqa: ANN401 - as torch
        """Change the parameters by their gradients; return what `closure` does."""
        kept = [
            (parameter, parameter.clone(), _sizes(parameter) / USUAL_SIZE)
            for group in self.param_groups
            for parameter in group["params"]
            if parameter.grad is not None and parameter.dim() > 1
        ]
        loss = super().step(closure)
        for parameter, before, scale in kept:
            parameter.sub_(before).mul_(scale).add_(before)
        return loss


def _sizes(weights: Tensor) -> Tensor:
    size = weights.flatten(1).square().mean(1).sqrt().clamp(min=LEAST_SIZE)
    return size.view(-1, *[1] * (weights.dim() - 1))
