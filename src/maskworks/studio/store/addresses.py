"""Database addresses: a file, or a URL with its driver's arguments."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from maskworks.core.errors import UsageError
from maskworks.studio.store.processes import user_name

PG8000 = "postgresql+pg8000"
PORT = 5432

_FORM = "postgresql://user:password@host/name"


@dataclass(frozen=True, eq=False)
class Address:
    """A database: `name` is for messages and has no password, `arguments` are the driver's."""

    url: URL
    name: str
    arguments: dict[str, object] = field(default_factory=dict)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite."""
        return self.url.get_backend_name() == "sqlite"


def parse_address(database: Path | str) -> Address:
    """Return where a database is; a text without ``://`` is the path of a file.

    Raises
    ------
    UsageError
        If it is neither SQLite nor PostgreSQL, or the URL has a part that is not understood.

    Examples
    --------
    >>> parse_address("postgresql://ana:secret@db.example/studio").name
    'postgresql://ana:***@db.example/studio'
    >>> parse_address("jobs/spring.db").name
    'jobs/spring.db'
    """
    if isinstance(database, Path) or "://" not in database:
        return _file(os.fspath(database))
    try:
        url = make_url(database)
        kind = url.get_backend_name()
    except (ArgumentError, ValueError) as error:  # the text may hold a password: do not show it
        raise UsageError(f"the database's URL cannot be read; write {_FORM}") from error
    if kind == "sqlite" and url.database:
        return _file(url.database)
    if kind in ("postgresql", "postgres"):
        return _server(url)
    raise UsageError(f"a database of {kind!r} cannot be used; name a file, or write {_FORM}")


def _file(path: str) -> Address:
    return Address(URL.create("sqlite", database=path), path)


def _server(url: URL) -> Address:
    """Translate what PostgreSQL's own programs understand in a URL for the driver pg8000."""
    name = url.render_as_string(hide_password=True)
    if url.drivername not in ("postgresql", "postgres", PG8000):
        return Address(url, name)
    arguments: dict[str, object] = {}
    for key, value in url.query.items():
        if key == "host" and str(value).startswith("/"):
            arguments["unix_sock"] = f"{value}/.s.PGSQL.{url.port or PORT}"
            arguments["ssl_context"] = False
        elif key == "sslmode" and value in _SSL:
            arguments.setdefault("ssl_context", _SSL[str(value)])
        else:
            raise UsageError(
                f"the database's URL has {key}={value}; understood are host=/folder of the "
                f"socket and sslmode={', '.join(_SSL)}"
            )
    verify = arguments.get("ssl_context")
    if isinstance(verify, str):
        context = ssl.create_default_context()
        context.check_hostname = verify == "host"
        arguments["ssl_context"] = context
    user = url.username or user_name()
    return Address(url.set(drivername=PG8000, username=user, query={}), name, arguments)


_SSL: dict[str, bool | str | None] = {
    "disable": False,
    "prefer": None,  # encrypted where the server can, its certificate is not checked
    "require": True,
    "verify-ca": "authority",
    "verify-full": "host",
}
