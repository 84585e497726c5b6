"""What a job and its pictures look like in an answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request

from maskworks.apps.http.access import LOCAL, Caller, caller_of
from maskworks.apps.http.errors import ApiError, without_folders
from maskworks.apps.http.review.campaigns import OpenCampaign
from maskworks.apps.http.service import Service
from maskworks.studio.output_folder import FOLDERS
from maskworks.studio.store import Filter, ItemRow, counts, deliverables, list_items
from maskworks.studio.store.jobs import Job, JobKind, find_job, list_jobs, webhook_delivery

_LOOK_S = 0.5
_ENDED = ("done", "failed")

ROW_EXAMPLE = {
    "job": "0f1e2d3c4b5a69788796a5b4", "name": "spring-1a2b3c4d", "state": "running",
    "error": None, "added_at": "2026-03-02T09:30:00+00:00", "ended_at": None,
}  # fmt: skip
WEBHOOK_EXAMPLE = {
    "state": "waiting", "attempts": 1, "error": "answered with 500",
    "next_at": "2026-03-02T09:31:00+00:00",
}  # fmt: skip


async def jobs_caller(request: Request, service: Service) -> Caller:
    """Return who asks, who must have the scope `jobs`."""
    caller = await caller_of(request, service, "jobs")
    request.state.seen.caller = caller.name
    return caller


async def job_of(request: Request, service: Service, kind: JobKind, token: str) -> Job:
    """Return the caller's job of a kind.

    Raises
    ------
    ApiError
        404, also if there is one that is not the caller's.
    """
    caller = await jobs_caller(request, service)
    for job in await asyncio.to_thread(list_jobs, service.store, kind):
        if job.token == token and may_see(caller, job):
            return job
    raise ApiError(404, "not_found", f"there is no job {token[:40]!r}")


async def progress(
    request: Request, service: Service, job: Job, record: Callable[[Job], Awaitable[dict[str, Any]]]
) -> AsyncIterator[str]:
    """Yield server-sent events: `progress` whenever a job's record changes, `ended` at the end."""
    before = ""
    while not await request.is_disconnected() and not service.work_queue.closing:
        job = await asyncio.to_thread(find_job, service.store, job.token)
        now = json.dumps(await record(job))
        if now != before:
            yield f"event: progress\ndata: {now}\n\n"
            before = now
        if job.state in _ENDED:
            yield f"event: ended\ndata: {now}\n\n"
            return
        await asyncio.sleep(_LOOK_S)


def caller_name(caller: Caller) -> str:
    """Return what a job says of who asked for it."""
    return LOCAL if caller.key is None else f"{caller.key.prefix} {caller.name}"


def may_see(caller: Caller, job: Job) -> bool:
    """Say whether a job is the caller's, or the caller may see every job."""
    return caller.key is None or "admin" in caller.scopes or job.asked_by == caller_name(caller)


def row_of(job: Job) -> dict[str, Any]:
    """Return what a list says of a job."""
    return {
        "job": job.token, "name": job.name, "state": job.state,
        "error": None if job.error is None else without_folders(job.error),
        "added_at": job.added_at.isoformat(),
        "ended_at": None if job.ended_at is None else job.ended_at.isoformat(),
    }  # fmt: skip


async def job_record(service: Service, job: Job) -> dict[str, Any]:
    """Return all there is to say of a job: its row, how many pictures went where, its webhook."""

    def numbers() -> dict[str, int]:
        for opened in service.campaigns.all():
            if opened.file.path == job.campaign_file and opened.campaign is not None:
                return asdict(counts(opened.store, opened.campaign))
        return {}

    counted = await asyncio.to_thread(numbers)
    told = await asyncio.to_thread(webhook_record, service, job)
    return row_of(job) | {"counts": counted, "webhook": told}


def webhook_record(service: Service, job: Job) -> dict[str, Any] | None:
    """Return how far the message of a job's end is, None if it has no webhook."""
    delivery = webhook_delivery(service.store, job)
    if delivery is None:
        return None
    due = None if delivery.next_at is None else delivery.next_at.isoformat()
    error = delivery.error
    if delivery.state == "waiting" and service.settings.webhook_secret is None:
        error = "this service was started without --webhook-secret and sends nothing"
    return asdict(delivery) | {"error": error, "next_at": due}


def item_records(opened: OpenCampaign, token: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Return a page of the pictures of a job, with the addresses of what was made of them."""
    if opened.campaign is None:
        return []
    made: dict[int, list[str]] = {}
    for one in deliverables(opened.store, opened.campaign, route=None):
        made.setdefault(one.item_id, []).append(f"{FOLDERS.get(one.route, '')}/{one.output.path}")
    chosen = [
        item for item in list_items(opened.store, opened.campaign, Filter()) if item.id > after
    ]
    return [_item(item, token, made.get(item.id, [])) for item in chosen[:limit]]


def _item(item: ItemRow, token: str, made: list[str]) -> dict[str, Any]:
    return {
        "item": item.id, "source": item.source, "sku": item.sku, "state": item.state,
        "route": item.route, "score": item.score, "decision": item.decision,
        "reasons": [{"name": r.name, "text": r.text} for r in item.reasons],
        "error": None if item.error is None else without_folders(item.error.message),
        "outputs": [f"/v1/campaigns/{token}/outputs/{path}" for path in made],
    }  # fmt: skip
