"""What an ONNX file is, from its shapes, its metadata and one answer; no guess where it is open.

A class for each pixel (scores of classes, or a map of ids), one map of a subject, YOLO's boxes
with masks and Mask R-CNN's four outputs look like nothing else. The rest is refused with the
shapes that were found and the row that says what the file does not.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from maskworks.core.errors import ModelError
from maskworks.models.runtimes.onnx import OnnxFacts, Port, describe_onnx, open_onnx
from maskworks.models.spec import SIDE_AT_MOST, InputSpec, OutputSpec, Triple

if TYPE_CHECKING:
    from pathlib import Path

Family = Literal["saliency", "semantic", "instance"]
Kind = Literal["matte", "logits", "class-logits", "class-scores", "class-map", "detections", "yolo"]

IMAGENET: tuple[Triple, Triple] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
UNIT: tuple[Triple, Triple] = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
GREY = 114 / 255
"""What YOLO fills the rest of its square with."""

_NAME_KEYS = ("names", "classes", "labels", "class_names", "id2label", "categories")
_NOISE = 1e-3
_MANY = 65_535
_WHOLE = ("int64", "int32", "uint8", "int16", "uint16", "int8")


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What a file is; `names` are its classes, none where it does not say.

    `assumed` are sentences about what the file leaves open.
    """

    family: Family
    input: InputSpec
    output: OutputSpec
    names: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


def guess_onnx(
    file: Path, *, size: tuple[int, int] | None = None, names: Sequence[str] = ()
) -> Guess:
    """Say what an ONNX file takes and answers.

    Parameters
    ----------
    file : Path
    size : (height, width), optional
        Of its input, where that is open.
    names : Sequence[str]
        Of its classes; by default those of its metadata.

    Raises
    ------
    ModelError
        If it cannot be told: with the shapes found, and the template of a row.
    """
    facts = describe_onnx(file)
    if len(facts.inputs) != 1:
        raise _refusal(file, facts, f"it takes {len(facts.inputs)} inputs, a picture is one")
    known = tuple(names) or names_in(facts.metadata)
    sides, last = _sides(file, facts, size)
    shape = (1, *sides, 3) if last else (1, 3, *sides)
    pixels = np.random.default_rng(0).random(shape, np.float32)
    wants_bytes = facts.inputs[0].kind == "uint8"
    outputs = open_onnx(file, threads=1)(pixels * np.float32(255) if wants_bytes else pixels)
    found = [np.moveaxis(each, -1, 1) if last and each.ndim == 4 else each for each in outputs]
    family, kind = _kind(file, facts, found, sides)
    count = _classes(kind, found, known)
    if family == "saliency" and known:
        family, count = "semantic", 2
        known = known if len(known) == 2 else ("background", *known)
    if count is not None and known and len(known) != count:
        raise ModelError(
            f"{file}: answers {count} classes, and {len(known)} are named "
            f"({', '.join(known[:5])}{' ...' if len(known) > 5 else ''}); name as many"
        )
    rule, assumed = _rule(kind, sides, facts, last=last)
    if count is None and not known and family != "saliency":
        raise ModelError(
            f"{file}: answers a map of ids, which does not say how many classes there are; name "
            "them: `--names a,b,c`, or `--taxonomy` of `maskworks segment`"
        )
    if not known and count is not None:
        known = tuple(f"class {at}" for at in range(count))
        assumed += ("its classes have no names; `models import --names a,b,c` gives them",)
    return Guess(
        family=family, input=rule, output=OutputSpec(kind=kind), names=known, assumed=assumed
    )


def names_in(metadata: dict[str, str] | Any) -> tuple[str, ...]:  # noqa: ANN401 - a mapping
    """Return the names of classes that a file's metadata lists, in their order.

    Read are a list or a dictionary of numbers, as JSON or as Python writes them, and names with
    commas or lines between them.

    Examples
    --------
    >>> names_in({"names": "{0: 'cat', 1: 'dog'}"}), names_in({"classes": "soil, crop"})
    (('cat', 'dog'), ('soil', 'crop'))
    >>> names_in({"author": "a, b"})
    ()
    """
    text = next((metadata[key] for key in _NAME_KEYS if metadata.get(key, "").strip()), "").strip()
    found: object = None
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
            break
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    if isinstance(found, dict) and all(str(key).isdigit() for key in found):
        found = [found[key] for key in sorted(found, key=lambda key: int(str(key)))]
    if not isinstance(found, list | tuple):
        found = re.split(r"[,\n]", text)
    return tuple(str(each).strip() for each in found if str(each).strip())


def _sides(
    file: Path, facts: OnnxFacts, size: tuple[int, int] | None
) -> tuple[tuple[int, int], bool]:
    """Return height and width of the input, and whether its channels come last."""
    shape = facts.inputs[0].shape
    if len(shape) != 4 or shape[0] not in (1, None) or facts.inputs[0].kind not in (
        "float", "float16", "uint8",
    ):  # fmt: skip
        raise _refusal(file, facts, "its input is no picture (1, 3, h, w) or (1, h, w, 3)")
    last = shape[1] != 3 and shape[3] == 3
    if not last and shape[1] not in (3, None):
        raise _refusal(file, facts, f"its input has {shape[1]} channels, a picture has 3")
    sides = shape[1:3] if last else shape[2:]
    stated = [int(side) for side in re.findall(r"\d+", facts.metadata.get("imgsz", ""))][:2]
    height, width = (sides[at] or (size or stated or (None, None))[at] for at in (0, 1))
    if height is None or width is None:
        raise ModelError(
            f"{file}: takes pictures of any size; say at which it was trained: "
            "`maskworks models import FILE --name NAME --input-size 512`"
        )
    if not (0 < height <= SIDE_AT_MOST and 0 < width <= SIDE_AT_MOST):
        raise _refusal(
            file, facts, f"it takes {height}x{width}, a side is from 1 to {SIDE_AT_MOST} pixels"
        )
    if size is not None and size != (height, width):
        raise ModelError(
            f"{file}: takes {height}x{width}, and --input-size says {size[0]}x{size[1]}; leave it "
            "out"
        )
    return (height, width), last


