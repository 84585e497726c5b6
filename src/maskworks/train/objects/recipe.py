"""Recipes of detectors: which pictures, which teacher, how long a step is."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from maskworks.train.recipe_file import read_recipe


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PhotoSource(_Strict):
    """A folder of pictures, of any size and without labels; a share of them by `weight`."""

    folder: str
    weight: float = Field(1.0, gt=0)


class DetectorStart(_Strict):
    """The ONNX file that the network starts from, relative to the data."""

    weights: str


class DetectorTeacher(_Strict):
    """The ONNX file whose boxes are learnt, relative to the data, and how large it sees.

    A box of a score below `sure` is no lesson; where one is above `doubt`, it is not said either
    that nothing is there.
    """

    weights: str
    size: int = Field(640, ge=64, multiple_of=32)
    sure: float = Field(0.3, gt=0, lt=1)
    doubt: float = Field(0.08, gt=0, lt=1)


class DetectorDev(_Strict):
    """Pictures with a COCO file of boxes that are measured and never learnt from."""

    pictures: str
    truth: str
    limit: int = Field(64, ge=1)


class DetectorRecipe(_Strict):
    """A training of the detector, as read from a TOML file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    task: Literal["objects"]
    size: int = Field(416, ge=64, multiple_of=32)
    context: int = Field(1, ge=0)
    batch: int = Field(4, ge=1)
    lr: float = Field(gt=0)
    new_lr: float = Field(gt=0)  # of the layers that were not started from a file
    ema: float = Field(0.995, ge=0, lt=1)
    freeze: tuple[str, ...] = ()
    mosaic: float = Field(0.5, ge=0, le=1)
    seed: int = 7
    init: DetectorStart
    teacher: DetectorTeacher
    dev: DetectorDev
    source: tuple[PhotoSource, ...] = Field(min_length=1)


def load_detector_recipe(path: Path) -> DetectorRecipe:
    """Read and check a recipe.

    Raises
    ------
    RecipeError
        If the file is missing, is not TOML or breaks a rule; the message names the place.
    """
    return read_recipe(path, DetectorRecipe, "recipes/objects.toml")
