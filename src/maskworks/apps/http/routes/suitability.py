"""Clips over HTTP: ask for evidence of sensitive topics, watch it, fetch what was found."""

from __future__ import annotations

import asyncio
import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from pydantic import ValidationError
from starlette.requests import Request

from maskworks.apps.http.access import charged
from maskworks.apps.http.bodies import FormFields, receive_campaign
from maskworks.apps.http.errors import ApiError, without_folders
from maskworks.apps.http.fields import names_of, refuse_unknown
from maskworks.apps.http.openapi import FAILURES, Schema, body, json_answer, text, truth
from maskworks.apps.http.review.new_evidence import (
    OUT,
    EvidenceOrder,
    check_order,
    incoming_media,
    media_of,
    media_path,
    place_order,
    read_order,
    rows_so_far,
)
from maskworks.apps.http.routes.campaign_body import webhook_of
from maskworks.apps.http.routes.held_stream import HeldStream
from maskworks.apps.http.routes.job_records import (
    ROW_EXAMPLE,
    WEBHOOK_EXAMPLE,
    caller_name,
    job_of,
    jobs_caller,
    may_see,
    progress,
    row_of,
    webhook_record,
)
from maskworks.apps.http.service import Service, service_of
from maskworks.core.errors import UsageError
from maskworks.scene.topics import PURPOSES, SOURCES
from maskworks.studio.store.jobs import Job, add_job, list_jobs

router = APIRouter(prefix="/v1/suitability", tags=["suitability"])

_WRITTEN = re.compile(
    r"(suitability\.json|report\.html|findings\.(csv|parquet)|openrtb\.json|chapters\.vtt"
    r"|timeline\.otio|evidence/frame-\d+\.jpg)"
)
_OF_ALL = ("ranking.csv", "index.html")
_REPORT_POLICY = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_MEDIA: Schema = {"type": "string", "format": "binary"}
SUITABILITY_BODY = body(
    "multipart/form-data",
    name="SuitabilityRequest",
    fields={
        "files": {
            "type": "array",
            "items": _MEDIA,
            "description": "Clips and pictures; subtitles called as their clip (clip.srt or "
            "clip.en.srt for clip.mp4); one policy as TOML.",
        },
        "name": text("What it is called.", "spring spots"),
        "purpose": text(f"What it is for, which changes risk: {', '.join(PURPOSES)}.", "news"),
        "source": text(f"Where it comes from: {', '.join(SOURCES)}.", "professional"),
        "language": text("Of the text; by default told line by line.", "de"),
        "every_s": {
            "type": "number", "minimum": 0.2, "maximum": 3600, "default": 2.0,
            "description": "Seconds from one frame that is looked at to the next.",
        },
        "ocr": truth("Read the text that is in the picture.", default=True),
        "blur_faces": truth("Make faces in the frames that are kept unrecognisable."),
        "webhook": text("Told when it is done.", "https://example.org/hook"),
    },
    required=("files",),
)  # fmt: skip
_NAMES = names_of(SUITABILITY_BODY)

_ROW_EXAMPLE = ROW_EXAMPLE | {"name": "spring-spots-1a2b3c4d"}
_JOB_EXAMPLE = _ROW_EXAMPLE | {
    "counts": {"pending": 3, "done": 8, "failed": 1},
    "webhook": WEBHOOK_EXAMPLE,
}  # fmt: skip
_CATEGORY_EXAMPLE = {
    "category": "arms", "iab_id": "avbNf2", "coverage": "text and sound only", "likelihood": 5,
    "extent": "adjacent", "proposed_risk": "bsr003", "rule": "likely, in passing",
}  # fmt: skip
_RESULTS_EXAMPLE = {
    "statement": "Evidence for review.",
    "results": [
        {"source": "clip.mp4", "status": "done", "error": None, "categories": [_CATEGORY_EXAMPLE],
         "outputs": ["/v1/suitability/0f1e2d3c4b5a69788796a5b4/outputs/clip.mp4/report.html"]}
    ],
    "outputs": ["/v1/suitability/0f1e2d3c4b5a69788796a5b4/outputs/index.html"],
}  # fmt: skip
_MAY_BE_NULL = (
    "error", "ended_at", "webhook", "next_at", "categories", "iab_id", "likelihood", "extent",
    "proposed_risk", "rule",
)  # fmt: skip


