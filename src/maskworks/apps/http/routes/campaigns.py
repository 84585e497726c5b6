"""Campaigns over HTTP: ask for one, watch it, fetch what it made."""

from __future__ import annotations

import asyncio
import copy
import shutil
from functools import partial
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.requests import Request

from maskworks.apps.http.access import Caller, charged
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.fields import names_of, refuse_unknown
from maskworks.apps.http.openapi import FAILURES, Schema, json_answer
from maskworks.apps.http.review.campaigns import OpenCampaign, no_campaign
from maskworks.apps.http.review.new_campaigns import (
    IMPROVE,
    found,
    incoming_folder,
    measure_pictures,
    named_folder,
)
from maskworks.apps.http.routes.campaign_body import (
    CAMPAIGN_BODY,
    NAMED_CAMPAIGN,
    receive_pictures,
    webhook_of,
)
from maskworks.apps.http.routes.held_stream import HeldStream
from maskworks.apps.http.routes.job_records import (
    ROW_EXAMPLE,
    WEBHOOK_EXAMPLE,
    caller_name,
    item_records,
    job_of,
    job_record,
    jobs_caller,
    may_see,
    progress,
    row_of,
)
from maskworks.apps.http.service import Service, service_of
from maskworks.studio.output_folder import FOLDERS
from maskworks.studio.run.filing import out_of
from maskworks.studio.store import deliverables
from maskworks.studio.store.jobs import add_job, list_jobs, owner_of

router = APIRouter(tags=["campaigns"])

_MOST_ITEMS = 1000
_OWN_DATABASE = (
    "this campaign has a database of its own; start the service with --database, or "
    "`maskworks run` it"
)

_JOB_EXAMPLE = ROW_EXAMPLE | {
    "counts": {"pending": 3, "claimed": 1, "deliver": 40, "review": 5, "manual": 0, "failed": 1,
               "superseded": 0, "gone": 0},
    "webhook": WEBHOOK_EXAMPLE,
}  # fmt: skip
_JOBS = {"jobs": [ROW_EXAMPLE]}
_ITEMS_EXAMPLE = {
    "items": [
        {"item": 7, "source": "shoe-1.jpg", "sku": "shoe-1", "state": "done", "route": "review",
         "score": 0.62, "decision": None, "error": None,
         "reasons": [{"name": "low-score", "text": "score 0.62 is below 0.85"}],
         "outputs": ["/v1/campaigns/0f1e2d3c4b5a69788796a5b4/outputs/review/default/shoe-1.jpg"]}
    ],
    "next": 7,
}  # fmt: skip
_MAY_BE_NULL = (
    "error", "ended_at", "webhook", "next_at", "next", "sku", "route", "score", "decision",
)  # fmt: skip
_BODY = copy.deepcopy(CAMPAIGN_BODY)
_BODY["requestBody"]["content"] |= NAMED_CAMPAIGN["requestBody"]["content"]


def _answers(status: int, name: str, example: object) -> dict[int | str, Schema]:
    return {status: json_answer(name, example, may_be_null=_MAY_BE_NULL), **FAILURES}


@router.post(
    "/v1/campaigns",
    summary="Run a campaign",
    status_code=202,
    openapi_extra=_BODY,
    operation_id="run_campaign",
    responses=_answers(202, "Job", _JOB_EXAMPLE),
)
async def ask(request: Request) -> Response:
    """Take pictures and an order, or the name of a campaign, and answer at once with a job."""
    service = service_of(request)
    caller = await jobs_caller(request, service)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        with service.uploads.take(caller.share):
            return await _run_pictures(request, service, caller)
    with service.work_queue.place(caller.share):
        form = await service.small_form(request)
        refuse_unknown(request, form, names_of(NAMED_CAMPAIGN))
        webhook = await webhook_of(form.text("webhook"), service)
        opened = await asyncio.to_thread(_named, service, caller, form.text("campaign"))
        if opened.store is not service.store:
            raise ApiError(409, "own_database", _OWN_DATABASE)
        return await _asked(service, caller, opened.file.path, webhook)


@router.get(
    "/v1/campaigns",
    summary="The jobs there are",
    operation_id="list_jobs",
    responses=_answers(200, "Jobs", _JOBS),
)
async def every(request: Request) -> JSONResponse:
    """List the caller's jobs, the newest first."""
    service = service_of(request)
    caller = await jobs_caller(request, service)
    jobs = await asyncio.to_thread(list_jobs, service.store, "campaign")
    rows = [row_of(job) for job in jobs if may_see(caller, job)]
    return JSONResponse({"jobs": rows})


@router.get(
    "/v1/campaigns/{job}",
    summary="How far a job is",
    operation_id="get_job",
    responses=_answers(200, "Job", _JOB_EXAMPLE),
)
async def status(request: Request, job: str) -> JSONResponse:
    """Say how a job does: its state, and how many pictures went where."""
    service = service_of(request)
    return JSONResponse(await job_record(service, await job_of(request, service, "campaign", job)))


