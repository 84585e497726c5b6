"""U2-Net, the nested U of Qin et al. 2020, written from the paper.

Paper:   Qin et al., U2-Net: Going Deeper with Nested U-Structure for Salient
         Object Detection, Pattern Recognition 106, 2020.
Code:    ours; layer names follow the published state dicts so that they load.
Weights: Apache-2.0 (xuebinqin/U-2-Net) where a training run starts from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ConvNormRelu(nn.Module):
    """3x3 convolution, batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv_s1 = nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation)
        self.bn_s1 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, Cin, h, w) to (N, Cout, h, w)."""
        return F.relu(self.bn_s1(self.conv_s1(x)), inplace=True)


def resized(x: Tensor, like: Tensor) -> Tensor:
    """Resample `x` bilinearly to the height and width of `like`.

    Whole factors are given as factors: traced, they are constants, and ONNX Runtime keeps its
    blocked layout through the resampling instead of unpacking and packing every map.
    """
    height, width, wanted = int(x.shape[2]), int(x.shape[3]), like.shape[2:]
    factor = int(wanted[0]) // height
    if (height * factor, width * factor) == (int(wanted[0]), int(wanted[1])):
        return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    return F.interpolate(x, size=wanted, mode="bilinear", align_corners=False)


class ResidualU(nn.Module):
    """RSU-L: a U of `height` levels whose output is added to its input.

    With `dilated` (RSU-4F) the levels keep the resolution and widen the
    dilation instead: 1, 2, 4, 8.
    """

    def __init__(
        self,
        height: int,
        in_channels: int,
        mid_channels: int,
        out_channels: int,
        *,
        dilated: bool = False,
    ) -> None:
        super().__init__()
        self.height, self.dilated = height, dilated
        self.rebnconvin = ConvNormRelu(in_channels, out_channels)
        for level in range(1, height + 1):
            before = out_channels if level == 1 else mid_channels
            dilation = 2 ** (level - 1) if dilated else (2 if level == height else 1)
            self.add_module(f"rebnconv{level}", ConvNormRelu(before, mid_channels, dilation))
        for level in range(height - 1, 0, -1):
            after = out_channels if level == 1 else mid_channels
            dilation = 2 ** (level - 1) if dilated else 1
            self.add_module(f"rebnconv{level}d", ConvNormRelu(2 * mid_channels, after, dilation))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, Cin, h, w) to (N, Cout, h, w)."""
        first = self.rebnconvin(x)
        levels, hidden = [], first
        for level in range(1, self.height + 1):
            # Every level but the first and the last starts with a halving.
            if not self.dilated and 1 < level < self.height:
                hidden = F.max_pool2d(hidden, 2, stride=2, ceil_mode=True)
            hidden = self.get_submodule(f"rebnconv{level}")(hidden)
            levels.append(hidden)
        for level in range(self.height - 1, 0, -1):
            skip = levels[level - 1]
            if hidden.shape[2:] != skip.shape[2:]:
                hidden = resized(hidden, skip)
            hidden = self.get_submodule(f"rebnconv{level}d")(torch.cat((hidden, skip), 1))
        return hidden + first


@dataclass(frozen=True)
class U2NetWidths:
    """Channels of each stage as (in, mid, out); encoder first, then decoder."""

    encoder: tuple[tuple[int, int, int], ...]
    decoder: tuple[tuple[int, int, int], ...]  # stage5d .. stage1d


U2NETP = U2NetWidths(
    encoder=((3, 16, 64),) + ((64, 16, 64),) * 5,
    decoder=((128, 16, 64),) * 5,
)
U2NET = U2NetWidths(
    encoder=(
        (3, 32, 64),
        (64, 32, 128),
        (128, 64, 256),
        (256, 128, 512),
        (512, 256, 512),
        (512, 256, 512),
    ),
    decoder=((1024, 256, 512), (1024, 128, 256), (512, 64, 128), (256, 32, 64), (128, 16, 64)),
)
_HEIGHTS = (7, 6, 5, 4, 4, 4)  # stage1 .. stage6; the last two are dilated


class U2Net(nn.Module):
    """The whole network: six encoder stages, five decoder stages, six side maps."""

    def __init__(self, widths: U2NetWidths = U2NETP) -> None:
        super().__init__()
        for index, (a, mid, b) in enumerate(widths.encoder):
            stage = ResidualU(_HEIGHTS[index], a, mid, b, dilated=index >= 4)
            self.add_module(f"stage{index + 1}", stage)
        for level, (a, mid, b) in zip(range(5, 0, -1), widths.decoder, strict=True):
            stage = ResidualU(_HEIGHTS[level - 1], a, mid, b, dilated=level == 5)
            self.add_module(f"stage{level}d", stage)
        outs = [b for _, _, b in reversed(widths.decoder)] + [widths.encoder[-1][2]]
        for level, channels in enumerate(outs, 1):
            self.add_module(f"side{level}", nn.Conv2d(channels, 1, 3, padding=1))
        self.outconv = nn.Conv2d(6, 1, 1)
        self.feature_channels = sum(out for _, _, out in widths.encoder[2:])

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Predict the matte's logits.

        Parameters
        ----------
        x : (N, 3, h, w) normalised picture; h and w multiples of 32

        Returns
        -------
        logits : seven (N, 1, h, w): the fused map, then sides 1 to 6
        features : (N, C, h/32, w/32) of encoder stages 3 to 6, for heads
        """
        encoded, hidden = [], x
        for level in range(1, 7):
            if level > 1:
                hidden = F.max_pool2d(hidden, 2, stride=2, ceil_mode=True)
            hidden = self.get_submodule(f"stage{level}")(hidden)
            encoded.append(hidden)
        # What the deeper half of the encoder saw, at the deepest stage's resolution.
        pooled = [F.avg_pool2d(encoded[level], 8 >> (level - 2)) for level in (2, 3, 4)]
        features = torch.cat((*pooled, hidden), 1)
        decoded = [hidden]
        for level in range(5, 0, -1):
            skip = encoded[level - 1]
            joined = torch.cat((resized(hidden, skip), skip), 1)
            hidden = self.get_submodule(f"stage{level}d")(joined)
            decoded.insert(0, hidden)
        sides = [self.get_submodule(f"side{i}")(d) for i, d in enumerate(decoded, 1)]
        sides = [sides[0]] + [resized(s, sides[0]) for s in sides[1:]]
        return [self.outconv(torch.cat(sides, 1)), *sides], features
