"""Keys, usage, jobs, messages, leases, mattes and drafts: what the service needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)
STRUCTURE = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _keys()
    _jobs()
    _review()


def _keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("scopes", STRUCTURE, nullable=False),
        sa.Column("megapixels_per_minute", sa.Double),
        sa.Column("monthly_credits", sa.Double),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT),
        sa.UniqueConstraint("prefix", name="uq_api_keys_prefix"),
    )
    op.create_table(
        "usage",
        _reference("usage", "key_id", "api_keys", primary_key=True),
        sa.Column("period", sa.Text, primary_key=True),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("megapixels", sa.Double, nullable=False),
        sa.Column("credits", sa.Double, nullable=False),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("campaign_file", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("webhook", sa.Text),
        sa.Column("runner", sa.Text),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("result", STRUCTURE),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.Column("beat_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed')", name="ck_jobs_state"
        ),
        sa.UniqueConstraint("token", name="uq_jobs_token"),
    )
    op.create_index("ix_jobs_state_id", "jobs", ["state", "id"])
    op.create_table(
        "messages",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("messages", "job_id", "jobs"),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("delivered_at", MOMENT),
        sa.Column("last_error", sa.Text),
    )
    op.create_index("ix_messages_due_at", "messages", ["due_at"])


def _review() -> None:
    op.create_table(
        "leases",
        _reference("leases", "item_id", "items", primary_key=True),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
    )
    op.create_table(
        "mattes",
        sa.Column("id", sa.Integer, primary_key=True),
        _reference("mattes", "item_id", "items"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("strokes", STRUCTURE, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.UniqueConstraint("item_id", "version", name="uq_mattes_item_id_version"),
    )
    op.create_table(
        "drafts",
        _reference("drafts", "item_id", "items", primary_key=True),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("strokes", STRUCTURE, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )


def _reference(table: str, column: str, to: str, *, primary_key: bool = False) -> sa.Column[int]:
    key = sa.ForeignKey(f"{to}.id", name=f"fk_{table}_{column}")
    return sa.Column(
        column, sa.Integer, key, primary_key=primary_key, nullable=False, autoincrement=False
    )
