"""The row of the catalogue that follows from a recipe."""

from __future__ import annotations

from maskworks.models.spec import InputSpec, ModelSpec, OutputSpec
from maskworks.train.labels.families import stride_of
from maskworks.train.labels.recipe import LabelRecipe

_NO_FILE = "0" * 64


def row_of(recipe: LabelRecipe, *, file: str | None = None, sha256: str = _NO_FILE) -> ModelSpec:
    """Return what the recipe's network expects and answers.

    Parameters
    ----------
    file : name of the weights' file
    sha256 : its checksum
    """
    objects = recipe.targets == "objects"
    queries = recipe.kind == "queries"
    task = "instance" if objects else "semantic"
    named = {"taxonomy": recipe.taxonomy} if recipe.taxonomy else {"classes": recipe.class_names}
    shown = recipe.network if recipe.encoder is None else f"{recipe.network}, {recipe.encoder}"
    return ModelSpec(
        name=recipe.name,
        title=f"{recipe.name}: {shown}, trained by a recipe",
        family="panoptic" if queries else task,
        task="panoptic" if queries and objects else task,
        architecture=recipe.network if recipe.detects else None,
        file=file or f"{recipe.name}.onnx",
        sha256=sha256,
        input=InputSpec(
            height=recipe.height,
            width=recipe.width,
            resize="keep" if recipe.input == "keep" else "pad",
            stride=stride_of(recipe) if recipe.input == "keep" else 1,
            scale="255",
            mean=recipe.mean,
            std=recipe.std,
        ),
        output=OutputSpec(kind=recipe.kind, at_input=queries),
        licence=recipe.licence,
        commercial=recipe.commercial,
        data=f"{recipe.train.folder}: {recipe.train.terms}",
        source=f"a run of the recipe {recipe.name}",
        **named,  # type: ignore[arg-type]
    )
