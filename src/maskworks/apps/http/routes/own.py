"""Our own interface: cut-outs, segments, mattes, models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast, get_args

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from starlette.requests import Request

from maskworks.apps.http.access import caller_of, charged
from maskworks.apps.http.bodies import FormFields
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.fields import names_of, refuse_unknown
from maskworks.apps.http.long_text import json_with
from maskworks.apps.http.openapi import (
    ADDRESS,
    FAILURES,
    FILE,
    OPINION_HEADERS,
    PICTURE,
    Schema,
    body,
    edges_field,
    json_answer,
    named,
    named_like,
    text,
    words,
)
from maskworks.apps.http.pictures.cutting import Answer, CutRequest, header_size, make, refine_with
from maskworks.apps.http.pictures.opinions import opinion, opinion_headers
from maskworks.apps.http.pictures.removebg_fields import MEGAPIXEL
from maskworks.apps.http.pictures.removebg_layout import subject_box
from maskworks.apps.http.pictures.segmenting import (
    as_coco,
    as_png,
    as_rle,
    finds_subject,
    label,
    segment,
)
from maskworks.apps.http.service import Service, service_of
from maskworks.apps.http.work_queue import Ticket
from maskworks.core.colour import parse_colour
from maskworks.core.reading import Details
from maskworks.core.writing import Encoding, encode_matte
from maskworks.cutouts.backgrounds import Background, Blurred, Plain
from maskworks.cutouts.cutout import render, render_options_for
from maskworks.models import load_catalogue
from maskworks.refine.refinement import Method

router = APIRouter(prefix="/v1", tags=["maskworks"])

Result = TypeVar("Result")

_TYPES = {
    "png": "image/png", "webp": "image/webp", "jpg": "image/jpeg", "jpeg": "image/jpeg",
    "tiff": "image/tiff",
}  # fmt: skip
_MODEL = text("A model of GET /v1/models; by default as the service was started.", "cutout")


@dataclass(frozen=True, kw_only=True, eq=False)
class Taken:
    """A picture that was let in, with the headers that go with its answer."""

    form: FormFields
    data: bytes
    headers: dict[str, str]


CUTOUT_BODY = body(
    "multipart/form-data",
    name="CutoutRequest",
    fields={
        "image": FILE,
        "image_url": ADDRESS,
        "model": _MODEL,
        "edges": edges_field(),
        "format": words(list(_TYPES), "png", "Of the picture in the answer; jpeg is jpg."),
        "background": text("none, blur, or a colour.", "#f4f1ec"),
        "only": words(["picture", "matte"], "picture", "matte is the alpha alone, in grey."),
    },
)
SEGMENT_BODY = body(
    "multipart/form-data",
    name="SegmentRequest",
    fields={
        "image": FILE,
        "image_url": ADDRESS,
        "model": _MODEL,
        "format": words(["rle", "coco", "png"], "rle", "Of the answer."),
    },
)
MATTE_BODY = body(
    "multipart/form-data",
    name="MatteRequest",
    fields={
        "image": FILE,
        "image_url": ADDRESS,
        "trimap": {**FILE, "description": "Grey: black is background, white the subject."},
        "model": _MODEL,
        "edges": edges_field(),
    },
)


def _answers(
    *types: str, schema: Schema | None = None, example: object = None
) -> dict[int | str, Schema]:
    content: Schema = dict.fromkeys(types, PICTURE)
    if schema is not None:
        content["application/json"] = {"schema": schema, "example": example}
    done = {"description": "Done", "content": content, "headers": OPINION_HEADERS}
    return {200: done, **FAILURES}


_OPINION_EXAMPLE = {
    "status": "ok", "confidence": 0.97, "score": 0.93, "route": "deliver", "edges": "fine",
    "reasons": [], "model": "cutout", "size": [1200, 800],
    "box": {"top": 80, "left": 40, "bottom": 1100, "right": 700}, "result_b64": "iVBORw0KGgo...",
}  # fmt: skip
_SEGMENT_EXAMPLE = {
    "size": [4, 4],
    "segments": [
        {"label": "subject", "score": 0.97, "area": 4, "rle": {"size": [4, 4], "counts": "52203"}}
    ],
}
_OPINION = named_like(
    "Opinion", _OPINION_EXAMPLE, may_be_null=("confidence", "score", "route", "edges", "box")
)
_COCO = {"type": "object", "required": ["images", "annotations", "categories"]}
_SEGMENTS = {"anyOf": [named_like("Segments", _SEGMENT_EXAMPLE, may_be_null=("score",)),
                       named("CocoDocument", _COCO)]}  # fmt: skip


@router.post(
    "/cutout",
    summary="Cut the subject out of a picture",
    openapi_extra=CUTOUT_BODY,
    operation_id="cutout",
    responses=_answers(*_TYPES.values(), schema=_OPINION, example=_OPINION_EXAMPLE),
)
async def cutout(request: Request) -> Response:
    """Answer with the picture; with `Accept: application/json` also with what is thought of it.

    A picture without a subject is an answer too: everything clear, with `X-Status: no-subject`.
    """
    service = service_of(request)

    as_json = "application/json" in request.headers.get("accept", "")

    def prepare(form: FormFields) -> Callable[[bytes, Ticket], tuple[Answer, Response]]:
        form_of = _one_of(form, "format", tuple(_TYPES), "png").replace("jpeg", "jpg")
        matte_only = _one_of(form, "only", ("picture", "matte"), "picture") == "matte"
        look = render_options_for(
            form_of, _background(form.text("background")), mask_only=matte_only
        )
        cut = CutRequest(edges=_edges(form, service))
        name = _model_name(form, service)

        def work(data: bytes, ticket: Ticket) -> tuple[Answer, Response]:
            answer = make(data, service.model_cache.get(name), cut, service.limits, ticket)
            with ticket.step("write"):
                written, kind = render(answer.cutout, look), _TYPES[form_of]
                if as_json:
                    written, kind = _answer_record(answer, written, name), "application/json"
            headers = {**opinion_headers(answer), "X-Model": name}
            return answer, Response(written, media_type=kind, headers=headers)

        return work

    taken, (answer, response), steps = await _serve(request, service, CUTOUT_BODY, prepare)
    service.metrics.made(steps, answer.route)
    response.headers.update(taken.headers)
    return response


@router.post(
    "/segment",
    summary="Find what a picture shows",
    openapi_extra=SEGMENT_BODY,
    operation_id="segment",
    responses=_answers("image/png", schema=_SEGMENTS, example=_SEGMENT_EXAMPLE),
)
async def segments(request: Request) -> Response:
    """Answer with the pieces: run lengths, a COCO document, or a picture of class numbers."""
    service = service_of(request)

    def prepare(form: FormFields) -> Callable[[bytes, Ticket], Response]:
        wanted = _one_of(form, "format", ("rle", "coco", "png"), "rle")
        name = form.text("model") or service.settings.model
        alone = finds_subject(name)

        def work(data: bytes, ticket: Ticket) -> Response:
            if alone:
                found = segment(data, service.model_cache.get(name), service.limits, ticket)
            else:
                found = label(data, service.segmenters.get(name), service.limits, ticket)
            with ticket.step("write"):
                if wanted == "png":
                    return Response(as_png(found), media_type="image/png")
                return JSONResponse(as_coco(found) if wanted == "coco" else as_rle(found))

        return work

    taken, response, steps = await _serve(request, service, SEGMENT_BODY, prepare)
    service.metrics.made(steps, None)
    response.headers.update(taken.headers)
    return response


@router.post(
    "/matte",
    summary="The matte of a picture, from a trimap or from a model",
    openapi_extra=MATTE_BODY,
    operation_id="matte",
    response_class=Response,
    responses=_answers("image/png"),
)
async def matte(request: Request) -> Response:
    """Answer with the matte as a grey PNG of the picture's size."""
    service = service_of(request)

    def prepare(form: FormFields) -> Callable[[bytes, Ticket], bytes]:
        trimap = form.file("trimap")
        cut = CutRequest(edges=_edges(form, service), scored=False)
        name = _model_name(form, service)

        def work(data: bytes, ticket: Ticket) -> bytes:
            if trimap is not None:
                header_size(trimap.data, service.limits)
                found = refine_with(data, trimap.data, service.limits, ticket)
            else:
                found = make(
                    data, service.model_cache.get(name), cut, service.limits, ticket
                ).cutout
            with ticket.step("write"):
                return encode_matte(found.matte, Encoding("png"), Details(format=""))

        return work

    taken, written, steps = await _serve(request, service, MATTE_BODY, prepare)
    service.metrics.made(steps, None)
    return Response(written, media_type="image/png", headers=taken.headers)


