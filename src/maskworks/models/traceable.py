"""Models of any library, loaded so that they can be traced, and the rows of what they become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskworks.core.errors import ModelError, UsageError
from maskworks.models.families.hub_input import HubInput
from maskworks.models.families.smp_models import CLASS_KEY, row_name
from maskworks.models.model_folder import ROW, folder_of, read_config, row_of
from maskworks.models.opening import taxonomy_of
from maskworks.models.spec import InputSpec, ModelSpec, OutputSpec

if TYPE_CHECKING:
    from maskworks.models.families.transformers_models import HubModel

FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
"""Pillow's filters by their numbers in ``preprocessor_config.json``."""

Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Traceable:
    """A loaded module, the row of the file it becomes, and how its outputs are read.

    `read` calls the module with a picture (1, 3, h, w) and returns tensors in the order of the
    row's outputs.
    """

    module: Any
    spec: ModelSpec
    read: Callable[[Any, Any], tuple[Any, ...]]


def traceable(name: str, size: Size | None = None) -> Traceable:
    """Load a model so that it can be traced.

    Parameters
    ----------
    name : str
        A folder with a model, or ``hf:OWNER/NAME`` that lies in the cache.
    size : (h, w), optional
        The one size of the input, to which every picture is squashed.

    Raises
    ------
    ModelError
        If the model cannot be loaded, or is not one network that takes a picture alone.
    UsageError
        If `size` is missing, or the model is ONNX already.
    """
    folder = folder_of(name)
    if (folder / ROW).is_file():
        found = _of_row(name)
    else:
        config = read_config(folder, name)
        found = _of_smp(folder, config) if CLASS_KEY in config else _of_hub(folder, config, size)
    found = replace(found, spec=found.spec.model_copy(update={"source": name}))
    if size is None:
        return found
    rule = found.spec.input.model_copy(
        update={"height": size[0], "width": size[1], "resize": "squash", "stride": 1}
    )
    return replace(found, spec=found.spec.model_copy(update={"input": rule}))


def _of_row(name: str) -> Traceable:
    folder, spec = row_of(name)
    if spec.architecture is None:
        raise UsageError(
            f"{folder}: its row names {spec.file}, which is ONNX already; nothing to export"
        )
    from maskworks.models.families.torchvision_models import load_torchvision

    classes = len(taxonomy_of(spec, None))
    module = load_torchvision(spec, folder / spec.local_name, classes)
    return Traceable(module, spec, _detections if spec.family == "instance" else _out)


def _of_smp(folder: Path, config: dict[str, Any]) -> Traceable:
    from maskworks.models.families.smp_models import load_smp

    spec, module = load_smp(folder, config)
    return Traceable(module, spec, lambda body, pixels: (body(pixels),))


def _of_hub(folder: Path, config: dict[str, Any], size: Size | None) -> Traceable:
    from maskworks.models.families.transformers_models import load_hub, prompted_of
    from maskworks.models.families.transformers_queries import AT_INPUT, MASKED, TOLD_IN_WORDS
    from maskworks.models.families.worded import CLIPSEG

    if prompted := prompted_of(config):
        raise ModelError(
            f"{folder}: {prompted} looks at a picture once and then answers prompts, so it is two "
            "networks and no ONNX file that takes a picture alone; run the folder itself with "
            "`maskworks segment --model FOLDER`"
        )
    if CLIPSEG in (config.get("architectures") or ()):
        raise ModelError(
            f"{folder}: CLIPSeg is told words beside the picture, and an exported file takes a "
            "picture alone; run the folder itself with `maskworks segment --model FOLDER --find "
            "WORDS`"
        )
    found = load_hub(folder, config)
    if found.kind.startswith(TOLD_IN_WORDS):
        raise ModelError(
            f"{folder}: OneFormer is told its task in words beside the picture, and an exported "
            "file takes a picture alone; run the folder itself with `maskworks segment --model "
            "FOLDER`"
        )
    output = OutputSpec(
        kind="queries" if found.queries else "class-logits", at_input=found.kind in AT_INPUT
    )
    spec = _row_of_hub(found, input_of(found.rule, folder, size), output)
    if not found.queries:
        return Traceable(found.module, spec, lambda body, x: (body(pixel_values=x).logits,))
    return Traceable(found.module, spec, _masked if found.kind in MASKED else _queries)


def _row_of_hub(found: HubModel, rule: InputSpec, output: OutputSpec) -> ModelSpec:
    from maskworks.core.taxonomy import taxonomy_names

    family = "panoptic" if found.queries else "semantic"
    shipped = found.taxonomy.name in taxonomy_names()
    return ModelSpec(
        name=row_name(found.name),
        title=f"{found.kind}, exported from {found.name}",
        family=family,
        task=family,
        taxonomy=found.taxonomy.name if shipped else None,
        classes=() if shipped else found.taxonomy.names,
        file="model.onnx",
        sha256="0" * 64,
        input=rule,
        output=output,
        licence="LicenseRef-unknown",
        commercial=False,
        data="Not stated by the folder.",
        source=found.name,
    )


def input_of(rule: HubInput, folder: Path, size: Size | None) -> InputSpec:
    """Return how a row says what ``preprocessor_config.json`` says.

    Raises
    ------
    UsageError
        If the input's size follows the picture's and no `size` is given.
    """
    side = size
    corner = False
    if side is None and rule.square is not None and not rule.keep_aspect:
        side = rule.square
    if side is None and rule.pad is not None and rule.longest == max(rule.pad):
        side, corner = rule.pad, True
    if side is None and rule.split and rule.shortest:
        side = (rule.shortest, rule.shortest)
    if side is None:
        raise UsageError(
            f"{folder}: the size of its input follows the picture's, an ONNX file of such a "
            "network has one; give it with --size HEIGHTxWIDTH, and every picture is squashed to it"
        )
    if rule.divisor > 1 and any(edge % rule.divisor for edge in side):
        raise UsageError(
            f"{folder}: the sides of its input are multiples of {rule.divisor}, got "
            f"{side[0]}x{side[1]}; give another --size"
        )
    # (x r - m) / s is (x / 255 - m / 255 r) / (s / 255 r)
    unit = rule.rescale * 255
    (a, b, c), (d, e, f) = ([v / unit for v in each] for each in (rule.mean, rule.std))
    return InputSpec(
        height=side[0],
        width=side[1],
        resize="pad" if corner else "squash",
        corner=corner,
        resample=FILTERS[rule.resample],
        scale="255",
        mean=(a, b, c),
        std=(d, e, f),
    )


def _out(body: Any, pixels: Any) -> tuple[Any, ...]:  # noqa: ANN401 - tensors
    return (body(pixels)["out"],)


def _detections(body: Any, pixels: Any) -> tuple[Any, ...]:  # noqa: ANN401 - tensors
    found = body([pixels[0]])[0]
    return tuple(found[key] for key in ("boxes", "labels", "scores", "masks"))


def _queries(body: Any, pixels: Any) -> tuple[Any, ...]:  # noqa: ANN401 - tensors
    from maskworks.models.families.transformers_queries import outputs_of

    return outputs_of(body(pixel_values=pixels))


def _masked(body: Any, pixels: Any) -> tuple[Any, ...]:  # noqa: ANN401 - tensors
    from maskworks.models.families.transformers_queries import outputs_of

    whole = pixels[:, 0].new_ones(pixels[:, 0].shape).long()
    return outputs_of(body(pixel_values=pixels, pixel_mask=whole))
