"""Take a local ONNX file into the catalogue: tried first, then copied, then written down."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from maskworks.core.errors import ModelError, OutputError, UsageError
from maskworks.core.values import Image
from maskworks.core.writing import write_text_atomic
from maskworks.models.catalogue import IMPORTED, ROWS, read_rows
from maskworks.models.checksum import digest
from maskworks.models.families.saliency import predict
from maskworks.models.guessing import IMAGENET, Guess, Kind, guess_onnx
from maskworks.models.lock import locked
from maskworks.models.opening import Opening, from_row
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.models.settings import home
from maskworks.models.spec import ANSWERS, SIDE_AT_MOST, InputSpec, ModelSpec, OutputSpec, Triple
from maskworks.models.store import models_folder

NORMALISATIONS: dict[str, tuple[Triple, Triple]] = {
    "imagenet": IMAGENET,
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
"""(mean, std) after scaling to [0, 1]: "half" gives [-1, 1], "unit" leaves [0, 1]."""

HEADER = "# Models imported by `maskworks models import`; remove a row to forget it.\n"


@dataclass(frozen=True)
class WeightTerms:
    """What the importer says of the weights; `card` is a Markdown file that says more."""

    licence: str = "LicenseRef-unknown"
    commercial: bool = False
    data: str = "Not stated by whoever imported it."
    source: str = "a local file"
    card: Path | None = None


def parse_size(text: str) -> tuple[int, int]:
    """Read "320" or "HEIGHTxWIDTH".

    Examples
    --------
    >>> parse_size("320"), parse_size("288x512")
    ((320, 320), (288, 512))
    """
    found = re.fullmatch(r"(\d{1,4})(?:[xX](\d{1,4}))?", text.strip())
    height, width = (0, 0) if not found else (int(found[1]), int(found[2] or found[1]))
    if not (0 < height <= SIDE_AT_MOST and 0 < width <= SIDE_AT_MOST):
        message = (
            f"an input size is 320 or HEIGHTxWIDTH in pixels, height and width from 1 to "
            f"{SIDE_AT_MOST}, got {text!r}"
        )
        raise UsageError(message)
    return height, width


def parse_normalisation(text: str) -> tuple[Triple, Triple]:
    """Read a name of `NORMALISATIONS` or "mean,mean,mean/std,std,std".

    Examples
    --------
    >>> parse_normalisation("half")
    ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    >>> parse_normalisation("0.5,0.5,0.5/1,1,1")
    ((0.5, 0.5, 0.5), (1.0, 1.0, 1.0))
    """
    if text in NORMALISATIONS:
        return NORMALISATIONS[text]
    try:
        mean, std = ([float(part) for part in half.split(",")] for half in text.split("/"))
        (a, b, c), (d, e, f) = mean, std
    except ValueError as error:
        message = (
            f"a normalisation is {', '.join(NORMALISATIONS)} or three means, a slash and three "
            f"deviations (0.5,0.5,0.5/1,1,1), got {text!r}"
        )
        raise UsageError(message) from error
    return (a, b, c), (d, e, f)


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """What is said of a file by hand; the rest it has to say itself.

    Parameters
    ----------
    size : as `parse_size` reads it
    names : of its classes, with commas between them
    normalise : as `parse_normalisation` reads it
    resize, scale, output : as of a row; output "auto" looks at the shapes and an answer
    """

    size: str | None = None
    names: str | None = None
    normalise: str | None = None
    resize: Literal["pad", "squash", "area"] | None = None
    scale: Literal["255", "max", "1"] | None = None
    output: Kind | Literal["auto"] = "auto"


def described(file: Path, said: ImportOptions) -> Guess:
    """Return what a file is: what was said of it, and of the rest what it says itself.

    Raises
    ------
    UsageError
        If a text is none of these.
    ModelError
        If the file leaves open what nothing was said of.
    """
    if not file.is_file():
        raise UsageError(f"{file}: there is no such file; give the path of an ONNX file")
    sides = None if said.size is None else parse_size(said.size)
    classes = tuple(each.strip() for each in (said.names or "").split(",") if each.strip())
    if said.output == "auto":
        found = guess_onnx(file, size=sides, names=classes)
    elif sides is None:
        raise UsageError("--output says what it holds; say --input-size too, or leave both out")
    else:
        mean, std = IMAGENET
        padded = InputSpec(
            height=sides[0], width=sides[1], resize="pad", scale="255", mean=mean, std=std
        )
        kind = OutputSpec(kind=said.output)
        found = Guess(family="saliency", input=padded, output=kind, names=classes)
    given = found.input
    mean, std = given.mean, given.std
    if said.normalise is not None:
        mean, std = parse_normalisation(said.normalise)
    rule = input_rule(
        height=given.height, width=given.width, resize=said.resize or given.resize,
        scale=said.scale or given.scale, mean=mean, std=std,
    )  # fmt: skip
    chosen = {"resize": rule.resize, "scale": rule.scale, "mean": mean, "std": std}
    assumed = found.assumed if said.normalise is None else found.assumed[1:]
    return replace(found, input=given.model_copy(update=chosen), assumed=assumed)


def input_rule(
    *,
    height: int,
    width: int,
    resize: Literal["pad", "squash", "area", "keep"],
    scale: Literal["255", "max", "1"],
    mean: Triple,
    std: Triple,
) -> InputSpec:
    """Build an `InputSpec`; raise UsageError where a value cannot be."""
    try:
        return InputSpec(height=height, width=width, resize=resize, scale=scale, mean=mean, std=std)
    except ValidationError as error:
        raise UsageError(f"the input rule: {_first(error)}; correct that option") from error


def import_model(
    file: Path,
    *,
    name: str,
    what: Guess,
    terms: WeightTerms,
    force: bool = False,
) -> ModelSpec:
    """Add a local ONNX file to the catalogue.

    It is opened and answers one black picture before anything is written; then it is copied
    into ``MASKWORKS_HOME/models`` and its row added to ``MASKWORKS_HOME/imported.toml``.

    Parameters
    ----------
    file : Path
        One file; weights stored beside it (ONNX external data) are not copied.
    name : str
        New; with `force` it may be that of an earlier import, never one that ships.
    what : Guess
        Its input, its output, and the names of its classes if it labels.
    terms : WeightTerms
        Its card is copied beside the file.

    Raises
    ------
    ModelError
        If the name is taken, or the file is not a network of this kind.
    NetworkError
        If its answer is not what `what` says.
    OutputError
        If the copy cannot be written.
    UsageError
        If `name` or `terms` cannot stand in a row.
    """
    if not file.is_file():
        message = f"{file}: there is no such file; give the path of an ONNX file"
        raise UsageError(message)
    spec = _row(file, name, what, terms)
    said = None if terms.card is None else _card_of(terms.card)
    if said is not None:
        spec = spec.model_copy(update={"card": f"{name}.md"})
    _check_name(name, _imported(), force=force)
    _try(spec, file)
    folder = models_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".imported.lock"):
            rows = _imported()
            _check_name(name, rows, force=force)
            _copy(file, folder / spec.local_name)
            if said is not None:
                write_text_atomic(folder / f"{name}.md", said)
            kept = [row for row in rows if row.name != name]
            write_text_atomic(home() / IMPORTED, to_toml([*kept, spec]))
    except OSError as error:
        raise OutputError(
            folder, f"cannot be written ({error.strerror})", "set MASKWORKS_HOME"
        ) from error
    return spec


def _try(spec: ModelSpec, file: Path) -> None:
    """Let a network answer one black picture of another aspect than its input."""
    image = Image(np.zeros((spec.input.height, 2 * spec.input.width, 3), np.uint8))
    if spec.family == "saliency":
        predict(image, spec, open_onnx(file))
        return
    segmenter = from_row(spec, file, Opening())
    segmenter.answer(image, segmenter.own)


def _family(kind: str, classes: tuple[str, ...]) -> Literal["saliency", "semantic", "instance"]:
    if kind in ANSWERS["instance"]:
        return "instance"
    return "semantic" if classes or kind not in ANSWERS["saliency"] else "saliency"


def _row(file: Path, name: str, what: Guess, terms: WeightTerms) -> ModelSpec:
    family = _family(what.output.kind, what.names)
    try:
        return ModelSpec(
            name=name,
            title=f"{file.name}, imported",
            family=family,
            task="cutout" if family == "saliency" else family,
            classes=what.names,
            file=f"{name}.onnx",
            sha256=digest(file, "sha256"),
            bytes=file.stat().st_size,
            input=what.input,
            output=what.output,
            licence=terms.licence,
            commercial=terms.commercial,
            data=terms.data,
            source=terms.source,
        )
    except ValidationError as error:
        if error.errors()[0]["type"] == "value_error":
            raise UsageError(f"{_first(error)}; correct that option") from error
        message = (
            f"{_first(error)}; a name has lower-case letters, digits, dots, dashes and "
            "underscores, and no text is empty"
        )
        raise UsageError(message) from error


def _card_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--card {path}: cannot be read ({error}); give a text file") from error


def _first(error: ValidationError) -> str:
    found = error.errors()[0]
    return ": ".join([*map(str, found["loc"]), found["msg"]])


def _check_name(name: str, imported: tuple[ModelSpec, ...], *, force: bool) -> None:
    if any(row.name == name for row in read_rows(ROWS)):
        message = f"{name!r} is a model that ships with Maskworks; choose another `--name`"
        raise ModelError(message)
    if not force and any(row.name == name for row in imported):
        message = f"{name!r} was imported before; choose another `--name`, or replace it: `--force`"
        raise ModelError(message)


def _imported() -> tuple[ModelSpec, ...]:
    path = home() / IMPORTED
    return read_rows(path) if path.is_file() else ()


def _copy(file: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(file, part)
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def to_toml(rows: list[ModelSpec]) -> str:
    """Write rows in the form of ``catalogue.toml``; what is not known is left out."""
    parts = [HEADER]
    for row in rows:
        fields = row.model_dump(exclude_none=True)
        lines = [f"{key} = {_value(value)}" for key, value in fields.items()]
        parts.append("\n".join(["[[models]]", *lines, ""]))
    return "\n".join(parts)


def _value(value: Any) -> str:  # noqa: ANN401 - a TOML value
    if isinstance(value, dict):
        inside = ", ".join(f"{key} = {_value(item)}" for key, item in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    # a JSON string is a TOML string, but for the one control character JSON leaves as it is
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
