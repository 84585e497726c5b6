"""One row of the catalogue: what a model expects, what it answers, and under which terms."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from maskworks.models.confidence_fit import ConfidenceFit

NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
"""What a model may be called: it names files, so no separators, spaces or capitals."""

FILE = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"

Hex64 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
SIDE_AT_MOST = 8192
Side = Annotated[int, Field(ge=1, le=SIDE_AT_MOST)]
Triple = tuple[float, float, float]


ANSWERS = {
    "saliency": ("matte", "logits"),
    "semantic": ("class-logits", "class-scores", "class-map", "matte", "logits"),
    "instance": ("detections", "class-depth", "yolo", "boxes", "yolox"),
    "panoptic": ("queries",),
}
"""What the output of each family can hold."""


class StrictRow(BaseModel):
    """Frozen, and an unknown key is an error that names its path."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class InputSpec(StrictRow):
    """How a picture becomes the network's input, (1, 3, `height`, `width`) float32.

    `resize` "pad" keeps the aspect: the long side fits, the picture is centred and the rest
    is 0 after normalisation. "squash" resizes both sides and loses the aspect. "area" keeps it:
    the input is a rectangle of the picture's aspect and of the area of `height` times `width`,
    its sides multiples of 32, so that no padding takes pixels. "keep" takes a
    picture of any size as it is, its sides filled up to a multiple of `stride`; `height` and
    `width` then say at which size it was trained. `scale` "255" divides by 255, "max" by the
    largest value of the resized picture, "1" not at all. Then `mean` is subtracted and the
    result divided by `std`, per channel R, G, B; with `order` "bgr" the channels are swapped
    last. With `layout` "nhwc" the network takes, and answers, channels last. With `previous` a
    fourth channel holds the matte of the frame before, in [0, 1], 0 where there is none. With
    `mirrored` a model of labels is shown the mirror image too, and the mean of both answers counts.
    `resample` is the filter: "area" is ours, the others are Pillow's. With `corner` a padded
    picture lies at the top left rather than in the middle; `fill` is what the padding holds after
    normalisation.
    """

    height: Side
    width: Side
    mirrored: bool = False
    previous: bool = False
    resize: Literal["pad", "squash", "area", "keep"]
    resample: Literal["area", "nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"] = (
        "area"
    )
    corner: bool = False
    fill: float = 0.0
    stride: Annotated[int, Field(ge=1, le=256)] = 1
    scale: Literal["255", "max", "1"]
    order: Literal["rgb", "bgr"] = "rgb"
    layout: Literal["nchw", "nhwc"] = "nchw"
    mean: Triple
    std: Triple

    @model_validator(mode="after")
    def _std_is_positive(self) -> Self:
        if min(self.std) <= 0:
            message = f"std must be greater than 0, got {list(self.std)}"
            raise ValueError(message)
        if self.corner and self.resize != "pad":
            message = f"corner goes with resize pad, got {self.resize!r}"
            raise ValueError(message)
        if self.previous and self.resize not in ("area", "squash"):
            message = f"previous goes with resize area or squash, got {self.resize!r}"
            raise ValueError(message)
        return self


class OutputSpec(StrictRow):
    """What the network's outputs mean, in order.

    The first is a map (1, 1, h, w), (1, h, w) or (h, w): a matte in [0, 1], or logits that a
    sigmoid turns into one. With `confidence` a predicted IoU in [0, 1] follows, with
    `presence` the probability that there is a subject at all.

    A model of labels has another first output: "class-logits" and "class-scores" (1, C, h, w),
    which a softmax turns, or need not turn, into probabilities; "class-map" (1, h, w) or
    (1, 1, h, w), integer ids; "detections", four outputs as Mask R-CNN gives them: boxes
    (n, 4) as x1 y1 x2 y2 of the input, labels (n,), scores (n,), masks (n, 1, h, w) in [0, 1],
    of the input's size or of the box's; "class-depth" (1, C + 1, h, w), the logits of C classes
    of which the first is no object, and last that of how deep a pixel lies inside its object;
    "queries", two outputs as MaskFormer gives them: classes (1, Q, C + 1), logits, the last
    that of nothing, and masks (1, Q, h, w), logits, which `at_input` says are enlarged to the
    input's size before anything else; "yolo", two outputs: (1, 4 + C + m, n), boxes as middle,
    width and height in pixels of the input, scores, weights of masks, and (1, m, h, w), the masks;
    "boxes", two outputs: boxes (1, P, 4) as x1 y1 x2 y2 of the input, and for each the score of
    every class (1, P, C), in [0, 1]; "yolox", one output (1, P, 5 + C) as YOLOX's own files give
    it: place and size in cells of strides 8, 16 and 32, objectness and classes. Of the last two,
    `masks` names the cut-out network that then cuts the object out in each box.
    """

    kind: Literal[
        "matte",
        "logits",
        "class-logits",
        "class-scores",
        "class-map",
        "detections",
        "class-depth",
        "queries",
        "yolo",
        "boxes",
        "yolox",
    ]
    masks: Annotated[str, StringConstraints(pattern=NAME)] | None = None
    at_input: bool = False
    confidence: bool = False
    presence: bool = False


