"""Long texts of a body: pictures in base64, taken out and decoded a piece at a time.

Thirty megabytes of text keep the interpreter to themselves for as long as one call looks at
them, and with it the event loop. So a text beyond `MOST_TEXT` goes round the parsers of JSON and
of forms, and nothing looks at more than `_PIECE` of it in one call.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

MOST_TEXT = 1 << 16
"""Bytes of any text but a picture's."""

_PIECE = 1 << 18
_MOST_AROUND = 16
_BACKSLASH = 0x5C
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_ELSE = bytes(set(range(256)) - set(_ALPHABET))
_HEAD = 256  # in which "data:image/png;base64," stands
_SPACES = ((rb"\n", b""), (rb"\r", b""), (rb"\t", b""))
_ESCAPES = ((b"%2F", b"/"), (b"%2f", b"/"), (b"%2B", b"+"), (b"%2b", b"+"), (b"%3D", b"="),
            (b"%3d", b"="), (b"%0A", b""), (b"%0a", b""), (b"%0D", b""), (b"%0d", b""))  # fmt: skip
_FEW_ESCAPES = 1000  # of a piece
_MARK = "long text "
_PLACE = "(picture)"


def set_apart(body: bytes) -> tuple[bytes, dict[str, bytes]]:
    r"""Return a JSON body with every long text replaced by a name, and the texts by these names.

    Texts are as they stand between their quotes, escapes and all. What is no JSON stays what it
    is, for the parser to say so.

    Examples
    --------
    >>> body, texts = set_apart(b'{"a": "' + b"x" * 100_000 + b'"}')
    >>> body, len(texts["long text 0"])
    (b'{"a": "long text 0"}', 100000)
    """
    if len(body) <= MOST_TEXT:
        return body, {}
    kept: list[bytes] = []
    texts: dict[str, bytes] = {}
    done = at = 0
    while (start := body.find(b'"', at)) >= 0:
        end = _end_of_text(body, start + 1)
        if end < 0:
            break
        if end - start > MOST_TEXT:
            name = f"{_MARK}{len(texts)}"
            texts[name] = body[start + 1 : end]
            kept += [body[done : start + 1], name.encode()]
            done = end
        at = end + 1
    return b"".join([*kept, body[done:]]), texts


def _end_of_text(body: bytes, at: int) -> int:
    """Return where the quote is that ends a text, -1 if there is none."""
    while (end := body.find(b'"', at)) >= 0:
        if body[end - 1] != _BACKSLASH:
            return end
        before = body[at:end]
        if (len(before) - len(before.rstrip(b"\\"))) % 2 == 0:
            return end
        at = end + 1
    return -1


def from_json(text: bytes) -> bytes:
    r"""Return what a long text of a JSON body says, if it has no escapes but of a slash or space.

    Raises
    ------
    ValueError
        If it has others: it is no base64.

    Examples
    --------
    >>> from_json(rb"QUJD\/\r\nREVG")
    b'QUJD/REVG'
    """
    if text.find(b"\\") < 0:
        return text
    made = []
    for piece in _pieces(text, b"\\", 1):
        plain = piece.replace(rb"\/", b"/")
        for space, nothing in _SPACES:
            plain = plain.replace(space, nothing)
        if b"\\" in plain:
            message = "escapes in base64"
            raise ValueError(message)
        made.append(plain)
    return b"".join(made)


def from_form(text: bytes) -> bytes:
    """Return what a long value of an urlencoded body says, if it may be base64.

    Raises
    ------
    ValueError
        If it has more escapes than base64 needs.

    Examples
    --------
    >>> from_form(b"QUJD%2BREVG%2f%0D%0A%3D")
    b'QUJD+REVG/='
    """
    made = []
    for piece in _pieces(text, b"%", 2):
        plain = piece.replace(b"+", b" ")
        for escape, said in _ESCAPES:
            plain = plain.replace(escape, said)
        if plain.count(b"%") > _FEW_ESCAPES:
            message = "escapes in base64"
            raise ValueError(message)
        made.append(unquote_to_bytes(plain))
    return b"".join(made)


def from_base64(text: bytes) -> bytes:
    r"""Return what base64 says; what is not of its alphabet is passed over, and so is a data URL.

    Raises
    ------
    binascii.Error
        If its end is missing.

    Examples
    --------
    >>> from_base64(b"data:image/png;base64,QUJD\nREVG"), from_base64(b"QQ==")
    (b'ABCDEF', b'A')
    """
    head = text[:_HEAD].rpartition(b"base64,")
    made, left = [], b""
    for piece in _pieces(text, start=len(head[0]) + len(head[1])):
        clean = left + piece.translate(None, _ELSE)
        whole = len(clean) // 4 * 4
        made.append(binascii.a2b_base64(clean[:whole]))
        left = clean[whole:]
    made.append(binascii.a2b_base64(left + b"=" * (-len(left) % 4)))
    return b"".join(made)


def to_base64(data: bytes) -> Iterator[bytes]:
    """Yield data in base64, a piece at a time.

    Examples
    --------
    >>> b"".join(to_base64(b"ABCD"))
    b'QUJDRA=='
    """
    step = _PIECE // 3 * 3
    for at in range(0, len(data), step):
        yield binascii.b2a_base64(data[at : at + step], newline=False)


def json_with(record: dict[str, Any], data: bytes, *where: str) -> bytes:
    """Return a record as JSON with data in base64 put at the end of the object at `where`.

    Examples
    --------
    >>> json_with({"data": {"a": 1}}, b"ABC", "data", "result")
    b'{"data": {"a": 1, "result": "QUJD"}}'
    """
    *path, name = where
    inner = record
    for step in path:
        inner = inner[step]
    inner[name] = _PLACE
    before, after = json.dumps(record).encode().rsplit(_PLACE.encode(), 1)
    return b"".join((before, *to_base64(data), after))


def _pieces(text: bytes, mark: bytes = b"", behind: int = 0, *, start: int = 0) -> Iterable[bytes]:
    """Yield pieces of a text, none of which ends inside a mark and what stands behind it."""
    at = start
    while at < len(text):
        end, most = at + _PIECE, at + _PIECE + _MOST_AROUND
        while behind and end < most and mark in text[end - behind : end]:
            end += 1
        yield text[at:end]
        at = end
