"""The recipe of a network of label maps: which pictures, which network, which losses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from maskworks.core.taxonomy import load_taxonomy
from maskworks.train.labels.network_names import MASK2FORMER, network_misfit
from maskworks.train.labels.pictures import BACKGROUND, FrozenTable, Pictures
from maskworks.train.recipe_file import read_recipe

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]


class Start(FrozenTable):
    """Weights to start from.

    `rows` fills the last layer: for each class of ours the classes of the weights' last layer
    whose mean it takes; without it a last layer of another size starts fresh.
    """

    weights: str
    rows: tuple[tuple[int, ...], ...] = ()
    lr_factor: float = Field(1.0, gt=0, le=1)
    recalibrate: int = Field(0, ge=0)  # batches to measure the batch norms anew on


class Losses(FrozenTable):
    """How much of each loss, and how the cross-entropy weighs classes.

    `class_weights` "balanced" is the square root of the median frequency over a class's own,
    between 0.4 and 3 times. `stride` compares at every n-th pixel of the labels, where a network
    answers that coarsely; `pixels` are drawn for Lovasz, which sorts them. `depth` is that of
    the depth inside objects, where the targets are objects.
    """

    cross_entropy: Weight = 1.0
    dice: Weight = 0.0
    lovasz: Weight = 0.0
    focal: Weight = 0.0
    boundary: Weight = 0.0
    smoothing: float = Field(0.0, ge=0, lt=1)
    gamma: float = Field(2.0, ge=0)
    class_weights: Literal["none", "balanced"] | tuple[float, ...] = "none"
    depth: Weight = 1.0
    stride: Literal[1, 2] = 1
    pixels: int = Field(40_000, ge=100)


class Views(FrozenTable):
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


class LabelStage(FrozenTable):
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


class QueryRecipe(FrozenTable):
    """What a network of queries is made of; the defaults are those of Mask2Former's paper.

    `count` queries find an object or a class each; all is `width` channels wide, with
    `encoder_layers` that mix the encoder's maps and `layers` in which queries look at them.
    Masks are compared at `points` drawn anew each time.
    """

    count: int = Field(100, ge=1)
    width: int = Field(256, ge=32, multiple_of=32)
    encoder_layers: int = Field(6, ge=1)
    layers: int = Field(9, ge=1)
    points: int = Field(12_544, ge=16)


Kind = Literal["class-logits", "class-depth", "detections", "queries"]


class LabelRecipe(FrozenTable):
    """A whole training run, as read from a TOML file; an unknown key is an error.

    With `steps` the schedule follows the steps and is the same however often the run is
    stopped; without, it follows the clock and ends when the minutes are used.

    `network` is one of ours ("unet", "espnetv2", `channels` wide), "smp/NAME" with an `encoder`
    (segmentation_models_pytorch: unet, deeplabv3plus, segformer, fpn ...), "torchvision/NAME"
    (fcn_resnet50, maskrcnn_resnet50_fpn ...) or "transformers/mask2former" with an `encoder`.
    `targets` "objects" tells touching objects of a class apart: labels are then ids of objects
    (of COCO, or 16-bit PNG, 0 the background), and the first class is called background; a
    network of queries needs none with labels of COCO, panoptic ones among them. `input` "keep"
    gives the network pictures at their own size, "fit" resizes them into `height` x `width`.

    With `split`, a share, there is no `dev`: the pictures of `train` are dealt by `seed`, whole
    groups at a time where names without their last number show groups.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    task: Literal["labels"]
    licence: str = Field("LicenseRef-unknown", min_length=1)  # of the weights
    commercial: bool = False  # whether that licence allows it
    network: str
    encoder: str | None = None
    channels: int = Field(16, ge=4, le=128)
    targets: Literal["classes", "objects"] = "classes"
    taxonomy: str | None = None
    classes: tuple[str, ...] = ()
    ignore: int = Field(255, ge=0, le=65535)
    split: float | None = Field(None, gt=0, lt=1)
    train: Pictures
    dev: Pictures
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    height: int = Field(ge=32)  # of the exported network's input
    width: int = Field(ge=32)
    input: Literal["fit", "keep"] = "fit"
    precision: Literal["float32", "bfloat16"] = "float32"
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
    dev_steps: int | None = Field(None, ge=1)  # from one score on dev to the next; None an epoch
    examples: int = Field(4, ge=0)  # dev pictures that are drawn with every score
    patience: int | None = Field(None, ge=1)  # dev scores without a new best before it stops
    seed: int = 7
    start: Start | None = None
    losses: Losses = Losses()
    queries: QueryRecipe = QueryRecipe()
    views: Views = Views()
    stage: tuple[LabelStage, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _dealt(cls, given: Any) -> Any:  # noqa: ANN401 - what a file holds
        """Make train and dev of the one table that a split divides."""
        if not isinstance(given, dict) or given.get("split") is None:
            return given
        if "dev" in given:
            message = "split divides the pictures of train; take split or dev out"
            raise ValueError(message)
        whole = given.get("train")
        if not isinstance(whole, dict):
            return given
        both = {
            "share": given["split"],
            "deal": given.get("seed", cls.model_fields["seed"].default),
        }
        sides = {side: {**whole, **both, "side": side} for side in ("train", "dev")}
        return given | sides

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.taxonomy is None) == (not self.classes):
            message = "name the classes by either taxonomy or classes, and not both"
            raise ValueError(message)
        if self._ground_is_implied and BACKGROUND not in self.class_names:
            message = f"{self.taxonomy} has no background, which is what COCO leaves out; "
            message += "name classes, or say uncovered = 'ignore' in train and dev"
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

    @model_validator(mode="after")
    def _network_fits(self) -> Self:
        message = network_misfit(self.network, self.encoder)
        if message is None and self.targets == "objects" and not self._separates_objects:
            message = "with targets 'objects' the first class is called background"
        if message is None:
            message = self._own_misfit()
        if message is not None:
            raise ValueError(message)
        return self

    @property
    def _separates_objects(self) -> bool:
        """Whether the labels say what is no object: by a background, or by COCO's categories."""
        formats = {self.train.format, self.dev.format}
        of_coco = self.kind == "queries" and formats <= {"coco", "coco-panoptic"}
        return of_coco or self.class_names[0] == BACKGROUND

    def _own_misfit(self) -> str | None:
        """Return what does not go with a network of objects or queries, or None."""
        called, queries = self.network, self.kind == "queries"
        own = queries or self.detects  # a loss
        rows = self.start is not None and bool(self.start.rows)
        rules = {
            f"queries is for {MASK2FORMER}, not for {called}": "queries" in self.model_fields_set
            and not queries,
            f"{called} finds objects; say targets = 'objects'": self.detects
            and self.targets != "objects",
            f"{called} has no bfloat16 on every device; say precision = 'float32'": self.detects
            and self.precision != "float32",
            f"{called} has its own loss; take [losses] out": own
            and "losses" in self.model_fields_set,
            f"start.rows fills a last layer of classes, {called} has another; take it out": own
            and rows,
            f"{called} is exported for one size; say input = 'fit'": queries
            and self.input != "fit",
        }
        return next((message for message, broken in rules.items() if broken), None)

    @property
    def kind(self) -> Kind:
        """What the network answers, as `maskworks.models.spec.OutputSpec` calls it."""
        if self.network == MASK2FORMER:
            return "queries"
        if self.network.startswith("torchvision/maskrcnn"):
            return "detections"
        return "class-depth" if self.targets == "objects" else "class-logits"

    @property
    def detects(self) -> bool:
        """Whether the network answers boxes and masks, rather than a value for each pixel."""
        return self.kind == "detections"

    @property
    def outputs(self) -> int:
        """How many channels the network answers: the classes, and the depth inside objects."""
        return len(self.class_names) + (self.kind == "class-depth")

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of their ids; a background that COCO implies."""
        if self.taxonomy is None:
            implied = self._ground_is_implied and BACKGROUND not in self.classes
            return (BACKGROUND, *self.classes) if implied else self.classes
        return tuple(each.name for each in load_taxonomy(self.taxonomy).categories)

    @property
    def _ground_is_implied(self) -> bool:
        return self.kind != "queries" and (self.train.has_ground or self.dev.has_ground)

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
    return read_recipe(path, LabelRecipe, "recipes/street.toml")
