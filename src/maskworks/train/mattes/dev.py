"""Score a network on dev pictures while it trains, as the finished product would run it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as PilImage
from torch import nn

from maskworks.core.values import Image, Mask
from maskworks.models.families.saliency import predict
from maskworks.models.networks.judge import Passes
from maskworks.models.runtimes.network import Batch, Network, Outputs
from maskworks.models.spec import InputSpec, ModelSpec, OutputSpec
from maskworks.quality import iou
from maskworks.train.mattes.recipe import Recipe

Float2D = npt.NDArray[np.float32]


def recipe_spec(recipe: Recipe, *, judged: bool) -> ModelSpec:
    """Describe the recipe's network as a catalogue row, so that every path reads pictures alike.

    `judged` tells whether the network gives confidence and presence too.
    """
    return ModelSpec(
        name=recipe.name,
        title=recipe.name,
        family="saliency",
        task="cutout",
        embedded=True,
        file=f"{recipe.name}.onnx",
        licence="Apache-2.0",
        commercial=True,
        data="see the model card",
        source="recipe",
        input=InputSpec(
            height=recipe.input_size,
            width=recipe.input_size,
            resize="area",
            scale="255",
            previous=recipe.remembers,
            mean=recipe.mean,
            std=recipe.std,
        ),
        output=OutputSpec(kind="matte", confidence=judged, presence=judged),
    )


def as_network(body: nn.Module, *, mirrored: bool = False) -> Network:
    """Wrap a body in evaluation mode as a `Network` that answers with its matte."""
    passes = Passes(body, mirrored=mirrored)

    def network(batch: Batch) -> Outputs:
        with torch.no_grad():
            x = torch.from_numpy(batch).contiguous(memory_format=torch.channels_last)
            matte, _ = passes(x)
            return (matte.numpy(),)

    return network


def iou_where_known(alpha: Float2D, truth: npt.NDArray[np.uint8]) -> float:
    """IoU at alpha 0.5; truth values 64 to 191 are ignored. Two empty masks score 1.

    Examples
    --------
    >>> truth = np.array([[255, 128, 0]], np.uint8)
    >>> iou_where_known(np.array([[0.9, 0.0, 0.0]], np.float32), truth)
    1.0
    """
    known = Mask((truth < 64) | (truth > 191))
    return iou(Mask(alpha >= 0.5), Mask(truth >= 128), where=known)


def dev_pictures(folder: Path, count: int | None = None) -> dict[str, list[Path]]:
    """Choose `count` pictures of each kind (None: all), spread evenly over the sorted names."""
    chosen = {}
    for kind in sorted(p for p in folder.iterdir() if p.is_dir()):
        paths = sorted(kind.glob("*.webp"))
        step = max(1, len(paths) // count) if count else 1
        chosen[kind.name] = paths[::step][:count]
    return chosen


def read_pair(path: Path) -> tuple[Image, npt.NDArray[np.uint8]]:
    """Read a photo and the truth beside it, uint8 (H, W)."""
    with PilImage.open(path) as photo, PilImage.open(path.with_suffix(".png")) as truth:
        return Image(np.asarray(photo.convert("RGB"))), np.asarray(truth.convert("L"))


def dev_iou(body: nn.Module, recipe: Recipe, folder: Path) -> dict[str, float]:
    """Return the mean IoU of each kind of dev picture; empty when there are none."""
    scores: dict[str, float] = {}
    if not folder.is_dir():
        return scores
    body.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network, spec = (
        as_network(body, mirrored=recipe.mirrored_pass),
        recipe_spec(recipe, judged=False),
    )
    for kind, paths in dev_pictures(folder, recipe.dev_pictures).items():
        pairs = (read_pair(path) for path in paths)
        scores[kind] = float(
            np.mean([iou_where_known(predict(i, spec, network).matte.alpha, t) for i, t in pairs])
        )
    return scores
