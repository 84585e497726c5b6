"""Columns that keep what Python gives them exactly, in both databases."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from sqlalchemy import JSON, DateTime, Dialect, Numeric, Text, TypeDecorator
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

_BYTES = "bytes:"

Structure = JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
"""Lists and dictionaries."""


def plain(text: str) -> str:
    r"""Return the text with what no database takes (lone surrogates, NUL) written out.

    Examples
    --------
    >>> plain("caf\udce9.jpg")
    'caf\\udce9.jpg'
    """
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


class PlainText(TypeDecorator[str]):
    """Text for people; see `plain`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write out what the database cannot take."""
        return None if value is None else plain(value)


class PathText(TypeDecorator[str]):
    """A path, which may be no text at all; comes back exactly as it went in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Keep a path that is no text as its bytes."""
        if value is None or (plain(value) == value and not value.startswith(_BYTES)):
            return value
        return _BYTES + quote(os.fsencode(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Return the path."""
        if value is None or not value.startswith(_BYTES):
            return value
        return os.fsdecode(unquote_to_bytes(value.removeprefix(_BYTES)))


class Money(TypeDecorator[Decimal]):
    """An exact amount: NUMERIC without limits in PostgreSQL, its digits in SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the type: SQLite's own numbers are floats."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(asdecimal=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """Write every digit, without an exponent."""
        if value is None or dialect.name == "postgresql":
            return value
        return f"{value:f}"

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Read every digit."""
        return None if value is None else Decimal(value)


class Moment(TypeDecorator[datetime]):
    """A point in time, UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Write it as UTC; SQLite keeps no zone."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Read it as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
