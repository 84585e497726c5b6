from __future__ import annotations

import torch
from torch import nn

from maskworks.train.precision import keep_depthwise_full, quick_precision


def body() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 4, 1))


def test_depthwise_convolutions_stay_in_float32_and_learn():
    network = body()
    keep_depthwise_full(network)
    seen: list[torch.dtype] = []
    for layer in network:
        layer.register_forward_hook(lambda _, __, out: seen.append(out.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        out = network(torch.randn(2, 8, 8, 8))
    out.float().square().mean().backward()
    assert seen == [torch.float32, torch.bfloat16]
    assert network[0].weight.grad.abs().sum() > 0


def test_training_in_quick_precision_follows_the_gradient_of_float32():
    gradients = []
    for quick in (False, True):
        network = body()
        keep_depthwise_full(network)
        x = torch.randn(4, 8, 16, 16, generator=torch.Generator().manual_seed(2))
        with torch.autocast("cpu", torch.bfloat16, enabled=quick):
            out = network(x)
        out.float().square().mean().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters()]))
    assert torch.cosine_similarity(*gradients, dim=0) > 0.999


def test_the_precision_of_this_machine_is_a_context_that_a_network_runs_in():
    context = quick_precision(torch.device("cpu"))
    assert context.fast_dtype == torch.bfloat16
    assert context._enabled == bool(torch.cpu.get_capabilities().get("amx_bf16"))
    with context:
        assert body()(torch.zeros(1, 8, 8, 8)).shape == (1, 4, 8, 8)
