"""Whether the service lives, is ready, and how it does."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from starlette.requests import Request

from maskworks.apps.http.access import caller_of
from maskworks.apps.http.metrics import CONTENT_TYPE
from maskworks.apps.http.openapi import FAILURES, json_answer
from maskworks.apps.http.service import service_of

router = APIRouter(tags=["operation"])


@router.get(
    "/healthz",
    summary="Whether the process lives",
    operation_id="healthz",
    responses={200: json_answer("Health", {"status": "ok"})},
)
async def healthz() -> JSONResponse:
    """Answer 200 as long as the process can answer at all."""
    return JSONResponse({"status": "ok"})


@router.get(
    "/readyz",
    summary="Whether requests are taken",
    operation_id="readyz",
    responses={
        200: json_answer("Readiness", {"status": "ready", "places": 32, "taken": 3, "overdue": 0}),
        503: json_answer(
            "Readiness",
            {"status": "stopping", "places": 32, "taken": 1, "overdue": 0},
            "Not yet, or no more",
        ),
    },
)
async def readyz(request: Request) -> JSONResponse:
    """Answer 200 if requests are taken, else 503.

    `stopping` is before the start and during the stop; `stuck` is when every worker is at work
    on something whose time is over. `overdue` says how many are.
    """
    work_queue = service_of(request).work_queue
    status = "stuck" if work_queue.stuck else "ready"
    if not request.app.state.ready or work_queue.closing:
        status = "stopping"
    body = {"places": work_queue.places, "taken": work_queue.taken, "overdue": work_queue.overdue}
    return JSONResponse({"status": status, **body}, 200 if status == "ready" else 503)


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, 401: FAILURES[401], 403: FAILURES[403]},
)
async def metrics(request: Request) -> Response:
    """Answer in Prometheus's text form; beyond loopback a key with the scope admin is needed."""
    service = service_of(request)
    await caller_of(request, service, "admin")
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)
