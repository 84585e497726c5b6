"""What a request brings: multipart, urlencoded or JSON, read with limits, as one form.

A body has a most of bytes and a least of speed. JSON and urlencoded bodies are parsed on a
thread, without the picture in them, and only once it was counted what they are made of: thirty
megabytes of braces cost more than thirty megabytes of picture.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.long_text import MOST_TEXT, from_form, from_json, set_apart
from maskworks.apps.http.work_queue import GoneError

SMALL_BYTES = 1 << 16
"""Of a body that brings no picture, such as a login."""

MOST_FIELDS = 100
"""Of a form."""

MOST_MARKS = 400_000
"""Commas, colons and brackets of a JSON body: what 50,000 points of a drawing need, twice."""

MOST_DEPTH = 32
"""Lists and objects of a JSON body inside each other."""

MOST_JSON_BYTES = 4 << 20
"""Of a JSON body beside its picture."""

_PICTURE = "image_file_b64"
_MOST_PAIR = 3 * MOST_TEXT  # every byte escaped
_FORM_FILES = 10
_STRINGS_AND_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]', re.DOTALL)
_BASE64 = 4 / 3
_AROUND_BYTES = 1 << 16


@dataclass(frozen=True)
class Upload:
    """One file of a form: `name` as its sender calls it."""

    name: str
    data: bytes


@dataclass(frozen=True)
class FormFields:
    """The fields of a body; of JSON, numbers and truth values are kept as they are.

    Of a name that was there more than once (`repeated`) the last text and the first file count.
    `encoded` is the text of `image_file_b64`, which is "" among the fields; no other text has
    more than `MOST_TEXT` bytes.
    """

    fields: dict[str, object]
    files: dict[str, list[Upload]]
    repeated: tuple[str, ...] = ()
    encoded: bytes = b""

    def text(self, name: str) -> str:
        """Return a field as stripped text, "" if it is not there.

        Raises
        ------
        ApiError
            400 if it is a list or an object.
        """
        value = self.fields.get(name)
        if value is None:
            return ""
        if isinstance(value, list | dict):
            raise ApiError(400, "usage", f"{name} must be a text or a number")
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value).strip()

    def file(self, name: str) -> Upload | None:
        """Return the first file of a name."""
        return next(iter(self.files.get(name, [])), None)


@dataclass(frozen=True, kw_only=True)
class UploadPace:
    """How long a body may take: `seconds` in all, and how slow it may be in between.

    It may pause for `pause_s`, and after so long must have brought `bytes_per_second` on the
    average.
    """

    seconds: float
    bytes_per_second: float = 8192.0
    pause_s: float = 15.0


def too_large_body(limit: int) -> ApiError:
    """Return the error of a body beyond the limit."""
    return ApiError(
        413, "file_too_large", f"the upload has more than {limit:,} bytes; send a smaller file"
    )


async def read_form(
    request: Request, *, limit: int, pace: UploadPace, small: bool = False
) -> FormFields:
    """Read the body of a request, at most `limit` bytes of it.

    Larger files are kept on disk while they arrive, not in memory.

    Parameters
    ----------
    limit : bytes of a picture; a body may be larger by what base64 and the form around it take
    pace : how slow it may be
    small : it brings no picture, and `limit` is that of the whole body

    Raises
    ------
    ApiError
        413 if it is larger, 408 if it is too slow, 415 if it is no form and no JSON, 400 if it
        is damaged or made of too much.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    most = (
        limit
        if small
        else limit + _AROUND_BYTES
        if kind == "multipart/form-data"
        else int(limit * _BASE64) + _AROUND_BYTES
    )
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > most:
        raise too_large_body(limit)
    bounded = Request(request.scope, _Bounded(request, most, limit, pace).receive)
    try:
        if kind == "multipart/form-data":
            return await _from_form(bounded, limit)
        body = await bounded.body()
    except ClientDisconnect as error:
        raise GoneError from error
    if kind == "application/x-www-form-urlencoded":
        return await asyncio.to_thread(_from_urlencoded, body)
    if kind == "application/json" or kind.endswith("+json"):
        return await asyncio.to_thread(_from_json, body)
    if not body:
        return FormFields({}, {})
    raise ApiError(
        415,
        "unsupported_media_type",
        f"a body of type {kind or 'unknown'!r} is not understood; send multipart/form-data, "
        "application/x-www-form-urlencoded or application/json",
    )


class _Bounded:
    """Counts what a request sends and how fast, and stops at the limits."""

    def __init__(self, request: Request, most: int, limit: int, pace: UploadPace) -> None:
        self._request, self._most, self._limit, self._seen = request, most, limit, 0
        self._pace, self._began = pace, time.monotonic()

    async def receive(self) -> Message:
        """Return the next piece."""
        pace, now = self._pace, time.monotonic()
        earned = self._seen / pace.bytes_per_second
        ends = self._began + min(pace.seconds, pace.pause_s + earned)
        try:
            async with asyncio.timeout(min(pace.pause_s, ends - now)):
                message = await self._request.receive()
        except TimeoutError as error:
            raise ApiError(
                408,
                "slow_upload",
                f"the body took longer than {pace.seconds:g} s, paused for {pace.pause_s:g} s or "
                f"brought less than {pace.bytes_per_second:g} bytes a second",
            ) from error
        self._seen += len(message.get("body", b""))
        if self._seen > self._most:
            raise too_large_body(self._limit)
        return message


