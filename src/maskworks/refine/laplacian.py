"""The matting Laplacian on the unknown band, as a stencil of 5x5 weights per pixel.

In every 3x3 window alpha is taken to be a linear function of the colour (Levin, Lischinski
and Weiss 2008). What a window adds for the pixels i and j is

    delta_ij - (1 + (I_i - mu)' (Sigma + epsilon / 9)^-1 (I_j - mu)) / 9

and with colours whitened by the window's own covariance it is delta_ij - (1 + z_i . z_j) / 9.
Window sums of 8-bit colours are whole numbers below 2**24, so float32 holds the covariance
exactly; only its factorisation needs float64.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from maskworks.core.values import FOREGROUND, UNKNOWN, Image, Trimap
from maskworks.refine.band import (
    PADDED,
    REACH,
    TAPS,
    TILE,
    Band,
    Field,
    Halo,
    halos,
    run,
    shifted,
)

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Factor = tuple[NDArray[np.floating], ...]

CENTRES = PADDED - 2
"""Rows and columns of 3x3 windows that touch a tile's pixels or their neighbours' rows."""
WINDOW = 9
HALF = tuple((row, column) for row in range(3) for column in range(-2, 3) if (row, column) > (0, 0))
"""One of each pair of opposite neighbours: those below, and to the right."""
SHARE = np.float32(1 - 6e-8)
"""How far a colour line is believed. One odd pixel among eight equal ones explains itself, so
that only `epsilon` ties its alpha to theirs, by less than float32 resolves; this ties it enough.
It moves alpha by less than 0.001 on average."""


@dataclass(frozen=True, eq=False)
class Laplacian:
    """The Laplacian's rows and columns of the unknown pixels, and what the sure ones add.

    Attributes
    ----------
    band : Band
    halos : one per chunk of the band
    taps : float32 (5, 5, 8, 8, c), one per chunk
        Weight of the neighbour `p - 2` rows and `q - 2` columns away; 0 where the pixel or
        its neighbour is not unknown.
    diagonal, load, unknown : field
        Centre weights; right-hand side; 1 where a pixel is unknown, else 0.
    """

    band: Band
    halos: tuple[Halo, ...]
    taps: tuple[Float32, ...]
    diagonal: Field
    load: Field
    unknown: Field

    def apply(self, field: Field, out: Field, pool: Executor | None = None) -> Field:
        """Write the Laplacian times `field` into `out` and return it."""

        def work(part: int) -> None:
            halo = self.halos[part]
            near = shifted(halo.pad(field))
            np.einsum("pqijn,pqijn->ijn", self.taps[part], near, out=out[..., halo.chunk])

        run(work, len(self.halos), pool)
        return out


def matting_laplacian(
    image: Image,
    trimap: Trimap,
    band: Band,
    *,
    epsilon: float,
    prior: tuple[Float32, float] | None = None,
    pool: Executor | None = None,
) -> Laplacian:
    """Build the Laplacian of `image` on the unknown pixels of `trimap`.

    Parameters
    ----------
    image, trimap : of shape (H, W); unknown pixels are those of `band`
    band : Band, `cover(trimap)`
    epsilon : float, > 0
        Regularisation of a window's covariance, colours in [0, 1].
    prior : (float32 (H, W) in [0, 1], float >= 0), optional
        A matte to stay near, and the weight of (alpha - prior)**2.
    pool : Executor of threads, optional

    References
    ----------
    Levin, Lischinski, Weiss, A Closed-Form Solution to Natural Image Matting, IEEE
    Transactions on Pattern Analysis and Machine Intelligence, 2008.
    """
    around = halos(band)
    taps: list[Float32] = [np.empty(0, np.float32)] * len(around)
    diagonal, load, unknown = band.field(), band.field(), band.field()

    def work(part: int) -> None:
        chunk = around[part].chunk
        patch = _read(image, trimap, band, chunk)
        weights = _stencil(_whitened(patch.colours, epsilon), patch.centres)
        here = patch.unknown[REACH:-REACH, REACH:-REACH]
        side = np.einsum("pqijn,pqijn->ijn", weights, shifted(patch.foreground))
        weights *= shifted(patch.unknown)
        weights *= here
        load[..., chunk] = -side * here
        if prior is not None:
            matte, weight = prior
            weights[REACH, REACH] += weight * here
            load[..., chunk] += weight * here * matte.reshape(-1)[patch.own]
        diagonal[..., chunk] = weights[REACH, REACH]
        unknown[..., chunk] = here
        taps[part] = weights

    run(work, len(around), pool)
    return Laplacian(band, around, tuple(taps), diagonal, load, unknown)


@dataclass(frozen=True, eq=False)
class _Patch:
    """What the picture and the trimap say around the tiles of one chunk.

    colours float32 (3, 12, 12, c) in 0..255; foreground, unknown float32 (12, 12, c), 0 or 1;
    centres float32 (10, 10, c), 1 where a whole 3x3 window lies in the picture; own int
    (8, 8, c), positions of the tiles' pixels in the flat picture.
    """

    colours: Float32
    foreground: Float32
    unknown: Float32
    centres: Float32
    own: NDArray[np.intp]


def _read(image: Image, trimap: Trimap, band: Band, chunk: slice) -> _Patch:
    height, width = band.size
    rows, columns = band.pixels(chunk, REACH)
    place = rows.clip(0, height - 1)[:, None] * width + columns.clip(0, width - 1)[None]
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))[None]
    levels = trimap.levels.reshape(-1)[place]
    colours = np.empty((3, *place.shape), np.float32)
    np.copyto(colours, np.moveaxis(image.pixels.reshape(-1, 3)[place], -1, 0))
    whole = slice(1, -1)
    fits = ((rows >= 1) & (rows < height - 1))[whole, None] & (
        (columns >= 1) & (columns < width - 1)
    )[None, whole]
    return _Patch(
        colours,
        ((levels == FOREGROUND) & inside).astype(np.float32),
        ((levels == UNKNOWN) & inside).astype(np.float32),
        fits.astype(np.float32),
        place[REACH:-REACH, REACH:-REACH],
    )


def _box(values: Float32) -> Float32:
    """Sum over 3x3 windows: (..., h, w, c) to (..., h - 2, w - 2, c)."""
    tall = values[..., :-2, :, :] + values[..., 1:-1, :, :]
    tall += values[..., 2:, :, :]
    wide = tall[..., :-2, :] + tall[..., 1:-1, :]
    wide += tall[..., 2:, :]
    return wide


def factorise(covariance: Factor) -> Factor:
    """Factorise symmetric 3x3 matrices into L D L', arrays of any shape at once.

    Takes the entries 00, 01, 02, 11, 12, 22 in float64 and returns L's 10, 20, 21 and the
    pivots 0, 1, 2.
    """
    c00, c01, c02, c11, c12, c22 = covariance
    l10, l20 = c01 / c00, c02 / c00
    pivot1 = c11 - l10 * c01
    rest = c12 - l20 * c01
    l21 = rest / pivot1
    return l10, l20, l21, c00, pivot1, c22 - l20 * c02 - l21 * rest


def _whitened(colours: Float32, epsilon: float) -> Float32:
    """Return each window's nine colours whitened, (3, 3, 3, 10, 10, c): row, column, z."""
    total = _box(colours)
    entries = []
    for a, b in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)):
        entry = _box(colours[a] * colours[b])
        entry *= WINDOW
        entry -= total[a] * total[b]  # exact: 81 times the covariance
        double = entry.astype(np.float64)
        if a == b:
            double += WINDOW * 255**2 * epsilon
        entries.append(double)
    factor = factorise(tuple(entries))
    l10, l20, l21 = (part.astype(np.float32) for part in factor[:3])
    scales = [(SHARE / np.sqrt(pivot)).astype(np.float32) for pivot in factor[3:]]
    nine = colours * np.float32(WINDOW)
    out = np.empty((3, 3, *total.shape), np.float32)
    work = np.empty(total.shape[1:], np.float32)
    for row in range(3):
        for column in range(3):
            z = out[row, column]
            np.subtract(nine[:, row : row + CENTRES, column : column + CENTRES], total, out=z)
            z[1] -= np.multiply(l10, z[0], out=work)
            z[2] -= np.multiply(l20, z[0], out=work)
            z[2] -= np.multiply(l21, z[1], out=work)
            for axis, scale in enumerate(scales):
                z[axis] *= scale
    return out


