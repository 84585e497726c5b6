"""The tables. A change here needs a migration in `migrations/versions`; a test compares them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from maskworks.studio.store.columns import Moment, Money, PathText, PlainText, Structure

REVISION = "0003"
"""The schema that this code reads and writes; revisions are counted up, four digits each."""

VERSION_TABLE = "maskworks_schema"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", PlainText, nullable=False),
    Column("currency", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("added_at", Moment, nullable=False),
    UniqueConstraint("name"),
)

workers = Table(
    "workers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False),
    Column("host", PlainText, nullable=False),
    Column("machine", PlainText, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started", Text, nullable=False),
    Column("user", PlainText, nullable=False),
    Column("name", PlainText, nullable=False),
    Column("since", Moment, nullable=False),
    Column("beat_at", Moment, nullable=False),
    Column("beats", Integer, nullable=False, server_default="0"),  # signs of life, counted
    Column("ended_at", Moment),
)

holds = Table(
    "holds",
    metadata,
    Column("campaign_id", ForeignKey("campaigns.id"), primary_key=True),
    Column("worker_id", ForeignKey("workers.id"), nullable=False),
)

items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False),
    Column("source", PathText, nullable=False),
    Column("content", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("sku", PlainText),
    Column("tags", Structure, nullable=False),
    Column("concept", PlainText),
    Column("standing", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("route", Text),
    Column("score", Double),
    Column("scorer", Text),  # digest of the score file
    Column("reasons", Structure, nullable=False),
    Column("cost", Money),
    Column("baseline", Money),
    Column("seconds", Double),
    Column("spot_check", Boolean, nullable=False),
    Column("error_code", Text),
    Column("error_message", PlainText),
    Column("decision", Text),
    Column("claims", Integer, nullable=False),
    Column("worker_id", ForeignKey("workers.id")),
    Column("added_at", Moment, nullable=False),
    Column("finished_at", Moment),
    CheckConstraint("standing IN ('current', 'superseded', 'gone')", name="standing"),
    CheckConstraint("state IN ('pending', 'claimed', 'done')", name="state"),
    CheckConstraint("route IN ('deliver', 'review', 'manual', 'failed')", name="route"),
    CheckConstraint("decision IN ('accept', 'fix', 'reject')", name="decision"),
    CheckConstraint("(state = 'done') = (route IS NOT NULL)", name="done_has_route"),
    CheckConstraint("(state = 'claimed') = (worker_id IS NOT NULL)", name="claimed_has_worker"),
    Index(None, "campaign_id", "standing", "state", "id"),
)
Index(
    "uq_items_source",
    items.c.campaign_id,
    items.c.source,
    unique=True,
    sqlite_where=text("standing <> 'superseded'"),
    postgresql_where=text("standing <> 'superseded'"),
)

UNDONE: dict[str, object] = {
    "state": "pending", "route": None, "score": None, "scorer": None, "reasons": [],
    "cost": None, "baseline": None, "seconds": None, "spot_check": False, "error_code": None,
    "error_message": None, "decision": None, "finished_at": None,
}  # fmt: skip
"""What `items` holds of one that waits to be done again."""

outputs = Table(
    "outputs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False),
    Column("item_id", ForeignKey("items.id"), nullable=False),
    Column("path", PathText, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("concept", PlainText),
    Column("variant", PlainText),
    Column("score", Double),
    Column("live", Boolean, nullable=False),  # whether it is the file that lies at `path`
    Column("made_at", Moment, nullable=False),
    Index(None, "item_id"),
)
Index(
    "uq_outputs_path",
    outputs.c.campaign_id,
    outputs.c.path,
    unique=True,
    sqlite_where=text("live"),
    postgresql_where=text("live"),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", ForeignKey("campaigns.id"), nullable=False),
    Column("item_id", ForeignKey("items.id")),
    Column("at", Moment, nullable=False),
    Column("what", Text, nullable=False),
    Column("who", PlainText, nullable=False),
    Column("why", PlainText, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("details", Structure, nullable=False),
    Column("previous", Text, nullable=False, server_default=""),  # digest of the one before
    Column("digest", Text, nullable=False, server_default=""),
    Index(None, "campaign_id", "item_id"),
    Index(None, "campaign_id", "id"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", ForeignKey("items.id"), nullable=False),
    Column("decision", Text, nullable=False),
    Column("who", PlainText, nullable=False),
    Column("why", PlainText, nullable=False),
    Column("at", Moment, nullable=False),
    CheckConstraint("decision IN ('accept', 'fix', 'reject')", name="decision"),
    Index(None, "item_id"),
)
