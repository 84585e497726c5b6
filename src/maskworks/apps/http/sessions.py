"""Reviewers at a browser: a signed cookie, and a token against requests they did not mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path

from maskworks.core.errors import OutputError

COOKIE = "maskworks_session"
CSRF_HEADER = "x-csrf-token"
HOURS = 12

_FILE = "session.key"
_FIELDS = 4
_KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Session:
    """Who sits there: `key` is the prefix of their key, "" on loopback without one.

    `number` tells it from every other session.
    """

    who: str
    key: str
    until: float
    number: str = field(default_factory=lambda: secrets.token_hex(8))


def signing_key(data: Path) -> bytes:
    """Return the secret that signs cookies, made at the first call; all processes share it.

    Raises
    ------
    OutputError
        If it can neither be read nor written, or is not whole.
    """
    path = data / _FILE
    try:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(secrets.token_bytes(_KEY_BYTES))
        until = time.monotonic() + 1
        while len(found := path.read_bytes()) < _KEY_BYTES and time.monotonic() < until:
            time.sleep(0.01)  # another process is just writing it
    except OSError as error:
        raise OutputError(path, f"cannot be used ({error})", "let this user write there") from error
    if len(found) < _KEY_BYTES:  # anybody can sign with an empty one
        reason = f"has {len(found)} bytes of {_KEY_BYTES}: a full disk has cut it off"
        raise OutputError(path, reason, "make room and delete it; everybody logs in again")
    return found


def seal(session: Session, key: bytes) -> str:
    """Return the cookie of a session."""
    fields = [session.who, session.key, session.until, session.number]
    body = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()
    return f"{body}.{_mac(key, 'session', body)}"


def unseal(cookie: str, key: bytes, now: float) -> Session | None:
    """Return the session of a cookie, None if it is not ours or over.

    Examples
    --------
    >>> sealed = seal(Session(who="Ana", key="", until=10.0), b"k")
    >>> unseal(sealed, b"k", 9.0).who, unseal(sealed, b"k", 11.0), unseal(sealed + "0", b"k", 9.0)
    ('Ana', None, None)
    """
    body, _, mac = cookie.rpartition(".")
    if not cookie.isascii() or not hmac.compare_digest(mac, _mac(key, "session", body)):
        return None
    fields = json.loads(base64.urlsafe_b64decode(body))
    if len(fields) != _FIELDS or now >= fields[2]:  # or it is of an earlier version
        return None
    return Session(who=fields[0], key=fields[1], until=fields[2], number=fields[3])


def csrf_token(cookie: str, key: bytes) -> str:
    """Return the token that a page of this session sends with whatever changes something."""
    return _mac(key, "csrf", cookie)


def _mac(key: bytes, purpose: str, text: str) -> str:
    return hmac.new(key, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()
