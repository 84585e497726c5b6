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
    "/healthz", summary="Whether the process lives", responses={200: json_answer({"status": "ok"})}
)
async def healthz() -> JSONResponse:
    """Answer 200 as long as the process can answer at all."""
    return JSONResponse({"status": "ok"})


@router.get(
    "/readyz",
    summary="Whether requests are taken",
    responses={
        200: json_answer({"status": "ready", "places": 32, "taken": 3}),
        503: json_answer({"status": "stopping", "places": 32, "taken": 1}, "Not yet, or no more"),
    },
)
async def readyz(request: Request) -> JSONResponse:
    """Answer 200 if requests are taken, 503 before the start and during the stop."""
    service = service_of(request)
    ready = bool(request.app.state.ready) and not service.work_queue.closing
    body = {"status": "ready" if ready else "stopping", "places": service.work_queue.places}
    return JSONResponse(body | {"taken": service.work_queue.taken}, 200 if ready else 503)


@router.get(
    "/metrics",
    summary="Numbers for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, 401: FAILURES[401], 403: FAILURES[403]},
)
async def metrics(request: Request) -> Response:
    """Answer in Prometheus's text form; beyond loopback a key with the scope admin is needed."""
    service = service_of(request)
    await caller_of(request, service, "admin")
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)
