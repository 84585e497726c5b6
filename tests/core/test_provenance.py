from __future__ import annotations

from io import BytesIO
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import ExifTags
from PIL import Image as PillowImage

from maskworks.core.provenance import SCHEME, stated_type, type_of_cutout, xmp_packet
from maskworks.core.reading import Details, read_picture
from maskworks.core.values import Image, Matte
from maskworks.core.writing import Encoding, encode, encode_matte

FORMATS = ("png", "webp", "tiff", "jpg")
EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"


@pytest.fixture
def told() -> Details:
    exif = PillowImage.Exif()
    exif[ExifTags.Base.Artist] = "A. Photographer"
    return Details(format="JPEG", exif=b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0"))


@pytest.fixture
def shown(rng):
    image = Image(rng.integers(0, 256, (24, 40, 3), dtype=np.uint8))
    return image, Matte(rng.random((24, 40), np.float32))


PLAIN = Details(format="")


def written(shown, form, details=PLAIN, **more):
    image, matte = shown
    return encode(image, None if form == "jpg" else matte, Encoding(form, **more), details)


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_states_the_term_and_shows_the_same_pixels(shown, form):
    plain, told = written(shown, form), written(shown, form, source_type="composite")
    assert read_picture(told).details.source_type == "composite"
    assert read_picture(plain).details.source_type is None
    before, after = (np.asarray(PillowImage.open(BytesIO(each))) for each in (plain, told))
    assert (before == after).all()
    packet = PillowImage.open(BytesIO(told)).info["xmp"]
    found = [e.get(EXT) for e in ET.fromstring(packet).iter() if e.get(EXT)]
    assert found == [f"{SCHEME}composite"]


@pytest.mark.parametrize("form", FORMATS)
def test_without_a_term_there_is_no_xmp_and_equal_calls_give_equal_bytes(shown, form):
    assert b"xmpmeta" not in written(shown, form)
    once, again = (written(shown, form, source_type="composite") for _ in range(2))
    assert once == again


@pytest.mark.parametrize("form", FORMATS)
def test_the_term_brings_no_metadata_of_the_owner(shown, told, form):
    data = written(shown, form, told, source_type="algorithmicallyEnhanced")
    assert b"Photographer" not in data
    kept = written(shown, form, told, source_type="composite", keep_metadata=True)
    assert b"Photographer" in kept
    assert read_picture(kept).details.source_type == "composite"


def test_a_matte_may_have_a_term_too(shown):
    data = encode_matte(shown[1], Encoding("png", source_type="composite"), Details(format=""))
    assert read_picture(data).details.source_type == "composite"


@pytest.mark.parametrize(
    ("xmp", "term"),
    [
        pytest.param(None, None, id="none"),
        pytest.param(b"", None, id="empty"),
        pytest.param(xmp_packet("digitalCapture"), "digitalCapture", id="attribute"),
        pytest.param(
            f"<e:DigitalSourceType>{SCHEME}trainedAlgorithmicMedia</e:DigitalSourceType>",
            "trainedAlgorithmicMedia",
            id="element",
        ),
        pytest.param(
            f'<e:DigitalSourceType rdf:resource="{SCHEME}print"/>', "print", id="resource"
        ),
        pytest.param(f'x:DigitalSourceType="{SCHEME}newer"', None, id="unknown"),
        pytest.param(f'x:Other="{SCHEME}print"', None, id="other-property"),
        pytest.param(b"\xff\xfe" * 100, None, id="noise"),
    ],
)
def test_a_stated_term_is_read_however_it_is_written(xmp, term):
    assert stated_type(xmp) == term


@pytest.mark.parametrize(
    ("parts", "term"),
    [
        pytest.param([None], "algorithmicallyEnhanced", id="photo"),
        pytest.param(["compositeSynthetic"], "compositeSynthetic", id="generated-photo"),
        pytest.param([None, None], "composite", id="nobody-says"),
        pytest.param(["digitalCapture", "negativeFilm"], "compositeCapture", id="two-captures"),
        pytest.param(
            ["digitalCapture", "trainedAlgorithmicMedia"],
            "compositeWithTrainedAlgorithmicMedia",
            id="generated-background",
        ),
        pytest.param(
            ["trainedAlgorithmicMedia", None],
            "compositeWithTrainedAlgorithmicMedia",
            id="generated-subject",
        ),
    ],
)
def test_a_cutout_never_claims_more_than_its_parts_state(parts, term):
    assert type_of_cutout(parts) == term
