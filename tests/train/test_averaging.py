from __future__ import annotations

import pytest
import torch
from torch import nn

from maskworks.train.averaging import follow


def test_an_average_follows_quickly_at_first_and_then_keeps_its_share():
    network = nn.BatchNorm1d(1)
    average = {k: torch.zeros_like(v) for k, v in network.state_dict().items()}
    follow(average, network, most=0.9, step=0)
    assert average["weight"].item() == pytest.approx(0.9)  # a tenth of zero is kept
    follow(average, network, most=0.9, step=1000)
    assert average["weight"].item() == pytest.approx(0.9 * 0.9 + 0.1)


def test_counters_are_copied():
    network = nn.BatchNorm1d(1)
    network.num_batches_tracked.fill_(7)
    average = {k: torch.zeros_like(v) for k, v in network.state_dict().items()}
    follow(average, network, most=0.99, step=50)
    assert average["num_batches_tracked"].item() == 7
