"""SegFormer, Mask2Former, MaskFormer, OneFormer, EoMT, DPT, UPerNet, DETR: transformers.

A folder as `model.save_pretrained` writes it, with ``preprocessor_config.json``. Only classes of
the library are used, never code of the folder, and only safetensors.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.core.errors import ModelError, NetworkError
from maskworks.core.taxonomy import (
    Category,
    Taxonomy,
    colour_of,
    load_taxonomy,
    taxonomy_names,
)
from maskworks.models.checksum import digest
from maskworks.models.families.class_scores import ClassScores
from maskworks.models.families.hub_input import HubInput, Prepared, prepare, read_rule
from maskworks.models.families.prompted import ARCHITECTURES, THING, Prompt, open_prompted
from maskworks.models.families.queries import Queries, to_instances, to_panoptic, to_scores
from maskworks.models.labelling import Answer, Segmenter, Task
from maskworks.models.runtimes.torch import need, to_numpy

if TYPE_CHECKING:
    from maskworks.core.values import Image, Pixels
    from maskworks.models.segmenters import Opening

ALIKE = 0.6
"""The share of names that must agree for a model's classes to be those of a taxonomy."""

_TASK_TOKENS = 77


def open_transformers(folder: Path, config: dict[str, Any], opening: Opening) -> Segmenter:
    """Open a folder of transformers.

    Parameters
    ----------
    folder : Path
    config : dict
        What its ``config.json`` says.
    opening : Opening

    Returns
    -------
    Segmenter
        Models of queries answer every task, the others a class for every pixel.

    Raises
    ------
    ModelError
        If transformers is not here, the model is of another kind, or the files do not fit.
    """
    need("transformers")
    if prompted := sorted(set(config.get("architectures") or ()) & set(ARCHITECTURES)):
        return _of_everything(folder, prompted[0], opening)
    kind = architecture_of(folder, config)
    module = load_module(folder, kind, threads=opening.threads)
    rule = read_rule(folder)
    queries = kind in _universal()
    taxonomy = (
        load_taxonomy(opening.taxonomy)
        if opening.taxonomy
        else classes_of(config, folder.name, things=queries)
    )
    tokens = _tokens(folder) if kind.startswith("OneFormer") else {}
    turn = threading.Lock()  # Torch takes every core for one picture

    def answer(image: Image, task: Task) -> Answer:
        with turn:
            if not queries:
                return _scores(image, module, rule, folder.name, taxonomy)
            return _answer(image, task, Parts(module, rule, tokens, folder.name), taxonomy, opening)

    weights = " ".join(digest(path, "sha256") for path in sorted(folder.glob("*.safetensors")))
    return Segmenter(
        name=folder.name,
        taxonomy=taxonomy,
        own="panoptic" if queries and taxonomy.things else "semantic",
        answer=answer,
        digest=f"{weights} {rule} {taxonomy.name} {opening.min_score}",
        tileable=not queries,
    )


def _of_everything(folder: Path, architecture: str, opening: Opening) -> Segmenter:
    """Return a SAM as a segmenter: every object of a picture, or the one in the box."""
    model = open_prompted(folder, architecture, threads=opening.threads)
    box = opening.choices.box
    turn = threading.Lock()

    def answer(image: Image, _task: Task) -> Answer:
        with turn:
            seen = model.look(image)
            if box is not None:
                return model.answer(seen, [Prompt(box=box)])
            return model.everything(seen, min_score=opening.min_score)

    weights = " ".join(digest(path, "sha256") for path in sorted(folder.glob("*.safetensors")))
    return Segmenter(
        name=folder.name,
        taxonomy=THING,
        own="instance",
        answer=answer,
        digest=f"{weights} {model.rule} {opening.min_score} {box}",
    )


def architecture_of(folder: Path, config: dict[str, Any]) -> str:
    """Return the class that a configuration names, if it segments.

    Raises
    ------
    ModelError
        If it does not, or transformers does not have it.
    """
    known = (*_semantic(), *_universal())
    named = [str(each) for each in config.get("architectures") or ()]
    for each in named:
        if each in known:
            return each
    raise ModelError(
        f"{folder / 'config.json'}: its architecture is {', '.join(named) or 'not named'}, which "
        f"does not segment pictures or is not in this transformers; known are {', '.join(known)}"
    )


def load_module(folder: Path, architecture: str, *, threads: int = 0) -> Any:  # noqa: ANN401
    """Load a model of transformers for running.

    Raises
    ------
    ModelError
        If its weights do not fit, or something would have to be fetched.
    """
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    if threads:
        torch.set_num_threads(threads)
    try:
        module, told = getattr(transformers, architecture).from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except Exception as error:  # the library raises anything from KeyError to OSError
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"{folder}: transformers cannot open it ({reason}); copy the folder again"
        ) from error
    if missing := sorted(told["missing_keys"]):
        raise ModelError(
            f"{folder}: its weights lack {missing[0]} ({len(missing)} missing); they belong to "
            "another configuration, copy the folder again"
        )
    return module.eval()


def classes_of(config: dict[str, Any], name: str, *, things: bool) -> Taxonomy:
    """Return the classes that a configuration names.

    If most of them are those of a taxonomy that ships, in its order, it is that one: it knows
    which classes are things. Otherwise the ids are the outputs, and `things` says whether
    every class but a background is one.
    """
    labels = {int(key): str(value) for key, value in (config.get("id2label") or {}).items()}
    names = [labels[at] for at in sorted(labels)] or ["LABEL_0", "LABEL_1"]
    for each in taxonomy_names():
        shipped = load_taxonomy(each)
        pairs = zip(shipped.names, names, strict=False)
        same = sum(_folded(ours) == _folded(theirs) for ours, theirs in pairs)
        if len(shipped) == len(names) and same >= ALIKE * len(names):
            return shipped
    seen: dict[str, int] = {}
    rows: list[Category] = []
    for at, label in enumerate(names):
        seen[label] = seen.get(label, 0) + 1
        unique = label if seen[label] == 1 else f"{label} {seen[label]}"
        thing = things and label.lower() != "background"
        rows.append(Category(at, unique, colour_of(at + (names[0] != "background")), thing=thing))
    ignore = 255 if len(rows) <= 255 else 65_535
    return Taxonomy(name, tuple(rows), ignore=ignore)


