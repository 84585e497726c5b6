"""The trail is a chain of digests; signs of life are counted; leases name their holder."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from maskworks.studio.store.chain import digest_of
from maskworks.studio.store.columns import Moment

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)
STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
EVENTS = sa.table(
    "events",
    sa.column("id", sa.Integer),
    sa.column("campaign_id", sa.Integer),
    sa.column("item_id", sa.Integer),
    sa.column("at", Moment),
    *(sa.column(name, sa.Text) for name in ("what", "who", "why", "before", "after")),
    sa.column("details", STRUCTURE),
    sa.column("previous", sa.Text),
    sa.column("digest", sa.Text),
)


def upgrade() -> None:
    """Add the columns, and link the events that are there."""
    for table, name, kind, default in (
        ("events", "previous", sa.Text, ""),
        ("events", "digest", sa.Text, ""),
        ("workers", "beats", sa.Integer, "0"),
        ("jobs", "beats", sa.Integer, "0"),
        ("leases", "holder", sa.Text, ""),
    ):
        op.add_column(table, sa.Column(name, kind, nullable=False, server_default=default))
    op.create_index("ix_events_campaign_id_id", "events", ["campaign_id", "id"])
    op.create_table(
        "ended_sessions",
        sa.Column("session", sa.Text, primary_key=True),
        sa.Column("until", MOMENT, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE events DISABLE TRIGGER USER")
        _link()
        op.execute("ALTER TABLE events ENABLE TRIGGER USER")
    else:
        op.execute("DROP TRIGGER events_refuse_update")
        _link()
        op.execute(
            "CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events "
            "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        )


def _link() -> None:
    connection = op.get_bind()
    heads: dict[int, str] = {}
    for row in connection.execute(sa.select(EVENTS).order_by(EVENTS.c.id)).mappings().all():
        previous = heads.get(row["campaign_id"], "")
        digest = heads[row["campaign_id"]] = digest_of(dict(row), previous)
        this = sa.update(EVENTS).where(EVENTS.c.id == row["id"])
        connection.execute(this.values(previous=previous, digest=digest))