def _answers(status: int, name: str, example: object) -> dict[int | str, Schema]:
    return {status: json_answer(name, example, may_be_null=_MAY_BE_NULL), **FAILURES}


@router.post(
    "",
    summary="Collect evidence of sensitive topics in clips and pictures",
    status_code=202,
    openapi_extra=SUITABILITY_BODY,
    operation_id="assess_clips",
    responses=_answers(202, "SuitabilityJob", _JOB_EXAMPLE),
)
async def ask(request: Request) -> Response:
    """Take clips and pictures, and answer at once with a job; a person decides on the evidence."""
    service = service_of(request)
    caller = await jobs_caller(request, service)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise ApiError(415, "unsupported_media_type", "send the files as multipart/form-data")
    with service.uploads.take(caller.share):
        bounds = service.settings.bounds
        said = request.headers.get("content-length", "")
        size = int(said) if said.isdigit() else bounds.campaign_bytes
        with await service.files.run(service.data_quota.promise, min(size, bounds.campaign_bytes)):
            folder = await service.files.run(incoming_media, service.settings)
            try:
                order, webhook = await _received(request, service, folder)
                await service.files.run(check_order, order, folder, service.settings)
                async with charged(service, caller, 0.0, float(len(order.files))):
                    file = await service.files.run(place_order, folder, order)
            except BaseException:
                gone = partial(shutil.rmtree, folder, ignore_errors=True)
                await asyncio.shield(asyncio.to_thread(gone))
                raise
    job = await asyncio.to_thread(
        add_job, service.store, file,
        name=file.parent.name, asked_by=caller_name(caller), webhook=webhook,
    )  # fmt: skip
    told = await asyncio.to_thread(_record, service, job)
    return JSONResponse(told, 202, {"Location": f"/v1/suitability/{job.token}"})


@router.get(
    "",
    summary="The jobs there are",
    operation_id="list_clip_jobs",
    responses=_answers(200, "SuitabilityJobs", {"jobs": [_ROW_EXAMPLE]}),
)
async def every(request: Request) -> JSONResponse:
    """List the caller's jobs, the newest first."""
    service = service_of(request)
    caller = await jobs_caller(request, service)
    jobs = await asyncio.to_thread(list_jobs, service.store, "suitability")
    return JSONResponse({"jobs": [row_of(job) for job in jobs if may_see(caller, job)]})


@router.get(
    "/{job}",
    summary="How far a job is",
    operation_id="get_clip_job",
    responses=_answers(200, "SuitabilityJob", _JOB_EXAMPLE),
)
async def status(request: Request, job: str) -> JSONResponse:
    """Say how a job does: its state, and how many clips are done."""
    service = service_of(request)
    found = await job_of(request, service, "suitability", job)
    return JSONResponse(await asyncio.to_thread(_record, service, found))


@router.get(
    "/{job}/results",
    summary="What was found",
    operation_id="get_evidence",
    responses={**_answers(200, "SuitabilityResults", _RESULTS_EXAMPLE), 410: FAILURES[404]},
)
async def results(request: Request, job: str) -> JSONResponse:
    """List what is assessed so far: coverage, likelihood and proposed risk by category.

    A category that is not assessed has the likelihood null; 1 says that those who looked found
    nothing. Neither is a statement about the content.
    """
    service = service_of(request)
    found = await job_of(request, service, "suitability", job)
    return JSONResponse(await service.pages.run(_results, found))


@router.get(
    "/{job}/outputs/{path:path}",
    summary="A file of evidence",
    operation_id="evidence_file",
    response_class=Response,
    responses={200: {"content": {"*/*": {}}}, **FAILURES},
)
async def output(request: Request, job: str, path: str) -> Response:
    """Answer with a file; `path` is as the results list it."""
    service = service_of(request)
    found = await job_of(request, service, "suitability", job)
    file = await service.pages.run(_output, found, path)
    if file is None:
        raise ApiError(404, "not_found", "this job has no such file")
    page = {"Content-Security-Policy": _REPORT_POLICY} if file.suffix == ".html" else {}
    return FileResponse(file, headers=page)


