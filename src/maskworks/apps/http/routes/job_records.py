"""What a job and its pictures look like in an answer."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from maskworks.apps.http.access import LOCAL, Caller
from maskworks.apps.http.errors import without_folders
from maskworks.apps.http.review.campaigns import OpenCampaign
from maskworks.apps.http.service import Service
from maskworks.studio.output_folder import FOLDERS
from maskworks.studio.store import Filter, ItemRow, counts, deliverables, list_items
from maskworks.studio.store.jobs import Job, webhook_delivery


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
