"""Training recipes: what is learnt from which pictures, in which stages."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from maskworks.core.errors import RecipeError
from maskworks.train.recipe_file import read_recipe, read_toml


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Frozen):
    """One folder of pictures and how its labels are to be read.

    `label` says what lies beside a picture: a soft ``matte``, a hard ``mask``,
    a ``trimap`` (128 unknown), nothing but a ``teacher``'s opinion, or nothing
    because there is no subject (``empty``); ``alpha`` says that the picture is a
    cut-out with an alpha of its own, good for composites alone.
    """

    folder: str
    label: Literal["matte", "mask", "trimap", "alpha", "teacher", "empty"]
    weight: float = Field(1.0, ge=0)
    foreground: bool = False  # also cut out and composited over backdrops
    backdrop: bool = False  # also used behind composites
    hold_out: int = Field(0, ge=0)  # pictures the network's body never sees
    reserve: int = Field(0, ge=0)  # pictures nothing sees and nothing is chosen by: for reports
    limit: int | None = Field(None, ge=1)


class Init(_Frozen):
    """Weights to start from; `folded_norm` asks to recalibrate folded batch norms.

    `weights` is a safetensors file or an ONNX file of the same network, relative to the data;
    ``embedded:NAME`` is a network of this package, which goes on from where it stands.
    """

    weights: str
    folded_norm: bool = False
    calibration_pictures: int = Field(48, ge=4)


class Teacher(_Frozen):
    """A published network whose mattes stand in for missing labels.

    `weights` is an ONNX file as rembg runs it (U2-Net, U2-NetP), relative to the data. Its
    labels are kept, so that each picture is labelled once; with `missing` "skip" a picture
    that has no label yet is left out rather than labelled.
    """

    weights: str
    input_size: int = 320
    missing: Literal["label", "skip"] = "label"
    doubt_at_most: float = Field(0.25, gt=0)  # unsure pixels per sure subject pixel
    area: tuple[float, float] = (0.02, 0.85)  # share of the picture


class Stage(_Frozen):
    """A part of the training time at one picture size."""

    share: float = Field(gt=0, le=1)
    size: int = Field(ge=64, multiple_of=32)
    batch: int = Field(ge=1)


class Synthesis(_Frozen):
    """How often a training picture is composited, and with what."""

    share: float = Field(0.3, ge=0, le=1)
    several: float = Field(0.25, ge=0, le=1)
    drawn: float = Field(0.2, ge=0, le=1)
    glass: float = Field(0.1, ge=0, le=1)
    shadow: float = Field(0.4, ge=0, le=1)
    empty: float = Field(0.08, ge=0, le=1)  # of the composites: a backdrop or a pattern alone


class JudgeRecipe(_Frozen):
    """The confidence head: trained last, on what the finished body really reaches."""

    pictures: int = Field(1500, ge=16)
    empty: float = Field(0.2, ge=0, le=1)
    size: int = 320
    steps: int = 3000
    lr: float = 2e-3
    dropout: float = Field(0.2, ge=0, lt=1)
    weight_decay: float = Field(0.02, ge=0)
    absent_prior: float | None = Field(None, gt=0, lt=1)  # share of pictures without a subject
    presence_offset: float = 0.0  # logits; the operating point of "no subject", set on dev


class Recipe(_Frozen):
    """A whole training run, as read from a TOML file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    network: Literal["u2netp", "mobile-pyramid", "live-pyramid"]
    context: int = Field(0, ge=0)  # blocks of wide kernels that see the whole picture
    middle: int = Field(0, ge=0)  # the same at half the stride
    input_size: int = Field(320, multiple_of=32)
    mirrored_pass: bool = False  # run, it also sees the picture mirrored and smaller
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    seed: int = 7
    lr: float = Field(gt=0)
    init_lr_factor: float = Field(1.0, gt=0, le=1)  # for layers that were initialised
    weight_decay: float = Field(1e-4, ge=0)
    ema: float = Field(0.998, ge=0, lt=1)
    frozen_norm: bool = False  # batch norms are folded into the convolutions before them
    freeze: tuple[str, ...] = ()
    teacher_weight: float = Field(0.5, ge=0)
    squashed: float = Field(0.0, ge=0, le=1)  # share of pictures that lose their aspect
    pack_size: int = 384
    source: tuple[Source, ...]
    stage: tuple[Stage, ...]
    init: Init | None = None
    teacher: Teacher | None = None
    synthesis: Synthesis = Synthesis()
    judge: JudgeRecipe = JudgeRecipe()
    dev: str = "subjects/dev"
    dev_pictures: int = 12

    @property
    def remembers(self) -> bool:
        """Whether the network takes the matte of the frame before, and gives no confidence."""
        return self.network == "live-pyramid"

    def without_labelling(self) -> Recipe:
        """Return the recipe with no picture labelled anew."""
        if self.teacher is None:
            return self
        return self.model_copy(
            update={"teacher": self.teacher.model_copy(update={"missing": "skip"})}
        )

    def source_key(self, source: Source, labels: int = 0) -> str:
        """Name a source's packed pictures: equal keys share them, whatever recipe asks."""
        text = repr((source.model_dump(exclude={"weight"}), self.pack_size))
        if source.label == "teacher" and self.teacher is not None:
            text += repr((self.teacher.model_dump(exclude={"missing"}), labels))
        name = source.folder.strip("/").replace("/", "-")
        return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    Raises
    ------
    RecipeError
        If the file is missing, is not TOML or breaks a rule; the message
        names the place in the file.
    """
    recipe = read_recipe(path, Recipe, "recipes/ for examples")
    total = sum(stage.share for stage in recipe.stage)
    if abs(total - 1) > 1e-6:
        raise RecipeError(path, f"the stages' shares add up to {total:g}", "make them add up to 1")
    return recipe


def task_of(path: Path) -> str:
    """Return what a recipe trains, as its key ``task`` says; "cutout" where it says nothing.

    Raises
    ------
    RecipeError
        If the file is missing or is not TOML.
    """
    return str(read_toml(path).get("task", "cutout"))
