"""Progress listeners, the log and TensorBoard, and example pictures of a run."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from maskworks.core.taxonomy import Taxonomy, colour_of
from maskworks.core.values import Image, Pixels
from maskworks.models.labelling import Labelled


@dataclass(frozen=True)
class Tick:
    """Where a run is: `share` in [0, 1] of it, and how it does; `dev` None before a score."""

    share: float
    step: int
    loss: float
    speed: float
    dev: tuple[str, float] | None = None


@dataclass(frozen=True)
class ProgressListener:
    """Progress callbacks: `say` gets whole lines, `tick` every step."""

    say: Callable[[str], None] = lambda _: None
    tick: Callable[[Tick], None] = lambda _: None


class Log:
    """``log.csv`` and TensorBoard's events in a run's folder, one row a dev score.

    Rows behind `step`, where a run is taken up again, are dropped: they will be written anew.
    Without the package tensorboard the CSV is all, and `missing` says so.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / "log.csv"
        if self.path.exists():
            rows = csv.reader(self.path.read_text("utf-8").splitlines())
            kept = [row for row in rows if _until(row, step)]
            with self.path.open("w", newline="", encoding="utf-8") as stream:
                csv.writer(stream).writerows(kept)
        try:
            from torch.utils.tensorboard import SummaryWriter

            self.board: SummaryWriter | None = SummaryWriter(
                str(folder / "events"), purge_step=step or None
            )
        except ImportError:
            self.board = None

    @property
    def missing(self) -> bool:
        """Whether there is no TensorBoard here."""
        return self.board is None

    def row(self, figures: Mapping[str, float | int]) -> None:
        """Write a row; every row of a run has the same figures, "step" among them."""
        new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            if new:
                writer.writerow(figures)
            writer.writerow(
                f"{value:.6g}" if isinstance(value, float) else value for value in figures.values()
            )
        if self.board is not None:
            for name, value in figures.items():
                self.board.add_scalar(name.replace(" ", "/"), value, int(figures["step"]))
            self.board.flush()

    def picture(self, name: str, pixels: Pixels, step: int) -> None:
        """Show a picture in TensorBoard."""
        if self.board is not None:
            self.board.add_image(f"examples/{name}", pixels, step, dataformats="HWC")

    def close(self) -> None:
        """Close the events' file."""
        if self.board is not None:
            self.board.close()


def _until(row: list[str], step: int) -> bool:
    return not row[:1] or not row[0].isdigit() or int(row[0]) <= step


def draw_example(image: Image, truth: NDArray[np.integer], found: Labelled) -> Pixels:
    """Return the picture, its truth and the answer side by side; objects have a colour each.

    Parameters
    ----------
    image : Image of shape (H, W)
    truth : ints (H, W): places of classes, or numbers of objects where these were found
    found : Labelled of (H, W)

    Returns
    -------
    uint8 (H, 3 W, 3)
    """
    if found.instances is None:
        table = _colours(found.labels.taxonomy)
        marks = [table[truth.clip(0, len(table) - 1)], table[_placed(found)]]
    else:
        numbers = np.zeros(image.size, np.int64)
        for at, mask in enumerate(found.instances.masks):
            numbers[mask.to_mask().inside] = at + 1
        marks = [_spread(truth), _spread(numbers)]
    pixels = image.pixels
    tinted = [np.where(m.any(2, keepdims=True), pixels // 2 + m // 2, pixels) for m in marks]
    return np.ascontiguousarray(np.hstack([pixels, *tinted]).astype(np.uint8))


def _placed(found: Labelled) -> NDArray[np.int64]:
    ids = found.labels.taxonomy.ids
    table = np.full(65536, len(ids), np.int64)
    table[list(ids)] = np.arange(len(ids))
    return np.asarray(table[found.labels.ids])


def _colours(taxonomy: Taxonomy) -> Pixels:
    """Return the colour of each class's place; black last, for pixels without a class."""
    rows = [each.colour for each in taxonomy.categories]
    return np.array([*rows, (0, 0, 0)], np.uint8)


def _spread(numbers: NDArray[np.integer]) -> Pixels:
    table = np.array([colour_of(at * 37 % 255 + 1) for at in range(256)], np.uint8)
    table[0] = 0
    return np.asarray(table[np.where(numbers > 0, (numbers - 1) % 255 + 1, 0)])


def write_jpeg(path: Path, pixels: Pixels) -> None:
    """Write a picture as JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    PilImage.fromarray(pixels).save(path, quality=88)
