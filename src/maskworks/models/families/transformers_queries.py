"""Models of queries in transformers: MaskFormer, Mask2Former, OneFormer, EoMT, DETR."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.core.errors import ModelError, NetworkError
from maskworks.models.families.class_scores import ClassScores
from maskworks.models.families.hub_input import HubInput, Prepared, prepare
from maskworks.models.families.queries import Queries, answer_of, to_scores
from maskworks.models.runtimes.torch import to_numpy

if TYPE_CHECKING:
    from maskworks.core.taxonomy import Taxonomy
    from maskworks.core.values import Image, Pixels
    from maskworks.models.labelling import Answer, Task
    from maskworks.models.opening import Opening

MASKED = (
    "MaskFormerForInstanceSegmentation",
    "Mask2FormerForUniversalSegmentation",
    "OneFormerForUniversalSegmentation",
    "DetrForSegmentation",
)
"""Those that are told which part of the input is the picture."""

AT_INPUT = (
    "Mask2FormerForUniversalSegmentation",
    "EomtForUniversalSegmentation",
    "EomtDinov3ForUniversalSegmentation",
)
"""Those whose masks are enlarged to the input's size before anything else."""

UNIVERSAL = (*MASKED, *(each for each in AT_INPUT if each not in MASKED))

TOLD_IN_WORDS = "OneFormer"

_TASK_TOKENS = 77


@dataclass(frozen=True, eq=False)
class QueryModel:
    """A model of queries, and what goes into it besides the picture."""

    module: Any
    rule: HubInput
    name: str
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The class of the library."""
        return type(self.module).__name__

    def run(self, pixels: Pixels, task: Task, size: tuple[int, int]) -> Queries:
        """Return what the queries say of a picture."""
        import torch

        ready = prepare(pixels, self.rule)
        inputs = {"pixel_values": torch.from_numpy(ready.batch)}
        if self.tokens:
            inputs["task_inputs"] = self.tokens[task]
        elif self.kind in MASKED:
            inputs["pixel_mask"] = _inside(ready)
        try:
            with torch.inference_mode():
                classes, masks = outputs_of(self.module(**inputs))
        except (RuntimeError, ValueError) as error:
            raise failed(self.name, error) from error
        return Queries(
            to_numpy(classes)[0], to_numpy(masks)[0], size, ready.place, self.kind in AT_INPUT
        )


def outputs_of(answer: Any) -> tuple[Any, Any]:  # noqa: ANN401 - tensors of a library's answer
    """Return class logits (1, Q, C + 1) and mask logits (1, Q, h, w)."""
    if hasattr(answer, "class_queries_logits"):
        return answer.class_queries_logits, answer.masks_queries_logits
    return answer.logits, answer.pred_masks


def answer_queries(
    image: Image, task: Task, model: QueryModel, taxonomy: Taxonomy, opening: Opening
) -> Answer:
    """Return what a model of queries says of a picture.

    Raises
    ------
    NetworkError
        If it fails, or has other classes than the taxonomy.
    """
    if model.rule.split and task == "semantic":
        return _split(image, model, taxonomy)
    queries = model.run(image.pixels, task, image.size)
    check_classes(model.name, queries.classes.shape[1] - 1, taxonomy)
    return answer_of(queries, taxonomy, task, min_score=opening.min_score)


def _split(image: Image, model: QueryModel, taxonomy: Taxonomy) -> ClassScores:
    """Run squares along the longer side, as EoMT was trained for classes, and average them."""
    from maskworks.models.families.resampling import shrink

    rule = model.rule
    height, width = rule.size_of(*image.size)
    resized = shrink(image.pixels, height, width)
    side = min(height, width)
    count = -(-max(height, width) // side)
    starts = np.rint(np.linspace(0, max(height, width) - side, count)).astype(int)
    whole = replace(rule, shortest=None, longest=None, square=(side, side), split=False)
    one = replace(model, rule=whole)
    total = np.zeros((len(taxonomy), height, width), np.float32)
    for start in starts:
        down, across = (start, 0) if height > width else (0, start)
        where = np.s_[down : down + side, across : across + side]
        square = np.ascontiguousarray(resized[where])
        queries = one.run(square, "semantic", (side, side))
        check_classes(model.name, queries.classes.shape[1] - 1, taxonomy)
        total[:, where[0], where[1]] += to_scores(queries).rows(0, side)
    return ClassScores(total, image.size, shares=True)


def _inside(ready: Prepared) -> Any:  # noqa: ANN401 - a torch.Tensor
    import torch

    mask = torch.zeros((1, *ready.batch.shape[2:]), dtype=torch.int64)
    mask[:, : ready.height, : ready.width] = 1
    return mask


def task_tokens(folder: Path) -> dict[str, Any]:
    """Return what OneFormer is told for each task: "the task is panoptic".

    Raises
    ------
    ModelError
        If its tokenizer is not in the folder.
    """
    import torch
    from transformers import CLIPTokenizer

    try:
        tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise ModelError(
            f"{folder}: OneFormer is told its task in words and needs its tokenizer (vocab.json, "
            "merges.txt); copy these files too"
        ) from error
    found: dict[str, Any] = {}
    for task in ("semantic", "instance", "panoptic"):
        words = tokenizer(
            [f"the task is {task}"],
            padding="max_length",
            max_length=_TASK_TOKENS,
            truncation=True,
            return_tensors="pt",
        )
        found[task] = (words["input_ids"] * words["attention_mask"]).to(torch.int64)
    return found


def check_classes(name: str, found: int, taxonomy: Taxonomy) -> None:
    """Raise NetworkError unless a model answers as many classes as its taxonomy has."""
    if found != len(taxonomy):
        raise NetworkError(
            name,
            f"answers {found} classes, the taxonomy {taxonomy.name} has {len(taxonomy)}; give the "
            "one it was trained on with --taxonomy",
        )


def failed(name: str, error: Exception) -> NetworkError:
    """Return Torch's own reason in one line."""
    return NetworkError(name, f"Torch failed ({' '.join(str(error).split())[:200]})")