def _kind(
    file: Path, facts: OnnxFacts, found: list[Any], sides: tuple[int, int]
) -> tuple[Family, Kind]:
    shapes = [np.shape(each) for each in found]
    first = shapes[0]
    if len(shapes) == 2 and len(first) == 3 and len(shapes[1]) == 4:
        weights = shapes[1][1]
        if min(first[1:]) > 4 + weights:
            return "instance", "yolo"
    if len(shapes) == 4 and len(first) == 2 and first[1] == 4 and len(shapes[3]) in (3, 4):
        return "instance", "detections"
    maps = all(
        math.prod(shape) <= 1 or (len(shape) == len(first) and shape[:2] == first[:2])
        for shape in shapes
    )  # beside a map a confidence may stand
    if not maps or len(first) not in (2, 3, 4):
        raise _refusal(file, facts, "its outputs fit nothing that is known")
    plane = first[-2:]
    if abs(plane[0] * sides[1] - plane[1] * sides[0]) > max(sides):
        raise _refusal(file, facts, "its first output has not the aspect of its input")
    if facts.outputs[0].kind in _WHOLE and math.prod(first) == math.prod(plane):
        return "semantic", "class-map"
    values = np.asarray(found[0], np.float32)
    if min(plane) < 4 or not np.isfinite(values).all():
        raise _refusal(file, facts, "its first output is no map of a picture")
    within = float(values.min()) >= -_NOISE and float(values.max()) <= 1 + _NOISE
    if math.prod(first) == math.prod(plane):
        return "saliency", "matte" if within else "logits"
    if len(first) == 4 and first[0] == 1:
        return "semantic", "class-scores" if within else "class-logits"
    raise _refusal(file, facts, "its first output fits nothing that is known")


def _classes(kind: Kind, found: list[Any], known: Sequence[str]) -> int | None:
    """Return how many classes the outputs have; None where they do not say."""
    if kind in ("class-logits", "class-scores"):
        return int(found[0].shape[1])
    if kind != "yolo":
        return None
    weights, sides = found[1].shape[1], found[0].shape[1:]
    if sides[1] == 6 + weights and sides[0] <= 1000:  # thinned out: a label stands in each row
        return len(known) or None
    if sides[1] - 5 - weights == len(known):
        return len(known)
    return int(sides[0] - 4 - weights if sides[0] < sides[1] else sides[1] - 5 - weights)


def _rule(
    kind: Kind, sides: tuple[int, int], facts: OnnxFacts, *, last: bool
) -> tuple[InputSpec, tuple[str, ...]]:
    height, width = sides
    layout: Literal["nhwc", "nchw"] = "nhwc" if last else "nchw"
    if facts.inputs[0].kind == "uint8":
        mean, std = UNIT
        rule = InputSpec(height=height, width=width, resize="squash", scale="1", layout=layout,
                         mean=mean, std=std)  # fmt: skip
        return rule, ()
    if kind == "yolo":
        mean, std = UNIT
        rule = InputSpec(height=height, width=width, resize="pad", scale="255", layout=layout,
                         resample="bilinear", mean=mean, std=std, fill=GREY)  # fmt: skip
        return rule, ()
    mean, std = UNIT if kind == "detections" else IMAGENET
    resize: Literal["squash", "pad"] = "pad" if kind == "detections" else "squash"
    rule = InputSpec(height=height, width=width, resize=resize, scale="255", layout=layout,
                     mean=mean, std=std)  # fmt: skip
    normal = "values of 0 to 1" if kind == "detections" else "ImageNet's mean and deviation"
    taken = f"{normal}, RGB, {resize} to {height}x{width}"
    return rule, (
        f"how its input is made it does not say; taken: {taken} (`models import --normalise`)",
    )


def _refusal(file: Path, facts: OnnxFacts, why: str) -> ModelError:
    def shown(ports: Sequence[Port]) -> str:
        return "; ".join(map(str, ports)) or "none"

    return ModelError(
        f"{file}: {why}. Inputs: {shown(facts.inputs)}. Outputs: {shown(facts.outputs)}. Put it "
        f"into a folder with a model.toml that says what it is, and give the folder:\n"
        f"{template(file.name)}"
    )


def template(file: str) -> str:
    """Return the row of a model of labels to fill in."""
    kinds = "class-logits, class-scores, class-map, matte, logits, detections, yolo, queries"
    mean, std = ([*each] for each in IMAGENET)
    return (
        f'name = "mine"\nfamily = "semantic"  # or instance, panoptic\ntask = "semantic"\n'
        f'file = "{file}"\nclasses = ["background", "thing"]\n'
        f'input = {{ height = 512, width = 512, resize = "squash", scale = "255", '
        f"mean = {mean}, std = {std} }}\n"
        f'output = {{ kind = "class-logits" }}  # or one of {kinds}'
    )