async def _from_form(request: Request, limit: int) -> FormFields:
    fields: dict[str, object] = {}
    files: dict[str, list[Upload]] = {}
    most_part = int(limit * _BASE64) + _AROUND_BYTES
    async with _parsed(request, most_part, files=_FORM_FILES) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                data = await value.read()
                files.setdefault(name, []).append(Upload(value.filename or "", data))
            else:
                fields[name] = value
        given = _more_than_once(name for name, _ in form.multi_items())
    encoded = str(fields.get(_PICTURE, "")).encode()
    return FormFields(_short(fields), files, given, encoded.strip())


def _more_than_once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name, times in Counter(names).items() if times > 1)


def _short(fields: dict[str, object]) -> dict[str, object]:
    """Return the fields if none has a long text; the picture in base64 is no text of theirs."""
    if _PICTURE in fields:
        fields[_PICTURE] = ""
    for name, value in fields.items():
        if isinstance(value, str) and max(len(value), len(name)) > MOST_TEXT:
            raise _too_long(name)
    return fields


def _too_long(name: str) -> ApiError:
    return ApiError(400, "bad_form", f"{name[:40]!r} has more than {MOST_TEXT:,} bytes of text; "
                    "a picture is sent as a file")  # fmt: skip


@asynccontextmanager
async def _parsed(request: Request, most_part: int, *, files: int) -> AsyncIterator[FormData]:
    parts = {"max_files": files, "max_fields": MOST_FIELDS}
    try:
        form = await request.form(**parts, max_part_size=most_part)
    except HTTPException as error:  # Starlette's word for a damaged form
        if "Too many files" in error.detail:
            said = f"the form has more than {files:,} files; send them in several"
            raise ApiError(413, "too_many_files", said) from error
        raise ApiError(400, "bad_form", f"the form is damaged: {error.detail}") from error
    try:
        yield form
    finally:
        await form.close()


def _from_urlencoded(body: bytes) -> FormFields:
    if body.count(b"&") >= MOST_FIELDS:
        raise ApiError(400, "bad_form", f"the form has more than {MOST_FIELDS} fields; "
                       "send multipart/form-data")  # fmt: skip
    short, encoded = [], b""
    for pair in body.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name == _PICTURE.encode():
            try:
                encoded = from_form(value)
            except ValueError as error:
                raise ApiError(400, "bad_form", f"{_PICTURE} is not base64 ({error})") from error
            short.append(_PICTURE)
        elif len(pair) > _MOST_PAIR:
            raise _too_long(name[:40].decode("utf-8", "replace"))
        else:
            short.append(pair.decode("utf-8", "replace"))
    pairs = parse_qsl("&".join(short), keep_blank_values=True)
    repeated = _more_than_once(name for name, _ in pairs)
    return FormFields(_short(dict(pairs)), {}, repeated, encoded.strip())


def _check_json(body: bytes) -> None:
    """Return if a JSON body is made of no more than a request needs; else an ApiError, 400."""
    opening = body.count(b"[") + body.count(b"{")
    marks = opening + body.count(b",") + body.count(b":")
    if marks > MOST_MARKS:
        raise ApiError(400, "bad_json", f"the body has {marks:,} commas, colons and brackets, "
                       f"more than {MOST_MARKS:,}")  # fmt: skip
    if len(body) > MOST_JSON_BYTES:
        raise ApiError(400, "bad_json", f"the body has {len(body):,} bytes beside its picture, "
                       f"more than {MOST_JSON_BYTES:,}")  # fmt: skip
    depth = 0
    for found in _STRINGS_AND_BRACKETS.finditer(body):
        kind = found[0][:1]
        depth += (kind in b"[{") - (kind in b"]}")
        if depth > MOST_DEPTH:
            raise ApiError(400, "bad_json", f"the body is nested more than {MOST_DEPTH} deep")


def _from_json(body: bytes) -> FormFields:
    if body.count(b'"') > 2 * MOST_MARKS:
        raise ApiError(400, "bad_json", f"the body has more than {2 * MOST_MARKS:,} quotes")
    body, texts = set_apart(body)
    _check_json(body)
    try:
        found = json.loads(body)
        if not isinstance(found, dict):
            raise ApiError(
                400, "bad_json", "the body must be one JSON object, with a member a field"
            )
        said = found.get(_PICTURE) or ""
        if not isinstance(said, str):
            raise ApiError(400, "bad_json", f"{_PICTURE} must be a text")
        encoded = from_json(texts.pop(said)) if said in texts else said.encode()
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "bad_json", f"the body is not JSON ({error})") from error
    if texts:
        raise _too_long("a member other than image_file_b64")
    return FormFields(_short(found), {}, encoded=encoded.strip())


async def receive_campaign(
    request: Request, place: Callable[[str], Path], *, limit: int, pace: UploadPace, files: int = 1
) -> FormFields:
    """Write every file of a multipart body to where `place` says; return the other fields.

    Of the files the names of their fields are returned, nothing else.

    Files go from the network to disk in pieces: memory does not grow with their number.

    Raises
    ------
    ApiError
        As `read_form`; also if there are more than so many `files`.
    """
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > limit:
        raise too_large_body(limit)
    bounded = Request(request.scope, _Bounded(request, limit, limit, pace).receive)
    fields: dict[str, object] = {}
    brought: dict[str, list[Upload]] = {}
    try:
        async with _parsed(bounded, _AROUND_BYTES, files=files) as form:
            texts: Counter[str] = Counter()
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    target = place(value.filename or "")
                    await asyncio.to_thread(_copied, value, target)
                    brought[name] = []
                else:
                    fields[name] = value.strip()
                    texts[name] += 1
    except ClientDisconnect as error:
        raise GoneError from error
    return FormFields(fields, brought, tuple(name for name, times in texts.items() if times > 1))


def _copied(upload: UploadFile, target: Path) -> None:
    upload.file.seek(0)
    with target.open("xb") as stream:
        shutil.copyfileobj(upload.file, stream)
