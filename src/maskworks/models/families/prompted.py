"""SAM and SAM 2: objects by points and boxes, or everything; transformers runs them.

Kirillov et al., Segment Anything, ICCV 2023; Ravi et al., SAM 2, 2024. The costly part, what
the encoder sees in a picture, is computed once; each prompt after that is cheap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.core.errors import NetworkError
from maskworks.core.instances import Instances
from maskworks.core.rle import Rle, encode_mask
from maskworks.core.taxonomy import Category, Taxonomy
from maskworks.models.families.hub_input import HubInput, Prepared, prepare, read_rule
from maskworks.models.families.resampling import enlarge
from maskworks.models.prompts import Prompt
from maskworks.models.runtimes.torch import to_numpy

if TYPE_CHECKING:
    from maskworks.core.values import Float2D, Image

ARCHITECTURES = {"SamModel": "SamModel", "Sam2Model": "Sam2Model", "Sam2VideoModel": "Sam2Model"}
"""What a configuration may name, and the class of the library that answers prompts with it."""

THING = Taxonomy("thing", (Category(0, "thing", (86, 180, 233), thing=True),), ignore=255)

AT_ONCE = 64
"""Points of the grid that are answered in one go."""

GRID = 16
"""Points a side that "everything" asks about."""

STEADY = 0.9
"""A mask whose area changes by more than a tenth where its threshold moves by one is dropped."""

SAME = 0.7
"""Two masks with a larger IoU are one object."""

LARGEST_SHARE = 0.95


@dataclass(frozen=True, eq=False)
class EncodedImage:
    """A picture of `size` (H, W) as the encoder saw it; every prompt is answered from this."""

    size: tuple[int, int]
    embedding: Any
    ready: Prepared


class Prompted:
    """An open SAM: `look` once at a picture, then `answer` as many prompts as wanted.

    Parameters
    ----------
    module : a SamModel or Sam2Model of transformers
    name : str
        What messages call it.
    """

    def __init__(self, module: Any, rule: HubInput, name: str) -> None:  # noqa: ANN401
        self.module, self.rule, self.name = module, rule, name

    def encode(self, image: Image) -> EncodedImage:
        """Compute what the encoder sees in a picture; this is the costly part."""
        import torch

        ready = prepare(image.pixels, self.rule)
        try:
            with torch.inference_mode():
                found = self.module.get_image_embeddings(torch.from_numpy(ready.batch))
        except (RuntimeError, ValueError) as error:
            raise self._failed(error) from error
        return EncodedImage(image.size, found, ready)

    def answer(self, seen: EncodedImage, prompts: Sequence[Prompt]) -> Instances:
        """Return the best mask of each prompt, in order, with the IoU that SAM expects of it."""
        masks: list[Rle] = []
        scores: list[float] = []
        for prompt in prompts:
            soft, quality = self._masks(seen, prompt)
            best = int(quality.argmax())
            masks.append(encode_mask(_at_size(soft[best], seen) > 0))
            scores.append(float(np.clip(quality[best], 0, 1)))
        labels = [0] * len(masks)
        return Instances.of(masks, labels=labels, scores=scores, taxonomy=THING, size=seen.size)

    def everything(
        self, seen: EncodedImage, *, min_score: float = 0.5, grid: int = GRID
    ) -> Instances:
        """Return every object that a grid of points finds, each once, best first."""
        masks: list[Rle] = []
        scores: list[float] = []
        most = LARGEST_SHARE * seen.size[0] * seen.size[1]
        rows, columns = ((np.arange(grid) + 0.5) * side / grid for side in seen.size)
        points = [(row, column) for row in rows for column in columns]
        for start in range(0, len(points), AT_ONCE):
            for logits, score in self._at_points(seen, points[start : start + AT_ONCE]):
                if score < min_score or _steadiness(logits) < STEADY:
                    continue
                mask = encode_mask(_at_size(logits, seen) > 0)
                if 0 < mask.area < most:
                    masks.append(mask)
                    scores.append(float(np.clip(score, 0, 1)))
        labels = [0] * len(masks)
        found = Instances.of(masks, labels=labels, scores=scores, taxonomy=THING, size=seen.size)
        return found.suppressed(SAME)

    def _masks(self, seen: EncodedImage, prompt: Prompt) -> tuple[Float2D, Float2D]:
        """Return logits (k, h, w) of the whole input, padding too, and expected IoUs (k,)."""
        import torch

        prompt.check(seen.size)
        y, x = seen.ready.height / seen.size[0], seen.ready.width / seen.size[1]
        given: dict[str, Any] = {}
        points = [*prompt.inside, *prompt.outside]
        if points:
            where = [[column * x, row * y] for row, column in points]
            kinds = [1] * len(prompt.inside) + [0] * len(prompt.outside)
            given["input_points"] = torch.tensor([[where]], dtype=torch.float32)
            given["input_labels"] = torch.tensor([[kinds]])
        if prompt.box is not None:
            box = prompt.box
            edges = [box.left * x, box.top * y, box.right * x, box.bottom * y]
            given["input_boxes"] = torch.tensor([[edges]], dtype=torch.float32)
        masks, scores = self._decoded(seen, given)
        return masks[0], scores[0]

    def _at_points(
        self, seen: EncodedImage, points: Sequence[tuple[float, float]]
    ) -> Iterator[tuple[Float2D, float]]:
        """Yield each mask that each of some points alone may mean, and its expected IoU."""
        import torch

        y, x = seen.ready.height / seen.size[0], seen.ready.width / seen.size[1]
        where = [[[column * x, row * y]] for row, column in points]
        given = {
            "input_points": torch.tensor([where], dtype=torch.float32),
            "input_labels": torch.ones((1, len(points), 1), dtype=torch.int64),
        }
        masks, scores = self._decoded(seen, given)
        for several, qualities in zip(masks, scores, strict=True):
            yield from zip(several, qualities.tolist(), strict=True)

    def _decoded(self, seen: EncodedImage, given: dict[str, Any]) -> tuple[Any, Any]:
        """Return logits (n, k, h, w) and expected IoUs (n, k) of n prompts."""
        import torch

        try:
            with torch.inference_mode():
                found = self.module(image_embeddings=seen.embedding, multimask_output=True, **given)
        except (RuntimeError, ValueError) as error:
            raise self._failed(error) from error
        return to_numpy(found.pred_masks)[0], to_numpy(found.iou_scores)[0]

    def _failed(self, error: Exception) -> NetworkError:
        return NetworkError(self.name, f"Torch failed ({' '.join(str(error).split())[:200]})")


def open_prompted(folder: Path, architecture: str, *, threads: int = 0) -> Prompted:
    """Open a folder with a SAM of transformers.

    Raises
    ------
    ModelError
        If its files are missing or do not fit.
    """
    from maskworks.models.families.transformers_loading import load_module

    module = load_module(folder, ARCHITECTURES[architecture], threads=threads)
    rule = read_rule(folder)
    return Prompted(module, rule, folder.name)


def _at_size(logits: Float2D, seen: EncodedImage) -> Float2D:
    """Return logits of the whole input at the picture's size, without what was padded."""
    canvas = seen.ready.batch.shape[2:]
    wide = enlarge(np.ascontiguousarray(logits, np.float32), canvas[0], canvas[1])
    cut = wide[: seen.ready.height, : seen.ready.width]
    return enlarge(np.ascontiguousarray(cut), *seen.size)


def _steadiness(logits: Float2D) -> float:
    """Return how little a mask changes when its threshold moves by one either way."""
    wide = int((logits > -1).sum())
    return float((logits > 1).sum()) / wide if wide else 0.0
