from __future__ import annotations

import numpy as np
import pytest
import torch

from maskworks.train.labels.losses import boundary, class_weights, dice, focal, label_loss, lovasz
from maskworks.train.labels.recipe import Losses

KINDS = ("cross_entropy", "dice", "lovasz", "focal", "boundary")


def only(kind: str, **more) -> Losses:
    return Losses(**({"cross_entropy": 0.0} | {kind: 1.0}), **more)


def truth_and_logits(*, sure: float) -> tuple[torch.Tensor, torch.Tensor]:
    truth = torch.zeros(1, 12, 12, dtype=torch.int64)
    truth[:, 3:9, 4:10] = 1
    truth[:, :2] = 2
    logits = sure * torch.nn.functional.one_hot(truth, 3).permute(0, 3, 1, 2).float()
    return truth, logits


@pytest.mark.parametrize("kind", KINDS)
def test_a_sure_right_answer_costs_nothing_and_a_wrong_one_costs_more(kind):
    truth, logits = truth_and_logits(sure=40)
    random = torch.Generator().manual_seed(0)
    right = label_loss(logits, truth, only(kind), weights=None, generator=random)
    wrong = label_loss(-logits, truth, only(kind), weights=None, generator=random)
    assert float(right) == pytest.approx(0, abs=2e-3)
    assert float(wrong) > 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_without_truth_change_nothing(kind):
    truth, logits = truth_and_logits(sure=2)
    truth[:, :, -3:] = 255
    random = torch.Generator().manual_seed(0)
    first = label_loss(logits, truth, only(kind), weights=None, generator=random)
    second = logits.clone()
    second[:, :, :, -1:] = torch.randn(1, 3, 12, 1)
    if kind == "boundary":  # a boundary is found from a pixel's neighbours
        second = torch.cat((logits[..., :-1], second[..., -1:]), 3)
    after = label_loss(second, truth, only(kind), weights=None, generator=random)
    assert float(after) == pytest.approx(float(first), abs=1e-5)


def test_a_batch_without_any_truth_costs_nothing_and_can_be_learnt_from():
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    truth = torch.full((1, 4, 4), 255)
    loss = label_loss(
        logits, truth, Losses(lovasz=1, dice=1), weights=None, generator=torch.Generator()
    )
    loss.backward()
    assert float(loss.detach()) == 0
    assert float(logits.grad.abs().sum()) == 0


def test_lovasz_of_hard_answers_is_one_minus_the_mean_iou():
    rng = np.random.default_rng(3)
    truth, found = rng.integers(0, 4, 500), rng.integers(0, 4, 500)
    hard = torch.nn.functional.one_hot(torch.from_numpy(found), 4).float()
    ious = [
        ((truth == c) & (found == c)).sum() / ((truth == c) | (found == c)).sum() for c in range(4)
    ]
    assert float(lovasz(hard, torch.from_numpy(truth))) == pytest.approx(
        1 - np.mean(ious), abs=1e-5
    )


def test_focal_with_gamma_0_is_the_cross_entropy():
    torch.manual_seed(0)
    logits, truth = torch.randn(2, 3, 5, 5), torch.randint(0, 3, (2, 5, 5))
    truth[0, 0] = -100
    plain = torch.nn.functional.cross_entropy(logits, truth, ignore_index=-100)
    assert float(focal(logits, truth, gamma=0)) == pytest.approx(float(plain), abs=1e-6)


def test_classes_are_weighed_and_labels_smoothed_as_torch_does():
    torch.manual_seed(1)
    logits, truth = torch.randn(2, 3, 5, 5), torch.randint(0, 3, (2, 5, 5))
    truth[:, 0] = 255
    weights = torch.tensor([0.5, 1.0, 3.0])
    found = label_loss(
        logits, truth, Losses(smoothing=0.2), weights=weights, generator=torch.Generator()
    )
    oracle = torch.nn.CrossEntropyLoss(weights, ignore_index=255, label_smoothing=0.2)
    assert float(found) == pytest.approx(float(oracle(logits, truth)), abs=1e-6)


def test_dice_of_hard_answers_is_one_minus_the_mean_dice():
    truth, logits = truth_and_logits(sure=40)
    moved = torch.roll(logits, 2, 3).softmax(1)
    found = moved.argmax(1)
    each = [
        2 * ((truth == c) & (found == c)).sum() / ((truth == c).sum() + (found == c).sum())
        for c in range(3)
    ]
    assert float(dice(moved, truth)) == pytest.approx(1 - float(np.mean(each)), abs=1e-4)


def test_a_boundary_that_moves_further_costs_more():
    truth = torch.zeros(1, 40, 40, dtype=torch.int64)
    truth[:, 14:26, 8:20] = 1
    sure = torch.nn.functional.one_hot(truth, 2).permute(0, 3, 1, 2).float()
    costs = [float(boundary(torch.roll(sure, by, 3), truth)) for by in (0, 2, 3, 8)]
    assert costs[0] == costs[1] == pytest.approx(0, abs=1e-5)
    assert costs[1] + 0.1 < costs[2] < costs[3]


def test_balanced_weights_follow_the_square_root_of_the_frequency():
    labels = [torch.tensor([[0] * 16 + [1] * 4 + [2] * 4 + [3] * 8])]
    weights = class_weights(labels, Losses(class_weights="balanced"), 3)
    assert float(weights[1] / weights[0]) == pytest.approx(2)
    share = torch.tensor([16, 4, 4]) / 24
    assert float((weights * share).sum()) == pytest.approx(1)
