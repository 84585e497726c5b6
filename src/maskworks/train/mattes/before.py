"""The matte of the frame before, made up from a photo's own: what a live network leans on."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

NONE, OTHERS = 0.35, 0.1
"""Shares: no frame before, the matte of another picture (a cut)."""

WRONG = 0.35
"""Share of the others that have holes in them, and patches beside the subject."""


def matte_before(matte: Tensor) -> Tensor:
    """Draw what a network may have answered to the frame before.

    Parameters
    ----------
    matte : (N, 1, h, w) in [0, 1]

    Returns
    -------
    (N, 1, h, w) in [0, 1]
        Moved, turned and scaled as between two frames; of some pictures wrong in parts, another's
        or nothing at all, so that a network does not believe it blindly.
    """
    count = len(matte)
    fast = torch.where(torch.rand(count) < 0.25, 4.0, 1.0)
    angle = torch.randn(count) * 0.02 * fast
    scale = 1 + torch.randn(count) * 0.02 * fast
    turn = torch.stack(
        (scale * angle.cos(), -scale * angle.sin(), scale * angle.sin(), scale * angle.cos()), 1
    ).view(count, 2, 2)
    shift = torch.randn(count, 2, 1) * 0.03 * fast[:, None, None]
    grid = F.affine_grid(torch.cat((turn, shift), 2), list(matte.shape), align_corners=False)
    moved = F.grid_sample(matte, grid, align_corners=False, padding_mode="border")
    soft = F.avg_pool2d(moved[:, 0], 5, stride=1, padding=2, count_include_pad=False)[:, None]
    moved = torch.where(torch.rand(count, 1, 1, 1) < 0.5, soft, moved)
    patches = _patches(moved)
    wrong = moved + patches * (torch.rand(count, 1, 1, 1) - moved)
    before = torch.where(torch.rand(count, 1, 1, 1) < WRONG, wrong, moved)
    draw = torch.rand(count, 1, 1, 1)
    before = torch.where(draw < NONE + OTHERS, before.roll(1, 0), before)
    return torch.where(draw < NONE, torch.zeros(()), before).clamp(0, 1)


def _patches(like: Tensor) -> Tensor:
    """Draw soft patches, about a fifth of each picture, (N, 1, h, w) in [0, 1]."""
    coarse = torch.rand(len(like), 1, 4, 6)
    fine = F.interpolate(coarse, size=like.shape[2:], mode="bilinear", align_corners=False)
    return fine.sub(0.7).mul(8).clamp(0, 1)


def with_matte(x: Tensor, before: Tensor) -> Tensor:
    """Put the matte of the frame before (N, 1, h, w) beside pictures (N, 3, h, w)."""
    return torch.cat((x, before), 1).contiguous(memory_format=torch.channels_last)
