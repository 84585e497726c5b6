from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image as PillowImage

from maskworks.core.reading import Details, read_picture
from maskworks.core.values import Image, Matte
from maskworks.core.writing import Encoding, encode
from maskworks.cutouts.backgrounds import Plain
from maskworks.studio.output.compose import compose_photo
from maskworks.studio.output.encoding import encode_deliverable
from maskworks.studio.output.gate import check_output
from maskworks.studio.output.rules import OutputRules

DETAILS = Details(format="array", dpi=(300.0, 300.0), exif=b"Exif\0\0secret")


@pytest.fixture
def noisy(rng):
    """A noisy square that compresses badly, on white."""
    image = Image(rng.integers(0, 256, (90, 90, 3), np.uint8))
    alpha = np.zeros((90, 90), np.float32)
    alpha[10:80, 10:80] = 1

    def composed(**fields):
        rules = OutputRules.model_validate({"size": 90, "padding": 0, **fields})
        return compose_photo(image, image, Matte(alpha), rules, Plain((255, 255, 255))), rules

    return composed


@pytest.mark.parametrize("form", ["jpg", "png", "webp", "tiff"])
def test_file_holds_the_composed_pixels(noisy, form):
    done, rules = noisy(format=form, quality=100)
    made = encode_deliverable(done, rules, DETAILS)
    away = read_picture(made.data).image.pixels.astype(int) - done.image.pixels
    assert np.abs(away).max() <= (4 if form == "jpg" else 0)
    assert made.quality == (100 if form in ("jpg", "webp") else None)


def test_file_keeps_the_dpi_and_none_of_the_metadata(noisy):
    done, rules = noisy(format="jpg")
    opened = PillowImage.open(BytesIO(encode_deliverable(done, rules, DETAILS).data))
    assert opened.info["dpi"] == (300, 300)
    assert "exif" not in opened.info


@pytest.mark.parametrize("form", ["jpg", "webp"])
@pytest.mark.parametrize("share", [0.95, 0.7])
def test_quality_is_the_highest_that_fits(noisy, form, share):
    done, plain = noisy(format=form, quality=90, min_quality=30)
    sizes = {
        quality: len(encode(done.image, None, Encoding(form, quality=quality), DETAILS))
        for quality in range(30, 91)
    }
    most = int(sizes[90] * share)
    rules = plain.model_copy(update={"max_bytes": most})
    made = encode_deliverable(done, rules, DETAILS)
    assert made.quality == max(quality for quality, size in sizes.items() if size <= most)
    assert len(made.data) == sizes[made.quality]
    assert [(n.name, n.value, n.limit) for n in made.notes] == [
        ("quality-lowered", made.quality, 90)
    ]


def test_file_that_cannot_fit_is_refused_by_the_gate(noisy):
    done, rules = noisy(format="jpg", quality=90, min_quality=80, max_bytes=1000)
    made = encode_deliverable(done, rules, DETAILS)
    (note,) = made.notes
    assert (note.name, note.review, made.quality) == ("too-large", True, 80)
    gate = check_output(made.data, rules, placement=done.placement)
    assert [breach.rule for breach in gate.breaches] == ["bytes"]
    assert gate.breaches[0].by == len(made.data) - 1000


@pytest.mark.parametrize("quality", range(60, 101, 5))
def test_white_stays_exact_at_every_quality_that_is_used(noisy, quality):
    fields = {"format": "jpg", "quality": quality, "min_quality": quality, "background": "#fff"}
    done, rules = noisy(**fields)
    made = encode_deliverable(done, rules, DETAILS)
    gate = check_output(made.data, rules, placement=done.placement)
    assert (gate.passed, gate.measured.border.off) == (True, 0)
    assert gate.measured.jpeg_quality == quality