class Sharpening(StrictRow):
    """The file, in the package, of a second network that sharpens the matte of the first.

    See `maskworks.models.families.sharpening`.
    """

    file: Annotated[str, StringConstraints(pattern=FILE)]
    sha256: Hex64

    @property
    def checksums(self) -> tuple[tuple[Literal["sha256", "md5"], str], ...]:
        """What the file must match."""
        return (("sha256", self.sha256),)


class ModelSpec(StrictRow):
    """One row of ``catalogue.toml``.

    The file comes from one of three places: `embedded` (`file` lies in the package),
    `url` (downloaded on demand), or neither (`file` was imported into ``MASKWORKS_HOME``).
    `licence` is the SPDX id of the weights, not of the code; `commercial` says whether that
    licence allows commercial use. The terms of the training data are another matter and
    stand in `data`.

    A model of labels names its classes, in the order of its outputs: by a `taxonomy` that
    ships, or one by one in `classes`. `architecture` is what a file of Torch weights
    (safetensors) fills: "torchvision/NAME". With `sharpening` a second, small network makes the
    matte as sharp as the input, whose colours must lie in [-1, 1]. `calibration` is how its
    confidence is calibrated on this machine, see `maskworks.models.confidence_fit`.
    """

    name: Annotated[str, StringConstraints(pattern=NAME)]
    title: Text
    family: Literal["saliency", "semantic", "instance", "panoptic"]
    task: Literal["cutout", "semantic", "instance", "panoptic"]
    architecture: Text | None = None
    taxonomy: Text | None = None
    classes: tuple[Text, ...] = ()
    file: Annotated[str, StringConstraints(pattern=FILE)] | None = None
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+/[^/\s?#]+$")] | None = None
    sha256: Hex64 | None = None
    md5: Hex32 | None = None
    bytes: Annotated[int, Field(ge=1)] | None = None
    input: InputSpec
    output: OutputSpec
    licence: Text
    commercial: bool
    data: Text
    source: Text
    card: str | None = None
    embedded: bool = False
    sharpening: Sharpening | None = None
    calibration: ConfidenceFit | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.file is None) == (self.url is None):
            message = f"{self.name}: give either file or url, and not both"
            raise ValueError(message)
        if self.embedded and self.file is None:
            message = f"{self.name}: an embedded model needs file"
            raise ValueError(message)
        if not self.embedded and not self.checksums:
            message = f"{self.name}: needs sha256 or md5, no unchecked file is ever used"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _can_be_sharpened(self) -> Self:
        rule = self.input
        colours = rule.scale == "255" and {*rule.mean, *rule.std} == {0.5}
        if self.sharpening and not (self.output.kind == "matte" and colours):
            message = f"{self.name}: sharpening needs a matte, scale 255, mean and std of 0.5"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _fits_its_family(self) -> Self:
        allowed = ANSWERS[self.family]
        if self.output.kind not in allowed:
            message = (
                f"{self.name}: a {self.family} model answers {', '.join(allowed)}, "
                f"got {self.output.kind!r}"
            )
            raise ValueError(message)
        if (self.output.kind in ("boxes", "yolox")) != (self.output.masks is not None):
            message = (
                f"{self.name}: masks names the cut-out network of a model of boxes, got "
                f"{self.output.masks!r} with {self.output.kind!r}"
            )
            raise ValueError(message)
        labels = self.family != "saliency"
        if labels and self.input.resize == "area":
            message = f"{self.name}: a model of labels needs resize pad, squash or keep"
            raise ValueError(message)
        if labels != ((self.taxonomy is None) == bool(self.classes)):
            message = f"{self.name}: name its classes by either taxonomy or classes, and not both"
            raise ValueError(message)
        rule = self.input
        if not labels and (rule.resize == "keep" or rule.scale == "1"):
            message = (
                f"{self.name}: a saliency model has resize pad, squash or area, scale 255, max"
            )
            raise ValueError(message)
        if not labels and (rule.resample != "area" or rule.corner):
            message = f"{self.name}: a saliency model has resample area, and no corner"
            raise ValueError(message)
        return self

    @property
    def origin(self) -> Literal["embedded", "release", "imported"]:
        """Where the file comes from."""
        if self.embedded:
            return "embedded"
        return "release" if self.url else "imported"

    @property
    def checksums(self) -> tuple[tuple[Literal["sha256", "md5"], str], ...]:
        """Every checksum that is known, strongest first; a file must match all of them."""
        known: list[tuple[Literal["sha256", "md5"], str]] = []
        if self.sha256:
            known.append(("sha256", self.sha256))
        if self.md5:
            known.append(("md5", self.md5))
        return tuple(known)

    @property
    def remote_name(self) -> str:
        """The file's name on the server and on a mirror."""
        return self.url.rsplit("/", 1)[1] if self.url else self.local_name

    @property
    def local_name(self) -> str:
        """The file's name in our cache; rembg's cache uses the same names."""
        return self.file or f"{self.name}.onnx"
