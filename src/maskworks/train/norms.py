"""Normalise inputs, and measure the statistics of batch norms anew."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import torch
from torch import Tensor, nn


class _Channels(Protocol):
    @property
    def mean(self) -> tuple[float, float, float]: ...
    @property
    def std(self) -> tuple[float, float, float]: ...


def normalised(x: Tensor, recipe: _Channels) -> Tensor:
    """Map pictures (N, 3, h, w) in [0, 1] to the network's input, channels last in memory."""
    mean = torch.tensor(recipe.mean)[None, :, None, None]
    std = torch.tensor(recipe.std)[None, :, None, None]
    return ((x - mean) / std).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def recalibrate(body: nn.Module, batches: Iterable[Tensor], loaded: set[str]) -> None:
    """Give loaded batch norms the statistics of real inputs without changing the function.

    A folded batch norm holds mean 0 and variance 1, which training would
    suddenly replace by the batch's own. Each layer's input mean m and variance
    v are measured and written; its weight and bias are changed so that the
    layer computes what it did before.

    Parameters
    ----------
    batches : normalised pictures (N, 3, h, w)
    loaded : names of the parameters that came from a file; other layers stay
    """
    sums: dict[str, list[Tensor]] = {}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0].double()
            pieces = [x.mean((0, 2, 3)), (x * x).mean((0, 2, 3)), torch.ones((), dtype=x.dtype)]
            before = sums.get(name, [torch.zeros_like(piece) for piece in pieces])
            sums[name] = [a + b for a, b in zip(before, pieces, strict=True)]

        return hook

    layers = {
        name: layer
        for name, layer in body.named_modules()
        if isinstance(layer, nn.BatchNorm2d) and f"{name}.weight" in loaded
    }
    hooks = [layer.register_forward_pre_hook(watch(name)) for name, layer in layers.items()]
    body.eval()
    for batch in batches:
        body(batch)
    for hook in hooks:
        hook.remove()
    for name, layer in layers.items():
        total, squares, count = sums[name]
        mean = total / count
        variance = (squares / count - mean**2).clamp(min=1e-6)
        state = layer.state_dict()  # views: copying into them changes the layer
        gain = layer.weight.double() / torch.sqrt(state["running_var"].double() + layer.eps)
        layer.bias.copy_(layer.bias.double() + (mean - state["running_mean"].double()) * gain)
        layer.weight.copy_(gain * torch.sqrt(variance + layer.eps))
        state["running_mean"].copy_(mean)
        state["running_var"].copy_(variance)