def _stencil(z: Float32, centres: Float32) -> Float32:
    """Sum what all windows add to each pixel and its 24 neighbours, (5, 5, 8, 8, c)."""
    out = np.empty((TAPS, TAPS, TILE, TILE, z.shape[-1]), np.float32)
    out[REACH, REACH] = 0
    whole = bool(centres.all())
    if not whole:
        z *= centres
    for row, column in HALF:
        down, across = abs(row), abs(column)
        both = np.einsum("pqzijn,pqzijn->ijn", *_pairs(z, row, column))
        if whole:
            both += (3 - down) * (3 - across)
        else:
            one = np.broadcast_to(centres, (3, 3, 1, *centres.shape))
            both += np.einsum("pqzijn,pqzijn->ijn", *_pairs(one, row, column))
        both *= np.float32(-1 / WINDOW)
        right, left = max(column, 0), max(-column, 0)
        out[REACH + row, REACH + column] = both[down:, right : right + TILE]
        out[REACH - row, REACH - column] = both[:TILE, left : left + TILE]
    # The rows of a Laplacian sum to 0. Each window's own rounding would add up otherwise.
    out[REACH, REACH] -= out.reshape(TAPS**2, *out.shape[2:]).sum(axis=0)
    return out


def _pairs(z: Float32, row: int, column: int) -> tuple[Float32, Float32]:
    """View the windows that hold a pixel and its neighbour `row` >= 0, `column` away.

    Both views are (windows down, windows across, channels, 8 + |row|, 8 + |column|, c): the
    pixel's own values and the neighbour's. Besides the tile's pixels they start from those
    whose neighbour lies in the tile. Place [p, q] of a window is pixel [i, j] if its centre is
    [i + 2 - p, j + 2 - q], counted from one pixel outside the tile.
    """
    left = max(0, -column)
    down, across, channel, i, j, tile = z.strides
    windows = (3 - row, 3 - abs(column), z.shape[2])
    shape = (*windows, TILE + row, TILE + abs(column), z.shape[-1])
    strides = (down - i, across - j, channel, i, j, tile)

    def view(p: int, q: int) -> Float32:
        start = z[p, q, :, REACH - row :, REACH - abs(column) :]
        return as_strided(start, shape, strides, writeable=False)

    return view(0, left), view(row, left + column)
