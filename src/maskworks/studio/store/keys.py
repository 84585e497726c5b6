"""Keys of the service: made once, shown once, kept as a digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import Row, insert, select, update

from maskworks.core.errors import UsageError
from maskworks.core.public import public
from maskworks.studio.store.opening import Store, moment
from maskworks.studio.store.rows import as_row
from maskworks.studio.store.service_schema import api_keys

Scope = Literal["cut", "jobs", "review", "admin"]
"""`cut`: pictures; `jobs`: campaigns; `review`: decide on items; `admin`: metrics, all of it."""

SCOPES: tuple[Scope, ...] = get_args(Scope)

_MARK = "mw"
_PREFIX_CHARACTERS = 8
_LONGEST_NAME = 100


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key as the store knows it; the secret itself is kept nowhere.

    `megapixels_per_minute` and `monthly_credits` are None where the key has no limit of its
    own. `prefix` is the readable beginning of the secret, by which people tell keys apart.
    """

    id: int
    name: str
    prefix: str
    scopes: tuple[Scope, ...]
    megapixels_per_minute: float | None
    monthly_credits: float | None
    added_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What a new key may do, and how much of it."""

    scopes: Sequence[Scope] = ("cut",)
    megapixels_per_minute: float | None = None
    monthly_credits: float | None = None


@public
def add_key(store: Store, name: str, allowance: Allowance) -> tuple[ApiKey, str]:
    """Make a key and return it with its secret, which cannot be had again.

    Raises
    ------
    UsageError
        If the name is empty or too long, or a scope or a limit is none.

    Examples
    --------
    >>> from pathlib import Path; import tempfile
    >>> from maskworks.studio.store import open_store
    >>> with tempfile.TemporaryDirectory() as home, open_store(Path(home) / "a.db") as store:
    ...     key, secret = add_key(store, "shop", Allowance())
    ...     secret.startswith(f"mw_{key.prefix}_"), find_key(store, secret) == key
    (True, True)
    """
    name = name.strip()
    if not 0 < len(name) <= _LONGEST_NAME:
        raise UsageError(f"a key's name has 1 to {_LONGEST_NAME} characters, got {len(name)}")
    wrong = [scope for scope in allowance.scopes if scope not in SCOPES]
    if wrong or not allowance.scopes:
        said = repr(wrong[0]) if wrong else "none"
        raise UsageError(f"a key needs scopes among {', '.join(SCOPES)}; got {said}")
    for what in ("megapixels_per_minute", "monthly_credits"):
        value = getattr(allowance, what)
        if value is not None and not value > 0:  # NaN fails too
            raise UsageError(f"{what} is {value}; give a number above 0, or leave it out")
    prefix = secrets.token_hex(_PREFIX_CHARACTERS // 2)
    secret = f"{_MARK}_{prefix}_{secrets.token_urlsafe(32)}"
    with store.writing(durable=True) as connection:
        values = {
            "name": name,
            "prefix": prefix,
            "digest": _digest(secret),
            "scopes": sorted(set(allowance.scopes)),
            "megapixels_per_minute": allowance.megapixels_per_minute,
            "monthly_credits": allowance.monthly_credits,
            "added_at": moment(connection),
        }
        row = connection.execute(insert(api_keys).values(values).returning(*api_keys.c)).one()
    return _to_key(row), secret


def find_key(store: Store, secret: str) -> ApiKey | None:
    """Return the key of a secret, None if there is none or it was revoked."""
    parts = secret.split("_", 2)
    if len(parts) != 3 or parts[0] != _MARK or not secret.isascii():
        return None
    chosen = select(api_keys).where(api_keys.c.prefix == parts[1], api_keys.c.revoked_at.is_(None))
    with store.reading() as connection:
        row = connection.execute(chosen).one_or_none()
    if row is None or not hmac.compare_digest(row.digest, _digest(secret)):
        return None
    return _to_key(row)


def list_keys(store: Store) -> list[ApiKey]:
    """Return every key, the oldest first, the revoked among them."""
    with store.reading() as connection:
        return [
            _to_key(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.id))
        ]


def revoke_key(store: Store, name: str) -> ApiKey:
    """Let the key of this prefix or name count no longer; return it.

    Raises
    ------
    UsageError
        If no key, or more than one, is called so and not revoked.
    """
    with store.writing(durable=True) as connection:
        chosen = select(api_keys).where(api_keys.c.revoked_at.is_(None))
        rows = [row for row in connection.execute(chosen) if name in (row.prefix, row.name)]
        if len(rows) != 1:
            what = "no key" if not rows else f"{len(rows)} keys"
            raise UsageError(
                f"{what} in use called {name!r}; give the prefix that `maskworks keys list` shows"
            )
        now = moment(connection)
        this = api_keys.c.id == rows[0].id
        changed = update(api_keys).where(this).values(revoked_at=now).returning(*api_keys.c)
        return _to_key(connection.execute(changed).one())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _to_key(row: Row[Any]) -> ApiKey:
    return as_row(ApiKey, row, {"scopes": tuple(row.scopes)})
