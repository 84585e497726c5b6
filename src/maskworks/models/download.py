"""Fetch one file over HTTP(S): resumes, retries, and says exactly why it could not.

What has arrived lies in ``NAME.part``, beside ``NAME.part.tag`` with the server's ETag (or
Last-Modified). The next try asks for the rest with ``Range`` and ``If-Range``, so a file that
changed on the server is sent whole. Whoever calls checks the sum of the finished file.
"""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskworks.core.errors import DownloadError, OutputError

if TYPE_CHECKING:
    import urllib.error
    import urllib.request
    from email.message import Message

Progress = Callable[[int, int], None]
"""Called with (bytes that are here, bytes in all; 0 when the server does not say)."""

CHUNK = 1 << 18
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
RETRY = frozenset({408, 425, 429, 500, 502, 503, 504})

HTTP_OK, HTTP_PARTIAL, HTTP_RANGE = 200, 206, 416


@dataclass(frozen=True)
class RetryPolicy:
    """Retry policy of a download.

    `tries` count only while nothing arrives; a connection that breaks after sending
    something is always resumed, up to `connections` in all.
    """

    tries: int = 4
    connections: int = 40
    pause_s: float = 0.5
    timeout_s: float = 30.0


class _BrokenError(Exception):
    """The connection or the server failed in a way that a later try may not."""


def part_files(target: Path) -> tuple[Path, Path]:
    """Return where the unfinished download of `target` and its tag lie."""
    part = target.with_name(target.name + ".part")
    return part, part.with_name(part.name + ".tag")


def download(
    url: str,
    target: Path,
    *,
    size: int | None = None,
    progress: Progress | None = None,
    policy: RetryPolicy | None = None,
) -> Path:
    """Fetch `url` into the part file of `target`, going on where an earlier try stopped.

    Parameters
    ----------
    url : str
        ``http`` or ``https``.
    target : Path
        Its folder exists; the file itself is not touched.
    size : int, optional
        Bytes the file must have.
    progress : callable, optional

    Returns
    -------
    Path
        The part file, complete but not checked.

    Raises
    ------
    DownloadError
        With the last reason, once patience is at its end or trying again is pointless.
    OutputError
        If the disk is full or the folder not writable; what has arrived is kept.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise DownloadError(url, "only http and https are allowed", "give such a URL or a folder")
    policy = policy or RetryPolicy()
    part, _ = part_files(target)
    idle = 0
    reason = ""
    for connection in range(policy.connections):
        before = _length(part)
        try:
            if _fetch(url, target, size, progress, policy.timeout_s):
                return part
            reason = "the connection broke"
        except _BrokenError as error:
            reason = str(error)
        idle = 0 if _length(part) > before else idle + 1
        if idle >= policy.tries or connection + 1 == policy.connections:
            break
        time.sleep(policy.pause_s * 2 ** min(idle, 4))
    raise DownloadError(
        url,
        f"{reason} ({_length(part):,} bytes are here)",
        "run the same command again to go on, or use `--mirror`",
    )


def _fetch(
    url: str, target: Path, size: int | None, progress: Progress | None, timeout_s: float
) -> bool:
    """Open one connection and take what it gives; True once the file is complete."""
    import http.client  # with it comes TLS; who only opens a model does not wait for that
    import urllib.error
    import urllib.request

    part, tag = part_files(target)
    start = _length(part)
    if size is not None and start == size:
        return True
    if size is not None and start > size:
        start = 0
    request = urllib.request.Request(url, headers=_headers(start, tag))  # noqa: S310 - checked
    try:
        with _opener().open(request, timeout=timeout_s) as response:
            return _receive(response, url, target, size, start, progress)
    except urllib.error.HTTPError as error:
        with error:  # it holds the connection
            return _refused(error, url, part, start)
    except urllib.error.URLError as error:
        raise _BrokenError(f"no connection ({error.reason})") from error
    except (http.client.HTTPException, OSError) as error:  # writing raises OutputError instead
        raise _BrokenError(
            f"the connection broke ({str(error) or type(error).__name__})"
        ) from error


def _refused(error: urllib.error.HTTPError, url: str, part: Path, start: int) -> bool:
    """Say what an answer other than the file means; True if the part is the whole file."""
    if error.code == HTTP_RANGE:
        if _total(error.headers, start) == start:
            return True
        part.unlink(missing_ok=True)  # longer than the file, or of another file
        raise _BrokenError("the server cannot go on from here") from error
    answer = f"the server answered {error.code} {error.reason}"
    if error.code in RETRY:
        raise _BrokenError(answer) from error
    remedy = "check the address, or fetch it elsewhere with `--mirror URL`"
    raise DownloadError(url, answer, remedy) from error


def _receive(
    response: Any,  # noqa: ANN401 - http.client.HTTPResponse, typed as a bare base class
    url: str,
    target: Path,
    size: int | None,
    start: int,
    progress: Progress | None,
) -> bool:
    if response.status == HTTP_OK:
        start = 0  # the server ignores Range, or its file changed
    elif response.status != HTTP_PARTIAL or _first_byte(response.headers) != start:
        part_files(target)[0].unlink(missing_ok=True)
        message = f"the server answered {response.status} for another range than asked for"
        raise _BrokenError(message)
    total = _total(response.headers, start)
    if size is not None and total not in (0, size):
        raise DownloadError(
            url,
            f"the file there has {total:,} bytes, the catalogue says {size:,}",
            "this is another file; use the original address or another `--mirror`",
        )
    total = size or total
    part, tag = part_files(target)
    try:
        _keep_tag(response.headers, tag)
        stream = part.open("r+b" if start else "wb", buffering=0)
    except OSError as error:
        raise _unwritable(part, error) from error
    with stream:
        stream.seek(start)
        stream.truncate()
        here = start
        while data := response.read(CHUNK):
            here += len(data)
            if total and here > total:
                stream.truncate(0)
                raise DownloadError(url, "the server sent too much", "use another `--mirror`")
            _write(stream, data, part)
            if progress:
                progress(here, total)
    return here == total if total else True


def _write(stream: FileIO, data: bytes, part: Path) -> None:
    """Write all of it, unbuffered, so that what arrived before a full disk is kept."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[stream.write(rest) :]
    except OSError as error:
        raise _unwritable(part, error) from error


def _headers(start: int, tag: Path) -> dict[str, str]:
    headers = {"User-Agent": "maskworks", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if tag.is_file() and (known := tag.read_text(encoding="ascii", errors="ignore").strip()):
            headers["If-Range"] = known
    return headers


def _keep_tag(headers: Message, tag: Path) -> None:
    """Remember which version of the file this is; a weak ETag cannot be used for ranges."""
    etag = headers.get("ETag", "")
    known = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")
    tag.write_text(known, encoding="ascii", errors="ignore")


def _first_byte(headers: Message) -> int:
    found = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
    return int(found[1]) if found else -1


def _total(headers: Message, start: int) -> int:
    if found := re.search(r"/(\d+)$", headers.get("Content-Range", "")):
        return int(found[1])
    length = headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else 0


def _length(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _unwritable(part: Path, error: OSError) -> OutputError:
    if error.errno in FULL:
        return OutputError(
            part,
            f"the disk is full ({error.strerror})",
            "make room or set MASKWORKS_HOME to another disk, then run it again to go on",
        )
    return OutputError(part, f"cannot be written ({error.strerror})", "set MASKWORKS_HOME")


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener for http and https alone: no redirect leads to a file or to FTP."""
    import urllib.request

    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener
