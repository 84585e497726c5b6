"""What the plug-in asks a Maskworks service for; the standard library only."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid

ADDRESS = "http://127.0.0.1:7000"
_SECONDS = 120


class ServiceError(Exception):
    """The service could not be reached, or said no; the message says which."""


def cutout(picture: bytes, address: str = ADDRESS) -> tuple[bytes, str, str]:
    """Have a picture cut out.

    Parameters
    ----------
    picture : content of a PNG or JPEG file

    Returns
    -------
    content of a PNG with alpha, in the subject's own colours; the status ("ok", "review",
    "no-subject"); the confidence as text, "" if there is none

    Raises
    ------
    ServiceError
        If the service does not answer, or cannot cut the picture out.
    """
    mark = uuid.uuid4().hex
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="image"; filename="picture"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + picture + f"\r\n--{mark}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    request = urllib.request.Request(f"{address}/v1/cutout", body, kind)
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            told = answer.headers
            return answer.read(), told.get("X-Status", ""), told.get("X-Confidence", "")
    except urllib.error.HTTPError as error:
        raise ServiceError(_message(error)) from error
    except OSError as error:
        raise ServiceError(
            f"{address} does not answer ({error}); start the service with `maskworks serve`"
        ) from error


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the service answers with {error.code}"
