"""The street, the room and the cells of docs/tasks.md, drawn; the coins are scikit-image's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from skimage import data

LARGE = 2
"""Everything is drawn this much larger and then reduced, so that edges are smooth."""

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]


class Drawing:
    """A canvas of (height, width) in the coordinates of the finished picture."""

    def __init__(self, size: tuple[int, int], colour: Colour, seed: int) -> None:
        self.size = size
        self.rng = np.random.default_rng(seed)
        self.image = Image.new("RGB", (size[1] * LARGE, size[0] * LARGE), colour)
        self.pen = ImageDraw.Draw(self.image)

    def shape(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """Fill a polygon of (x, y)."""
        self.pen.polygon([(x * LARGE, y * LARGE) for x, y in points], fill=colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle."""
        self.shape([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def disc(self, x: float, y: float, radius: tuple[float, float], colour: Colour) -> None:
        """Fill an ellipse."""
        edges = (x - radius[0], y - radius[1], x + radius[0], y + radius[1])
        self.pen.ellipse([edge * LARGE for edge in edges], fill=colour)

    def shade(self, mask: Image.Image, colour: Colour) -> None:
        """Put a colour where the mask is, as strongly as it is."""
        self.image.paste(Image.new("RGB", self.image.size, colour), mask=mask)
        self.pen = ImageDraw.Draw(self.image)

    def shadow(self, x: float, y: float, radius: tuple[float, float]) -> None:
        """Put a soft shadow below something."""
        mask = Image.new("L", self.image.size)
        edges = (x - radius[0], y - radius[1], x + radius[0], y + radius[1])
        ImageDraw.Draw(mask).ellipse([edge * LARGE for edge in edges], fill=130)
        self.shade(mask.filter(ImageFilter.GaussianBlur(4 * LARGE)), (15, 15, 20))

    def leaves(self, x: float, y: float, spread: float, colour: Colour) -> None:
        """Draw foliage: many small discs of like colours."""
        for _ in range(420):
            turn, far = self.rng.uniform(0, 2 * np.pi), spread * self.rng.uniform() ** 0.6 * 0.7
            away = far * np.cos(turn), far * np.sin(turn) * 0.8
            tone = self.rng.uniform(0.6, 1.25)
            near = tuple(int(min(255, part * tone)) for part in colour)
            self.disc(x + away[0], y + away[1], (4, 3.4), (near[0], near[1], near[2]))

    def pixels(self) -> Pixels:
        """Return the picture as a camera gives it: a little soft, with noise."""
        small = self.image.resize((self.size[1], self.size[0]), Image.Resampling.LANCZOS)
        soft = np.asarray(small.filter(ImageFilter.GaussianBlur(0.6)), np.float32)
        coarse = self.rng.normal(0, 2.5, (self.size[0] // 8 + 1, self.size[1] // 8 + 1))
        cloud = Image.fromarray(coarse.astype(np.float32)).resize((self.size[1], self.size[0]))
        noise = self.rng.normal(0, 4, (*self.size, 1)) + np.asarray(cloud)[..., np.newaxis]
        return np.clip(np.rint(soft + noise), 0, 255).astype(np.uint8)


def street() -> Pixels:
    """Draw a street in a town: houses, trees, cars, people, a lamp."""
    canvas = Drawing((360, 480), (196, 214, 232), 3)
    for top in range(60):
        tone = 150 + top
        canvas.box(0, 2.4 * top, 480, 2.4 * top + 3, (tone - 20, tone, 225 + top // 3))
    _houses(canvas)
    canvas.shape([(0, 360), (0, 250), (205, 178), (275, 178), (480, 250), (480, 360)],
                 (152, 147, 140))  # fmt: skip
    canvas.shape([(60, 360), (218, 178), (262, 178), (420, 360)], (86, 87, 92))
    for near, wide in ((186, 1), (198, 1.6), (216, 2.4), (246, 3.6), (296, 6)):
        canvas.shape([(240 - wide / 2, near), (240 + wide / 2, near),
                      (240 + wide, near * 1.06), (240 - wide, near * 1.06)],
                     (226, 224, 214))  # fmt: skip
    canvas.box(388, 190, 394, 240, (84, 66, 50))
    canvas.leaves(391, 158, 62, (62, 98, 44))
    canvas.box(96, 186, 100, 222, (84, 66, 50))
    canvas.leaves(98, 160, 48, (70, 108, 50))
    _car(canvas, 176, 258, 54, (150, 28, 34))
    _car(canvas, 300, 214, 25, (40, 62, 120))
    _car(canvas, 214, 196, 13, (210, 210, 214))
    canvas.box(442, 96, 446, 268, (58, 60, 64))
    canvas.shape([(446, 98), (420, 92), (420, 97), (446, 104)], (58, 60, 64))
    _person(canvas, 60, 286, 62, (46, 52, 88))
    _person(canvas, 420, 262, 46, (120, 40, 52))
    return canvas.pixels()


def _houses(canvas: Drawing) -> None:
    tones = ((158, 108, 84), (190, 172, 146), (140, 92, 74), (176, 160, 150))
    for at, (tone, far) in enumerate(zip(tones, (0, 46, 92, 132), strict=True)):
        for side in (-1, 1):
            outer, inner = 240 + side * (250 - far), 240 + side * (204 - far)
            low_outer, low_inner = 262 - far * 0.46, 246 - far * 0.44
            top = 24 + far * 0.62 + 9 * ((at + side) % 2)
            canvas.shape([(outer, top - 16), (inner, top), (inner, low_inner),
                          (outer, low_outer)], tone)  # fmt: skip
            for row in range(3):
                for column in range(2):
                    share = (column + 0.3) / 2
                    x = outer + (inner - outer) * share
                    wide = (inner - outer) * 0.18
                    y = top + 10 + row * (low_inner - top - 30) / 3
                    high = (low_inner - top) / 8
                    canvas.shape([(x, y), (x + wide, y), (x + wide, y + high),
                                  (x, y + high)], (64, 76, 92))  # fmt: skip


def _car(canvas: Drawing, x: float, y: float, half: float, colour: Colour) -> None:
    """Draw a car from behind, its wheels on the line `y`."""
    dark = (colour[0] // 2, colour[1] // 2, colour[2] // 2)
    canvas.shadow(x, y, (half * 1.1, half * 0.12))
    for side in (-0.72, 0.72):
        canvas.box(x + side * half - half * 0.14, y - half * 0.3, x + side * half + half * 0.14, y,
                   (22, 22, 24))  # fmt: skip
    canvas.box(x - half, y - half * 0.72, x + half, y - half * 0.16, colour)
    canvas.shape([(x - half * 0.9, y - half * 0.7), (x - half * 0.66, y - half * 1.3),
                  (x + half * 0.66, y - half * 1.3), (x + half * 0.9, y - half * 0.7)],
                 colour)  # fmt: skip
    canvas.shape([(x - half * 0.74, y - half * 0.74), (x - half * 0.56, y - half * 1.2),
                  (x + half * 0.56, y - half * 1.2), (x + half * 0.74, y - half * 0.74)],
                 (44, 52, 60))  # fmt: skip
    canvas.box(x - half, y - half * 0.3, x + half, y - half * 0.18, dark)
    for side in (-1, 1):
        canvas.box(x + side * half * 0.9 - half * 0.1, y - half * 0.62,
                   x + side * half * 0.9 + half * 0.1, y - half * 0.44, (220, 60, 50))  # fmt: skip
    canvas.box(x - half * 0.22, y - half * 0.5, x + half * 0.22, y - half * 0.38, (232, 230, 220))


def _person(canvas: Drawing, x: float, y: float, tall: float, colour: Colour) -> None:
    """Draw somebody who stands on the line `y`."""
    canvas.shadow(x, y, (tall * 0.2, tall * 0.04))
    for side in (-0.05, 0.05):
        canvas.box(x + side * tall - tall * 0.045, y - tall * 0.48, x + side * tall + tall * 0.04,
                   y, (36, 38, 48))  # fmt: skip
    canvas.shape([(x - tall * 0.14, y - tall * 0.82), (x + tall * 0.14, y - tall * 0.82),
                  (x + tall * 0.11, y - tall * 0.44), (x - tall * 0.11, y - tall * 0.44)],
                 colour)  # fmt: skip
    canvas.disc(x, y - tall * 0.91, (tall * 0.065, tall * 0.085), (196, 152, 126))


def room() -> Pixels:
    """Draw a living room: a sofa, a lamp, a table, a plant, a window, a picture on the wall."""
    canvas = Drawing((360, 480), (214, 206, 190), 7)
    canvas.shape([(0, 268), (480, 268), (480, 360), (0, 360)], (150, 104, 66))
    for x in range(-240, 720, 44):
        canvas.shape([(240 + (x - 240) * 0.62, 268), (242 + (x - 240) * 0.62, 268), (x + 2, 360),
                      (x, 360)], (116, 78, 48))  # fmt: skip
    canvas.box(0, 260, 480, 268, (240, 238, 232))
    canvas.box(34, 40, 134, 180, (246, 246, 244))
    canvas.box(42, 48, 126, 172, (168, 204, 236))
    canvas.box(82, 48, 86, 172, (246, 246, 244))
    canvas.box(42, 108, 126, 112, (246, 246, 244))
    canvas.box(232, 56, 322, 122, (70, 48, 36))
    canvas.box(239, 63, 315, 115, (228, 196, 120))
    canvas.disc(296, 82, (11, 11), (206, 84, 50))
    canvas.disc(232, 330, (170, 26), (132, 50, 56))
    canvas.disc(232, 330, (150, 21), (172, 84, 82))
    canvas.shadow(270, 306, (120, 9))
    canvas.box(164, 190, 376, 262, (56, 92, 112))
    canvas.box(150, 214, 180, 300, (46, 78, 98))
    canvas.box(360, 214, 390, 300, (46, 78, 98))
    canvas.box(176, 250, 364, 296, (72, 112, 132))
    canvas.box(268, 250, 271, 296, (48, 80, 98))
    canvas.shape([(196, 212), (232, 206), (238, 248), (202, 252)], (222, 168, 62))
    canvas.shadow(226, 334, (62, 7))
    canvas.disc(226, 306, (64, 12), (94, 60, 38))
    for leg in (186, 264):
        canvas.box(leg, 312, leg + 5, 338, (70, 44, 28))
    canvas.box(216, 288, 230, 306, (236, 236, 232))
    canvas.box(432, 150, 437, 306, (52, 50, 50))
    canvas.disc(434, 308, (20, 5), (52, 50, 50))
    canvas.shape([(412, 104), (458, 104), (472, 152), (398, 152)], (250, 232, 178))
    canvas.shape([(62, 268), (112, 268), (104, 318), (70, 318)], (186, 96, 62))
    canvas.leaves(87, 232, 44, (52, 110, 58))
    return canvas.pixels()


def cells() -> Pixels:
    """Draw the nuclei of cells as a fluorescence microscope shows them, some of them touching."""
    rng = np.random.default_rng(11)
    height, width = 360, 480
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    light = np.full((height, width), 14, np.float32) + 6 * np.sin(columns / 170) * np.cos(
        rows / 140
    )
    for y in range(34, height, 62):
        for x in range(36, width, 66):
            if rng.random() < 0.12:
                continue
            centre = np.array([y, x]) + rng.uniform(-17, 17, 2)
            long, short, turn = rng.uniform(17, 25), rng.uniform(12, 17), rng.uniform(0, np.pi)
            down, right = rows - centre[0], columns - centre[1]
            along = (right * np.cos(turn) + down * np.sin(turn)) / long
            across = (down * np.cos(turn) - right * np.sin(turn)) / short
            away = np.hypot(along, across)
            spots = 1 + 0.1 * np.sin(right / 3.1 + x) * np.cos(down / 2.7 + y)
            inside = 1 / (1 + np.exp((away - 1) * 14))
            light = np.maximum(light, inside * rng.uniform(110, 215) * spots)
    counted = rng.poisson(np.maximum(light, 0) * 1.6) / 1.6
    grey = np.clip(np.rint(counted), 0, 255).astype(np.uint8)
    return np.stack([grey // 5, grey // 3, grey], axis=2)


def coins() -> Pixels:
    """Return scikit-image's Greek coins of Pompeii (no known copyright restrictions)."""
    return np.repeat(data.coins()[..., np.newaxis], 3, axis=2)


SCENES = {"street": street, "room": room, "cells": cells, "coins": coins}
