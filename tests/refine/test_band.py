from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from maskworks.core.values import Trimap
from maskworks.refine.band import CHUNK, REACH, TILE, cover, halos, run, shifted


def scattered(rng, size=(61, 83), share=0.02):
    return np.where(rng.random(size) < share, 128, 0).astype(np.uint8)


def spread(band, values):
    """Put a picture's values into a field: what the solver's own gathering must equal."""
    field = band.field()
    for chunk in band.chunks:
        rows, columns = band.pixels(chunk, 0)
        inside = (rows < band.size[0])[:, None] & (columns < band.size[1])[None]
        place = np.minimum(rows, band.size[0] - 1)[:, None], np.minimum(columns, band.size[1] - 1)
        field[..., chunk] = values[place[0], place[1][None]] * inside
    return field


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (9, 7), (61, 83), (64, 128)])
def test_the_tiles_are_those_that_hold_an_unknown_pixel(size, rng):
    levels = scattered(rng, size, 0.03)
    levels[-1, -1] = 128
    expected = {(row // TILE, column // TILE) for row, column in np.argwhere(levels == 128)}
    band = cover(Trimap(levels))
    assert set(zip(band.rows.tolist(), band.columns.tolist(), strict=True)) == expected
    assert band.tiles == len(expected)


def test_neighbours_are_the_tiles_around_or_none(rng):
    band = cover(Trimap(scattered(rng)))
    number = {place: n for n, place in enumerate(zip(band.rows, band.columns, strict=True), 1)}
    for (row, column), tile in number.items():
        for down in range(3):
            for across in range(3):
                place = row + down - 1, column + across - 1
                assert band.neighbours[down, across, tile - 1] == number.get(place, 0)


def test_chunks_hold_every_tile_once():
    levels = np.full((TILE * 3, TILE * CHUNK), 128, np.uint8)
    band = cover(Trimap(levels))
    tiles = [tile for chunk in band.chunks for tile in range(chunk.start, chunk.stop)]
    assert tiles == list(range(1, 3 * CHUNK + 1))
    assert cover(Trimap(levels * 0)).chunks == ()


def test_a_padded_tile_shows_the_picture_around_it_and_0_outside_the_band(rng):
    levels = scattered(rng, share=0.05)
    band = cover(Trimap(levels))
    values = rng.random(levels.shape).astype(np.float32)
    in_band = np.zeros((levels.shape[0] + 20, levels.shape[1] + 20), np.float32)
    for row, column in zip(band.rows * TILE, band.columns * TILE, strict=True):
        part = values[row : row + TILE, column : column + TILE]
        in_band[row + REACH :, column + REACH :][: part.shape[0], : part.shape[1]] = part
    field = spread(band, values)
    for halo in halos(band):
        padded = halo.pad(field)
        for tile in range(padded.shape[2]):
            row, column = (
                place[halo.chunk.start - 1 + tile] * TILE for place in (band.rows, band.columns)
            )
            expected = in_band[row : row + TILE + 2 * REACH, column : column + TILE + 2 * REACH]
            assert (padded[..., tile] == expected).all()


def test_shifts_are_views_of_the_padded_tile(rng):
    padded = rng.random((2, 6, 7, 3)).astype(np.float32)
    shifts = shifted(padded, (2, 3))
    assert shifts.shape == (2, 2, 3, 5, 5, 3)
    assert (shifts[1, 1, 2] == padded[1, 1:6, 2:7]).all()
    assert np.shares_memory(shifts, padded)


def test_work_runs_once_per_part_and_its_errors_come_through():
    def work(part):
        seen.append(part)
        if part == 3:
            raise ValueError("part 3")

    with ThreadPoolExecutor(2) as threads:
        for pool in (None, threads):
            seen = []
            run(work, 3, pool)
            assert sorted(seen) == [0, 1, 2]
            with pytest.raises(ValueError, match="part 3"):
                run(work, 4, pool)