def _folded(name: str) -> str:
    first = name.split(",", maxsplit=1)[0].split(";", maxsplit=1)[0].lower()
    return "".join(letter for letter in first if letter.isalnum()).removesuffix("merged")


def _semantic() -> tuple[str, ...]:
    from transformers.models.auto import modeling_auto

    return tuple(modeling_auto.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES.values())


def _universal() -> tuple[str, ...]:
    return (
        "MaskFormerForInstanceSegmentation",
        "Mask2FormerForUniversalSegmentation",
        "OneFormerForUniversalSegmentation",
        "EomtForUniversalSegmentation",
        "EomtDinov3ForUniversalSegmentation",
        "DetrForSegmentation",
    )


def _scores(
    image: Image,
    module: Any,  # noqa: ANN401 - a torch.nn.Module
    rule: HubInput,
    name: str,
    taxonomy: Taxonomy,
) -> ClassScores:
    import torch

    ready = prepare(image.pixels, rule)
    try:
        with torch.inference_mode():
            logits = to_numpy(module(pixel_values=torch.from_numpy(ready.batch)).logits)[0]
    except (RuntimeError, ValueError) as error:
        raise _failed(name, error) from error
    _check_classes(name, logits.shape[0], taxonomy)
    return ClassScores(ready.crop(logits), image.size, logits=True)


class Parts:
    """A model of queries and what goes into it."""

    def __init__(
        self,
        module: Any,  # noqa: ANN401 - a torch.nn.Module
        rule: HubInput,
        tokens: dict[str, Any],
        name: str,
    ) -> None:
        self.module, self.rule, self.tokens, self.name = module, rule, tokens, name

    def run(self, pixels: Pixels, task: Task, size: tuple[int, int]) -> Queries:
        """Return what the queries say of a picture."""
        import torch

        ready = prepare(pixels, self.rule)
        inputs = {"pixel_values": torch.from_numpy(ready.batch)}
        if self.tokens:
            inputs["task_inputs"] = self.tokens[task]
        elif not type(self.module).__name__.startswith("Eomt"):
            inputs["pixel_mask"] = _inside(ready)
        try:
            with torch.inference_mode():
                answer = self.module(**inputs)
        except (RuntimeError, ValueError) as error:
            raise _failed(self.name, error) from error
        if hasattr(answer, "class_queries_logits"):
            classes, masks = answer.class_queries_logits, answer.masks_queries_logits
        else:
            classes, masks = answer.logits, answer.pred_masks
        return Queries(to_numpy(classes)[0], ready.crop(to_numpy(masks)[0]), size)


def _answer(image: Image, task: Task, parts: Parts, taxonomy: Taxonomy, opening: Opening) -> Answer:
    if parts.rule.split and task == "semantic":
        return _split(image, parts, taxonomy)
    queries = parts.run(image.pixels, task, image.size)
    _check_classes(parts.name, queries.classes.shape[1] - 1, taxonomy)
    if task == "semantic":
        return to_scores(queries)
    if task == "instance":
        return to_instances(queries, taxonomy, min_score=opening.min_score)
    return to_panoptic(queries, taxonomy, min_score=opening.min_score)


def _split(image: Image, parts: Parts, taxonomy: Taxonomy) -> ClassScores:
    """Run squares along the longer side, as EoMT was trained for classes, and average them."""
    from dataclasses import replace

    from maskworks.models.families.resampling import shrink

    rule = parts.rule
    height, width = rule.size_of(*image.size)
    resized = shrink(image.pixels, height, width)
    side = min(height, width)
    count = -(-max(height, width) // side)
    starts = np.rint(np.linspace(0, max(height, width) - side, count)).astype(int)
    whole = replace(rule, shortest=None, longest=None, square=(side, side), split=False)
    one = Parts(parts.module, whole, parts.tokens, parts.name)
    total = np.zeros((len(taxonomy), height, width), np.float32)
    for start in starts:
        down, across = (start, 0) if height > width else (0, start)
        where = np.s_[down : down + side, across : across + side]
        square = np.ascontiguousarray(resized[where])
        queries = one.run(square, "semantic", (side, side))
        _check_classes(parts.name, queries.classes.shape[1] - 1, taxonomy)
        total[:, where[0], where[1]] += to_scores(queries).rows(0, side)
    return ClassScores(total / total.sum(axis=0, keepdims=True), image.size)


def _inside(ready: Prepared) -> Any:  # noqa: ANN401 - a torch.Tensor
    import torch

    mask = torch.zeros((1, *ready.batch.shape[2:]), dtype=torch.int64)
    mask[:, : ready.height, : ready.width] = 1
    return mask


def _tokens(folder: Path) -> dict[str, Any]:
    """Return what OneFormer is told for each task: "the task is panoptic"."""
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


def _check_classes(name: str, found: int, taxonomy: Taxonomy) -> None:
    if found != len(taxonomy):
        raise NetworkError(
            name,
            f"answers {found} classes, the taxonomy {taxonomy.name} has {len(taxonomy)}; give the "
            "one it was trained on with --taxonomy",
        )


def _failed(name: str, error: Exception) -> NetworkError:
    return NetworkError(name, f"Torch failed ({' '.join(str(error).split())[:200]})")
