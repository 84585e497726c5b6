"""What each key has used: this minute against its rate, this month against its quota."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from maskworks.studio.store.keys import ApiKey
from maskworks.studio.store.opening import Store, moment
from maskworks.studio.store.service_schema import api_keys, usage

_MINUTES_KEPT = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a key has used in a period."""

    requests: int = 0
    megapixels: float = 0.0
    credits: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Admission:
    """Whether a request may go on, and what is left of this minute.

    `refused` is None, "rate" or "quota"; `limit` and `remaining` are megapixels, None where
    the key has no rate; `reset_at` is when the next minute begins (UTC).
    """

    refused: str | None
    limit: float | None
    remaining: float | None
    reset_at: datetime


def admit(
    store: Store,
    key: ApiKey,
    megapixels: float,
    *,
    rate: float | None,
    credits: float = 0.0,  # noqa: A002
) -> Admission:
    """Count a request against this minute, and charge the month if it has credits left.

    Both in one transaction, so that no number of requests at once outruns a quota. A refused
    request counts nothing. The first request of a minute is let through whatever
    its size, so that a large picture is never refused for ever.

    Parameters
    ----------
    megapixels : of the picture
    rate : megapixels a minute where the key itself names none; None is without limit
    credits : what it costs; `refund` gives it back
    """
    limit = key.megapixels_per_minute if key.megapixels_per_minute is not None else rate
    with store.writing() as connection:
        # One request of a key after the other: a period that is new has no row to be locked.
        connection.execute(select(api_keys.c.id).where(api_keys.c.id == key.id).with_for_update())
        now = moment(connection)
        minute, reset = _minute(now), now.replace(second=0, microsecond=0) + timedelta(minutes=1)
        used = _spent(connection, key.id, minute)
        month = _spent(connection, key.id, _month(now))
        left = None if limit is None else max(0.0, limit - used.megapixels)
        quota = key.monthly_credits
        if quota is not None and (month.credits >= quota or month.credits + credits > quota):
            return Admission(refused="quota", limit=limit, remaining=left, reset_at=reset)
        if limit is not None and used.requests and used.megapixels + megapixels > limit:
            return Admission(refused="rate", limit=limit, remaining=left, reset_at=reset)
        if used.requests == 0:
            _forget(connection, key.id, now)
        _count(connection, key.id, minute, Spent(requests=1, megapixels=megapixels))
        if credits:
            spent = Spent(requests=1, megapixels=megapixels, credits=credits)
            _count(connection, key.id, _month(now), spent)
        rest = None if left is None else max(0.0, left - megapixels)
        return Admission(refused=None, limit=limit, remaining=rest, reset_at=reset)


def refund(store: Store, key: ApiKey, credits: float, megapixels: float) -> None:  # noqa: A002
    """Give back what `admit` has charged to the month for something that came to nothing."""
    with store.writing() as connection:
        period = _month(moment(connection))
        back = Spent(requests=-1, megapixels=-megapixels, credits=-credits)
        _count(connection, key.id, period, back)


def spent_this_month(store: Store, key: ApiKey) -> Spent:
    """Return what a key has used since the first of this month (UTC)."""
    with store.reading() as connection:
        return _spent(connection, key.id, _month(moment(connection)))


def _month(now: datetime) -> str:
    return f"{now:%Y-%m}"


def _minute(now: datetime) -> str:
    return f"{now:%Y-%m-%dT%H:%M}"


def _spent(connection: Connection, key: int, period: str) -> Spent:
    chosen = select(usage).where(usage.c.key_id == key, usage.c.period == period)
    row = connection.execute(chosen.with_for_update()).one_or_none()
    if row is None:
        return Spent()
    return Spent(requests=row.requests, megapixels=row.megapixels, credits=row.credits)


def _count(connection: Connection, key: int, period: str, more: Spent) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {"requests": more.requests, "megapixels": more.megapixels, "credits": more.credits}
    row = dialect.insert(usage).values(key_id=key, period=period, **values)
    added = {name: usage.c[name] + value for name, value in values.items()}
    connection.execute(row.on_conflict_do_update(index_elements=["key_id", "period"], set_=added))


def _forget(connection: Connection, key: int, now: datetime) -> None:
    """Take the minutes of a while ago away; months are kept."""
    old = usage.c.period < _minute(now - _MINUTES_KEPT)
    minutes = usage.c.period.like("%T%")
    connection.execute(delete(usage).where(usage.c.key_id == key, minutes, old))
