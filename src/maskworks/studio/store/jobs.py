"""Jobs of a service: asked for once, run by one process, taken over by another if it dies."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Row, and_, delete, insert, or_, select, update

from maskworks.core.errors import UsageError
from maskworks.studio.store.opening import Store, moment
from maskworks.studio.store.processes import LivenessClock
from maskworks.studio.store.rows import as_row
from maskworks.studio.store.service_schema import jobs, messages

JobState = Literal["queued", "running", "done", "failed"]
JobKind = Literal["campaign", "suitability"]

SUITABILITY_ORDER = "suitability-order.json"
"""The name of a job's file that orders evidence; that of any other is a campaign's."""

SILENT_S = 30.0
"""A runner that gave no sign of life for so long is taken for dead."""

MOST_ATTEMPTS = 5
"""A job that took so many processes down with it is not tried again."""

BACKOFF_S = (5.0, 30.0, 120.0, 600.0, 3600.0, 21600.0)
"""How long a message waits after each attempt that failed; after the last it is given up."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A campaign to be run, or clips to be assessed; `token` is what callers know it by.

    `campaign_file` is the file that says what is to be done.
    """

    id: int
    token: str
    campaign_file: Path
    name: str
    state: JobState
    asked_by: str
    webhook: str | None
    runner: str | None
    attempts: int
    error: str | None
    result: Mapping[str, Any] | None
    added_at: datetime
    ended_at: datetime | None

    @property
    def kind(self) -> JobKind:
        """What the job's file orders."""
        return "suitability" if self.campaign_file.name == SUITABILITY_ORDER else "campaign"


@dataclass(frozen=True, kw_only=True)
class Message:
    """A webhook message to be delivered; `attempts` were made already."""

    id: int
    url: str
    body: str
    attempts: int


def add_job(
    store: Store, campaign_file: Path, *, name: str, asked_by: str, webhook: str | None = None
) -> Job:
    """Ask for a run of a campaign; one of the same asker that waits already is returned."""
    with store.writing(durable=True) as connection:
        waits = select(jobs).where(
            jobs.c.campaign_file == str(campaign_file),
            jobs.c.state == "queued",
            jobs.c.asked_by == asked_by,
        )
        row = connection.execute(waits).first()
        if row is None:
            values = {
                "token": secrets.token_hex(12),
                "campaign_file": str(campaign_file),
                "name": name,
                "state": "queued",
                "asked_by": asked_by,
                "webhook": webhook,
                "attempts": 0,
                "added_at": moment(connection),
            }
            row = connection.execute(insert(jobs).values(values).returning(*jobs.c)).one()
        return _to_job(row)


def find_job(store: Store, token: str) -> Job:
    """Return a job.

    Raises
    ------
    UsageError
        If there is none of this token.
    """
    with store.reading() as connection:
        row = connection.execute(select(jobs).where(jobs.c.token == token)).one_or_none()
    if row is None:
        raise UsageError(f"there is no job {token[:40]!r}")
    return _to_job(row)


def owner_of(store: Store, campaign_file: Path) -> str | None:
    """Return who asked for a campaign first, None if nobody did."""
    chosen = select(jobs.c.asked_by).where(jobs.c.campaign_file == str(campaign_file))
    with store.reading() as connection:
        return connection.execute(chosen.order_by(jobs.c.id).limit(1)).scalar_one_or_none()


def list_jobs(store: Store, kind: JobKind | None = None) -> list[Job]:
    """Return every job, or those of one kind, the newest first."""
    with store.reading() as connection:
        rows = connection.execute(select(jobs).order_by(jobs.c.id.desc()))
        found = [_to_job(row) for row in rows]
    return [job for job in found if kind in (None, job.kind)]


def claim_job(store: Store, runner: str) -> Job | None:
    """Claim a queued job, or one whose runner is silent; no two runners get the same.

    A job of a campaign that another one runs has to wait. A runner is silent by the database's
    clock, or, should that have been set back, as its signs of life are not counted up.
    """
    with store.writing() as connection:
        now = moment(connection)
        mute = _mute(connection, store.heard)
        silent = and_(
            jobs.c.state == "running",
            or_(jobs.c.beat_at < now - timedelta(seconds=SILENT_S), jobs.c.id.in_(mute)),
        )
        other = jobs.alias()
        busy = select(other.c.id).where(
            other.c.campaign_file == jobs.c.campaign_file,
            other.c.state == "running",
            other.c.id != jobs.c.id,
            other.c.beat_at >= now - timedelta(seconds=SILENT_S),
            other.c.id.not_in(mute),
        )
        waiting = (
            select(jobs)
            .where(or_(jobs.c.state == "queued", silent), ~busy.exists())
            .order_by(jobs.c.id)
            .limit(1)
            .with_for_update(skip_locked=True, of=jobs)
        )
        row = connection.execute(waiting).one_or_none()
        if row is None:
            return None
        values: dict[str, object] = {"state": "running", "runner": runner, "beat_at": now}
        values["attempts"] = row.attempts + 1
        if row.attempts >= MOST_ATTEMPTS:
            told = f"{row.attempts} processes ended while they ran it; look at their logs"
            values = {"state": "failed", "error": told, "ended_at": now}
        taken = update(jobs).where(jobs.c.id == row.id).values(values).returning(*jobs.c)
        job = _to_job(connection.execute(taken).one())
        return job if job.state == "running" else None


