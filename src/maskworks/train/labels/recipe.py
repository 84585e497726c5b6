"""The recipe of a network of label maps: which pictures, which network, which losses."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from maskworks.core.errors import RecipeError
from maskworks.core.taxonomy import load_taxonomy

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pictures(_Frozen):
    """Where labelled pictures lie and how their labels are stored.

    ``png``: pictures in `folder`, ids as PNG of the same stem beside them or in `labels`.
    ``voc``: the folder of a VOC year, `split` a list in ImageSets/Segmentation.
    ``cityscapes``: the folder that holds leftImg8bit and gtFine, labelIds read as train ids.
    ``ade20k``: the folder that holds images and annotations, `split` training or validation.

    Of a `limit` the pictures are spread evenly over the sorted names.
    """

    folder: str
    format: Literal["png", "voc", "cityscapes", "ade20k"] = "png"
    labels: str | None = None
    split: str | None = None
    limit: int | None = Field(None, ge=1)
    long_side: int | None = Field(None, ge=32)

    @model_validator(mode="after")
    def _split_fits(self) -> Self:
        if (self.format == "png") == (self.split is not None):
            rule = "takes no split" if self.format == "png" else "needs split"
            message = f"format {self.format!r} {rule}"
            raise ValueError(message)
        return self


class Start(_Frozen):
    """Weights to start from.

    `rows` fills the last layer: for each class of ours the classes of the weights' last layer
    whose mean it takes; without it a last layer of another size starts fresh.
    """

    weights: str
    rows: tuple[tuple[int, ...], ...] = ()
    lr_factor: float = Field(1.0, gt=0, le=1)
    recalibrate: int = Field(0, ge=0)  # batches to measure the batch norms anew on


class Losses(_Frozen):
    """How much of each loss, and how the cross-entropy weighs classes.

    `class_weights` "balanced" is the square root of the median frequency over a class's own,
    between 0.4 and 3 times. `stride` compares at every n-th pixel of the labels, where a network
    answers that coarsely; `pixels` are drawn for Lovasz, which sorts them.
    """

    cross_entropy: Weight = 1.0
    dice: Weight = 0.0
    lovasz: Weight = 0.0
    focal: Weight = 0.0
    boundary: Weight = 0.0
    smoothing: float = Field(0.0, ge=0, lt=1)
    gamma: float = Field(2.0, ge=0)
    class_weights: Literal["none", "balanced"] | tuple[float, ...] = "none"
    stride: Literal[1, 2] = 1
    pixels: int = Field(40_000, ge=100)


class Views(_Frozen):
    """How a view is drawn from a picture; the strengths are relative, 0 switches off."""

    flip: Share = 0.5
    rise: Share = 0.0  # upside-down
    aspect: float = Field(0.08, ge=0, le=0.5)
    colour: Share = 0.8  # how often colours change at all
    brightness: Share = 0.3
    contrast: Share = 0.3
    saturation: Share = 0.5
    gamma: float = Field(0.5, ge=0, le=1)
    tint: Share = 0.08


class Stage(_Frozen):
    """A part of the training with views of one size."""

    share: float = Field(gt=0, le=1)
    height: int = Field(ge=32, multiple_of=16)
    width: int = Field(ge=32, multiple_of=16)
    batch: int = Field(ge=1)
    accumulate: int = Field(1, ge=1)
    zoom: tuple[float, float] = (1.0, 1.0)

    @model_validator(mode="after")
    def _zoom_rises(self) -> Self:
        if not 0 < self.zoom[0] <= self.zoom[1]:
            message = f"zoom is {list(self.zoom)}, it must be two rising factors above 0"
            raise ValueError(message)
        return self


class LabelRecipe(_Frozen):
    """A whole training run, as read from a TOML file; an unknown key is an error.

    With `steps` the schedule follows the steps and is the same however often the run is
    stopped; without, it follows the clock and ends when the minutes are used.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    task: Literal["labels"]
    network: Literal["espnetv2", "unet"]
    channels: int = Field(16, ge=4, le=128)
    taxonomy: str | None = None
    classes: tuple[str, ...] = ()
    ignore: int = Field(255, ge=0, le=65535)
    train: Pictures
    dev: Pictures
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    height: int = Field(ge=32)  # of the exported network's input
    width: int = Field(ge=32)
    optimizer: Literal["adamw", "sgd"] = "adamw"
    schedule: Literal["poly", "cosine"] = "poly"
    steps: int | None = Field(None, ge=1)
    warm_up: int = Field(20, ge=0)  # steps
    lr: float = Field(gt=0)
    weight_decay: float = Field(1e-2, ge=0)
    clip: float = Field(2.0, gt=0)
    ema: float = Field(0.99, ge=0, lt=1)
    frozen_norm: bool = False
    freeze: tuple[str, ...] = ()
    dev_steps: int = Field(100, ge=1)  # from one score on dev to the next
    patience: int | None = Field(None, ge=1)  # dev scores without a new best before it stops
    seed: int = 7
    start: Start | None = None
    losses: Losses = Losses()
    views: Views = Views()
    stage: tuple[Stage, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.taxonomy is None) == (not self.classes):
            message = "name the classes by either taxonomy or classes, and not both"
            raise ValueError(message)
        total = sum(stage.share for stage in self.stage)
        if abs(total - 1) > 1e-6:
            message = f"the stages' shares add up to {total:g}, make them add up to 1"
            raise ValueError(message)
        own, count = self.losses.class_weights, len(self.class_names)
        if not isinstance(own, str) and len(own) != count:
            message = f"class_weights has {len(own)} numbers, there are {count} classes"
            raise ValueError(message)
        if self.start is not None and self.start.rows and len(self.start.rows) != count:
            message = f"start.rows has {len(self.start.rows)} rows, there are {count} classes"
            raise ValueError(message)
        if self.losses.stride == 2 and self.network != "espnetv2":
            message = "losses.stride 2 is for espnetv2, which answers at half the size, "
            message += f"not for {self.network}"
            raise ValueError(message)
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their ids."""
        if self.taxonomy is None:
            return self.classes
        return tuple(each.name for each in load_taxonomy(self.taxonomy).categories)

    @property
    def unknown(self) -> int:
        """The id of pixels without a truth."""
        known = None if self.taxonomy is None else load_taxonomy(self.taxonomy).ignore
        return self.ignore if known is None else known


def load_label_recipe(path: Path) -> LabelRecipe:
    """Read and check a recipe.

    Raises
    ------
    RecipeError
        If the file is missing, is not TOML or breaks a rule; the message names the key.
    """
    try:
        return LabelRecipe.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise RecipeError(path, error.strerror or str(error), "name an existing recipe") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(path, f"is not TOML: {error}", "mend the line it names") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"]) or "the recipe"
        raise RecipeError(path, f"{place}: {first['msg']}", "see recipes/street.toml") from error
