"""Draw training samples from a pack, by the recipe's weights and a seed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from maskworks.models.families.saliency import rectangle
from maskworks.train.mattes.augment import (
    Bytes,
    Generator,
    Sample,
    Shape,
    damaged,
    random_view,
    relit,
)
from maskworks.train.mattes.compose import (
    composite,
    drawn_object,
    pattern,
    photo_backdrop,
    plain_backdrop,
)
from maskworks.train.mattes.pack import Entry, Pack
from maskworks.train.mattes.recipe import Recipe

Batch = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]

ALIKE = 0.25
"""Difference of two aspects, as logarithms, that a picture may be cropped or filled by."""

_ASPECTS = (-0.58, -0.4, -0.4, -0.29, 0.0, 0.0, 0.0, 0.29, 0.29, 0.4, 0.4, 0.58)
"""Logarithms of height by width that batches are drawn with: 9:16, 2:3, 3:4, square and back."""


class Sampler:
    """Draws one `Sample` at a time.

    Parameters
    ----------
    held_out : draw from the pictures that the network's body never sees
    hard : damage pictures more, as the confidence head needs
    empty : draw subject-free pictures only
    """

    def __init__(
        self,
        pack: Pack,
        recipe: Recipe,
        *,
        held_out: bool = False,
        hard: bool = False,
        empty: bool = False,
    ) -> None:
        self.pack, self.recipe, self.hard, self.empty = pack, recipe, hard, empty
        groups: dict[int, list[Entry]] = {}
        backdrops: list[Entry] = []
        for entry in pack.entries:
            source = recipe.source[entry.source]
            if empty and source.label != "empty":
                continue
            if source.backdrop and not entry.held_out:
                backdrops.append(entry)
            # Held-out subject-free pictures are kept for the final measurement alone.
            if entry.held_out == held_out and not (held_out and source.label == "empty"):
                groups.setdefault(entry.source, []).append(entry)
        self.groups = groups
        self.sources = sorted(groups)
        weights = np.array([recipe.source[s].weight for s in self.sources], np.float64)
        self.odds = weights / weights.sum()
        self.foregrounds = [e for g in groups.values() for e in g if e.foreground_at >= 0]
        self.backdrops = backdrops
        self.photos = [
            e for s, g in groups.items() if recipe.source[s].label == "teacher" for e in g
        ]
        self.photos = self.photos or self.backdrops
        general = [e for e in pack.entries if recipe.source[e.source].label in ("mask", "teacher")]
        self.surroundings = [e for e in general if not e.held_out] or self.backdrops
        self.fill = tuple(round(255 * m) for m in recipe.mean)

    def draw(self, shape: Shape, rng: Generator, *, plain: bool = False) -> Sample:
        """Draw one sample of `shape` (h, w) pixels; `plain` leaves geometry and light alone."""
        rules = self.recipe.synthesis
        if self.empty and rng.random() < 0.5:
            pixels = self._bare(shape, rng)
            matte = np.zeros(shape, np.uint8)
            known, subject, truth = np.ones_like(matte), 0, 1
        elif not plain and self.foregrounds and self.backdrops and rng.random() < rules.share:
            pixels, matte = self._composited(shape, rng)
            known, subject, truth = np.ones_like(matte), int((matte > 127).mean() > 0.002), 1
        else:
            pixels, matte, known, subject, truth = self._photographed(shape, rng, plain=plain)
        if not plain:
            pixels = relit(pixels, rng) if rng.random() < 0.6 else pixels
            pixels = damaged(pixels, rng, hard=self.hard)
        return Sample(pixels, matte, known, subject, truth)

    def _photographed(
        self, shape: Shape, rng: Generator, *, plain: bool
    ) -> tuple[Bytes, Bytes, Bytes, int, int]:
        source = self.sources[rng.choice(len(self.sources), p=self.odds)]
        entry = self._of_aspect(self.groups[source], shape, rng)
        label = self.recipe.source[source].label
        matte = self.pack.matte(entry)
        known = np.full_like(matte, 255)
        if label == "trimap":
            known[matte == 128] = 0
        views = random_view(
            [self.pack.pixels(entry), matte, known],
            shape,
            rng,
            [self.fill, 0, 255],
            plain=plain or rng.random() < self.recipe.squashed,
        )
        if label == "empty":
            return views[0], views[1], (views[2] > 250).astype(np.uint8), 0, 1
        area = float((views[1] > 127).mean())
        subject = 1 if area > 0.01 else -1
        return (
            views[0],
            views[1],
            (views[2] > 250).astype(np.uint8),
            subject,
            int(label != "teacher"),
        )

    @staticmethod
    def _of_aspect(group: list[Entry], shape: Shape, rng: Generator) -> Entry:
        """Draw a picture of about the batch's aspect, which it then fills; any, if few are."""
        drawn = [group[number] for number in rng.integers(len(group), size=6)]
        wanted = np.log(shape[0] / shape[1])
        near = [e for e in drawn if abs(np.log(e.height / e.width) - wanted) < ALIKE]
        return near[0] if near else drawn[0]

    def _composited(self, shape: Shape, rng: Generator) -> tuple[Bytes, Bytes]:
        rules = self.recipe.synthesis
        draw = rng.random()
        if rng.random() < rules.empty:
            return self._bare(shape, rng), np.zeros(shape, np.uint8)
        if draw < 0.55:
            chosen = self.backdrops[rng.integers(len(self.backdrops))]
            backdrop = photo_backdrop(self.pack.pixels(chosen), shape, rng, blur=rng.random() < 0.2)
        elif draw < 0.8:
            chosen = self.photos[rng.integers(len(self.photos))]
            backdrop = photo_backdrop(self.pack.pixels(chosen), shape, rng, blur=True)
        else:
            backdrop = plain_backdrop(shape, rng)
        count = int(rng.integers(2, 4)) if rng.random() < rules.several else 1
        return composite(backdrop, [self._subject(shape, rng) for _ in range(count)], rules, rng)

    def _bare(self, shape: Shape, rng: Generator) -> Bytes:
        """Draw a picture without a subject: what lies beside one, a pattern, a plain backdrop."""
        draw = rng.random()
        if draw < 0.15:
            return plain_backdrop(shape, rng)
        chosen = self.surroundings[rng.integers(len(self.surroundings))]
        pixels, matte = self.pack.pixels(chosen), self.pack.matte(chosen)
        for _ in range(40 if draw < 0.8 else 0):
            share = rng.uniform(0.25, 0.7)
            rows, columns = (max(16, int(side * share)) for side in matte.shape)
            top = rng.integers(0, max(1, matte.shape[0] - rows + 1))
            left = rng.integers(0, max(1, matte.shape[1] - columns + 1))
            part = (slice(top, top + rows), slice(left, left + columns))
            if matte[part].max() < 26:
                beside = np.ascontiguousarray(pixels[part])
                return random_view([beside], shape, rng, [(128, 128, 128)], plain=True)[0]
        return pattern(pixels, shape, rng)

    def _subject(self, shape: Shape, rng: Generator) -> tuple[Bytes, Bytes]:
        rules = self.recipe.synthesis
        if rng.random() < rules.drawn:
            chosen = self.photos[rng.integers(len(self.photos))]
            side = min(shape)
            texture = photo_backdrop(self.pack.pixels(chosen), (side, side), rng, blur=False)
            return drawn_object(texture, rng, glass=rng.random() < rules.glass)
        entry = self.foregrounds[rng.integers(len(self.foregrounds))]
        return self.pack.foreground(entry), self.pack.matte(entry)


