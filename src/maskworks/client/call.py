"""A call of the service as a value, and what it answers that is no JSON."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Generic, Literal, TypeAlias, TypeVar, cast
from urllib.parse import quote

from maskworks.core.errors import UnreadableError

Answer = TypeVar("Answer")
"""What a call answers: a record of `maskworks.client.answers`, a file, words, or events."""

Upload: TypeAlias = str | Path | bytes | tuple[str, bytes]
"""A file to send: its path, its bytes, or its name and bytes."""

Kind = Literal["json", "file", "text", "events"]
Value: TypeAlias = str | float | bool | None
Part: TypeAlias = tuple[str, tuple[str, BinaryIO | bytes, str]]
"""(field, (name, content, media type)), as httpx takes it."""


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """One call, still to be sent: `Client.send` and `AsyncClient.send` do.

    `places` fill the braces of `path`; None in `query`, `form`, `json` or `files` is not sent,
    and means what the service does by default.
    """

    verb: Literal["GET", "POST"]
    path: str
    kind: Kind
    places: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Value] = field(default_factory=dict)
    form: Mapping[str, Value] = field(default_factory=dict)
    json: Mapping[str, Value] | None = None
    files: Mapping[str, Upload | Sequence[Upload] | None] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The path with its places filled in.

        Examples
        --------
        >>> Call("GET", "/v1/campaigns/{job}", "json", places={"job": "a b"}).address
        '/v1/campaigns/a%20b'
        """
        shown = {name: quote(value, safe="/") for name, value in self.places.items()}
        return self.path.format_map(shown)

    @property
    def accept(self) -> str:
        """The kinds of answer that are understood."""
        return {"json": "application/json", "events": "text/event-stream"}.get(self.kind, "*/*")

    @contextmanager
    def opened(self) -> Iterator[list[Part]]:
        """Open the files to send; they are read anew for every try.

        Raises
        ------
        UnreadableError
            If one cannot be read.
        """
        with ExitStack() as stack:
            parts: list[Part] = []
            for name, given in self.files.items():
                several = [] if given is None else _several(given)
                parts += [(name, _opened(each, stack)) for each in several]
            yield parts


@dataclass(frozen=True)
class FileAnswer:
    """A file that the service answered, and what it thinks of it."""

    content: bytes = field(repr=False)
    media_type: str
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def status(self) -> str | None:
        """ok, review or no-subject, of `/v1/cutout`."""
        return self.headers.get("x-status")

    @property
    def confidence(self) -> float | None:
        """The IoU that the model expects of its mask, None where it has none."""
        return _number(self.headers.get("x-confidence"))

    @property
    def score(self) -> float | None:
        """The probability that the cut-out is good."""
        return _number(self.headers.get("x-score"))

    @property
    def route(self) -> str | None:
        """Whether to deliver it, or to have a person look."""
        return self.headers.get("x-route")

    def save(self, path: str | Path) -> Path:
        """Write the file and return its path; an existing one is replaced."""
        target = Path(path)
        target.write_bytes(self.content)
        return target


@dataclass(frozen=True)
class EventAnswer:
    """One event of a job: "progress" until "ended"; `data` is the job's record."""

    name: str
    data: dict[str, object]


def plain(values: Mapping[str, Value]) -> dict[str, str]:
    """Return fields as a form has them; None is left out.

    Examples
    --------
    >>> plain({"a": True, "b": 3, "c": None})
    {'a': 'true', 'b': '3'}
    """
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
        if value is not None
    }


def _several(given: Upload | Sequence[Upload]) -> list[Upload]:
    if isinstance(given, str | Path | bytes):
        return [given]
    if isinstance(given, tuple) and [type(each) for each in given] == [str, bytes]:
        return [cast("tuple[str, bytes]", given)]
    return list(given)


def _opened(upload: Upload, stack: ExitStack) -> tuple[str, BinaryIO | bytes, str]:
    if isinstance(upload, bytes):
        return "file", upload, "application/octet-stream"
    if isinstance(upload, tuple):
        return upload[0], upload[1], _media_type(upload[0])
    path = Path(upload)
    try:
        return path.name, stack.enter_context(path.open("rb")), _media_type(path.name)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise UnreadableError(str(path), reason, "check the path") from error


def _media_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)
