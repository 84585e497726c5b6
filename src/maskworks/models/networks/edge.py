"""A small network that redraws the edge of a matte at the picture's own pixels: `edge`.

A saliency network knows what the subject is and sees its edge coarsely. This one is told the
coarse answer, sees the picture beside it, and corrects it. It is fully convolutional and looks
about 150 pixels far, so that it learns edges and not subjects.

Papers:  the idea of a light refiner after a coarse matte is that of Ke et al., MODNet, AAAI
         2022, and of Lin et al., Real-Time High-Resolution Background Matting, CVPR 2021;
         U-Net skip connections: Ronneberger et al., MICCAI 2015; separable convolutions:
         Howard et al., MobileNets, 2017.
Code:    ours.
Weights: trained from nothing by `maskworks train recipes/edge.toml`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from maskworks.models.networks.u2net import resized

WIDTHS = (24, 32, 48, 72, 96)
"""Channels at strides 2, 2, 4, 8 and 16."""

FULL = 12
"""Channels that are carried up to the picture's own pixels."""

SURE = 0.02
"""A coarse matte is taken to be sure up to this: its logits are finite."""


def _down(a: int, b: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """Depthwise `size` x `size`, pointwise to twice the channels and back, added to the input."""

    def __init__(self, channels: int, size: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, size, padding=size // 2, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, 2 * channels, 1, bias=False),
            nn.BatchNorm2d(2 * channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(2 * channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        y: Tensor = x + self.body(x)
        return y


class EdgeNet(nn.Module):
    """A U-Net of separable convolutions over the picture and its coarse matte."""

    def __init__(self) -> None:
        super().__init__()
        half, fine, mid, far, top = WIDTHS
        self.stem = nn.Sequential(_down(4, half), nn.Conv2d(half, fine, 1), Residual(fine))
        self.quarter = nn.Sequential(_down(fine, mid), Residual(mid), Residual(mid))
        self.eighth = nn.Sequential(_down(mid, far), Residual(far), Residual(far))
        self.sixteenth = nn.Sequential(_down(far, top), *(Residual(top, 5) for _ in range(3)))
        self.to_eighth = nn.Conv2d(top, far, 1)
        self.to_quarter = nn.Conv2d(far, mid, 1)
        self.to_half = nn.Conv2d(mid, fine, 1)
        self.mix_eighth = Residual(far, 5)
        self.mix_quarter = Residual(mid)
        self.mix_half = Residual(fine)
        self.to_full = nn.Conv2d(fine, FULL, 1)
        self.full = nn.Sequential(
            nn.Conv2d(FULL + 4, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 1, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Predict the matte's logits.

        Parameters
        ----------
        x : (N, 4, h, w)
            The normalised picture and the coarse matte in [0, 1]; h and w multiples of 32.

        Returns
        -------
        (N, 1, h, w)
        """
        coarse = x[:, 3:]
        seen = torch.cat((x[:, :3], 2 * coarse - 1), 1)
        half = self.stem(seen)
        quarter = self.quarter(half)
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        up = self.mix_eighth(resized(self.to_eighth(sixteenth), eighth) + eighth)
        up = self.mix_quarter(resized(self.to_quarter(up), quarter) + quarter)
        up = self.mix_half(resized(self.to_half(up), half) + half)
        full = torch.cat((resized(self.to_full(up), seen), seen), 1)
        known = coarse.clamp(SURE, 1 - SURE)
        logits: Tensor = self.full(full) + torch.log(known / (1 - known))
        return logits


class EdgeMatte(nn.Module):
    """The network with its answer in [0, 1], as it is exported."""

    def __init__(self, body: EdgeNet) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 4, h, w) to the matte, (N, 1, h, w)."""
        return torch.sigmoid(self.body(x))