@router.get(
    "/{job}/events",
    summary="Progress as it happens (server-sent events)",
    operation_id="follow_clip_job",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}}, **FAILURES},
)
async def events(request: Request, job: str) -> StreamingResponse:
    """Send `progress` whenever a number changes, and `ended` at the end."""
    service = service_of(request)
    caller = await jobs_caller(request, service)
    found = await job_of(request, service, "suitability", job)

    async def record(one: Job) -> dict[str, Any]:
        return await asyncio.to_thread(_record, service, one)

    told = progress(request, service, found, record)
    return HeldStream(told, place=service.streams.take(caller.share))


async def _received(
    request: Request, service: Service, folder: Path
) -> tuple[EvidenceOrder, str | None]:
    """Write the files of a body into a folder; return what is wanted of them, whom to tell."""
    if request.query_params:
        refuse_unknown(request, FormFields({}, {}), _NAMES)
    bounds = service.settings.bounds
    taken: set[str] = set()
    fields = await receive_campaign(
        request,
        partial(media_path, folder, taken=taken),
        limit=bounds.campaign_bytes,
        pace=service.pace(bounds.campaign_seconds),
        files=bounds.clips,
    )
    refuse_unknown(request, fields, _NAMES)
    files = await service.files.run(media_of, folder)
    webhook = await webhook_of(fields.text("webhook"), service)
    given = {name: fields.text(name) or None for name in ("purpose", "source", "language")}
    try:
        order = EvidenceOrder(
            name=fields.text("name") or "evidence",
            every_s=float(fields.text("every_s") or 2.0),
            ocr=_truth(fields, "ocr", default=True),
            blur_faces=_truth(fields, "blur_faces", default=False),
            files=files,
            **given,
        )
    except (ValidationError, ValueError) as error:
        raise ApiError(400, "usage", "every_s must be a number from 0.2 to 3600") from error
    return order, webhook


def _truth(fields: FormFields, name: str, *, default: bool) -> bool:
    said = fields.text(name).lower()
    if said not in ("", "true", "false"):
        raise ApiError(400, "usage", f"{name} must be true or false; got {said[:40]!r}")
    return default if not said else said == "true"


def _record(service: Service, job: Job) -> dict[str, Any]:
    """Return all there is to say of a job."""
    counts: dict[str, int] = {}
    try:
        total = len(read_order(job.campaign_file).files)
    except UsageError:
        total = 0  # deleted after its time
    rows = rows_so_far(job.campaign_file.parent)
    failed = sum(row["status"] == "failed" for row in rows)
    counts = {"pending": max(0, total - len(rows)), "done": len(rows) - failed, "failed": failed}
    return row_of(job) | {"counts": counts, "webhook": webhook_record(service, job)}


def _results(job: Job) -> dict[str, Any]:
    from maskworks.scene.record import STATEMENT

    folder = job.campaign_file.parent
    if not folder.is_dir():
        raise ApiError(410, "gone", "what this job found has been deleted")
    base, out = f"/v1/suitability/{job.token}/outputs", folder / OUT
    rows = [
        {
            "source": row["source"],
            "status": "failed" if row["status"] == "failed" else "done",
            "error": row["error"] and without_folders(row["error"]["message"]),
            "categories": row["categories"],
            "outputs": [f"{base}/{row['source']}/{name}" for name in _files(out / row["source"])],
        }
        for row in rows_so_far(folder)
    ]
    of_all = [f"{base}/{name}" for name in _OF_ALL if (out / name).is_file()]
    return {"statement": STATEMENT, "results": rows, "outputs": of_all}


def _files(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    names = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")))
    return [name for name in names if _WRITTEN.fullmatch(name)]


def _output(job: Job, path: str) -> Path | None:
    """Return a file of evidence; no other file is ever sent."""
    out = job.campaign_file.parent / OUT
    if path in _OF_ALL:
        file = out / path
        return file if file.is_file() else None
    for row in rows_so_far(job.campaign_file.parent):
        source = str(row["source"])
        name = path.removeprefix(f"{source}/")
        if name != path and _WRITTEN.fullmatch(name) and (out / source / name).is_file():
            return out / source / name
    return None
