"""Error responses: one JSON shape, and that of remove.bg."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from maskworks.core.errors import (
    ImageError,
    LicenceError,
    MaskworksError,
    ModelError,
    NetworkError,
    OutputError,
    RecipeError,
    TooLargeError,
    TooSlowError,
    UnknownModelError,
    UnreadableError,
    UsageError,
)
from maskworks.studio.store.holding import HeldError
from maskworks.studio.store.reviewing import DecidedError, LeasedError

# An absolute path up to its last name; not that of an address of the web.
_FOLDERS = re.compile(r"""(?<![\w/.:])(?:[A-Za-z]:)?/(?:[^/\n:;,'"()]+/)+""")

STATUS: Mapping[type[MaskworksError], int] = {
    UnreadableError: 422,
    TooLargeError: 413,
    TooSlowError: 504,
    ImageError: 422,
    UnknownModelError: 404,
    LicenceError: 403,
    NetworkError: 500,
    ModelError: 503,
    OutputError: 507,
    UsageError: 400,
    RecipeError: 400,
    LeasedError: 409,
    DecidedError: 409,
    HeldError: 409,
}
"""The status of each error of ours; the first class that fits counts."""


@dataclass
class ApiError(Exception):
    """A request that is refused: `code` for machines, `message` for people.

    `title` is the short sentence that remove.bg's shape has.
    """

    status: int
    code: str
    message: str
    title: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message


def status_of(error: MaskworksError) -> int:
    """Return the status that an error of ours has over HTTP.

    Examples
    --------
    >>> status_of(UsageError("no such colour")), status_of(MaskworksError("?"))
    (400, 500)
    """
    for kind, status in STATUS.items():
        if isinstance(error, kind):
            return status
    return 500


def translated(error: MaskworksError) -> ApiError:
    """Return an error of ours as one of a request; it names no folder of this machine."""
    return ApiError(status_of(error), error.code, without_folders(str(error)))


def without_folders(text: str) -> str:
    """Return a message with the names of files, and not the folders they lie in.

    Examples
    --------
    >>> without_folders("/srv/data/spring/campaign.toml:3: see https://a.example/b/c")
    'campaign.toml:3: see https://a.example/b/c'
    """
    return _FOLDERS.sub("", text)


def own_shape(error: ApiError, request_id: str) -> dict[str, Any]:
    """Return the body that every address but remove.bg's answers an error with."""
    body = {"code": error.code, "message": error.message, "request_id": request_id}
    return {"error": body}


def removebg_shape(error: ApiError) -> dict[str, Any]:
    """Return the body of remove.bg's errors."""
    body = {"title": error.title or error.message, "code": error.code}
    if error.title and error.message != error.title:
        body["detail"] = error.message
    return {"errors": [body]}


def too_busy(retry_after: float) -> ApiError:
    """Return the error of a full house."""
    seconds = max(1, round(retry_after))
    return ApiError(
        429,
        "busy",
        f"every place in the queue is taken; try again in {seconds} s",
        "Rate limit exceeded",
        {"Retry-After": str(seconds)},
    )
