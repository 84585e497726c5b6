"""The network for live pictures: a thin MobileNetV2 that also sees the matte of the frame before.

Papers:  Sandler et al., MobileNetV2, CVPR 2018 (encoder, here with an expansion of 3); Lin et al.,
         Feature Pyramid Networks, CVPR 2017; Perazzi et al., Learning Video Object Segmentation
         from Static Images, CVPR 2017 (the mask before as a channel, made up from one picture).
Code:    ours; encoder layers have the names of `MobilePyramid`'s, whose weights they begin with.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maskworks.models.networks.mobilenet import (
    InvertedResidual,
    Separable,
    WideBlock,
    conv_norm,
    mobile_blocks,
)
from maskworks.models.networks.u2net import resized

_LAST = 13  # of the encoder's blocks; the four of stride 32 hold most of its weights
_TAPS = {13: 96, 6: 32, 3: 24}  # block index: channels, strides 16, 8 and 4
_FINE = 16  # channels of block 1, stride 2


class LivePyramid(nn.Module):
    """A thin encoder of stride 16, a pyramid, and the matte of the frame before beside the picture.

    Parameters
    ----------
    context : `WideBlock`s at stride 32, which let every place see the whole picture
    width, fine_width : channels of the decoder at strides 32 to 4, and at stride 2
    """

    def __init__(self, context: int = 1, *, width: int = 96, fine_width: int = 32) -> None:
        super().__init__()
        blocks: list[nn.Module] = [conv_norm(3, 32, 3, 2)]
        for a, b, stride, wide in mobile_blocks()[:_LAST]:
            most = 2 if a == b == _TAPS[_LAST] else 3  # the last two hold a third of all weights
            blocks.append(InvertedResidual(a, b, stride, min(wide, most)))
        self.features = nn.Sequential(*blocks)
        self.memory = nn.Conv2d(1, _TAPS[3], 3, padding=1, bias=False)
        nn.init.zeros_(self.memory.weight)  # begins as if nothing came before
        self.top = nn.Conv2d(_TAPS[_LAST], width, 1)
        self.context = Separable(width, width, 5)
        self.wide = nn.Sequential(*(WideBlock(width) for _ in range(context)))
        self.gate = nn.Linear(width, width)
        self.laterals = nn.ModuleDict({str(k): nn.Conv2d(c, width, 1) for k, c in _TAPS.items()})
        self.smooths = nn.ModuleDict(
            {str(k): Separable(width, width, 5 if k == _LAST else 3) for k in _TAPS}
        )
        self.side_coarse = nn.ModuleDict({str(k): nn.Conv2d(width, 1, 1) for k in _TAPS})
        self.narrow = nn.Conv2d(width, fine_width, 1)
        self.fine_lateral = nn.Conv2d(_FINE, fine_width, 1)
        self.fine = nn.Sequential(
            Separable(fine_width, fine_width), Separable(fine_width, fine_width)
        )
        self.side_fine = nn.Conv2d(fine_width, 4, 1)  # the four pixels of each place
        self.feature_channels = width

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """Predict the matte's logits.

        Parameters
        ----------
        x : (N, 4, h, w)
            The normalised picture and the matte of the frame before, in [0, 1], 0 where none is
            known; h and w multiples of 16. Without the fourth channel nothing came before.

        Returns
        -------
        logits : four: the finest map, (N, 1, h, w), then those of strides 4, 8 and 16 at their own
            sizes, (N, 1, h/4, w/4) and so on
        features : (N, C, h/32, w/32), for heads
        """
        taps, hidden = {}, x[:, :3]
        for index, block in enumerate(self.features):
            hidden = block(hidden)
            if index == 3 and x.shape[1] > 3:
                hidden = hidden + self.memory(F.avg_pool2d(x[:, 3:], 4))
            if index in _TAPS or index == 1:
                taps[index] = hidden
        top = self.wide(self.context(self.top(F.avg_pool2d(hidden, 2))))
        # Global context gates every channel once, so that far parts agree on the subject.
        features = top * torch.sigmoid(self.gate(top.mean((2, 3))))[:, :, None, None]
        # Half of an odd number of places is no whole factor.
        top = F.interpolate(features, size=hidden.shape[2:], mode="bilinear", align_corners=False)
        sides: list[Tensor] = []
        for level in _TAPS:
            lateral = self.laterals[str(level)](taps[level])
            top = self.smooths[str(level)](resized(top, lateral) + lateral)
            sides.insert(0, self.side_coarse[str(level)](top))
        fine = self.fine_lateral(taps[1])
        fine = self.fine(resized(self.narrow(top), fine) + fine)
        return [F.pixel_shuffle(self.side_fine(fine), 2), *sides], features