_MODELS_EXAMPLE = {
    "models": [
        {"name": "cutout", "family": "saliency", "licence": "Apache-2.0", "commercial": True,
         "open": True, "default": True}
    ]
}  # fmt: skip


@router.get(
    "/models",
    summary="The models there are",
    operation_id="list_models",
    responses={200: json_answer("Models", _MODELS_EXAMPLE), 401: FAILURES[401], 403: FAILURES[403]},
)
async def models(request: Request) -> JSONResponse:
    """List the catalogue: name, family, licence, commercial use, and whether it is open."""
    service = service_of(request)
    await caller_of(request, service, "cut")
    opened = service.model_cache.names
    rows = [
        {
            "name": spec.name, "family": spec.family, "licence": spec.licence,
            "commercial": spec.commercial, "open": spec.name in opened,
            "default": spec.name == service.settings.model,
        }
        for spec in load_catalogue()
    ]  # fmt: skip
    return JSONResponse({"models": rows})


async def _serve(
    request: Request,
    service: Service,
    known: Schema,
    prepare: Callable[[FormFields], Callable[[bytes, Ticket], Result]],
) -> tuple[Taken, Result, Any]:
    """Let a request with the fields of the body `known` in, do its work, charge it."""
    caller = await caller_of(request, service, "cut")
    request.state.seen.caller = caller.name
    with service.work_queue.place(caller.share):
        form = await service.form(request)
        refuse_unknown(request, form, names_of(known))
        ticket = service.ticket()
        work = prepare(form)
        data = await _source(form, service)
        height, width = await service.size_of(request, data, ticket)
        async with charged(service, caller, height * width / MEGAPIXEL) as headers:
            result, steps = await service.work(request, lambda _: work(data, ticket), ticket)
    return Taken(form=form, data=data, headers=headers), result, steps