@router.get(
    "/v1/campaigns/{job}/items",
    summary="Its pictures",
    operation_id="list_items",
    responses=_answers(200, "Items", _ITEMS_EXAMPLE),
)
async def items(request: Request, job: str, after: int = 0, limit: int = 100) -> JSONResponse:
    """List pictures by number: route, score, reasons, and where to fetch what was made.

    `after` is the number of the last picture of the page before; `limit` at most 1000.
    """
    service = service_of(request)
    opened = await _campaign_of_job(request, service, job)
    rows = await service.pages.run(
        item_records, opened, job, after, max(1, min(limit, _MOST_ITEMS))
    )
    return JSONResponse({"items": rows, "next": rows[-1]["item"] if rows else None})


@router.get(
    "/v1/campaigns/{job}/outputs/{path:path}",
    summary="A picture that was made",
    operation_id="get_output",
    response_class=Response,
    responses={200: {"content": {"image/*": {}}}, 410: FAILURES[404], **FAILURES},
)
async def output(request: Request, job: str, path: str) -> Response:
    """Answer with a finished picture; `path` is as the items list it."""
    service = service_of(request)
    opened = await _campaign_of_job(request, service, job)
    file = await service.pages.run(_output, opened, path)
    if file is None:
        raise ApiError(404, "not_found", "this job has no such picture")
    return FileResponse(file)


@router.get(
    "/v1/campaigns/{job}/events",
    summary="Progress as it happens (server-sent events)",
    operation_id="follow_job",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}}, **FAILURES},
)
async def events(request: Request, job: str) -> StreamingResponse:
    """Send `progress` whenever a number changes, and `ended` at the end."""
    service = service_of(request)
    caller = await jobs_caller(request, service)
    found_job = await job_of(request, service, "campaign", job)
    told = progress(request, service, found_job, partial(job_record, service))
    return HeldStream(told, place=service.streams.take(caller.share))


def _named(service: Service, caller: Caller, name: str) -> OpenCampaign:
    """Return the campaign of a name, if the caller may run it and see what it holds.

    The operator's are anybody's who may ask for jobs; one that was made over HTTP is its
    maker's; `improve`, where everybody's pictures lie, is for reviewers.

    Raises
    ------
    ApiError
        404, also if there is one that is not the caller's.
    """
    opened = service.campaigns.find(name)
    mine = (
        opened.named
        or caller.key is None
        or "admin" in caller.scopes
        or (
            "review" in caller.scopes
            if opened.file.folder.name == IMPROVE
            else owner_of(service.store, opened.file.path) == caller_name(caller)
        )
    )
    if not mine:
        raise no_campaign(name)
    return opened


async def _asked(service: Service, caller: Caller, file: Path, webhook: str | None) -> JSONResponse:
    """Ask for a run of a campaign, and answer with the job."""
    job = await asyncio.to_thread(
        add_job, service.store, file,
        name=file.parent.name, asked_by=caller_name(caller), webhook=webhook,
    )  # fmt: skip
    return JSONResponse(
        await job_record(service, job), 202, {"Location": f"/v1/campaigns/{job.token}"}
    )


async def _run_pictures(request: Request, service: Service, caller: Caller) -> Response:
    """Take pictures in within the bounds, charge them, and ask for their run."""
    said = request.headers.get("content-length", "")
    size = int(said) if said.isdigit() else service.settings.bounds.campaign_bytes
    size = min(size, service.settings.bounds.campaign_bytes)
    with await service.files.run(service.data_quota.promise, size):
        folder = await service.files.run(incoming_folder, service.campaigns.folder)
        try:
            count, order, webhook = await receive_pictures(request, service, folder)
            pixels = service.settings.bounds.pixels
            megapixels = await service.files.run(measure_pictures, folder, pixels)
            async with charged(service, caller, megapixels, float(count)):
                folder = await service.files.run(named_folder, folder, order)
                file = await service.files.run(found, folder, order)
        except BaseException:
            gone = partial(shutil.rmtree, folder, ignore_errors=True)
            await asyncio.shield(asyncio.to_thread(gone))
            raise
    return await _asked(service, caller, file.path, webhook)


async def _campaign_of_job(request: Request, service: Service, token: str) -> OpenCampaign:
    job = await job_of(request, service, "campaign", token)
    for opened in await asyncio.to_thread(service.campaigns.all):
        if opened.file.path == job.campaign_file:
            return opened
    raise ApiError(410, "gone", "the pictures of this job have been deleted")


def _output(opened: OpenCampaign, path: str) -> Path | None:
    """Return the file of an output, if the store knows it: no other file is ever sent."""
    if opened.campaign is None:
        return None
    for one in deliverables(opened.store, opened.campaign, route=None):
        if path == f"{FOLDERS.get(one.route, '')}/{one.output.path}":
            file = out_of(opened.file) / path
            return file if file.is_file() else None
    return None
