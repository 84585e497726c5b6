"""Keys of object stores by their URL, as paths: s3://, gs://, az://, memory://.

A `UrlPath` has a path's parts and names, so that planning treats it like any other; what asks the
store is `list_keys`, `fetch`, `send` and the few verbs of a path that are overridden. Credentials
come from the environment, as each store's own library reads them, and are never part of a URL.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import IO, Any

from maskworks.core.errors import OutputError, UnreadableError, UsageError

if sys.platform == "win32":
    from pathlib import WindowsPath as _SystemPath
else:
    from pathlib import PosixPath as _SystemPath

LIBRARIES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs", "memory": "fsspec"}
"""What reads and writes each kind of store."""

PIECE_BYTES = 4 << 20
"""Content is copied in pieces of this size: memory does not grow with a file."""

_MARK = "://"
_GONE = "there is no such key, or it vanished after it was listed"


class UrlPath(_SystemPath):
    """A key, or a prefix that ends like a folder, of an object store."""

    known: os.stat_result | None = None
    """Size and time of change, if the listing said them."""

    def __str__(self) -> str:
        plain = self.as_posix() if sys.platform == "win32" else super().__str__()
        scheme, mark, rest = plain.partition(":/")
        return f"{scheme}{_MARK}{rest}" if mark and scheme in LIBRARIES else plain

    def __fspath__(self) -> str:
        return str(self)

    @property
    def scheme(self) -> str:
        """Which kind of store it is."""
        return self.parts[0].rstrip(":")

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:  # noqa: ARG002 - a path's
        """Return size and time of change, asking the store unless the listing has said them."""
        return self.known or _stat_of(store_of(self.scheme).info(str(self)))

    def open(  # type: ignore[override]
        self,
        mode: str = "r",
        buffering: int = -1,  # noqa: ARG002 - a path's
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> IO[Any]:
        """Open the content as a stream that is read piece by piece."""
        asked = {"encoding": encoding, "errors": errors, "newline": newline}
        told = {name: value for name, value in asked.items() if value is not None}
        stream: IO[Any] = store_of(self.scheme).open(str(self), mode, **told)
        return stream

    def exists(self, *, follow_symlinks: bool = True) -> bool:  # noqa: ARG002 - a path's
        """Say whether there is such a key."""
        return self.known is not None or bool(store_of(self.scheme).isfile(str(self)))

    def is_file(self, *, follow_symlinks: bool = True) -> bool:  # noqa: ARG002 - a path's
        """Say whether there is such a key."""
        return self.exists()

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:  # noqa: ARG002 - a path's
        """Say no: a store has keys alone."""
        return False

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:  # noqa: FBT001, FBT002
        """Do nothing: a key needs no folder."""

    def unlink(self, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - as a path's
        """Take the key away."""
        try:
            store_of(self.scheme).rm_file(str(self))
        except FileNotFoundError:
            if not missing_ok:
                raise


def is_url(text: str) -> bool:
    """Say whether a text names something on an object store, or as file://.

    Examples
    --------
    >>> is_url("s3://shop/photos"), is_url("photos/s3.jpg")
    (True, False)
    """
    return _MARK in text


def to_path(text: str) -> Path:
    """Return the absolute path of a text, a `UrlPath` for a URL.

    Raises
    ------
    UsageError
        If the URL is of another kind, names no bucket, holds credentials, or cannot be a path.

    Examples
    --------
    >>> str(to_path("s3://shop/photos/a.jpg").with_suffix(".png"))
    's3://shop/photos/a.png'
    """
    if not is_url(text):
        return Path(os.path.abspath(text))  # noqa: PTH100 - resolve() would follow links
    scheme, _, rest = text.partition(_MARK)
    if "@" in rest.split("/", 1)[0]:  # which may be a secret: nothing of it is shown
        raise UsageError(
            f"a URL {scheme}{_MARK}... holds a name or a key before the @; leave them out, they "
            "are taken from the environment"
        )
    if scheme == "file":
        from urllib.parse import unquote, urlsplit  # slow to import, and seldom needed
        from urllib.request import url2pathname

        return Path(url2pathname(unquote(urlsplit(text).path)))
    if scheme not in LIBRARIES:
        kinds = ", ".join(f"{kind}{_MARK}" for kind in (*LIBRARIES, "file"))
        raise UsageError(f"{text}: is of no store that is known; use {kinds} or a path")
    path = UrlPath(f"{scheme}:/{rest}")
    if str(path) != text.rstrip("/") or len(path.parts) < 2:
        raise UsageError(
            f"{text}: names no bucket, or has a part that is empty, . or .., which no path can "
            "have; rename the key"
        )
    return path


@cache
def store_of(scheme: str) -> Any:  # noqa: ANN401 - fsspec has no types
    """Return the file system of a kind of store, opened once in each process.

    Raises
    ------
    UsageError
        If its library is not installed.
    """
    try:
        import fsspec

        return fsspec.filesystem(scheme, use_listings_cache=False)
    except ImportError as error:
        raise UsageError(
            f"{scheme}{_MARK} needs {LIBRARIES[scheme]} ({error}); "
            f"run `pip install 'maskworks[{_EXTRAS[scheme]}]'`"
        ) from error


_EXTRAS = {"s3": "s3", "gs": "gs", "az": "az", "memory": "s3"}


def list_keys(folder: UrlPath) -> Iterator[UrlPath]:
    """Yield all keys below a prefix as the store's pages come, each with its size and time.

    Raises
    ------
    UsageError
        If the bucket does not exist, or may not be listed.
    """
    try:
        for key, info in _pages(folder):
            path = UrlPath(f"{folder.scheme}:/{key}")
            if str(path) == f"{folder.scheme}{_MARK}{key}" and not key.endswith("/"):
                path.known = _stat_of(info)
                yield path
    except Exception as error:
        raise UsageError(f"{folder}: {_why(error, folder, 'listed')}") from error


def _pages(folder: UrlPath) -> Iterator[tuple[str, dict[str, Any]]]:
    store = store_of(folder.scheme)
    if folder.scheme != "s3":
        for _, _, files in store.walk(str(folder), detail=True, on_error="raise"):
            for info in sorted(files.values(), key=lambda info: str(info["name"])):
                yield str(info["name"]).lstrip("/"), info
        return
    bucket, *rest = folder.parts[1:]
    asked = {"Bucket": bucket, "Prefix": "/".join([*rest, ""]) if rest else ""}
    while True:
        page = store.call_s3("list_objects_v2", **asked)
        for info in page.get("Contents", ()):
            yield f"{bucket}/{info['Key']}", {"size": info["Size"], **info}
        if not page.get("IsTruncated"):
            return
        asked["ContinuationToken"] = page["NextContinuationToken"]


def fetch(source: UrlPath, target: Path, *, shown: str) -> None:
    """Copy a key into a file, piece by piece; the file gets the key's time of change.

    Raises
    ------
    UnreadableError
        If it is not there any more, forbidden, or the store cannot be reached.
    """
    try:
        known = source.stat()
        with source.open("rb") as stream, target.open("wb") as written:
            while piece := stream.read(PIECE_BYTES):
                written.write(piece)
    except Exception as error:
        reason = _why(error, source, "read")
        raise UnreadableError(shown, *reason.split("; ", 1)) from error
    os.utime(target, ns=(known.st_mtime_ns, known.st_mtime_ns))


def send(made: Path, target: UrlPath) -> None:
    """Copy a file to a key, piece by piece; the key is there as a whole or not at all.

    Raises
    ------
    OutputError
        If the bucket does not exist, forbids it, or the store cannot be reached.
    """
    try:
        with made.open("rb") as stream, store_of(target.scheme).open(str(target), "wb") as written:
            while piece := stream.read(PIECE_BYTES):
                written.write(piece)
    except Exception as error:
        reason = _why(error, target, "written")
        raise OutputError(target, *reason.split("; ", 1)) from error


def _stat_of(info: dict[str, Any]) -> os.stat_result:
    when = next(
        (info[name] for name in ("LastModified", "last_modified", "updated", "created", "mtime")
         if info.get(name) is not None),
        0,
    )  # fmt: skip
    if isinstance(when, str):
        when = datetime.fromisoformat(when)
    seconds = when.timestamp() if isinstance(when, datetime) else float(when)
    size, whole = int(info.get("size") or 0), int(seconds)
    plain = (stat.S_IFREG | 0o444, 0, 0, 1, 0, 0, size, whole, whole, whole)
    return os.stat_result(plain, {"st_mtime_ns": int(seconds * 1_000_000) * 1000})


def _why(error: Exception, path: UrlPath, verb: str) -> str:
    """Return what a store says, and the way out; never a credential."""
    where = f"{path.scheme}{_MARK}{path.parts[1]}" if len(path.parts) > 1 else str(path)
    name = type(error).__name__
    said = " ".join(str(error).split())[:200]
    if isinstance(error, UsageError):
        return said
    if "NoSuchBucket" in said or (isinstance(error, FileNotFoundError) and verb != "read"):
        return f"the bucket does not exist; check the name {where}, or make it"
    if isinstance(error, FileNotFoundError):
        return f"{_GONE}; run again, or take it off the list"
    if isinstance(error, PermissionError) or "AccessDenied" in said or "Forbidden" in said:
        return (
            f"may not be {verb} (forbidden); allow it to whom the credentials in the environment "
            "belong to"
        )
    if "Credential" in name:
        return f"may not be {verb} (no credentials in the environment); set them, or a profile"
    return f"cannot be {verb} ({name}: {said}); check the store's address and the connection"
