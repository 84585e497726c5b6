"""Let a thin network begin with what a wide one knows: channels left out, the rest fitted anew.

After He et al., Channel Pruning for Accelerating Very Deep Neural Networks, ICCV 2017: of the
channels inside a block those that say most are kept, and what leaves the block is fitted to what
the wide network's block gave, by least squares, from the first block to the last.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maskworks.models.networks.live import LivePyramid
from maskworks.models.networks.mobilenet import InvertedResidual, MobilePyramid
from maskworks.train.mattes.build import fold_norms, start_from
from maskworks.train.mattes.recipe import Init

LESSONS = 48
"""Pictures that the layers are fitted on."""

_PLACES = 20_000
_RIDGE = 1e-4  # of the mean square of what comes in


@torch.no_grad()
def thin(body: LivePyramid, init: Init, data: Path, x: Tensor) -> float:
    """Fit `body` to the `MobilePyramid` of `init`.

    Parameters
    ----------
    body : its layers that a `MobilePyramid` has in the same shape hold that one's weights already
    init, data : as `start_from` takes them
    x : (N, 3, h, w) normalised pictures

    Returns
    -------
    float
        The share of the variance of what the wide encoder answers at stride 16 that is missed.
    """
    wide = MobilePyramid(context=2, middle=2)
    fold_norms(wide)
    start_from(wide, init, data)
    wide.eval()
    body.eval()
    hidden = wanted = x
    for index, block in enumerate(body.features):
        slow = wide.features[index]
        if isinstance(block, InvertedResidual) and isinstance(slow, InvertedResidual):
            wanted = slow(wanted)
            _keep_best(block, slow, slow.conv[:-2](hidden))
            rest = wanted - hidden if block.adds else wanted
            fit(_last(block), block.conv[:-2](hidden), rest)
            hidden = block(hidden)
        else:
            wanted, hidden = slow(wanted), block(hidden)
    missed = float((hidden - wanted).var() / wanted.var())
    for slow in wide.features[len(body.features) :]:
        wanted = slow(wanted)
    fit(body.top, F.avg_pool2d(hidden, 2), wide.laterals["17"](wanted))
    fine: list[Tensor] = []
    hook = body.fine.register_forward_hook(lambda _module, _given, out: fine.append(out))
    body(x)
    hook.remove()
    fit(body.side_fine, fine[0], F.pixel_unshuffle(wide(x)[0][0], 2))
    return missed


def _last(block: InvertedResidual) -> nn.Conv2d:
    """Return the projection, which is followed by what was a norm."""
    layer = block.conv[-2]
    if not isinstance(layer, nn.Conv2d):
        raise TypeError(f"a block ends with {type(layer).__name__}, expected a convolution")
    return layer


def _keep_best(block: InvertedResidual, slow: InvertedResidual, inside: Tensor) -> None:
    """Copy of the wide block's inner channels those that carry most into the thin one."""
    worth = inside.var((0, 2, 3)).sqrt() * _last(slow).weight.flatten(1).norm(dim=0)
    best = worth.topk(_last(block).in_channels).indices.sort().values
    state = slow.state_dict()
    for name, value in block.state_dict().items():  # views: copying into them changes the block
        if not name.startswith(f"conv.{len(block.conv) - 2}."):
            value.copy_(state[name][best])


def fit(layer: nn.Conv2d, given: Tensor, wanted: Tensor) -> None:
    """Set a 1x1 convolution to the least-squares answer, with a little ridge.

    Parameters
    ----------
    given, wanted : (N, Cin, h, w) and (N, Cout, h, w); so many places of them are drawn
    """
    rows, targets = (t.movedim(1, -1).flatten(0, -2) for t in (given, wanted))
    drawn = torch.randperm(len(rows))[:_PLACES]
    a, b = rows[drawn].double(), targets[drawn].double()
    a = torch.cat((a, torch.ones(len(a), 1, dtype=a.dtype)), 1)
    gram = a.T @ a
    gram.diagonal().add_(_RIDGE * gram.diagonal().mean())
    found = torch.linalg.solve(gram, a.T @ b).float()
    layer.weight.copy_(found[:-1].T[:, :, None, None])
    if layer.bias is None:
        raise TypeError("the layer has no bias")
    layer.bias.copy_(found[-1])
