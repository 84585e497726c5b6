"""What a request brings: multipart, urlencoded or JSON, read with a limit, as one form."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.work_queue import GoneError

_MOST_FILES = 1000
_MOST_FIELDS = 100
_BASE64 = 4 / 3
_AROUND_BYTES = 1 << 16


@dataclass(frozen=True)
class Upload:
    """One file of a form: `name` as its sender calls it."""

    name: str
    data: bytes


@dataclass(frozen=True)
class FormFields:
    """The fields of a body; of JSON, numbers and truth values are kept as they are."""

    fields: dict[str, object]
    files: dict[str, list[Upload]]

    def text(self, name: str) -> str:
        """Return a field as stripped text, "" if it is not there."""
        value = self.fields.get(name)
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value).strip()

    def file(self, name: str) -> Upload | None:
        """Return the first file of a name."""
        return next(iter(self.files.get(name, [])), None)


def too_large_body(limit: int) -> ApiError:
    """Return the error of a body beyond the limit."""
    return ApiError(
        413, "file_too_large", f"the upload has more than {limit:,} bytes; send a smaller file"
    )


async def read_form(request: Request, *, limit: int, seconds: float) -> FormFields:
    """Read the body of a request, at most `limit` bytes of it.

    Larger files are kept on disk while they arrive, not in memory.

    Raises
    ------
    ApiError
        413 if it is larger, 408 if it takes longer than `seconds`, 415 if it is no form and
        no JSON, 400 if it is damaged.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    most = (
        limit + _AROUND_BYTES
        if kind == "multipart/form-data"
        else int(limit * _BASE64) + _AROUND_BYTES
    )
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > most:
        raise too_large_body(limit)
    bounded = Request(request.scope, _Bounded(request, most, limit).receive)
    try:
        async with asyncio.timeout(seconds):
            if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
                return await _from_form(bounded, limit)
            body = await bounded.body()
    except TimeoutError as error:
        raise ApiError(408, "slow_upload", f"the body took longer than {seconds:g} s") from error
    except ClientDisconnect as error:
        raise GoneError from error
    if kind == "application/json" or kind.endswith("+json"):
        return FormFields(_from_json(body), {})
    if not body:
        return FormFields({}, {})
    raise ApiError(
        415,
        "unsupported_media_type",
        f"a body of type {kind or 'unknown'!r} is not understood; send multipart/form-data, "
        "application/x-www-form-urlencoded or application/json",
    )


class _Bounded:
    """Counts what a request sends and stops at the limit."""

    def __init__(self, request: Request, most: int, limit: int) -> None:
        self._request, self._most, self._limit, self._seen = request, most, limit, 0

    async def receive(self) -> Message:
        """Return the next piece."""
        message = await self._request.receive()
        self._seen += len(message.get("body", b""))
        if self._seen > self._most:
            raise too_large_body(self._limit)
        return message


async def _from_form(request: Request, limit: int) -> FormFields:
    fields: dict[str, object] = {}
    files: dict[str, list[Upload]] = {}
    async with _parsed(request, limit) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                data = await value.read()
                files.setdefault(name, []).append(Upload(value.filename or "", data))
            else:
                fields[name] = value
    return FormFields(fields, files)


@asynccontextmanager
async def _parsed(request: Request, limit: int) -> AsyncIterator[FormData]:
    parts = {"max_files": _MOST_FILES, "max_fields": _MOST_FIELDS}
    try:
        form = await request.form(**parts, max_part_size=int(limit * _BASE64) + _AROUND_BYTES)
    except HTTPException as error:  # Starlette's word for a damaged form
        raise ApiError(400, "bad_form", f"the form is damaged: {error.detail}") from error
    try:
        yield form
    finally:
        await form.close()


def _from_json(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "bad_json", f"the body is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise ApiError(400, "bad_json", "the body must be one JSON object, with a member a field")
    return found


async def receive_campaign(
    request: Request, place: Callable[[str], Path], *, limit: int, seconds: float
) -> dict[str, str]:
    """Write every file of a multipart body to where `place` says; return the other fields.

    Files go from the network to disk in pieces: memory does not grow with their number.

    Raises
    ------
    ApiError
        As `read_form`.
    """
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > limit:
        raise too_large_body(limit)
    bounded = Request(request.scope, _Bounded(request, limit, limit).receive)
    fields: dict[str, str] = {}
    try:
        async with asyncio.timeout(seconds), _parsed(bounded, _AROUND_BYTES) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    target = place(value.filename or "")
                    await asyncio.to_thread(_copied, value, target)
                else:
                    fields[name] = value.strip()
    except TimeoutError as error:
        raise ApiError(408, "slow_upload", f"the body took longer than {seconds:g} s") from error
    except ClientDisconnect as error:
        raise GoneError from error
    return fields


def _copied(upload: UploadFile, target: Path) -> None:
    upload.file.seek(0)
    with target.open("xb") as stream:
        shutil.copyfileobj(upload.file, stream)
