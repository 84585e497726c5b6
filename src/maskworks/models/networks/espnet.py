"""ESPNetv2 for label maps: a light encoder of dilated pyramids and a pyramid-pooling decoder.

Paper:   Mehta et al., ESPNetv2: A Light-weight, Power Efficient, and General Purpose
         Convolutional Neural Network, CVPR 2019 (arXiv 1811.11431).
Code:    ours; layer names follow the published state dicts so that they load.
Weights: MIT (sacmehta/EdgeNets) where a training run starts from them.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_CHANNELS = (32, 128, 256, 512)  # after strides 2, 4, 8 and 16, at the paper's scale s = 2.0
_REPEATS = (3, 7)  # blocks that keep the resolution at strides 8 and 16
_BRANCHES = 4
_SCALES = (2.0, 1.5, 1.0, 0.5, 0.1)  # of the decoder's pyramid
_LEAST_POOLED = 5  # rows and columns that a pyramid level keeps at least


class ConvNorm(nn.Module):
    """Convolution and batch norm, then a PReLU where `acts`."""

    def __init__(
        self, a: int, b: int, size: int, stride: int = 1, *, groups: int = 1, acts: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(a, b, size, stride, size // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(b)
        self.act: nn.Module = nn.PReLU(b) if acts else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, a, h, w) to (N, b, h/stride, w/stride)."""
        return cast("Tensor", self.act(self.bn(self.conv(x))))


class NormAct(nn.Module):
    """Batch norm and PReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)
        self.act = nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        return cast("Tensor", self.act(self.bn(x)))


class Dilated(nn.Module):
    """A depthwise 3x3 convolution of some dilation."""

    def __init__(self, channels: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels, channels, 3, stride, dilation, dilation, groups=channels, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to (N, C, h/stride, w/stride)."""
        return cast("Tensor", self.conv(x))


def _dilations(reach: int) -> tuple[int, ...]:
    """Return the branches' dilations where no branch may see more than `reach` pixels.

    Examples
    --------
    >>> _dilations(9), _dilations(7)
    ((1, 2, 3, 4), (1, 1, 2, 3))
    """
    wanted = (1 + i for i in range(_BRANCHES))
    return tuple(sorted(d if 2 * d + 1 <= reach else 1 for d in wanted))


class PyramidBlock(nn.Module):
    """EESP: reduce, filter at four dilations, add them up in turn, expand.

    With stride 2 the block leaves addition and activation to its caller.
    """

    def __init__(self, a: int, b: int, reach: int, stride: int = 1) -> None:
        super().__init__()
        narrow = b // _BRANCHES
        self.stride = stride
        self.proj_1x1 = ConvNorm(a, narrow, 1, groups=_BRANCHES)
        self.spp_dw = nn.ModuleList(Dilated(narrow, stride, d) for d in _dilations(reach))
        self.br_after_cat = NormAct(b)
        self.conv_1x1_exp = ConvNorm(b, b, 1, groups=_BRANCHES, acts=False)
        self.module_act = nn.PReLU(b)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, a, h, w) to (N, b, h/stride, w/stride)."""
        narrow = self.proj_1x1(x)
        branches = [self.spp_dw[0](narrow)]
        for branch in self.spp_dw[1:]:
            branches.append(branch(narrow) + branches[-1])
        y: Tensor = self.conv_1x1_exp(self.br_after_cat(torch.cat(branches, 1)))
        return y if self.stride > 1 else cast("Tensor", self.module_act(y + x))


class Halving(nn.Module):
    """Average pooling beside a pyramid block of stride 2, plus the shrunk picture itself."""

    def __init__(self, a: int, b: int, reach: int) -> None:
        super().__init__()
        self.eesp = PyramidBlock(a, b - a, reach, stride=2)
        self.inp_reinf = nn.Sequential(ConvNorm(3, 3, 3), ConvNorm(3, b, 1, acts=False))
        self.act = nn.PReLU(b)

    def forward(self, x: Tensor, picture: Tensor) -> Tensor:
        """Map (N, a, h, w), with the picture at (N, 3, h/2, w/2), to (N, b, h/2, w/2)."""
        joined = torch.cat((_halved(x), self.eesp(x)), 1)
        return cast("Tensor", self.act(joined + self.inp_reinf(picture)))


def _halved(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, 2, 1)


def _enlarged(x: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)


def _pooled(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Average over as many cells as `size` says, as adaptive pooling does; ONNX can say it too."""
    if not torch.onnx.is_in_onnx_export():
        return F.adaptive_avg_pool2d(x, size)
    across = _pooled_columns(x, size[1])
    return _pooled_columns(across.transpose(2, 3), size[0]).transpose(2, 3)


