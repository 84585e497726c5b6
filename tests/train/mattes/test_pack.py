from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image as PilImage

from maskworks.core.errors import RecipeError
from maskworks.train.mattes.pack import Pack, build_pack, pictures_of
from maskworks.train.mattes.recipe import load_recipe
from maskworks.train.mattes.sampler import Sampler, any_rectangle, stream


@pytest.fixture
def pack(data, recipe_file, tmp_path):
    recipe = load_recipe(recipe_file)
    return build_pack(data, recipe, tmp_path / "pack", teach=None, report=lambda _: None)


def test_a_pack_holds_every_picture_at_the_recipes_size(pack):
    assert len(pack.entries) == 8 + 4 + 4
    assert {max(e.height, e.width) for e in pack.entries} == {96}
    assert sum(e.held_out for e in pack.entries) == 2 + 1


def test_a_packed_picture_is_the_shrunk_original(pack, data):
    entry = next(e for e in pack.entries if e.source == 0 and e.stem == "3")
    with PilImage.open(data / "discs" / "3.webp") as opened:
        wanted = np.asarray(opened.convert("RGB").resize((96, 96), PilImage.Resampling.BOX))
    assert (pack.pixels(entry) == wanted).all()
    assert pack.matte(entry).max() == 255


def test_trimaps_keep_their_three_values(pack):
    entry = next(e for e in pack.entries if e.source == 1)
    assert set(np.unique(pack.matte(entry))) <= {0, 128, 255}


def test_foreground_colours_hold_nothing_of_the_dark_background(pack):
    entry = next(e for e in pack.entries if e.foreground_at >= 0)
    edge = (pack.matte(entry) > 40) & (pack.matte(entry) < 215)
    assert edge.any()
    off = np.abs(pack.foreground(entry)[edge].astype(int) - [230, 200, 60]).mean()
    raw = np.abs(pack.pixels(entry)[edge].astype(int) - [230, 200, 60]).mean()
    assert off < 0.4 * raw


def test_a_pack_is_written_once_and_again_only_for_a_source_that_changed(
    data, recipe_file, tmp_path
):
    lines: list[str] = []
    folder = tmp_path / "packs"

    def build() -> Pack:
        return build_pack(data, load_recipe(recipe_file), folder, teach=None, report=lines.append)

    before = build()
    assert [line.split()[1] for line in lines] == ["discs", "pets", "rooms"]
    lines.clear()
    build()
    assert lines == []
    text = recipe_file.read_text()
    recipe_file.write_text(text.replace('label = "trimap"', 'label = "trimap"\nlimit = 3'))
    after = build()
    assert [line.split()[1] for line in lines] == ["pets"]
    assert after.folders[0] == before.folders[0]
    assert sum(entry.source == 1 for entry in after.entries) == 3


def test_reserved_pictures_are_fixed_by_their_names_and_never_packed(data, recipe_file, tmp_path):
    text = recipe_file.read_text()
    recipe_file.write_text(text.replace("foreground = true", "foreground = true\nreserve = 3"))
    recipe = load_recipe(recipe_file)
    source = recipe.source[0]
    kept, others = pictures_of(data, source, reserved=True), pictures_of(data, source)
    every = sorted((data / "discs").glob("*.webp"))
    by_hash = sorted(every, key=lambda path: hashlib.sha256(path.stem.encode()).digest())
    assert kept == sorted(by_hash[:3])
    assert sorted(kept + others) == every
    pack = build_pack(data, recipe, tmp_path / "packs", teach=None, report=lambda _: None)
    packed = {entry.stem for entry in pack.entries if entry.source == 0}
    assert packed == {path.stem for path in others}


def test_a_source_without_pictures_is_named(data, recipe_file, tmp_path):
    recipe_file.write_text(recipe_file.read_text().replace('"discs"', '"dics"'))
    with pytest.raises(RecipeError, match=r"dics.* no pictures"):
        build_pack(
            data, load_recipe(recipe_file), tmp_path / "p", teach=None, report=lambda _: None
        )


def test_the_body_never_sees_held_out_pictures_and_the_judge_never_sees_held_out_rooms(
    pack, recipe_file
):
    recipe = load_recipe(recipe_file)
    body, judge = Sampler(pack, recipe), Sampler(pack, recipe, held_out=True)
    assert not any(e.held_out for group in body.groups.values() for e in group)
    assert all(e.held_out for group in judge.groups.values() for e in group)
    assert 2 not in judge.groups
    assert not any(e.held_out for e in judge.backdrops)


def test_the_same_seed_draws_the_same_samples(pack, recipe_file):
    sampler = Sampler(pack, load_recipe(recipe_file))
    first, second = (
        [sampler.draw((64, 96), rng) for _ in range(6)]
        for rng in (np.random.default_rng(3), np.random.default_rng(3))
    )
    assert all((a.pixels == b.pixels).all() for a, b in zip(first, second, strict=True))
    assert {sample.pixels.shape for sample in first} == {(64, 96, 3)}
    assert {sample.matte.shape for sample in first} == {(64, 96)}


def test_batches_are_rectangles_of_one_area_as_photos_have_them(pack, recipe_file):
    rng = np.random.default_rng(0)
    shapes = {any_rectangle(448, rng) for _ in range(200)}
    assert (448, 448) in shapes
    assert {(608, 320), (352, 544)} <= shapes
    assert all(side % 32 == 0 for shape in shapes for side in shape)
    assert all(abs(height * width / 448**2 - 1) < 0.1 for height, width in shapes)
    batches = stream(Sampler(pack, load_recipe(recipe_file)), 64, 2, 5, workers=0)
    for pixels, matte, known, subject, truth in (next(batches) for _ in range(4)):
        assert pixels.shape[1:3] == matte.shape[1:] == known.shape[1:]
        assert tuple(pixels.shape[1:3]) in {(64, 64), (96, 32), (32, 96)}
        assert len(pixels) == len(subject) == len(truth) == 2


def test_empty_pictures_have_an_empty_matte_and_say_so(pack, recipe_file):
    sampler = Sampler(pack, load_recipe(recipe_file))
    rng = np.random.default_rng(0)
    empty = [
        s for s in (sampler.draw((64, 64), rng, plain=True) for _ in range(30)) if s.subject == 0
    ]
    assert empty
    assert max(s.matte.max() for s in empty) == 0


def test_unknown_pixels_of_a_trimap_are_not_learnt(pack, recipe_file):
    sampler = Sampler(pack, load_recipe(recipe_file))
    rng = np.random.default_rng(0)
    samples = [sampler.draw((64, 64), rng, plain=True) for _ in range(40)]
    assert any((s.known == 0).any() for s in samples)
    assert all(((s.matte[s.known == 1] != 128) | (s.truth == 0)).mean() > 0.9 for s in samples)
