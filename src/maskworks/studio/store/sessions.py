"""Sessions that were ended before their cookie ends by itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select

from maskworks.studio.store.opening import Store, moment
from maskworks.studio.store.service_schema import ended_sessions


def end_session(store: Store, session: str, until: datetime) -> None:
    """Let a session count no longer; `until` is when its cookie would have ended."""
    with store.writing(durable=True) as connection:
        now = moment(connection)
        connection.execute(delete(ended_sessions).where(ended_sessions.c.until < now))
        there = select(ended_sessions).where(ended_sessions.c.session == session)
        if connection.execute(there).first() is None:
            connection.execute(insert(ended_sessions).values(session=session, until=until))


def has_ended(store: Store, session: str) -> bool:
    """Say whether a session was ended."""
    chosen = select(ended_sessions.c.session).where(ended_sessions.c.session == session)
    with store.reading() as connection:
        return connection.execute(chosen).first() is not None
