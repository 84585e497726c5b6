"""Any ONNX classifier of pictures, with a list that maps its classes to categories.

FOLDER/model.onnx takes (1, 3, h, w) float32 and gives (1, classes); FOLDER/classes.toml says::

    size = [224, 224]                 # height, width
    mean = [0.485, 0.456, 0.406]      # of RGB in 0 to 1
    std = [0.229, 0.224, 0.225]
    activation = "softmax"            # or "sigmoid", or "none"
    calibrated = false
    least = 0.5

    [[classes]]                       # in the order of the outputs
    name = "rifle"
    category = "avbNf2"               # an id, a name, or "none"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from maskworks.core.errors import ModelError, UsageError
from maskworks.core.toml_text import parse_toml
from maskworks.core.values import Pixels
from maskworks.models.runtimes.network import Network
from maskworks.models.runtimes.onnx import open_onnx
from maskworks.scene.signals.protocol import (
    Media,
    Missing,
    SampledFrame,
    Sighting,
    Signal,
    SignalChoices,
    SignalInfo,
)
from maskworks.scene.topics import NAMES, TopicName, topic_of

NAME = "classifier"


class _ClassRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    category: str


class ClassifierCard(BaseModel):
    """What classes.toml says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (224, 224)
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    activation: Literal["softmax", "sigmoid", "none"] = "softmax"
    calibrated: bool = False
    least: Annotated[float, Field(ge=0, le=1)] = 0.5
    classes: Annotated[tuple[_ClassRow, ...], Field(min_length=1)]


class PictureClassifier:
    """The user's network on each frame."""

    def __init__(
        self,
        network: Network,
        card: ClassifierCard,
        topics: tuple[TopicName | None, ...],
        name: str,
    ) -> None:
        self._network, self._card, self._topics = network, card, topics
        found = tuple(each for each in NAMES if each in topics)
        self.info = SignalInfo(NAME, "picture", "frames", f"classifier {name}", found)

    def examine(self, media: Media) -> Iterable[Sighting]:
        """Return the classes of a frame that have a category and reach the least score."""
        if not isinstance(media, SampledFrame):
            return ()
        scores = self.scores(media.pixels)
        rows = zip(self._card.classes, self._topics, scores, strict=True)
        return [
            Sighting(
                topic=topic,
                label=row.name,
                confidence=round(float(score), 4),
                time_ms=media.time_ms,
                duration_ms=media.duration_ms,
                source=self.info.source,
                frame_index=media.index,
                pts=media.pts,
                calibrated=self._card.calibrated,
            )
            for row, topic, score in rows
            if topic is not None and score >= self._card.least
        ]

    def scores(self, pixels: Pixels) -> NDArray[np.float32]:
        """Return a score in [0, 1] for each class of a picture, uint8 (H, W, 3) RGB.

        Raises
        ------
        ModelError
            If the network gives another number of classes than the list has.
        """
        height, width = self._card.size
        small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        scaled = (small.astype(np.float32) / 255 - self._card.mean) / self._card.std
        batch = np.ascontiguousarray(scaled.transpose(2, 0, 1)[None], np.float32)
        out = np.asarray(self._network(batch)[0], np.float32).reshape(-1)
        if out.size != len(self._card.classes):
            raise ModelError(
                f"{self.info.source}: gives {out.size} scores and classes.toml has "
                f"{len(self._card.classes)} classes; list one for each output, in order"
            )
        return _activated(out, self._card.activation)

    def finish(self) -> Iterable[Sighting]:
        """Return nothing: a frame tells all by itself."""
        return ()


def _activated(out: NDArray[np.float32], how: str) -> NDArray[np.float32]:
    if how == "softmax":
        grown = np.exp(out - out.max())
        return np.asarray(grown / grown.sum(), np.float32)
    if how == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-out)), np.float32)
    return np.clip(out, 0, 1)


def open_classifier(choices: SignalChoices) -> Signal:
    """Open the user's classifier.

    Raises
    ------
    UsageError
        If a file is missing or wrong, or a class maps to no category; the nearest is named.
    ModelError
        If ONNX Runtime cannot open the network.
    """
    if choices.classifier is None:
        return Missing(
            SignalInfo(
                NAME,
                "picture",
                "frames",
                "ONNX",
                (),
                why_not="no classifier was given (--classifier FOLDER)",
            )
        )
    folder = Path(choices.classifier)
    path = folder / "classes.toml"
    try:
        card = ClassifierCard.model_validate(parse_toml(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {at}: {first['msg']}; see docs/suitability.md") from error
    topics: tuple[TopicName | None, ...] = tuple(
        None
        if row.category == "none"
        else topic_of(row.category, where=f"{path}, class {row.name!r}").name
        for row in card.classes
    )
    if not any(topics):
        raise UsageError(f"{path}: no class maps to a category; give at least one an id or a name")
    network = open_onnx(folder / "model.onnx", threads=choices.threads)
    return PictureClassifier(network, card, topics, folder.name)