class _Stream(IterableDataset[Batch]):
    def __init__(self, sampler: Sampler, size: int, batch: int, seed: int) -> None:
        self.sampler, self.size, self.batch, self.seed = sampler, size, batch, seed

    def __iter__(self) -> Iterator[Batch]:
        torch.set_num_threads(1)
        rng = np.random.default_rng(self.seed)
        while True:
            shape = any_rectangle(self.size, rng)
            yield stacked([self.sampler.draw(shape, rng) for _ in range(self.batch)])


def any_rectangle(size: int, rng: Generator) -> Shape:
    """Draw the (h, w) of a batch: as photos come, of the area of a `size` square."""
    return rectangle(size, float(np.exp(rng.choice(_ASPECTS))))


def stacked(samples: list[Sample]) -> Batch:
    """Stack samples: pixels (N, h, w, 3) uint8, matte and known (N, h, w) uint8, subject, truth."""
    return (
        torch.from_numpy(np.stack([s.pixels for s in samples])),
        torch.from_numpy(np.stack([s.matte for s in samples])),
        torch.from_numpy(np.stack([s.known for s in samples])),
        torch.tensor([s.subject for s in samples]),
        torch.tensor([s.truth for s in samples]),
    )


def scaled(pixels: Tensor) -> Tensor:
    """Map uint8 (N, h, w, 3) to float32 (N, 3, h, w) in [0, 1]."""
    return pixels.permute(0, 3, 1, 2).float() / 255


def stream(
    sampler: Sampler, size: int, batch: int, seed: int, *, workers: int = 1
) -> Iterator[Batch]:
    """Yield batches for ever; the same seed and one worker give the same batches."""
    source = _Stream(sampler, size, batch, seed)
    if workers == 0:
        return iter(source)
    loader = DataLoader(source, batch_size=None, num_workers=1, prefetch_factor=4)
    return iter(loader)
