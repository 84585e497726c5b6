"""Label one picture: every pixel, every object, or both."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from maskworks.core.errors import ModelError, UsageError
from maskworks.core.instances import Instances
from maskworks.core.label_map import LabelMap
from maskworks.core.panoptic import Panoptic
from maskworks.core.png import encode_png
from maskworks.core.public import public
from maskworks.core.reading import Limits
from maskworks.core.sources import Source, to_picture
from maskworks.core.taxonomy_words import words_in
from maskworks.core.values import Image
from maskworks.labels.writing.found import objects_of, record_of
from maskworks.labels.writing.overlay import draw_overlay
from maskworks.models.finding import only
from maskworks.models.labelling import Labelled, Segmenter, label_picture
from maskworks.models.opening import Opening
from maskworks.models.segmenters import load_segmenter
from maskworks.models.tiled_labelling import Tiles, label_tiled, tiling_for

if TYPE_CHECKING:
    from PIL import Image as PillowImage

_NO_TILES = Tiles()


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The labels of one picture.

    Parameters
    ----------
    image : Image of shape (H, W)
    """

    image: Image = field(repr=False)
    labelled: Labelled = field(repr=False)
    model: str

    @property
    def value(self) -> LabelMap | Instances | Panoptic:
        """What the task asks for: class ids, objects, or both at once."""
        return self.labelled.panoptic or self.labelled.instances or self.labelled.labels

    @property
    def labels(self) -> LabelMap:
        """A class id for each pixel, whatever the task."""
        return self.labelled.labels

    @property
    def instances(self) -> Instances | None:
        """The objects, if the task was "instance" or "panoptic"."""
        return self.labelled.instances

    @property
    def panoptic(self) -> Panoptic | None:
        """Classes and objects at once, if the task was "panoptic"."""
        return self.labelled.panoptic

    def to_coco(self) -> list[dict[str, Any]]:
        """Return the objects as COCO's results: category, score, box, mask as runs.

        Raises
        ------
        UsageError
            If no objects were asked for.
        """
        return objects_of(self._objects("to_coco"))

    def to_record(self) -> dict[str, Any]:
        """Return what `maskworks segment` writes of a picture: classes, shares, objects."""
        return record_of(self.labelled, source="picture", output="", model=self.model)

    def to_supervision(self) -> Any:  # noqa: ANN401 - a library that need not be here
        """Return the objects as `supervision.Detections`.

        Raises
        ------
        UsageError
            If no objects were asked for.
        ModelError
            If the library supervision is not installed.
        """
        import numpy as np

        things = self._objects("to_supervision")
        try:
            import supervision
        except ModuleNotFoundError as error:
            raise ModelError(
                "to_supervision needs supervision, which is not installed; "
                "`pip install supervision` brings it"
            ) from error
        height, width = self.image.size
        masks = [mask.to_mask().inside for mask in things.masks]
        stacked = np.stack(masks) if masks else np.zeros((0, height, width), bool)
        boxes = things.boxes[:, [1, 0, 3, 2]].astype(np.float32)  # x before y
        names = np.array(
            [things.taxonomy.category(int(each)).name for each in things.labels], object
        )
        return supervision.Detections(
            xyxy=boxes,
            mask=stacked,
            confidence=np.asarray(things.scores, np.float32),
            class_id=np.asarray(things.labels, int),
            data={"class_name": names},
        )

    def show(self) -> PillowImage.Image:
        """Return the picture with its labels drawn over it, for a notebook or `.save`."""
        from PIL import Image as PillowImage

        return PillowImage.fromarray(draw_overlay(self.image, self.labelled).pixels)

    def _repr_png_(self) -> bytes:
        """Show the labels over the picture in a notebook."""
        return encode_png(draw_overlay(self.image, self.labelled).pixels)

    def _objects(self, verb: str) -> Instances:
        if self.labelled.instances is None:
            raise UsageError(
                f"{verb} is for objects, and the task was {self.labelled.task!r}; "
                'give task="instance" or task="panoptic"'
            )
        return self.labelled.instances


@public
def segment(
    source: Source,
    model: Segmenter | str = "street",
    *,
    task: str = "auto",
    find: str | Sequence[str] = (),
    tiles: Tiles = _NO_TILES,
    max_pixels: int = Limits().max_pixels,
) -> Segmentation:
    """Label every pixel of a picture, every object, or both.

    Parameters
    ----------
    source : path, bytes, uint8 array, or Pillow image
        An array has red first (RGB), then alpha; give ``array[..., ::-1]`` of what OpenCV read.
    model : Segmenter or its name
        As `maskworks segment --model` takes it; a name is opened once and kept.
    task : "semantic", "instance", "panoptic" or "auto"
        By default what the model was made for.
    find : str or sequence of str
        Words for the only classes that are wanted, such as "cars, people"; all else becomes
        class 0. English, German, French or Spanish; CLIPSeg takes any English words.
    tiles : Tiles
        Into which a large picture is cut.
    max_pixels : int
        A larger picture is refused before it is decoded.

    Raises
    ------
    ImageError
        If the picture cannot be read or is too large.
    ModelError
        If the model is unknown, not on this machine, or fails.
    UsageError
        If a word means no class of the model: the nearest words that do are named.

    Examples
    --------
    >>> import numpy as np
    >>> half = np.zeros((32, 32, 3), np.uint8)
    >>> half[16:] = 200
    >>> found = segment(half, "otsu")
    >>> len(found.labels.counts()), found.labels.size
    (2, (32, 32))
    """
    picture = to_picture(source, Limits(max_pixels))
    words = words_in(find) if find else ()
    if isinstance(model, str):
        segmenter = _opened(model, words, os.getpid())
    else:
        segmenter = only(model, words) if words else model
    asked = segmenter.task(task)
    tiling = tiling_for(segmenter, picture.image.size, tiles)
    if tiling is None:
        labelled = label_picture(picture.image, segmenter, asked)
    else:
        labelled = label_tiled(picture.image, segmenter, asked, tiling)
    return Segmentation(picture.image, labelled, segmenter.name)


@lru_cache(maxsize=2)
def _opened(
    name: str,
    words: tuple[str, ...],
    process: int,  # noqa: ARG001 - a fork opens its own
) -> Segmenter:
    return load_segmenter(name, Opening(find=words))
