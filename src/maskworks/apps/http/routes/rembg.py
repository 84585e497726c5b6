"""rembg's interface: `GET|POST /api/remove` with its parameters; the answer is a PNG."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
from fastapi import APIRouter
from fastapi.responses import Response
from numpy.typing import NDArray
from starlette.requests import Request

from maskworks.apps.http.access import caller_of, charged
from maskworks.apps.http.bodies import FormFields, Upload
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.fields import ignored_header, names_of
from maskworks.apps.http.openapi import ADDRESS, FAILURES, FILE, PICTURE, body, text, truth
from maskworks.apps.http.pictures.cutting import NAME, CutRequest, make
from maskworks.apps.http.pictures.removebg_fields import MEGAPIXEL
from maskworks.apps.http.service import Service, service_of
from maskworks.apps.http.work_queue import Ticket
from maskworks.core.errors import ModelError
from maskworks.core.reading import Details, read_picture
from maskworks.core.values import BACKGROUND, FOREGROUND, UNKNOWN, Image, Matte, Trimap
from maskworks.core.writing import Encoding, encode, encode_matte
from maskworks.cutouts.cutout import Cutout
from maskworks.cutouts.cutting import refine_edge
from maskworks.refine.refinement import RefineOptions

router = APIRouter(tags=["rembg"])

_WHOLE: dict[str, object] = {"type": "integer", "minimum": 0, "maximum": 255}
_FIELDS = {
    "model": text("A model of `maskworks models list`.", "u2net"),
    "a": truth("Alpha matting."),
    "af": {**_WHOLE, "default": 240, "description": "Alpha from which it is the subject."},
    "ab": {**_WHOLE, "default": 10, "description": "Alpha below which it is background."},
    "ae": {"type": "integer", "minimum": 0, "maximum": 500, "default": 10,
           "description": "Pixels that both are eroded by."},
    "om": truth("The mask alone."),
    "ppm": truth("Post-process the mask."),
    "bgc": text("red,green,blue,alpha", "255,255,255,255"),
    "extras": text("A JSON object; models here take none of rembg's.", "{}"),
}  # fmt: skip
_PARAMETERS = [
    {"name": name, "in": "query", "required": False, "schema": schema}
    for name, schema in _FIELDS.items()
]
_BODY = body(
    "multipart/form-data",
    name="RembgRequest",
    fields={"file": FILE, **_FIELDS},
    required=("file",),
)
_NAMES = names_of(_BODY) | {"url"}
_ANSWERS = {200: {"description": "A PNG", "content": {"image/png": PICTURE}}, **FAILURES}


@dataclass(frozen=True, kw_only=True)
class Options:
    """rembg's parameters."""

    model: str | None = None
    matting: bool = False
    foreground: int = 240
    background: int = 10
    erode: int = 10
    mask_only: bool = False
    post_process: bool = False
    colour: tuple[int, int, int, int] | None = None


@router.get(
    "/api/remove",
    summary="Remove the background of a picture by its address",
    operation_id="rembg_by_address",
    responses=_ANSWERS,
    response_class=Response,
    openapi_extra={
        "parameters": [
            {"name": "url", "in": "query", "required": True, "schema": ADDRESS}, *_PARAMETERS
        ]
    },
)  # fmt: skip
async def remove_by_address(request: Request) -> Response:
    """Fetch a picture and cut its subject out."""
    service = service_of(request)
    form = FormFields(dict(request.query_params), {})
    return await _remove(request, service, form)


@router.post(
    "/api/remove",
    summary="Remove the background of a picture",
    operation_id="rembg",
    responses=_ANSWERS,
    response_class=Response,
    openapi_extra={"parameters": _PARAMETERS, **_BODY},
)
async def remove(request: Request) -> Response:
    """Cut the subject of an uploaded picture out; parameters may be fields or in the address."""
    return await _remove(request, service_of(request), None)


async def _remove(request: Request, service: Service, form: FormFields | None) -> Response:
    caller = await caller_of(request, service, "cut")
    request.state.seen.caller = caller.name
    with service.work_queue.place(caller.share):
        if form is None:
            sent = await service.form(request)
            form = FormFields({**request.query_params, **sent.fields}, sent.files, sent.repeated)
        unused = ignored_header(request, form, _NAMES, query=True)
        ticket = service.ticket()
        options = read_options(form)
        data = await _source(form, service)
        height, width = await service.size_of(request, data, ticket)

        def work(ticket: Ticket) -> bytes:
            return _answer(service, data, options, ticket)

        async with charged(service, caller, height * width / MEGAPIXEL) as headers:
            written, steps = await service.work(request, work, ticket)
        service.metrics.made(steps, None)
    return Response(written, media_type="image/png", headers=headers | unused)


async def _source(form: FormFields, service: Service) -> bytes:
    file: Upload | None = form.file("file")
    if file is not None:
        return service.check_bytes(file.data)
    url = form.text("url")
    if not url:
        raise ApiError(422, "missing_source", "give a picture as `file`, or its address as `url`")
    return await service.fetched(url)


