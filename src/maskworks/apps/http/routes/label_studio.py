"""Label Studio's ML backend: pre-annotations with our confidence, and answers to its smart tools.

The protocol is that of https://github.com/HumanSignal/label-studio-ml-backend (health, setup,
predict, webhook), written anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from numpy.typing import NDArray
from starlette.requests import Request

from maskworks.apps.http.access import caller_of, charged
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.pictures.cutting import NAME, CutRequest, make, smaller
from maskworks.apps.http.pictures.label_studio import (
    Hints,
    LabelConfig,
    read_config,
    read_hints,
    results_of,
)
from maskworks.apps.http.pictures.removebg_fields import MEGAPIXEL
from maskworks.apps.http.review.clicks import Click
from maskworks.apps.http.service import Service, service_of
from maskworks.apps.http.work_queue import Ticket
from maskworks.core.reading import Picture, read_picture
from maskworks.core.values import Mask

Bool2D = NDArray[np.bool_]

router = APIRouter(prefix="/label-studio", include_in_schema=False)

MOST_TASKS = 50
_LOCAL = "/data/local-files/"
_UPLOADED = "/data/"


@router.get("/health")
@router.get("/")
async def health(request: Request) -> JSONResponse:
    """Say that predictions are given, and by what."""
    service = service_of(request)
    return JSONResponse({"status": "UP", "model_class": f"maskworks {service.settings.model}"})


@router.post("/setup")
async def setup(request: Request) -> JSONResponse:
    """Look at a project's labelling configuration, and name the model's version."""
    service = service_of(request)
    caller = await caller_of(request, service, "cut")
    with service.work_queue.place(caller.share):
        form = await service.form(request)
    if schema := form.text("schema"):
        read_config(schema)
    return JSONResponse({"model_version": service.settings.model})


@router.post("/webhook")
async def webhook(request: Request) -> JSONResponse:
    """Take note of an event; nothing is learnt from annotations."""
    service = service_of(request)
    caller = await caller_of(request, service, "cut")
    with service.work_queue.place(caller.share):
        form = await service.form(request)
    if not form.text("action"):
        raise ApiError(400, "usage", "an event has an action, such as ANNOTATION_CREATED")
    return JSONResponse({"status": "ok", "trained": False})


@router.post("/predict")
async def predict(request: Request) -> JSONResponse:
    """Answer with one prediction a task, or with what a person's points and box mean."""
    service = service_of(request)
    caller = await caller_of(request, service, "cut")
    request.state.seen.caller = caller.name
    with service.work_queue.place(caller.share):
        form = await service.form(request)
        config = read_config(form.text("label_config"))
        tasks = form.fields.get("tasks")
        if not isinstance(tasks, list) or not 0 < len(tasks) <= MOST_TASKS:
            raise ApiError(400, "usage", f"tasks must be a list of 1 to {MOST_TASKS} tasks")
        pointed = _pointed(form.fields.get("params"))
        found = []
        for task in tasks:
            ticket = service.ticket()
            data = await _picture(service, task, config)
            height, width = await service.size_of(request, data, ticket)
            hints = read_hints(pointed, (height, width))
            async with charged(service, caller, height * width / MEGAPIXEL):
                work = partial(_answer, service, data, config, hints)
                result, steps = await service.work(request, work, ticket)
            service.metrics.made(steps, None)
            found.append(result)
    return JSONResponse({"results": found, "model_version": service.settings.model})


def _answer(
    service: Service, data: bytes, config: LabelConfig, hints: Hints, ticket: Ticket
) -> dict[str, Any]:
    """Return one prediction: the subject, that of the box, or the thing that was pointed at."""
    name, confidence = service.settings.model, None
    if hints.box is not None or not hints.wanted:
        cut = CutRequest(edges=service.settings.edges, region=hints.box, scored=False)
        answer = make(data, service.model_cache.get(name), cut, service.limits, ticket)
        confidence = answer.cutout.confidence
        mask = answer.cutout.matte.threshold()
        if not answer.has_subject:
            mask = Mask(np.zeros(mask.size, np.bool_))
    if hints.wanted:
        whole = read_picture(data, service.limits, name=NAME)
        with ticket.step("cut"):
            began = mask.inside if hints.box is not None else None
            mask = _clicked(service, whole, hints, began)
        confidence = None
    regions = results_of(mask, config.control, label=hints.label, score=confidence)
    return {"result": regions, "score": confidence or 0.0, "model_version": name}


def _clicked(service: Service, whole: Picture, hints: Hints, began: Bool2D | None) -> Mask:
    """Return what was pointed at, found at the size at which the finder looks."""
    import cv2

    finder = service.previews.finder
    height, width = whole.image.size
    scale = min(1.0, finder.side_px / max(height, width))
    seen = smaller(whole, round(height * scale) * round(width * scale)).image
    down, right = seen.size[0] / height, seen.size[1] / width
    click = Click(
        points=tuple((x * right, y * down) for x, y in hints.wanted),
        others=tuple((x * right, y * down) for x, y in hints.unwanted),
    )
    now: Bool2D = np.zeros(seen.size, np.bool_)
    if began is not None:
        small = cv2.resize(began.astype(np.float32), seen.size[::-1], interpolation=cv2.INTER_AREA)
        now = np.asarray(small >= 0.5)
    found = finder.find(seen, now, click)
    large = cv2.resize(found.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return Mask(np.asarray(large >= 0.5))


def _pointed(params: object) -> list[Mapping[str, Any]]:
    context = params.get("context") if isinstance(params, Mapping) else None
    results = context.get("result") if isinstance(context, Mapping) else None
    given = results if isinstance(results, list) else []
    return [each for each in given if isinstance(each, Mapping)]


async def _picture(service: Service, task: object, config: LabelConfig) -> bytes:
    """Return a task's picture: from the folder of Label Studio's files, or from its address."""
    values = task.get("data") if isinstance(task, Mapping) else None
    place = values.get(config.field) if isinstance(values, Mapping) else None
    if not isinstance(place, str) or not place:
        raise ApiError(400, "missing_source", f"a task has no data.{config.field} with a picture")
    parts = urlsplit(place)
    if parts.scheme in ("http", "https"):
        return await service.fetched(place)
    folder = service.settings.label_files
    if folder is None or parts.scheme or not parts.path.startswith(_UPLOADED):
        raise ApiError(
            400,
            "missing_source",
            f"data.{config.field} is {place[:80]!r}; start the service with --label-files and the "
            "folder of Label Studio's files, or use http addresses and --allow-urls",
        )
    if parts.path.startswith(_LOCAL):
        name = parse_qs(parts.query).get("d", [""])[0]
    else:
        name = unquote(parts.path.removeprefix(_UPLOADED))
    return service.check_bytes(await service.files.run(partial(_read, folder, name)))


def _read(folder: Path, name: str) -> bytes:
    root = folder.resolve()
    path = (root / name.lstrip("/")).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise ApiError(400, "missing_source", f"there is no file {name[:80]!r} in --label-files")
    return path.read_bytes()
