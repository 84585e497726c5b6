"""Pictures in base64 inside bodies: taken out and decoded as the whole would be."""

from __future__ import annotations

import base64
import binascii
import json
import random
from urllib.parse import quote_plus

import pytest

from maskworks.apps.http import long_text
from maskworks.apps.http.bodies import _from_json, _from_urlencoded
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.long_text import MOST_TEXT, from_base64, from_json, set_apart, to_base64

DATA = random.Random(24).randbytes(1_000_001)
ENCODED = base64.b64encode(DATA).decode()


@pytest.fixture(autouse=True, params=[1 << 18, 1000, 7], ids=["usual", "thousand", "seven"])
def piece(request, monkeypatch):
    """Pieces of any size make the same."""
    monkeypatch.setattr(long_text, "_PIECE", request.param)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(json.dumps, id="plain"),
        pytest.param(lambda body: json.dumps(body).replace("/", "\\/"), id="escaped-slashes"),
        pytest.param(lambda body: json.dumps(body, indent=2), id="indented"),
    ],
)
@pytest.mark.parametrize("before", ["", "data:image/png;base64,"])
def test_picture_in_json_is_the_one_that_was_sent(write, before):
    words = 'said "so", \\ and {[}, \\\\"'
    sent = {"note": words, "image_file_b64": before + ENCODED, "size": "full", "crop": True}
    form = _from_json(write(sent).encode())
    assert from_base64(form.encoded) == DATA
    assert form.fields == {"note": words, "image_file_b64": "", "size": "full", "crop": True}


def test_picture_in_lines_is_the_one_that_was_sent():
    lines = base64.encodebytes(DATA).decode()
    assert from_base64(_from_json(json.dumps({"image_file_b64": lines}).encode()).encoded) == DATA
    assert from_base64(lines.encode()) == DATA


def test_picture_in_a_form_is_the_one_that_was_sent():
    body = f"size=full&image_file_b64={quote_plus(ENCODED)}&roi=0+0+1%25+1".encode()
    form = _from_urlencoded(body)
    assert from_base64(form.encoded) == DATA
    assert form.fields == {"size": "full", "image_file_b64": "", "roi": "0 0 1% 1"}


def test_picture_that_is_all_escapes_is_the_one_that_was_sent():
    white = b"\xff" * 300_000
    body = b"image_file_b64=" + quote_plus(base64.b64encode(white)).encode()
    assert body.count(b"%") > len(body) // 4
    assert from_base64(_from_urlencoded(body).encoded) == white


def test_escapes_that_no_form_of_base64_needs_are_refused(monkeypatch):
    monkeypatch.setattr(long_text, "_FEW_ESCAPES", 1)
    with pytest.raises(ApiError, match="image_file_b64 is not base64"):
        _from_urlencoded(b"image_file_b64=" + b"%41" * 500_000)


def test_short_picture_goes_the_same_way():
    assert _from_json(b'{"image_file_b64": "QUJD"}').encoded == b"QUJD"
    assert _from_json(b'{"image_file_b64": null}').encoded == b""
    assert _from_urlencoded(b"image_file_b64=QUJD%3D").encoded == b"QUJD="


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"size": "x" * (MOST_TEXT + 1)}, id="a-field"),
        pytest.param({"strokes": ["x" * (MOST_TEXT + 1)]}, id="inside-a-list"),
        pytest.param({"x" * (MOST_TEXT + 1): 1}, id="a-name"),
        pytest.param({"image_file_b64": {"x" * (MOST_TEXT + 1): 1}}, id="inside-the-picture"),
    ],
)
def test_any_other_long_text_is_refused(body):
    with pytest.raises(ApiError, match=r"more than 65,536 bytes of text|must be a text"):
        _from_json(json.dumps(body).encode())


def test_long_text_of_a_form_is_refused():
    with pytest.raises(ApiError, match="'size' has more than 65,536 bytes of text"):
        _from_urlencoded(b"size=" + b"x" * (3 * MOST_TEXT))


def test_placeholder_that_a_caller_sends_is_a_text_like_any_other():
    form = _from_json(b'{"size": "long text 0", "image_file_b64": "long text 0"}')
    assert (form.fields["size"], form.encoded) == ("long text 0", b"long text 0")


def test_escapes_that_no_base64_has_are_refused():
    with pytest.raises(ApiError, match="not JSON"):
        _from_json(b'{"image_file_b64": "' + b"\\u0041" * 20_000 + b'"}')
    with pytest.raises(ValueError, match="escapes"):
        from_json(b"\\" * 100_000)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 6, 7, 20, 21, 22])
def test_base64_of_any_length(size):
    data = bytes(range(size))
    assert b"".join(to_base64(data)) == base64.b64encode(data)
    assert from_base64(base64.b64encode(data)) == data


def test_broken_base64_is_an_error():
    with pytest.raises(binascii.Error):
        from_base64(b"QUJDR")


def test_body_that_is_no_json_stays_so():
    for body in (b'{"a": "' + b"x" * 100_000, b'"' * 100_000, b"\\" * 100_000):
        with pytest.raises(ApiError, match="not JSON"):
            _from_json(body)
    assert set_apart(b"[]") == (b"[]", {})