def read_options(form: FormFields) -> Options:
    """Return rembg's parameters.

    Raises
    ------
    ApiError
        422 if one is wrong.

    Examples
    --------
    >>> read_options(FormFields({"om": "true", "bgc": "1,2,3,4"}, {})).colour
    (1, 2, 3, 4)
    """
    _check_extras(_text(form, "extras"))
    return Options(
        model=_text(form, "model") or None,
        matting=_truth(form, "a"),
        foreground=_whole(form, "af", 240, 255),
        background=_whole(form, "ab", 10, 255),
        erode=_whole(form, "ae", 10, 500),
        mask_only=_truth(form, "om"),
        post_process=_truth(form, "ppm"),
        colour=_colour(_text(form, "bgc")),
    )


def _answer(service: Service, data: bytes, options: Options, ticket: Ticket) -> bytes:
    name = options.model or service.settings.model
    try:
        model = service.model_cache.get(name)
    except ModelError as error:
        raise ApiError(400, error.code, str(error)) from error
    found = make(data, model, CutRequest(edges="off", scored=False), service.limits, ticket).cutout
    with ticket.step("edges"):
        if options.matting:
            found = _matted(found, data, options, service)
        if options.post_process:
            found = replace(found, matte=Matte(smoothed(found.matte.alpha)))
    with ticket.step("write"):
        return _written(found, options)


def _matted(found: Cutout, data: bytes, options: Options, service: Service) -> Cutout:
    """Refine between what the thresholds call sure; where nothing is sure it stays."""
    trimap = trimap_of(found.matte, options)
    if not (trimap.unknown.any() and trimap.foreground.any() and trimap.background.any()):
        return found
    picture = read_picture(data, service.limits, name=NAME)
    return refine_edge(found, picture, RefineOptions(method="fine"), trimap=trimap)


def trimap_of(matte: Matte, options: Options) -> Trimap:
    """Return the trimap rembg makes of a matte: two thresholds, both sides eroded.

    Examples
    --------
    >>> trimap_of(Matte(np.array([[0, 0.5, 1]], np.float32)), Options(erode=0)).levels.tolist()
    [[0, 128, 255]]
    """
    import cv2

    grey = np.rint(matte.alpha * 255)
    square = np.ones((max(1, options.erode), max(1, options.erode)), np.uint8)

    def eroded(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
        if options.erode < 2:
            return inside
        return cv2.erode(inside.astype(np.uint8), square, borderValue=1) > 0

    levels = np.full(matte.size, UNKNOWN, np.uint8)
    levels[eroded(grey < options.background)] = BACKGROUND
    levels[eroded(grey > options.foreground)] = FOREGROUND
    return Trimap(levels)


def smoothed(alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rembg's post-processed mask: opened, blurred, and hard at the half."""
    import cv2

    disk = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    opened = cv2.morphologyEx(alpha, cv2.MORPH_OPEN, disk)
    soft = cv2.GaussianBlur(opened, (5, 5), sigmaX=2, sigmaY=2, borderType=cv2.BORDER_DEFAULT)
    return (soft >= 127 / 255).astype(np.float32)


def _written(found: Cutout, options: Options) -> bytes:
    details = Details(format="")
    if options.mask_only:
        return encode_matte(found.matte, Encoding("png"), details)
    if options.colour is None:
        return encode(found.foreground, found.matte, Encoding("png"), details)
    *colour, opacity = options.colour
    alpha = found.matte.alpha[..., np.newaxis]
    behind = (1 - alpha) * (opacity / 255)
    over = alpha + behind
    mixed = found.foreground.pixels * alpha + np.array(colour, np.float32) * behind
    mixed /= np.maximum(over, 1 / 255)
    pixels = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    matte = Matte(np.clip(over[..., 0], 0, 1).astype(np.float32))
    return encode(Image(pixels), matte, Encoding("png"), details)


def _text(form: FormFields, name: str) -> str:
    try:
        return form.text(name)
    except ApiError as error:  # rembg says of every wrong parameter 422
        raise ApiError(422, error.code, error.message) from error


def _truth(form: FormFields, name: str) -> bool:
    value = _text(form, name).lower()
    if value in ("true", "1", "yes", "on", "t", "y"):
        return True
    if value in ("false", "0", "no", "off", "f", "n", ""):
        return False
    raise ApiError(422, "usage", f"{name} must be true or false; got {value[:40]!r}")


def _whole(form: FormFields, name: str, default: int, most: int) -> int:
    value = _text(form, name)
    if not value:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 5 and int(value) <= most):
        raise ApiError(
            422, "usage", f"{name} must be a whole number 0 to {most}; got {value[:40]!r}"
        )
    return int(value)


def _colour(text: str) -> tuple[int, int, int, int] | None:
    if not text:
        return None
    parts = [part.strip() for part in text.split(",")]
    good = all(p.isascii() and p.isdigit() and len(p) < 4 and int(p) <= 255 for p in parts)
    if not good or len(parts) not in (3, 4):
        raise ApiError(422, "usage", f"bgc must be red,green,blue,alpha; got {text[:40]!r}")
    red, green, blue, *rest = (int(part) for part in parts)
    return red, green, blue, rest[0] if rest else 255


def _check_extras(text: str) -> None:
    if not text:
        return
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ApiError(422, "usage", f"extras is not JSON ({error})") from error
    if found != {}:
        raise ApiError(422, "usage", "extras: the models here take none of rembg's; leave it out")
