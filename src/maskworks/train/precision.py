"""Train in bfloat16 where the machine multiplies it faster."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def quick_precision(device: torch.device) -> torch.autocast:
    """Return the context in which a network's forward pass runs while it is trained.

    On a GPU, and on a processor with matrix tiles (Intel AMX), what multiplies matrices runs in
    bfloat16; weights, losses and gradients of weights stay float32. Elsewhere it changes nothing,
    since bfloat16 is no faster there.
    """
    quick = device.type == "cuda" or bool(torch.cpu.get_capabilities().get("amx_bf16"))
    return torch.autocast(device.type, torch.bfloat16, enabled=quick)


def keep_depthwise_full(body: nn.Module) -> None:
    """Make a network's depthwise convolutions run in float32 whatever the context says.

    They wait for memory, not for multiplications, and the processor's backward passes of some
    shapes take fifty times as long in bfloat16 (PyTorch 2.14).
    """
    for module in body.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            module.forward = _full(module)  # type: ignore[assignment]


def _full(convolution: nn.Conv2d) -> Callable[[Tensor], Tensor]:
    forward = convolution.forward

    def run(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            out: Tensor = forward(x.float())
            return out

    return run
