from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from maskworks.models.networks.judge import (
    AGREEMENTS,
    STATISTICS,
    Judge,
    Judged,
    Passes,
    mirrored_input,
)
from maskworks.models.networks.mobilenet import MobilePyramid
from maskworks.models.networks.u2net import U2NET, U2Net
from maskworks.train.mattes.losses import Target, edge_weight, matte_loss, soft_iou_loss
from maskworks.train.norms import recalibrate


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_u2netp_has_the_papers_number_of_parameters():
    assert parameters(U2Net()) == 1_131_181


def test_u2net_has_the_papers_number_of_parameters():
    assert parameters(U2Net(U2NET)) == 44_009_869


def test_the_fast_network_stays_under_five_million_parameters():
    assert parameters(MobilePyramid()) <= 5_000_000


@pytest.mark.parametrize(
    ("make", "strides"),
    [(U2Net, [1] * 7), (MobilePyramid, [1, 4, 8, 16])],
    ids=["u2netp", "mobile-pyramid"],
)
def test_a_network_answers_with_maps_of_its_inputs_size_or_their_own(make, strides):
    network = make().eval()
    with torch.no_grad():
        logits, features = network(torch.zeros(2, 3, 64, 96))
    assert [tuple(each.shape) for each in logits] == [(2, 1, 64 // s, 96 // s) for s in strides]
    assert tuple(features.shape) == (2, network.feature_channels, 2, 3)


@pytest.mark.parametrize("make", [U2Net, MobilePyramid], ids=["u2netp", "mobile-pyramid"])
def test_recalibration_keeps_the_function_and_measures_the_inputs(make):
    torch.manual_seed(0)
    network = make().eval()
    x = torch.randn(4, 3, 64, 64)
    names = set(network.state_dict())
    with torch.no_grad():
        before = network(x)[0][0].clone()
        recalibrate(network, [x], names)
        after = network(x)[0][0]
    assert torch.allclose(before, after, atol=1e-4)
    first = next(m for m in network.modules() if isinstance(m, nn.BatchNorm2d))
    seen: list[torch.Tensor] = []
    first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        network(x)
    assert torch.allclose(first.running_mean, seen[0].mean((0, 2, 3)), atol=1e-5)


@pytest.mark.parametrize("mirrored", [False, True], ids=["one pass", "two passes"])
def test_the_judge_sees_as_much_as_it_expects_and_answers_in_the_unit_interval(mirrored):
    body = MobilePyramid()
    statistics = STATISTICS + (AGREEMENTS if mirrored else 0)
    wide = 3 * body.feature_channels + statistics
    network = Judged(body, Judge(wide, statistics), mirrored=mirrored).eval()
    with torch.no_grad():
        _, gathered = network.passes(torch.randn(2, 3, 64, 64))
        matte, confidence, presence = network(torch.randn(2, 3, 64, 64))
    assert gathered.shape == (2, wide)
    assert torch.isfinite(gathered).all()
    assert matte.shape == (2, 1, 64, 64)
    for score in (confidence, presence):
        assert score.shape == (2,)
        assert ((score >= 0) & (score <= 1)).all()


class Leftmost(nn.Module):
    """Takes what is bright for the subject, and all of the left half if it is told to."""

    def __init__(self, *, left: bool) -> None:
        super().__init__()
        self.left = left

    def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        logit = 12 * (x[:, :1] - 0.5)
        if self.left:
            logit = logit.clone()
            logit[..., : x.shape[3] // 2] = 6
        small = nn.functional.avg_pool2d(logit, 4)
        return [logit, small, small, small], nn.functional.avg_pool2d(x, 32)


def bright_square() -> torch.Tensor:
    x = torch.zeros(1, 3, 384, 384)
    x[..., 96:288, 96:288] = 1
    return x


def test_two_passes_that_agree_change_nothing_and_say_so():
    x = bright_square()
    one, _ = Passes(Leftmost(left=False), mirrored=False)(x)
    two, gathered = Passes(Leftmost(left=False), mirrored=True)(x)
    assert (two - one).abs().max() < 0.15
    assert torch.equal(two >= 0.5, one >= 0.5)
    assert (gathered[0, -AGREEMENTS:] > 3).all()  # logits: an agreement above .95


def test_two_passes_that_differ_meet_in_the_middle_and_say_so():
    x = bright_square()
    two, gathered = Passes(Leftmost(left=True), mirrored=True)(x)
    assert two[0, 0, 192, 140] > 0.9  # both see it
    assert two[0, 0, 32, 32] == pytest.approx(0.5, abs=0.02)  # the first alone
    assert two[0, 0, 32, 350] == pytest.approx(0.5, abs=0.02)  # the second alone
    assert (gathered[0, -AGREEMENTS:] < 0).all()


def test_the_mirrored_pass_is_mirrored_and_seven_twelfths_of_the_first():
    x = torch.arange(384.0).expand(1, 3, 384, 384)
    small = mirrored_input(x)
    assert small.shape == (1, 3, 224, 224)
    assert (small.diff(dim=3) < 0).all()
    assert mirrored_input(torch.zeros(1, 3, 32, 608)).shape == (1, 3, 32, 352)


def half_right() -> tuple[torch.Tensor, Target]:
    truth = torch.zeros(1, 1, 32, 32)
    truth[..., :16] = 1
    matte = torch.zeros_like(truth)
    matte[..., 8:24] = 1
    return matte, Target(truth, torch.ones_like(truth), torch.ones(1, 1, 1, 1))


def test_soft_iou_loss_equals_one_minus_iou_on_hard_masks():
    matte, target = half_right()
    assert soft_iou_loss(matte, target).item() == pytest.approx(1 - 8 / 24)


def test_unknown_pixels_cost_nothing():
    matte, target = half_right()
    known = torch.zeros_like(target.known)
    known[..., 8:16] = 1  # where prediction and truth agree
    logits = [torch.where(matte > 0, 30.0, -30.0)]
    assert matte_loss(logits, Target(target.matte, known, target.weight)).item() < 1e-4
    assert matte_loss(logits, target).item() > 1


def test_edges_weigh_more_than_flat_parts_and_unknown_ones_nothing():
    _, target = half_right()
    known = target.known.clone()
    known[..., 0, :] = 0
    weight = edge_weight(target.matte, known)[0, 0]
    assert weight[16, 15] > 2 * weight[16, 29]
    assert weight[16, 26] == pytest.approx(1)
    assert np.abs(weight[0].numpy()).max() == 0
