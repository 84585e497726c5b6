"""Where the labelled pictures of a recipe lie, and how their labels are stored."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class FrozenTable(BaseModel):
    """A table of a recipe; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Format = Literal["png", "voc", "cityscapes", "ade20k", "coco", "coco-panoptic", "drawn"]

_SPLIT = ("voc", "cityscapes", "ade20k")
_LABELS = ("coco", "coco-panoptic")
BACKGROUND = "background"


class Pictures(FrozenTable):
    """Where labelled pictures lie and how their labels are stored.

    ``png``: pictures in `folder`, ids as PNG of the same stem beside them or in `labels`.
    ``voc``: the folder of a VOC year, `split` a list in ImageSets/Segmentation.
    ``cityscapes``: the folder that holds leftImg8bit and gtFine, labelIds read as train ids.
    ``ade20k``: the folder that holds images and annotations, `split` training or validation.
    ``coco``: pictures in `folder`, objects in the file `labels`; classes go by name. What is no
    object is the class "background", which comes first if it is not named; with `uncovered` =
    "ignore" it is without a label. With `damaged` = "ignore" masks that are none are left out.
    ``coco-panoptic``: likewise, with the PNGs in a folder called as `labels` without ".json".
    ``drawn``: nothing is read; `count` pictures are drawn, `folder` is what: one of
    `maskworks.train.labels.drawing.DRAWINGS`. Other `seed`, other pictures.

    With `binary` PNGs are masks, of 0 and 1 or of 0 and 255: the second class is inside.
    With `list` only the pictures that a text file names count, one name without suffix a line.
    Of a `limit` the pictures are spread evenly over the sorted names. With `others` = "ignore"
    what a COCO file calls by a name that is no class is without a label, instead of an error.
    `share`, `deal` and `side` are what a recipe's `split` makes of its one table: this side of the
    pictures, of which `share` are dealt to dev by the seed `deal`. `terms` is what the model's
    card says of where the pictures come from.
    """

    folder: str
    format: Format = "png"
    labels: str | None = None
    split: str | None = None
    list: str | None = None
    others: Literal["refuse", "ignore"] = "refuse"
    uncovered: Literal["background", "ignore"] = "background"
    damaged: Literal["refuse", "ignore"] = "refuse"
    binary: bool = False
    count: int | None = Field(None, ge=1)
    seed: int = 0
    share: float | None = Field(None, gt=0, lt=1)
    deal: int = 0
    side: Literal["train", "dev"] = "train"
    limit: int | None = Field(None, ge=1)
    long_side: int | None = Field(None, ge=32)
    terms: str = Field("not stated by whoever trained it", min_length=1)

    @model_validator(mode="after")
    def _format_fits(self) -> Self:
        needs = {
            "split": self.format in _SPLIT,
            "labels": self.format in _LABELS,
            "count": self.format == "drawn",
        }
        for key, needed in needs.items():
            given = getattr(self, key) is not None
            if given != needed and not (key == "labels" and self.format == "png"):
                rule = f"needs {key}" if needed else f"takes no {key}"
                message = f"format {self.format!r} {rule}"
                raise ValueError(message)
        if self.binary and self.format != "png":
            message = f"format {self.format!r} is never binary"
            raise ValueError(message)
        return self

    @property
    def has_ground(self) -> bool:
        """Whether what nothing covers is a class of its own."""
        return self.format == "coco" and self.uncovered == "background"