def _mute(connection: Connection, heard: LivenessClock) -> list[int]:
    """Return the running jobs whose signs of life stood still for too long."""
    running = select(jobs.c.id, jobs.c.attempts, jobs.c.beats).where(jobs.c.state == "running")
    return [
        row.id
        for row in connection.execute(running)
        if heard.silence(("job", row.id, row.attempts), row.beats).total_seconds() > SILENT_S
    ]


def beat(store: Store, job: Job) -> bool:
    """Give a sign of life; False if the job is in other hands by now."""
    with store.writing() as connection:
        mine = and_(jobs.c.id == job.id, jobs.c.runner == job.runner, jobs.c.state == "running")
        done = update(jobs).where(mine).values(beat_at=moment(connection), beats=jobs.c.beats + 1)
        return connection.execute(done).rowcount == 1


def end_job(
    store: Store, job: Job, *, result: Mapping[str, Any] | None = None, error: str | None = None
) -> Job | None:
    """Record how a job ended and queue the message to its webhook; both or neither.

    Returns
    -------
    Job or None
        None if the job is in other hands by now: theirs is the word then.
    """
    with store.writing(durable=True) as connection:
        now = moment(connection)
        mine = and_(jobs.c.id == job.id, jobs.c.runner == job.runner, jobs.c.state == "running")
        values = {
            "state": "failed" if error else "done", "result": result, "error": error,
            "ended_at": now,
        }  # fmt: skip
        row = connection.execute(update(jobs).where(mine).values(values).returning(*jobs.c)).first()
        if row is None:
            return None
        ended = _to_job(row)
        if ended.webhook:
            body = {"event": f"{ended.kind}.{ended.state}", "job": ended.token, "name": ended.name,
                    "result": result, "error": error, "at": now.isoformat()}  # fmt: skip
            said = {"job_id": ended.id, "url": ended.webhook, "body": json.dumps(body)}
            connection.execute(insert(messages).values({**said, "attempts": 0, "due_at": now}))
        return ended


def give_back(store: Store, job: Job) -> None:
    """Let a job wait again that was stopped before its end."""
    with store.writing(durable=True) as connection:
        mine = and_(jobs.c.id == job.id, jobs.c.runner == job.runner, jobs.c.state == "running")
        back = {"state": "queued", "runner": None, "attempts": max(0, job.attempts - 1)}
        connection.execute(update(jobs).where(mine).values(back))


def take_message(store: Store, *, hold_s: float) -> Message | None:
    """Take a message that is due; nobody else gets it for `hold_s` seconds."""
    with store.writing() as connection:
        now = moment(connection)
        due = (
            select(messages)
            .where(messages.c.due_at <= now)
            .order_by(messages.c.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = connection.execute(due).one_or_none()
        if row is None:
            return None
        later = update(messages).where(messages.c.id == row.id)
        values = {"due_at": now + timedelta(seconds=hold_s), "attempts": row.attempts + 1}
        connection.execute(later.values(values))
        return Message(id=row.id, url=row.url, body=row.body, attempts=row.attempts)


def settle_message(store: Store, message: Message, error: str | None) -> datetime | None:
    """Record that a message arrived, or when it is tried again; after the last try it rests.

    Returns
    -------
    When it is tried again, None if it is not.
    """
    with store.writing() as connection:
        now = moment(connection)
        this = update(messages).where(messages.c.id == message.id)
        if error is None:
            connection.execute(this.values(delivered_at=now, due_at=None, last_error=None))
            return None
        wait = BACKOFF_S[message.attempts] if message.attempts < len(BACKOFF_S) else None
        due = None if wait is None else now + timedelta(seconds=wait)
        connection.execute(this.values(due_at=due, last_error=error))
        return due


@dataclass(frozen=True, kw_only=True)
class WebhookDelivery:
    """How far the message of a job's end is; `waiting` also before there is one."""

    state: Literal["waiting", "delivered", "failed"]
    attempts: int = 0
    error: str | None = None
    next_at: datetime | None = None


def webhook_delivery(store: Store, job: Job) -> WebhookDelivery | None:
    """Return how the webhook of a job does, None if it has none."""
    if job.webhook is None:
        return None
    with store.reading() as connection:
        found = select(messages).where(messages.c.job_id == job.id).order_by(messages.c.id.desc())
        row = connection.execute(found.limit(1)).one_or_none()
    if row is None:
        return WebhookDelivery(state="waiting")
    state: Literal["waiting", "delivered", "failed"] = "waiting"
    if row.delivered_at is not None:
        state = "delivered"
    elif row.due_at is None:
        state = "failed"
    return WebhookDelivery(
        state=state, attempts=row.attempts, error=row.last_error, next_at=row.due_at
    )


def forget_jobs(store: Store, ids: Sequence[int]) -> None:
    """Take jobs and their messages away."""
    with store.writing(durable=True) as connection:
        connection.execute(delete(messages).where(messages.c.job_id.in_(ids)))
        connection.execute(delete(jobs).where(jobs.c.id.in_(ids)))


def _to_job(row: Row[Any]) -> Job:
    return as_row(Job, row, {"campaign_file": Path(row.campaign_file)})
