"""Mask2Former of transformers as a network of recipes: queries, each a class and a mask.

Cheng et al., Masked-attention Mask Transformer for Universal Image Segmentation, CVPR 2022. The
library (Apache-2.0) brings the network and the paper's loss: the segments of the truth are
matched with queries, which then learn their class and, at drawn points, their mask.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from maskworks.core.errors import ModelError
from maskworks.models.runtimes.torch import need
from maskworks.train.labels.recipe import LabelRecipe, QueryRecipe

_SWIN: dict[str, tuple[int, tuple[int, ...], tuple[int, ...], int]] = {
    "swin-tiny": (96, (2, 2, 6, 2), (3, 6, 12, 24), 7),
    "swin-small": (96, (2, 2, 18, 2), (3, 6, 12, 24), 7),
    "swin-base": (128, (2, 2, 18, 2), (4, 8, 16, 32), 12),
    "swin-large": (192, (2, 2, 18, 2), (6, 12, 24, 48), 12),
}
"""Encoders of the published networks: width, blocks and heads of each stage, side of windows."""

_HEAD = 32  # channels of one head of attention, as in the paper


class QueryNetwork(nn.Module):
    """A network that answers a class and a mask for each query, and knows its own loss."""

    def __init__(self, body: Any) -> None:  # noqa: ANN401 - a class of transformers
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map a normalised picture (N, 3, h, w) to classes (N, Q, C + 1) and masks (N, Q, h', w').

        Both are logits; the last class is nothing.
        """
        found = self.body(pixel_values=x)
        return found.class_queries_logits, found.masks_queries_logits

    def loss(self, x: Tensor, masks: list[Tensor], classes: list[Tensor]) -> Tensor:
        """Return the loss of normalised pictures, (N, 3, h, w).

        Parameters
        ----------
        x : (N, 3, h, w)
        masks : float (S, h, w) each, the segments of a picture; there may be none
        classes : int64 (S,) each, of these segments
        """
        found = self.body(pixel_values=x, mask_labels=masks, class_labels=classes)
        loss: Tensor = found.loss
        return loss


def segments_of(labels: Tensor, objects: Tensor | None, classes: int) -> tuple[Tensor, Tensor]:
    """Return the segments of a view: each object by itself, the rest class by class.

    Parameters
    ----------
    labels : int64 (h, w), 0 to classes - 1; anything else is in no segment
    objects : int64 (h, w), 0 outside of objects; None where only classes are learnt

    Returns
    -------
    float32 (S, h, w), and int64 (S,) their classes

    Examples
    --------
    >>> labels, objects = torch.tensor([[0, 1, 1, 9]]), torch.tensor([[0, 5, 6, 0]])
    >>> segments_of(labels, objects, 2)[1].tolist(), segments_of(labels, None, 2)[1].tolist()
    ([0, 1, 1], [0, 1])
    """
    known = (labels >= 0) & (labels < classes)
    numbers = torch.zeros_like(labels) if objects is None else objects
    rest = known & (numbers <= 0)
    found = [(rest & (labels == each), each) for each in labels[rest].unique().tolist()]
    for number in numbers[known & (numbers > 0)].unique().tolist():
        inside = known & (numbers == number)
        found.append((inside, int(labels[inside].mode().values)))
    ids = torch.tensor([each for _, each in found], dtype=torch.int64, device=labels.device)
    if not found:
        return torch.zeros((0, *labels.shape), device=labels.device), ids
    return torch.stack([mask for mask, _ in found]).float(), ids


def build_queries(recipe: LabelRecipe) -> QueryNetwork:
    """Make a Mask2Former with fresh weights; nothing is fetched.

    Raises
    ------
    ModelError
        If transformers or timm is missing, or there is no such encoder.
    """
    need("transformers")
    need("timm")
    import transformers

    transformers.logging.set_verbosity_error()  # it warns of every encoder but Swin
    rule: QueryRecipe = recipe.queries
    try:
        config = transformers.Mask2FormerConfig(
            backbone_config=_encoder(str(recipe.encoder)),
            feature_size=rule.width,
            mask_feature_size=rule.width,
            hidden_dim=rule.width,
            num_attention_heads=rule.width // _HEAD,
            encoder_feedforward_dim=4 * rule.width,
            dim_feedforward=8 * rule.width,
            encoder_layers=rule.encoder_layers,
            decoder_layers=rule.layers + 1,  # the library counts the first answer too
            num_queries=rule.count,
            train_num_points=rule.points,
            num_labels=len(recipe.class_names),
        )
        return QueryNetwork(transformers.Mask2FormerForUniversalSegmentation(config))
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise ModelError(
            f"{recipe.network} with the encoder {recipe.encoder!r} cannot be made "
            f"({' '.join(str(error).split())[:300]}); choose {', '.join(_SWIN)} or an encoder of "
            "timm with four stages, such as resnet50"
        ) from error


def _encoder(name: str) -> Any:  # noqa: ANN401 - a configuration of transformers
    from transformers import SwinConfig, TimmBackboneConfig

    if name not in _SWIN:
        return TimmBackboneConfig(backbone=name, out_indices=[-4, -3, -2, -1])
    width, blocks, heads, window = _SWIN[name]
    return SwinConfig(
        embed_dim=width,
        depths=list(blocks),
        num_heads=list(heads),
        window_size=window,
        drop_path_rate=0.3,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
