"""Steps in proportion to the channel they change."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from maskworks.train.optimiser import RelativeAdamW  # noqa: E402 - needs torch


def stepped(weights: object, rate: float = 0.01) -> object:
    parameter = torch.nn.Parameter(torch.tensor(weights))
    optimiser = RelativeAdamW([parameter], lr=rate, weight_decay=0.0)
    parameter.grad = torch.ones_like(parameter)
    before = parameter.detach().clone()
    optimiser.step()
    return before - parameter.detach()


def test_a_channel_ten_times_as_large_steps_ten_times_as_far() -> None:
    moved = stepped([[1.0, 1.0], [0.1, 0.1]])
    assert torch.allclose(moved, torch.tensor([[0.1, 0.1], [0.01, 0.01]]), rtol=1e-4)


def test_a_channel_of_zeros_still_learns() -> None:
    assert torch.allclose(stepped([[0.0, 0.0]]), torch.full((1, 2), 0.001), rtol=1e-4)


def test_biases_step_as_with_adamw() -> None:
    assert torch.allclose(stepped([3.0, 0.5]), torch.full((2,), 0.01), rtol=1e-4)
