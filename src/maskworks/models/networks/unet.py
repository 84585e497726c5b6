"""U-Net for label maps, with batch norm and as many channels as one asks for.

Paper:   Ronneberger, Fischer and Brox, U-Net: Convolutional Networks for Biomedical Image
         Segmentation, MICCAI 2015; padded convolutions and batch norm as is usual since.
Code:    ours.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LEVELS = 4


def _double(a: int, b: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (a, b):
        layers += [
            nn.Conv2d(channels, b, 3, padding=1, bias=False),
            nn.BatchNorm2d(b),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Four halvings, four doublings with skip connections.

    Parameters
    ----------
    classes : channels of the logits
    width : channels at full resolution; each halving doubles them
    """

    def __init__(self, classes: int, *, width: int = 16) -> None:
        super().__init__()
        widths = [width << level for level in range(_LEVELS + 1)]
        self.down = nn.ModuleList(_double(a, b) for a, b in zip((3, *widths), widths, strict=False))
        self.up = nn.ModuleList(_double(3 * width, width) for width in reversed(widths[:-1]))
        self.last = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map a normalised picture (N, 3, h, w) to logits (N, classes, h, w)."""
        levels, hidden = [], x
        for level, block in enumerate(self.down):
            hidden = block(hidden if level == 0 else F.max_pool2d(hidden, 2, ceil_mode=True))
            levels.append(hidden)
        for block, skip in zip(self.up, levels[-2::-1], strict=True):
            size = skip.shape[2:]  # traced, so that the ONNX file takes any size
            larger = F.interpolate(hidden, size=size, mode="bilinear", align_corners=False)
            hidden = block(torch.cat((larger, skip), 1))
        logits: Tensor = self.last(hidden)
        return logits