def _pooled_columns(x: Tensor, count: int) -> Tensor:
    """Average (N, C, h, w) over `count` overlapping runs of columns: (N, C, h, count)."""
    width = int(x.shape[3])
    first = [i * width // count for i in range(count)]
    last = [-(-(i + 1) * width // count) for i in range(count)]
    lengths = {b - a for a, b in zip(first, last, strict=True)}
    if len(lengths) == 1:  # picking columns is much less work than a product of matrices
        length = lengths.pop()
        start = torch.tensor(first)
        picked = [x.index_select(3, start + i) for i in range(length)]
        return torch.stack(picked).sum(0) / length
    weights = torch.zeros(width, count)
    for i, (a, b) in enumerate(zip(first, last, strict=True)):
        weights[a:b, i] = 1 / (b - a)
    return x @ weights


class Encoder(nn.Module):
    """The ESPNetv2 encoder down to stride 16."""

    def __init__(self) -> None:
        super().__init__()
        one, two, three, four = _CHANNELS
        self.level1 = ConvNorm(3, one, 3, 2)
        self.level2_0 = Halving(one, two, 13)
        self.level3_0 = Halving(two, three, 11)
        self.level3 = nn.ModuleList(PyramidBlock(three, three, 9) for _ in range(_REPEATS[0]))
        self.level4_0 = Halving(three, four, 9)
        self.level4 = nn.ModuleList(PyramidBlock(four, four, 7) for _ in range(_REPEATS[1]))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (N, 3, h, w) to the features at strides 2, 4, 8 and 16."""
        quarter = _halved(_halved(x))
        eighth = _halved(quarter)
        levels = [self.level1(x)]
        levels.append(self.level2_0(levels[-1], quarter))
        hidden = self.level3_0(levels[-1], eighth)
        for block in self.level3:
            hidden = block(hidden)
        levels.append(hidden)
        hidden = self.level4_0(hidden, _halved(eighth))
        for block in self.level4:
            hidden = block(hidden)
        return [*levels, hidden]


class _Named(nn.Module):
    """A sequence under the name the published state dicts give it: ``cbr`` or ``br``."""

    def __init__(self, name: str, *layers: nn.Module) -> None:
        super().__init__()
        self.add_module(name, nn.Sequential(*layers))
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.get_submodule(self.name)(x))


def _conv_norm_act(a: int, b: int, size: int, groups: int = 1) -> _Named:
    conv = nn.Conv2d(a, b, size, 1, size // 2, groups=groups, bias=False)
    return _Named("cbr", conv, nn.BatchNorm2d(b), nn.PReLU(b))


def _norm_act(channels: int) -> _Named:
    return _Named("br", nn.BatchNorm2d(channels), nn.PReLU(channels))


class Interleave(nn.Module):
    """Reorder channels so that each group's first come first, then each group's second."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        grouped = x.unflatten(1, (self.groups, -1))
        return grouped.transpose(1, 2).flatten(1, 2)


class PyramidPool(nn.Module):
    """Filter a narrow map at five resolutions, merge, widen to `b` channels."""

    def __init__(self, a: int, b: int, narrow: int, *, last: bool = False) -> None:
        super().__init__()
        self.projection_layer = _conv_norm_act(a, narrow, 1)
        self.stages = nn.ModuleList(
            nn.Conv2d(narrow, narrow, 3, 1, 1, groups=narrow, bias=False) for _ in _SCALES
        )
        wide = narrow * len(_SCALES)
        self.merge_layer = nn.Sequential(
            _norm_act(wide),
            Interleave(len(_SCALES)),
            _conv_norm_act(wide, narrow, 3, narrow),
            nn.Conv2d(narrow, b, 1, bias=last),
        )
        self.br: nn.Module = nn.Identity() if last else _norm_act(b)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, a, h, w) to (N, b, h, w)."""
        x = self.projection_layer(x)
        size = (int(x.shape[2]), int(x.shape[3]))
        seen = []
        for scale, stage in zip(_SCALES, self.stages, strict=True):
            here = _scaled(size[0], scale), _scaled(size[1], scale)
            if scale < 1:
                y = _enlarged(stage(_pooled(x, here)), size)
            elif scale > 1:
                y = _pooled(stage(_enlarged(x, here)), size)
            else:
                y = stage(x)
            seen.append(y)
        return cast("Tensor", self.br(self.merge_layer(torch.cat(seen, 1))))


def _scaled(side: int, scale: float) -> int:
    return max(_LEAST_POOLED, math.ceil(side * scale))


class Gated(nn.Module):
    """Filter an encoder map for the decoder, each channel weighed by the whole map's mean."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        gate = nn.Conv2d(a, b, 1, bias=False)
        self.wt_layer = nn.Sequential(nn.AdaptiveAvgPool2d(1), gate, nn.Sigmoid())
        self.expansion_layer = _conv_norm_act(a, b, 3, math.gcd(a, b))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, a, h, w) to (N, b, h, w)."""
        return cast("Tensor", self.expansion_layer(x) * self.wt_layer(x))


class EspNet(nn.Module):
    """ESPNetv2 (s = 2.0) with its pyramid-pooling decoder.

    Pictures have at least 32 pixels a side; multiples of 16 leave nothing to resample.

    Parameters
    ----------
    classes : channels of the logits
    width : the decoder has 4, 3 and 2 times as many channels at strides 16, 8 and 4
    narrow : channels of the decoder's pyramids
    """

    def __init__(self, classes: int, *, width: int = 16, narrow: int = 10) -> None:
        super().__init__()
        self.base_net = Encoder()
        wide = (_CHANNELS[-1], 4 * width, 3 * width, 2 * width)
        for level, (a, b) in enumerate(pairwise((*wide, classes)), 1):
            pool = PyramidPool(a, b, narrow, last=level == len(wide))
            self.add_module(f"bu_dec_l{level}", pool)
        for level, (a, b) in enumerate(zip(_CHANNELS[2::-1], wide[1:], strict=True), 2):
            self.add_module(f"merge_enc_dec_l{level}", Gated(a, b))
            self.add_module(f"bu_br_l{level}", nn.Sequential(nn.BatchNorm2d(b), nn.PReLU(b)))

    def coarse(self, x: Tensor) -> Tensor:
        """Map a normalised picture (N, 3, h, w) to logits (N, classes, h/2, w/2)."""
        levels = self.base_net(x)
        hidden = self.get_submodule("bu_dec_l1")(levels[-1])
        for level, skip in enumerate(levels[2::-1], 2):
            hidden = _enlarged(hidden, (int(skip.shape[2]), int(skip.shape[3])))
            hidden = hidden + self.get_submodule(f"merge_enc_dec_l{level}")(skip)
            hidden = self.get_submodule(f"bu_br_l{level}")(hidden)
            hidden = self.get_submodule(f"bu_dec_l{level}")(hidden)
        return hidden

    def forward(self, x: Tensor) -> Tensor:
        """Map a normalised picture (N, 3, h, w) to logits (N, classes, h, w)."""
        return _enlarged(self.coarse(x), (int(x.shape[2]), int(x.shape[3])))
