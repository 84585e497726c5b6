"""Campaigns, items, outputs, decisions, events, workers and holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

APPEND_ONLY = ("events", "decisions")

MOMENT = sa.DateTime(timezone=True)
MONEY = sa.Numeric().with_variant(sa.Text(), "sqlite")
STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _runs()
    _items()
    _outputs()
    _history()
    for table in APPEND_ONLY:
        if op.get_bind().dialect.name == "postgresql":
            _protect_postgresql(table)
        else:
            _protect_sqlite(table)


def _runs() -> None:
    op.create_table(
        "campaigns",
        _id(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.UniqueConstraint("name", name="uq_campaigns_name"),
    )
    op.create_table(
        "workers",
        _id(),
        _reference("workers", "campaign_id"),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("machine", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started", sa.Text, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("beat_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
    )
    op.create_table(
        "holds",
        _reference("holds", "campaign_id"),
        _reference("holds", "worker_id"),
        sa.PrimaryKeyConstraint("campaign_id"),
    )


def _items() -> None:
    op.create_table(
        "items",
        _id(),
        _reference("items", "campaign_id"),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("sku", sa.Text),
        sa.Column("tags", STRUCTURE, nullable=False),
        sa.Column("concept", sa.Text),
        sa.Column("standing", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("route", sa.Text),
        sa.Column("score", sa.Double),
        sa.Column("scorer", sa.Text),
        sa.Column("reasons", STRUCTURE, nullable=False),
        sa.Column("cost", MONEY),
        sa.Column("baseline", MONEY),
        sa.Column("seconds", sa.Double),
        sa.Column("spot_check", sa.Boolean, nullable=False),
        sa.Column("error_code", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("decision", sa.Text),
        sa.Column("claims", sa.Integer, nullable=False),
        _reference("items", "worker_id", nullable=True),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        _check("items", "standing", "standing IN ('current', 'superseded', 'gone')"),
        _check("items", "state", "state IN ('pending', 'claimed', 'done')"),
        _check("items", "route", "route IN ('deliver', 'review', 'manual', 'failed')"),
        _check("items", "decision", "decision IN ('accept', 'fix', 'reject')"),
        _check("items", "done_has_route", "(state = 'done') = (route IS NOT NULL)"),
        _check("items", "claimed_has_worker", "(state = 'claimed') = (worker_id IS NOT NULL)"),
    )
    queue = ["campaign_id", "standing", "state", "id"]
    op.create_index("ix_items_campaign_id_standing_state_id", "items", queue)
    _unique("uq_items_source", "items", ["campaign_id", "source"], "standing <> 'superseded'")


def _outputs() -> None:
    op.create_table(
        "outputs",
        _id(),
        _reference("outputs", "campaign_id"),
        _reference("outputs", "item_id"),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("concept", sa.Text),
        sa.Column("variant", sa.Text),
        sa.Column("score", sa.Double),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
    )
    op.create_index("ix_outputs_item_id", "outputs", ["item_id"])
    _unique("uq_outputs_path", "outputs", ["campaign_id", "path"], "live")


def _history() -> None:
    op.create_table(
        "events",
        _id(),
        _reference("events", "campaign_id"),
        _reference("events", "item_id", nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("details", STRUCTURE, nullable=False),
    )
    op.create_index("ix_events_campaign_id_item_id", "events", ["campaign_id", "item_id"])
    op.create_table(
        "decisions",
        _id(),
        _reference("decisions", "item_id"),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        _check("decisions", "decision", "decision IN ('accept', 'fix', 'reject')"),
    )
    op.create_index("ix_decisions_item_id", "decisions", ["item_id"])


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _reference(table: str, column: str, *, nullable: bool = False) -> sa.Column[int]:
    target = sa.ForeignKey(f"{column.removesuffix('_id')}s.id", name=f"fk_{table}_{column}")
    return sa.Column(column, sa.Integer, target, nullable=nullable)


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=f"ck_{table}_{name}")


def _unique(name: str, table: str, columns: list[str], where: str) -> None:
    rule = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=rule, postgresql_where=rule)


def _protect_sqlite(table: str) -> None:
    """Refuse to change or remove a row; also by INSERT OR REPLACE, which fires no DELETE."""
    refuse = f"SELECT RAISE(ABORT, '{table} are append-only');"
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_refuse_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN {refuse} END"
        )
    there = f"SELECT 1 FROM {table} WHERE id = NEW.id"  # noqa: S608
    op.execute(
        f"CREATE TRIGGER {table}_refuse_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS ({there}) BEGIN {refuse} END"
    )


def _protect_postgresql(table: str) -> None:
    """Refuse to change or remove a row, or all of them at once."""
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} are append-only'; END $$"
    )
    for verbs, each in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER {table}_refuse_{each.lower()} BEFORE {verbs} ON {table} "
            f"FOR EACH {each} EXECUTE FUNCTION {table}_refuse()"
        )
