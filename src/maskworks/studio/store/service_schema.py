"""The tables of the service: keys, usage, jobs, messages, leases, mattes, drafts, sessions.

They lie in the same database as the campaigns, so that a lease or a matte refers to its item.
`metadata` here holds every table there is; `schema` alone holds those of the campaigns.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from maskworks.studio.store.columns import Moment, PathText, PlainText, Structure
from maskworks.studio.store.schema import metadata

__all__ = [
    "api_keys",
    "drafts",
    "ended_sessions",
    "jobs",
    "leases",
    "mattes",
    "messages",
    "metadata",
    "usage",
]

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", PlainText, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", Text, nullable=False),  # sha256; the secret has 256 random bits
    Column("scopes", Structure, nullable=False),
    Column("megapixels_per_minute", Double),
    Column("monthly_credits", Double),
    Column("added_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    UniqueConstraint("prefix"),
)

usage = Table(
    "usage",
    metadata,
    Column("key_id", ForeignKey("api_keys.id"), primary_key=True),
    Column("period", Text, primary_key=True),  # "2026-11" or "2026-11-21T09:05"
    Column("requests", Integer, nullable=False),
    Column("megapixels", Double, nullable=False),
    Column("credits", Double, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("token", Text, nullable=False),
    Column("campaign_file", PathText, nullable=False),
    Column("name", PlainText, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_by", PlainText, nullable=False),
    Column("webhook", PlainText),
    Column("runner", PlainText),
    Column("attempts", Integer, nullable=False),
    Column("error", PlainText),
    Column("result", Structure),
    Column("added_at", Moment, nullable=False),
    Column("beat_at", Moment),
    Column("beats", Integer, nullable=False, server_default="0"),  # signs of life, counted
    Column("ended_at", Moment),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="state"),
    UniqueConstraint("token"),
    Index(None, "state", "id"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job_id", ForeignKey("jobs.id"), nullable=False),
    Column("url", PlainText, nullable=False),
    Column("body", PlainText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment),
    Column("delivered_at", Moment),
    Column("last_error", PlainText),
    Index(None, "due_at"),
)

leases = Table(
    "leases",
    metadata,
    Column("item_id", ForeignKey("items.id"), primary_key=True, autoincrement=False),
    Column("token", Text, nullable=False),
    Column("who", PlainText, nullable=False),
    Column("holder", Text, nullable=False, server_default=""),  # the key or session that has it
    Column("until", Moment, nullable=False),
)

ended_sessions = Table(
    "ended_sessions",
    metadata,
    Column("session", Text, primary_key=True),
    Column("until", Moment, nullable=False),  # when its cookie would have ended by itself
)

mattes = Table(
    "mattes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", ForeignKey("items.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("path", PathText, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("strokes", Structure, nullable=False),
    Column("who", PlainText, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("item_id", "version"),
)

drafts = Table(
    "drafts",
    metadata,
    Column("item_id", ForeignKey("items.id"), primary_key=True, autoincrement=False),
    Column("who", PlainText, nullable=False),
    Column("strokes", Structure, nullable=False),
    Column("at", Moment, nullable=False),
)
