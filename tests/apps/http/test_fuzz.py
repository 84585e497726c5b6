"""Whatever is sent, the answer is one the OpenAPI document names, and never a 500."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from maskworks.apps.http.bodies import FormFields
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.pictures.cutting import header_size
from maskworks.apps.http.pictures.removebg_fields import read_request, region_of
from maskworks.apps.http.routes.rembg import read_options
from maskworks.core.errors import ImageError
from maskworks.core.reading import Limits

FIELDS = (
    "size", "type", "type_level", "format", "roi", "crop", "crop_margin", "scale", "position",
    "channels", "add_shadow", "shadow_type", "shadow_opacity", "semitransparency", "bg_color",
)  # fmt: skip
WORDS = st.one_of(
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.lists(st.integers(), max_size=3),
    st.from_regex(r"(-?\d{1,6}(px|%)? ?){1,5}", fullmatch=True),
)
SEVERAL = settings(
    max_examples=100,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # its table of characters, on a full machine
)
QUICK = settings(
    max_examples=8,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@SEVERAL
@given(st.dictionaries(st.sampled_from(FIELDS), WORDS, max_size=6))
def test_fields_of_removebg_are_understood_or_refused(fields):
    try:
        wish = read_request(FormFields(fields, {}))
        region_of(wish, (120, 160))
    except ApiError as error:
        status = error.status
    else:
        status = 400 if 0 < wish.megapixels <= 50 else 200
    assert status == 400


@SEVERAL
@given(
    st.dictionaries(
        st.sampled_from(("a", "af", "ab", "ae", "om", "ppm", "bgc", "extras")), WORDS, max_size=4
    )
)
def test_parameters_of_rembg_are_understood_or_refused(fields):
    try:
        options = read_options(FormFields(fields, {}))
    except ApiError as error:
        status = error.status
    else:
        status = 422 if 0 <= options.foreground <= 255 else 200
    assert status == 422


@SEVERAL
@given(
    st.sampled_from(
        (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"GIF89a", b"II*\0", b"")
    ),
    st.binary(max_size=200),
)
def test_door_of_the_decoders_opens_to_pictures_only(head, rest):
    try:
        height, width = header_size(head + rest, Limits(1_000_000))
    except ImageError:
        return
    assert 0 <= height * width <= 1_000_000


@pytest.fixture(scope="module")
def document(_shared):
    schemathesis = pytest.importorskip(
        "schemathesis", reason="pip install schemathesis to fuzz the service"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return schemathesis.openapi.from_url(f"{_shared.url}/openapi.json")


def test_answers_are_those_of_the_document(document, server):
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
    )

    tried = 0
    for found in document.get_all_operations():
        operation = found.ok()

        @QUICK
        @given(operation.as_strategy())
        def asked(case):
            answer = case.call(base_url=server.url, timeout=20)
            checks = [not_a_server_error, content_type_conformance, response_schema_conformance]
            case.validate_response(answer, checks=checks)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asked()
        tried += 1
    assert tried >= 14
    assert server.client.get("/readyz").json()["taken"] == 0