async def _source(form: FormFields, service: Service) -> bytes:
    file, url = form.file("image"), form.text("image_url")
    if file is not None and url:
        raise ApiError(400, "usage", "give `image` or `image_url`, not both")
    if file is not None:
        return service.check_bytes(file.data)
    if not url:
        raise ApiError(400, "missing_source", "give a picture as `image`, or its `image_url`")
    return await service.fetched(url)


def _answer_record(answer: Answer, written: bytes, name: str) -> bytes:
    box = subject_box(answer.cutout.matte)
    corners = ("top", "left", "bottom", "right")
    place = None if box is None else {corner: getattr(box, corner) for corner in corners}
    size = list(answer.cutout.matte.size)
    record = {**opinion(answer), "model": name, "size": size, "box": place}
    return json_with(record, written, "result_b64")


def _one_of(form: FormFields, name: str, allowed: tuple[str, ...], default: str) -> str:
    value = form.text(name) or default
    if value not in allowed:
        message = f"{name} must be one of {', '.join(allowed)}; got {value[:40]!r}"
        raise ApiError(400, "usage", message)
    return value


def _edges(form: FormFields, service: Service) -> Method:
    found = _one_of(form, "edges", get_args(Method), service.settings.edges)
    return cast(Literal["off", "fast", "fine", "auto"], found)


def _model_name(form: FormFields, service: Service) -> str:
    return load_catalogue().find(form.text("model") or service.settings.model).name


def _background(said: str) -> Background | None:
    if said in ("", "none"):
        return None
    return Blurred() if said == "blur" else Plain(parse_colour(said))
