"""A MobileNetV2 encoder with a light pyramid decoder: the cut-out networks' body.

Papers:  Sandler et al., MobileNetV2: Inverted Residuals and Linear
         Bottlenecks, CVPR 2018; Lin et al., Feature Pyramid Networks, CVPR
         2017; Howard et al., Searching for MobileNetV3, ICCV 2019 (the light
         decoder's separable convolutions).
Code:    ours; encoder layer names are torchvision's so that its state dicts load.
Weights: Apache-2.0 (google-coral ImageNet encoder) where a run starts from them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maskworks.models.networks.u2net import resized

_BLOCKS = (  # expansion, channels, repeats, stride
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_TAPS = {1: 16, 3: 24, 6: 32, 13: 96, 17: 320}  # block index: channels, strides 2 to 32


class EndPadConv(nn.Conv2d):
    """A 3x3 convolution of stride 2 padded below and on the right only, as TensorFlow does."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, Cin, h, w) to (N, Cout, h/2, w/2) for even h, w."""
        return super().forward(F.pad(x, (0, 1, 0, 1)))


def _conv(a: int, b: int, size: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    if stride == 2:
        return EndPadConv(a, b, size, stride, 0, groups=groups, bias=False)
    return nn.Conv2d(a, b, size, stride, size // 2, groups=groups, bias=False)


def conv_norm(a: int, b: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Make a convolution from `a` to `b` channels, a batch norm and a ReLU6."""
    return nn.Sequential(
        _conv(a, b, size, stride, groups), nn.BatchNorm2d(b), nn.ReLU6(inplace=True)
    )


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project back; add the input where shapes allow."""

    def __init__(self, a: int, b: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = a * expansion
        layers: list[nn.Module] = [] if expansion == 1 else [conv_norm(a, wide, 1)]
        layers += [
            conv_norm(wide, wide, 3, stride, groups=wide),
            nn.Conv2d(wide, b, 1, bias=False),
            nn.BatchNorm2d(b),
        ]
        self.conv = nn.Sequential(*layers)
        self.adds = stride == 1 and a == b

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, a, h, w) to (N, b, h/stride, w/stride)."""
        y: Tensor = self.conv(x)
        return x + y if self.adds else y


def mobile_blocks() -> list[tuple[int, int, int, int]]:
    """List the encoder's 17 blocks: channels in and out, stride, expansion."""
    blocks, a = [], 32
    for expansion, b, repeats, stride in _BLOCKS:
        for i in range(repeats):
            blocks.append((a, b, stride if i == 0 else 1, expansion))
            a = b
    return blocks


class Separable(nn.Sequential):
    """Depthwise `size` x `size`, then pointwise, each with batch norm; ReLU after both."""

    def __init__(self, a: int, b: int, size: int = 3) -> None:
        super().__init__(
            nn.Conv2d(a, a, size, padding=size // 2, groups=a, bias=False),
            nn.BatchNorm2d(a),
            nn.ReLU(inplace=True),
            nn.Conv2d(a, b, 1, bias=False),
            nn.BatchNorm2d(b),
            nn.ReLU(inplace=True),
        )


class WideBlock(nn.Module):
    """A wide depthwise kernel and a perceptron on each place, added to what came in.

    It begins as the identity, so that a trained network may be given more of them. After Liu
    et al., A ConvNet for the 2020s, CVPR 2022, without norms.
    """

    def __init__(self, width: int, size: int = 9, expansion: int = 2) -> None:
        super().__init__()
        self.spread = nn.Conv2d(width, width, size, padding=size // 2, groups=width)
        self.widen = nn.Conv2d(width, expansion * width, 1)
        self.narrow = nn.Conv2d(expansion * width, width, 1)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        return x + self.narrow(F.relu(self.widen(self.spread(x))))


class MobilePyramid(nn.Module):
    """MobileNetV2 features merged top-down with skip connections at strides 32 to 2.

    Parameters
    ----------
    width, fine_width : channels of the decoder at strides 32 to 4, and at stride 2
    context, middle : `WideBlock`s at strides 32 and 16, which let every place see the whole picture
    """

    def __init__(
        self, width: int = 96, fine_width: int = 32, context: int = 0, middle: int = 0
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv_norm(3, 32, 3, 2), *(InvertedResidual(*row) for row in mobile_blocks())
        )
        self.context = Separable(width, width, 5)
        self.wide = nn.Sequential(*(WideBlock(width) for _ in range(context)))
        self.middle = nn.Sequential(*(WideBlock(width) for _ in range(middle)))
        self.laterals = nn.ModuleDict(
            {str(k): nn.Conv2d(c, width, 1) for k, c in _TAPS.items() if k != 1}
        )
        self.smooths = nn.ModuleDict(
            {k: Separable(width, width, 5 if k == "13" else 3) for k in ("13", "6", "3")}
        )
        self.gate = nn.Linear(width, width)
        self.narrow = nn.Conv2d(width, fine_width, 1)
        self.fine_lateral = nn.Conv2d(_TAPS[1], fine_width, 1)
        self.fine = nn.Sequential(
            Separable(fine_width, fine_width), Separable(fine_width, fine_width)
        )
        self.side_fine = nn.Conv2d(fine_width, 1, 3, padding=1)
        self.side_coarse = nn.ModuleDict({k: nn.Conv2d(width, 1, 1) for k in ("13", "6", "3")})
        self.feature_channels = width

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Predict the matte's logits.

        Parameters
        ----------
        x : (N, 3, h, w) normalised picture; h and w multiples of 32

        Returns
        -------
        logits : four: the finest map, (N, 1, h, w), then those of strides 4, 8 and 16 at their own
            sizes, (N, 1, h/4, w/4) and so on
        features : (N, C, h/32, w/32), for heads
        """
        taps, hidden = {}, x
        for index, block in enumerate(self.features):
            hidden = block(hidden)
            if index in _TAPS:
                taps[index] = hidden
        top = self.wide(self.context(self.laterals["17"](taps[17])))
        # Global context gates every channel once, so that far parts agree on the subject.
        top = top * torch.sigmoid(self.gate(top.mean((2, 3))))[:, :, None, None]
        features = top
        sides: list[Tensor] = []
        for level in ("13", "6", "3"):
            lateral = self.laterals[level](taps[int(level)])
            top = self.smooths[level](resized(top, lateral) + lateral)
            if level == "13":
                top = self.middle(top)
            sides.insert(0, self.side_coarse[level](top))
        fine = self.fine_lateral(taps[1])
        fine = self.fine(resized(self.narrow(top), fine) + fine)
        return [resized(self.side_fine(fine), x), *sides], features
