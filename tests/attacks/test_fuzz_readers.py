"""The doors that strangers' files come through: whatever comes, the answer is one of ours.

`corpus/` holds what once went wrong and what is near it; hypothesis keeps what it finds in
`.hypothesis`.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
import tomllib
from contextlib import suppress
from pathlib import Path

import hostile_pictures as hostile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskworks.apps.http.bodies import _from_json, _from_urlencoded
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.review.strokes import read_strokes
from maskworks.core.deadline import deadline
from maskworks.core.errors import MaskworksError
from maskworks.core.reading import Limits, read_picture
from maskworks.core.toml_text import parse_toml
from maskworks.evaluate.coco_files import read_truth
from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.spreadsheets import read_table

FOUND = Path(__file__).parent / "found"
CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())
KINDS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "HEIF", "AVIF")
SECONDS = 60.0
SMALL = Limits(1_000_000)


def broken(data: bytes, rng: random.Random) -> bytes:
    """Return bytes like these with a few mistakes in them."""
    made = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(made) or 1)
        match rng.randrange(5):
            case 0:
                made[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                made[at : at + 4] = rng.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
            case 2:
                del made[at : at + rng.randint(1, 40)]
            case 3:
                made[at:at] = made[max(0, at - rng.randint(1, 200)) : at]
            case 4:
                made = made[: at + 1]
    return bytes(made)


def for_a_minute(seeds: list[bytes], read) -> int:
    """Read broken copies of seeds for `SECONDS`; return how many."""
    rng, until, count = random.Random(24), time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        data = broken(rng.choice(seeds), rng)
        try:
            with deadline(20):
                read(data)
        except (MaskworksError, ApiError):
            pass
        except BaseException:
            FOUND.mkdir(exist_ok=True)  # to be looked at, mended and put into the corpus
            (FOUND / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
            raise
        count += 1
    return count


@pytest.mark.parametrize("path", CORPUS, ids=[path.name for path in CORPUS])
def test_corpus_is_read_or_refused(path):
    data = path.read_bytes()
    for read in (picture, strokes, urlencoded, toml):
        with suppress(MaskworksError, ApiError):
            read(data)


def picture(data):
    read_picture(data, SMALL)


def strokes(data):
    read_strokes(_from_json(data).fields.get("strokes"))


def urlencoded(data):
    _from_urlencoded(data)


def toml(data):
    with suppress(tomllib.TOMLDecodeError):
        parse_toml(data.decode("utf-8", "replace"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
@settings(max_examples=60, deadline=None)
def test_strokes_of_any_shape_are_read_or_refused(given_value):
    with suppress(ApiError):
        read_strokes(given_value)


@pytest.mark.slow
def test_picture_door_is_fuzzed():
    seeds = [hostile.written(kind) for kind in KINDS]
    seeds += [path.read_bytes() for path in CORPUS]
    assert for_a_minute(seeds, picture) > 100


@pytest.mark.slow
def test_bodies_are_fuzzed():
    seeds = [
        b'{"strokes": [{"kind": "add", "points": [[1, 2], [3, 4]], "size": 3, "soft": 0.5}]}',
        b'{"image_file_b64": "iVBORw0KGgo=", "size": "preview", "x": [1, {"y": null}]}',
    ]
    assert for_a_minute(seeds, strokes) > 100


@pytest.mark.slow
def test_coco_is_fuzzed(tmp_path):
    path = tmp_path / "a.json"
    document = {
        "images": [{"id": 1, "file_name": "a.png", "height": 4, "width": 4}],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [{
            "id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2], "area": 4,
            "iscrowd": 0, "segmentation": {"size": [4, 4], "counts": "52203"},
        }],
    }  # fmt: skip

    def read(data):
        path.write_bytes(data)
        read_truth(path)

    assert for_a_minute([json.dumps(document).encode()], read) > 100


@pytest.mark.slow
def test_campaign_files_are_fuzzed(tmp_path):
    path = tmp_path / "campaign.toml"
    (tmp_path / "photos").mkdir()
    seed = (
        b'[campaign]\nname = "spring"\n[input]\nfolder = "photos"\nmodel = "cutout"\n'
        b'[quality]\ndeliver_at = 0.9\n[[concept]]\nname = "a"\nmatch = ["*glass*"]\n'
        b'backgrounds = ["#ffffff"]\n[output]\npreset = "amazon-main"\n[cost]\nmanual = 22\n'
    )

    def read(data):
        path.write_bytes(data)
        read_campaign(path)

    assert for_a_minute([seed], read) > 100


@pytest.mark.slow
def test_lists_are_fuzzed(tmp_path):
    path = tmp_path / "items.csv"
    seed = 'path,sku,tags\na.jpg,GLS-1,glass;red\n"b, c.jpg",,\ngrö.jpg,x,y\n'.encode()

    def read(data):
        path.write_bytes(data)
        read_table(path, required=("path",), optional=("sku", "tags"))

    assert for_a_minute([seed], read) > 100
