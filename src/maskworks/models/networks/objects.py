"""A small detector without anchors: boxes and classes of things at strides 8, 16 and 32.

A dark-net encoder with pooled context, a pyramid that goes down and up, wide kernels, and heads
that tell class and place apart.

Ge et al., YOLOX: Exceeding YOLO Series in 2021 (the smallest, depthwise one); Wang et al.,
CSPNet, CVPRW 2020; Liu et al., Path Aggregation Network, CVPR 2018. `WideBlock` is ours.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maskworks.models.networks.mobilenet import WideBlock

STRIDES = (8, 16, 32)
CLASSES = 80
_WIDTHS = (16, 32, 64, 128, 256)
_HEAD = 64
_POOLS = (5, 9, 13)
_GREY = 114.0


def _conv(a: int, b: int, size: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution with a bias and SiLU: a batch norm is folded into it from the start."""
    return nn.Sequential(
        nn.Conv2d(a, b, size, stride, size // 2, groups=groups), nn.SiLU(inplace=True)
    )


def _depthwise(a: int, b: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(_conv(a, a, 3, stride, groups=a), _conv(a, b))


class Narrowing(nn.Module):
    """1 x 1, then depthwise 3 x 3; what came in is added where `adds`."""

    def __init__(self, width: int, *, adds: bool) -> None:
        super().__init__()
        self.narrow = _conv(width, width)
        self.spread = _depthwise(width, width)
        self.adds = adds

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        y: Tensor = self.spread(self.narrow(x))
        return x + y if self.adds else y


class CrossStage(nn.Module):
    """One half of the channels goes through `depth` blocks, the other around them."""

    def __init__(self, a: int, b: int, depth: int, *, adds: bool) -> None:
        super().__init__()
        self.main = _conv(a, b // 2)
        self.around = _conv(a, b // 2)
        self.blocks = nn.Sequential(*(Narrowing(b // 2, adds=adds) for _ in range(depth)))
        self.join = _conv(b, b)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, A, h, w) to (N, B, h, w)."""
        main, around = self.main(x), self.around(x)
        joined: Tensor = self.join(torch.cat([self.blocks(main), around], 1))
        return joined


class PooledContext(nn.Module):
    """The largest values within 5, 9 and 13 places beside the map itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.narrow = _conv(width, width // 2)
        self.join = _conv(width // 2 * (1 + len(_POOLS)), width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to the same shape."""
        x = self.narrow(x)
        pooled = [F.max_pool2d(x, size, 1, size // 2) for size in _POOLS]
        joined: Tensor = self.join(torch.cat([x, *pooled], 1))
        return joined


class DetectionHead(nn.Module):
    """Class, box and objectness of every place of one level."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = _conv(width, _HEAD)
        self.for_class = nn.Sequential(_depthwise(_HEAD, _HEAD), _depthwise(_HEAD, _HEAD))
        self.kind = nn.Conv2d(_HEAD, CLASSES, 1)
        self.for_box = nn.Sequential(_depthwise(_HEAD, _HEAD), _depthwise(_HEAD, _HEAD))
        self.box = nn.Conv2d(_HEAD, 4, 1)
        self.there = nn.Conv2d(_HEAD, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, h, w) to (N, 4 + 1 + classes, h, w): box, objectness and class logits."""
        x = self.stem(x)
        kinds = self.kind(self.for_class(x))
        placed = self.for_box(x)
        return torch.cat([self.box(placed), self.there(placed), kinds], 1)


class ObjectsNetwork(nn.Module):
    """Boxes and classes of objects; takes a picture less grey 114, B G R, 0 to 255.

    `context` wide blocks stand before the heads of strides 16 and 32; each begins as the
    identity. Layers are made in the order in which they are computed.
    """

    def __init__(self, context: int = 1) -> None:
        super().__init__()
        w = _WIDTHS
        self.stem = _conv(12, w[0], 3)
        self.stage4 = nn.Sequential(_depthwise(w[0], w[1], 2), CrossStage(w[1], w[1], 1, adds=True))
        self.stage8 = nn.Sequential(_depthwise(w[1], w[2], 2), CrossStage(w[2], w[2], 3, adds=True))
        self.stage16 = nn.Sequential(
            _depthwise(w[2], w[3], 2), CrossStage(w[3], w[3], 3, adds=True)
        )
        self.stage32 = nn.Sequential(
            _depthwise(w[3], w[4], 2), PooledContext(w[4]), CrossStage(w[4], w[4], 1, adds=False)
        )
        self.narrow32 = _conv(w[4], w[3])
        self.up16 = CrossStage(w[4], w[3], 1, adds=False)
        self.narrow16 = _conv(w[3], w[2])
        self.up8 = CrossStage(w[3], w[2], 1, adds=False)
        self.down16 = _depthwise(w[2], w[2], 2)
        self.out16 = CrossStage(w[3], w[3], 1, adds=False)
        self.down32 = _depthwise(w[3], w[3], 2)
        self.out32 = CrossStage(w[4], w[4], 1, adds=False)
        self.context = nn.ModuleList(
            nn.Sequential(*(WideBlock(width) for _ in range(context))) for width in w[3:]
        )
        self.heads = nn.ModuleList(DetectionHead(width) for width in w[2:])

    def forward(self, x: Tensor) -> list[Tensor]:
        """Answer the three levels as the heads do: (N, 85, h / s, w / s) for s = 8, 16, 32."""
        x = x + _GREY
        fine = [x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]]
        at8 = self.stage8(self.stage4(self.stem(torch.cat(fine, 1))))
        at16 = self.stage16(at8)
        top = self.narrow32(self.stage32(at16))
        middle = self.narrow16(self.up16(torch.cat([_twice(top), at16], 1)))
        levels = [self.up8(torch.cat([_twice(middle), at8], 1))]
        levels.append(self.out16(torch.cat([self.down16(levels[0]), middle], 1)))
        levels.append(self.out32(torch.cat([self.down32(levels[1]), top], 1)))
        levels[1:] = [block(each) for block, each in zip(self.context, levels[1:], strict=True)]
        return [head(each) for head, each in zip(self.heads, levels, strict=True)]


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def decode(levels: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Turn the heads' answers into boxes.

    Parameters
    ----------
    levels : three (N, 5 + C, h, w), of strides 8, 16 and 32

    Returns
    -------
    boxes : (N, P, 4), x1 y1 x2 y2, pixels of the input
    there : (N, P), logits of objectness
    kinds : (N, P, C), logits of the classes
    """
    boxes, there, kinds = [], [], []
    for level, stride in zip(levels, STRIDES, strict=True):
        flat = level.flatten(2).transpose(1, 2)
        ys = torch.arange(level.shape[2], device=level.device, dtype=level.dtype)
        xs = torch.arange(level.shape[3], device=level.device, dtype=level.dtype)
        cells = torch.stack([xs.repeat(level.shape[2]), ys.repeat_interleave(level.shape[3])], 1)
        middle = (flat[..., :2] + cells) * stride
        half = flat[..., 2:4].exp() * (stride / 2)
        boxes.append(torch.cat([middle - half, middle + half], -1))
        there.append(flat[..., 4])
        kinds.append(flat[..., 5:])
    return torch.cat(boxes, 1), torch.cat(there, 1), torch.cat(kinds, 1)


class Decoded(nn.Module):
    """What is exported: boxes (N, P, 4) and the score of every class (N, P, C)."""

    def __init__(self, body: ObjectsNetwork) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 3, h, w) to boxes in pixels and scores in [0, 1]."""
        boxes, there, kinds = decode(self.body(x))
        return boxes, torch.sigmoid(there)[..., None] * torch.sigmoid(kinds)
