"""Open a model that labels pictures, from its row or from a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from maskworks.core.errors import UsageError
from maskworks.core.taxonomy import Taxonomy, load_taxonomy, plain_taxonomy
from maskworks.models.class_names import named_taxonomy
from maskworks.models.classical_methods import Choices
from maskworks.models.labelling import Answer, BoxFinder, Segmenter, Task

if TYPE_CHECKING:
    from maskworks.core.values import Image
    from maskworks.models.families.box_answers import Boxes, Cut
    from maskworks.models.runtimes.network import Network
    from maskworks.models.spec import ModelSpec


HUB = "hf:"
TORCHVISION = "torchvision:"


LEAST_TILE = 1024
"""The side of tiles, pixels, unless a network was trained at a larger one."""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How a model is opened, whichever it is.

    `threads` inside one prediction, 0 for every core; `min_score` in [0, 1] below which an
    object is none; `taxonomy` instead of the one a file names; `find`, words for the only
    classes that are asked for, such as ("cars", "people"), or for anything with CLIPSeg.
    """

    threads: int = 0
    provider: str = "cpu"
    commercial_only: bool = False
    min_score: float = 0.5
    taxonomy: str | None = None
    find: tuple[str, ...] = ()
    choices: Choices = field(default_factory=Choices)

    def __post_init__(self) -> None:
        if not 0 <= self.min_score <= 1:
            raise UsageError(f"a score lies in [0, 1], got {self.min_score:g}")


DEFAULTS = Opening()


def from_row(spec: ModelSpec, file: Path, opening: Opening) -> Segmenter:
    """Open the file of a row: an ONNX network, or Torch weights with an architecture."""
    taxonomy = taxonomy_of(spec, opening.taxonomy)
    if spec.architecture is not None:
        from maskworks.models.families.torchvision_models import open_torchvision

        network = open_torchvision(spec, file, len(taxonomy), threads=opening.threads)
    else:
        from maskworks.models.runtimes.onnx import open_onnx

        network = open_onnx(file, threads=opening.threads, provider=opening.provider)
    return of_network(spec, network, taxonomy, opening)


def of_network(
    spec: ModelSpec, network: Network, taxonomy: Taxonomy, opening: Opening
) -> Segmenter:
    """Return the segmenter of an open network."""
    from maskworks.models.families.box_answers import instances_of, predict_boxes
    from maskworks.models.families.depth_objects import predict_objects
    from maskworks.models.families.detections import predict_instances
    from maskworks.models.families.network_input import channels_last
    from maskworks.models.families.queries import answer_of, predict_queries
    from maskworks.models.families.semantic import predict_scores
    from maskworks.models.families.yolo import predict_yolo

    network = channels_last(network) if spec.input.layout == "nhwc" else network
    cut = _cutter(spec, opening)

    def find(image: Image) -> Boxes:
        return predict_boxes(
            image, spec, network, len(taxonomy.things), min_score=opening.min_score
        )

    def answer(image: Image, task: Task) -> Answer:
        if spec.family == "panoptic":
            queries = predict_queries(image, spec, network, len(taxonomy))
            return answer_of(queries, taxonomy, task, min_score=opening.min_score)
        if spec.output.kind == "class-depth":
            return predict_objects(image, spec, network, taxonomy, min_score=opening.min_score)
        if spec.output.kind == "yolo":
            return predict_yolo(image, spec, network, taxonomy, min_score=opening.min_score)
        if cut is not None:
            return instances_of(image, find(image), taxonomy, cut)
        if spec.family == "instance":
            return predict_instances(image, spec, network, taxonomy, min_score=opening.min_score)
        return predict_scores(image, spec, network, len(taxonomy))

    checksums = " ".join(value for _, value in spec.checksums)
    return Segmenter(
        name=spec.name,
        taxonomy=taxonomy,
        own=_own_task(spec, taxonomy),
        answer=answer,
        digest=f"{spec.model_dump_json()} {checksums} {taxonomy.name} {opening.min_score}",
        tileable=spec.family != "panoptic",
        tile=_tile_of(spec),
        stride=spec.input.stride if spec.input.resize == "keep" else 1,
        objects=spec.family == "instance",
        boxes=None if cut is None else BoxFinder(find=find, cut=cut),
    )


def _cutter(spec: ModelSpec, opening: Opening) -> Cut | None:
    """Open the network that cuts out what lies in a model's boxes, if it answers boxes."""
    from maskworks.models.families.box_answers import cut_out_of
    from maskworks.models.loading import load_model

    if spec.output.masks is None:
        return None
    model = load_model(
        spec.output.masks,
        threads=opening.threads,
        provider=opening.provider,
        commercial_only=opening.commercial_only,
    )
    return cut_out_of(model.spec, model.network)


def _own_task(spec: ModelSpec, taxonomy: Taxonomy) -> Task:
    if spec.family == "panoptic":
        return "panoptic" if taxonomy.things and spec.task != "semantic" else "semantic"
    return "instance" if spec.family == "instance" else "semantic"


def _tile_of(spec: ModelSpec) -> int | None:
    """Return the tile of a network that takes any size; the others see a picture at theirs."""
    if spec.input.resize != "keep" or spec.family == "panoptic":
        return None
    return max(LEAST_TILE, spec.input.height, spec.input.width)


def taxonomy_of(spec: ModelSpec, asked: str | None) -> Taxonomy:
    """Return the taxonomy of a row, or the one that was asked for instead.

    Raises
    ------
    UsageError
        If there is no such taxonomy.
    """
    if asked is not None:
        return load_taxonomy(asked)
    if spec.taxonomy is not None:
        return load_taxonomy(spec.taxonomy)
    if spec.family == "panoptic" or spec.output.kind == "yolo":
        return named_taxonomy(spec.classes, spec.name, things=True)
    return plain_taxonomy(spec.classes, name=spec.name)


PICKLES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"})
"""Suffixes of files that Torch reads by running what is in them."""


def refusal(path: Path) -> str:
    """Say that a pickle is not opened, and how to convert it."""
    return (
        f"{path}: is a pickled checkpoint, which can run any program when it is opened, so it is "
        'refused; where you trust it, convert it to safetensors: `python -c "import torch; from '
        "safetensors.torch import save_file; save_file(torch.load('FILE', weights_only=True), "
        "'model.safetensors')\"`"
    )
