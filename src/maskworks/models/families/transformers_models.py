"""SegFormer, Mask2Former, MaskFormer, OneFormer, EoMT, DPT, UPerNet, DETR: transformers.

A folder as `model.save_pretrained` writes it, with ``preprocessor_config.json``. Only classes of
the library are used, never code of the folder, and only safetensors.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskworks.core.errors import ModelError
from maskworks.core.taxonomy import Taxonomy, load_taxonomy
from maskworks.models.checksum import digest
from maskworks.models.class_names import named_taxonomy, shipped_taxonomy
from maskworks.models.families.class_scores import ClassScores
from maskworks.models.families.hub_input import HubInput, prepare, read_rule
from maskworks.models.families.prompted import ARCHITECTURES, THING, open_prompted
from maskworks.models.families.transformers_loading import load_module
from maskworks.models.families.transformers_queries import (
    TOLD_IN_WORDS,
    UNIVERSAL,
    QueryModel,
    answer_queries,
    check_classes,
    failed,
    task_tokens,
)
from maskworks.models.families.worded import CLIPSEG, open_worded
from maskworks.models.labelling import Answer, Segmenter, Task
from maskworks.models.prompts import Prompt
from maskworks.models.runtimes.torch import need, to_numpy

if TYPE_CHECKING:
    from maskworks.core.values import Image
    from maskworks.models.opening import Opening


@dataclass(frozen=True, eq=False, kw_only=True)
class HubModel:
    """An open folder of transformers that answers pictures: no SAM."""

    module: Any
    kind: str
    rule: HubInput
    taxonomy: Taxonomy
    name: str

    @property
    def queries(self) -> bool:
        """Whether it answers with queries rather than a score for each class."""
        return self.kind in UNIVERSAL


def load_hub(
    folder: Path, config: dict[str, Any], *, taxonomy: str | None = None, threads: int = 0
) -> HubModel:
    """Load a folder of transformers; see `open_transformers`."""
    need("transformers")
    kind = architecture_of(folder, config)
    return HubModel(
        module=load_module(folder, kind, threads=threads),
        kind=kind,
        rule=read_rule(folder),
        taxonomy=load_taxonomy(taxonomy)
        if taxonomy
        else classes_of(config, folder.name, things=kind in UNIVERSAL),
        name=folder.name,
    )


def open_transformers(folder: Path, config: dict[str, Any], opening: Opening) -> Segmenter:
    """Open a folder of transformers.

    Parameters
    ----------
    config : dict
        What its ``config.json`` says.

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
    if prompted := prompted_of(config):
        return _of_everything(folder, prompted, opening)
    if CLIPSEG in (config.get("architectures") or ()):
        return open_worded(folder, opening)
    found = load_hub(folder, config, taxonomy=opening.taxonomy, threads=opening.threads)
    tokens = task_tokens(folder) if found.kind.startswith(TOLD_IN_WORDS) else {}
    model = QueryModel(found.module, found.rule, folder.name, tokens)
    taxonomy = found.taxonomy
    turn = threading.Lock()  # Torch takes every core for one picture

    def answer(image: Image, task: Task) -> Answer:
        with turn:
            if not found.queries:
                return _scores(image, found)
            return answer_queries(image, task, model, taxonomy, opening)

    weights = " ".join(digest(path, "sha256") for path in sorted(folder.glob("*.safetensors")))
    return Segmenter(
        name=folder.name,
        taxonomy=taxonomy,
        own="panoptic" if found.queries and taxonomy.things else "semantic",
        answer=answer,
        digest=f"{weights} {found.rule} {taxonomy.name} {opening.min_score}",
        tileable=not found.queries,
    )


def prompted_of(config: dict[str, Any]) -> str | None:
    """Return the class of SAM that a configuration names, None if it is another model."""
    named = sorted({*(config.get("architectures") or ())} & {*ARCHITECTURES})
    return named[0] if named else None


def _of_everything(folder: Path, architecture: str, opening: Opening) -> Segmenter:
    """Return a SAM as a segmenter: every object of a picture, or those of the prompts."""
    model = open_prompted(folder, architecture, threads=opening.threads)
    box = opening.choices.box
    prompts = opening.choices.prompts or ((Prompt(box=box),) if box else ())
    turn = threading.Lock()

    def answer(image: Image, _task: Task) -> Answer:
        with turn:
            seen = model.encode(image)
            if prompts:
                return model.answer(seen, prompts)
            return model.everything(seen, min_score=opening.min_score)

    weights = " ".join(digest(path, "sha256") for path in sorted(folder.glob("*.safetensors")))
    return Segmenter(
        name=folder.name,
        taxonomy=THING,
        own="instance",
        prompted=True,
        answer=answer,
        digest=f"{weights} {model.rule} {opening.min_score} {prompts}",
    )


def architecture_of(folder: Path, config: dict[str, Any]) -> str:
    """Return the class that a configuration names, if it segments.

    Raises
    ------
    ModelError
        If it does not, or transformers does not have it.
    """
    known = (*_semantic(), *UNIVERSAL)
    named = [str(each) for each in config.get("architectures") or ()]
    for each in named:
        if each in known:
            return each
    raise ModelError(
        f"{folder / 'config.json'}: its architecture is {', '.join(named) or 'not named'}, which "
        f"does not segment pictures or is not in this transformers; known are "
        f"{', '.join((*known, *ARCHITECTURES, CLIPSEG))}"
    )


def classes_of(config: dict[str, Any], name: str, *, things: bool) -> Taxonomy:
    """Return the classes that a configuration names.

    If most of them are those of a taxonomy that ships, in its order, it is that one: it knows
    which classes are things. Otherwise the ids are the outputs, and `things` says whether
    every class but a background is one.
    """
    labels = {int(key): str(value) for key, value in (config.get("id2label") or {}).items()}
    names = [labels[at] for at in sorted(labels)] or ["LABEL_0", "LABEL_1"]
    return shipped_taxonomy(names) or named_taxonomy(names, name, things=things)


def _semantic() -> tuple[str, ...]:
    from transformers.models.auto import modeling_auto

    return tuple(modeling_auto.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES.values())


def _scores(image: Image, model: HubModel) -> ClassScores:
    import torch

    ready = prepare(image.pixels, model.rule)
    try:
        with torch.inference_mode():
            logits = to_numpy(model.module(pixel_values=torch.from_numpy(ready.batch)).logits)[0]
    except (RuntimeError, ValueError) as error:
        raise failed(model.name, error) from error
    check_classes(model.name, logits.shape[0], model.taxonomy)
    return ClassScores(ready.crop(logits), image.size, logits=True)
