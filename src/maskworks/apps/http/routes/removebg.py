"""remove.bg's interface: the same fields, defaults, headers, errors."""

from __future__ import annotations

import asyncio
import binascii
from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from starlette.requests import Request

from maskworks.apps.http.access import Caller, caller_of, charged, secret_of
from maskworks.apps.http.bodies import FormFields
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.fields import ignored_header, names_of
from maskworks.apps.http.long_text import from_base64, json_with
from maskworks.apps.http.openapi import (
    REMOVEBG_BODY,
    json_answer,
    removebg_answers,
    removebg_failures,
)
from maskworks.apps.http.pictures.cutting import Answer, CutRequest, make
from maskworks.apps.http.pictures.naming import OTHER, named
from maskworks.apps.http.pictures.opinions import opinion_headers
from maskworks.apps.http.pictures.removebg_fields import (
    MEGAPIXEL,
    RemoveBgRequest,
    read_request,
    refuse,
    region_of,
)
from maskworks.apps.http.pictures.removebg_layout import RenderedAnswer, render_answer, subject_box
from maskworks.apps.http.service import Service, service_of
from maskworks.apps.http.work_queue import Ticket
from maskworks.core.errors import ImageError, TooLargeError, UnreadableError
from maskworks.core.formats import sniff
from maskworks.core.reading import Picture, read_picture
from maskworks.core.values import Box
from maskworks.studio.store.usage import spent_this_month

router = APIRouter(prefix="/v1.0", tags=["remove.bg"])

_JSON = "application/json"

PREVIEW_CREDITS, CREDITS = 0.25, 1.0
"""What an answer is charged: a preview, and any other size."""

UNLIMITED_CREDITS = 1_000_000
"""What `GET /account` says of a key without a quota: clients want a number."""

X_TYPES = {"people": "person", "graphic": "graphics"}
"""What `X-Type` says where it is not the word in `type` itself."""

_ACCEPTS_URL = "Please provide the URL of an image or upload one"
_BACKGROUNDS = ("bg_color", "bg_image_url", "bg_image_file")


@dataclass(frozen=True, kw_only=True, eq=False)
class RemoveBgJob:
    """What a worker needs for one answer; `as_json` is how its caller wants it."""

    data: bytes
    region: Box | None
    asked: RemoveBgRequest
    backdrop: bytes | None
    as_json: bool


_ACCOUNT_EXAMPLE = {
    "data": {
        "attributes": {
            "credits": {"total": 199.75, "subscription": 199.75, "payg": 0, "enterprise": 0},
            "api": {"free_calls": 0, "sizes": "all"},
        }
    }
}


@router.post(
    "/removebg",
    summary="Remove the background of an image",
    openapi_extra=REMOVEBG_BODY,
    operation_id="removebg",
    responses=removebg_answers(),
)
async def removebg(request: Request) -> Response:
    """Cut the subject out, as remove.bg's address of the same name does."""
    service = service_of(request)
    caller = await client_of(request, service)
    with service.work_queue.place(caller.share):
        form = await form_of(request, service)
        unused = ignored_header(request, form, names_of(REMOVEBG_BODY), query=False)
        ticket = service.ticket()
        asked = read_request(form)
        data = await source_of(form, service)
        size = await checked_size(request, data, service, ticket)
        region = region_of(asked, size)
        backdrop = await _backdrop(form, service)
        megapixels = size[0] * size[1] / MEGAPIXEL
        price = PREVIEW_CREDITS if asked.megapixels <= PREVIEW_CREDITS else CREDITS
        as_json = "application/json" in request.headers.get("accept", "")
        job = RemoveBgJob(data=data, region=region, asked=asked, backdrop=backdrop, as_json=as_json)

        def work(ticket: Ticket) -> tuple[Answer, Response]:
            return _answer(service, job, ticket)

        async with charged(service, caller, megapixels, price) as headers:
            try:
                (answer, response), steps = await service.work(request, work, ticket)
            except ImageError as error:
                raise refuse("failed_to_read_image", "Failed to read image", str(error)) from error
        service.metrics.made(steps, answer.route)
        response.headers.update(headers | unused | {"X-Credits-Charged": f"{price:g}"})
    return response


@router.get(
    "/account",
    summary="Credits and calls left",
    operation_id="account",
    responses={200: json_answer("Account", _ACCOUNT_EXAMPLE), **removebg_failures()},
)
async def account(request: Request) -> JSONResponse:
    """Say what is left of the key's quota this month."""
    service = service_of(request)
    caller = await client_of(request, service)
    left: float = UNLIMITED_CREDITS
    if caller.key is not None and caller.key.monthly_credits is not None:
        spent = await asyncio.to_thread(spent_this_month, service.store, caller.key)
        left = max(0.0, caller.key.monthly_credits - spent.credits)
    credits_left = {"total": left, "subscription": left, "payg": 0, "enterprise": 0}
    attributes = {"credits": credits_left, "api": {"free_calls": 0, "sizes": "all"}}
    return JSONResponse({"data": {"attributes": attributes}})


async def client_of(request: Request, service: Service) -> Caller:
    """Return who calls, if they may; whoever may not gets 403, as with remove.bg.

    Raises
    ------
    ApiError
        403.
    """
    try:
        caller = await caller_of(request, service, "cut")
    except ApiError as error:
        title = "API Key invalid" if secret_of(request) else "Missing API Key"
        raise ApiError(403, "auth_failed", error.message, title) from error
    request.state.seen.caller = caller.name
    return caller


async def form_of(request: Request, service: Service) -> FormFields:
    """Read a body; one that is too large has remove.bg's code for it.

    Raises
    ------
    ApiError
    """
    try:
        return await service.form(request)
    except ApiError as error:
        if error.code != "file_too_large":
            raise
        raise refuse("file_too_large", "File too large", error.message) from error


async def source_of(form: FormFields, service: Service) -> bytes:
    """Return the one picture that a form brings as file, base64 or address.

    Raises
    ------
    ApiError
        If there is none, or more than one, or it cannot be had.
    """
    file, encoded, url = (
        form.file("image_file"),
        form.encoded,
        form.text("image_url"),
    )
    files = [one.data for one in form.files.get("image_file", [])]
    given = [what for what in (*files, encoded, url) if what]
    if not given:
        raise refuse("missing_source", "No image given", f"{_ACCEPTS_URL}: image_file, "
                     "image_file_b64 or image_url")  # fmt: skip
    if len(given) > 1:
        raise refuse("multiple_sources", "Multiple image sources given: Please provide only one "
                     "of image_file, image_file_b64 and image_url")  # fmt: skip
    if file is not None and file.data:
        return _within(file.data, service)
    if encoded:
        try:
            data = await asyncio.to_thread(from_base64, encoded)
        except (binascii.Error, ValueError) as error:
            raise refuse("failed_to_read_image", "Failed to read base64 image") from error
        if not data:
            raise refuse("failed_to_read_image", "Failed to read base64 image")
        return _within(data, service)
    return await _fetched(service, url, ("invalid_image_url", "failed_image_download"))


async def _backdrop(form: FormFields, service: Service) -> bytes | None:
    file = form.file("bg_image_file")
    given = [name for name in _BACKGROUNDS if form.text(name)]
    if (file is not None and file.data and len(given) > 0) or len(given) > 1:
        raise refuse("multiple_bg_sources", "Multiple background sources given: Please provide "
                     "only one of bg_color, bg_image_url and bg_image_file")  # fmt: skip
    if file is not None and file.data:
        return _within(file.data, service)
    url = form.text("bg_image_url")
    if not url:
        return None
    return await _fetched(service, url, ("invalid_bg_image_url", "failed_bg_download"))


async def _fetched(service: Service, url: str, codes: tuple[str, str]) -> bytes:
    if not url.lower().startswith(("http://", "https://")):
        raise refuse(codes[0], "Invalid image URL given", f"{url[:100]!r} is no http address")
    try:
        return await service.fetched(url)
    except ApiError as error:
        raise refuse(codes[1], "Failed to download image", error.message) from error


def _within(data: bytes, service: Service) -> bytes:
    try:
        return service.check_bytes(data)
    except ApiError as error:
        raise refuse("file_too_large", "File too large", error.message) from error


async def checked_size(
    request: Request, data: bytes, service: Service, ticket: Ticket
) -> tuple[int, int]:
    """Return the size (H, W) of a picture, from its header.

    Raises
    ------
    ApiError
        With remove.bg's code if it is no picture, damaged or too large.
    """
    if sniff(data[:64]) is None:
        raise refuse("invalid_file_type", "File type not supported", "Please provide a JPG, PNG "
                     "or WebP image")  # fmt: skip
    try:
        return await service.size_of(request, data, ticket)
    except TooLargeError as error:
        raise refuse("resolution_too_high", "Image resolution too high", str(error)) from error
    except UnreadableError as error:
        raise refuse("failed_to_read_image", "Failed to read image", str(error)) from error


def _answer(service: Service, job: RemoveBgJob, ticket: Ticket) -> tuple[Answer, Response]:
    """Cut out, render, and say what kind of thing it is, on a worker."""
    settings = service.settings
    most = int(job.asked.megapixels * MEGAPIXEL)
    wanted = CutRequest(edges=settings.edges, most_pixels=most, region=job.region)
    answer = make(job.data, service.model_cache.get(settings.model), wanted, service.limits, ticket)
    if not answer.has_subject or subject_box(answer.cutout.matte) is None:
        raise refuse(
            "unknown_foreground",
            "Could not identify foreground in image",
            "Could not identify foreground in image. For details and recommendations see the "
            "reasons of POST /v1/cutout",
        )
    with ticket.step("write"):
        rendered = render_answer(answer.cutout, job.asked, _decoded(job.backdrop, service))
        place = _foreground(answer)
        headers = _headers_of(answer, rendered, place)
        told, kind = rendered.data, rendered.media_type
        if job.as_json:
            named_so = {f"foreground_{name}": value for name, value in place.items()}
            told, kind = json_with({"data": named_so}, told, "data", "result_b64"), _JSON
    if job.asked.type_level != "none":
        headers["X-Type"] = _kind(service, job.asked, answer, ticket)
    return answer, Response(told, media_type=kind, headers=headers)


def _kind(service: Service, asked: RemoveBgRequest, answer: Answer, ticket: Ticket) -> str:
    """Return the caller's own word for the subject, else what the model for that says."""
    if asked.typed != "auto":
        return X_TYPES.get(asked.typed, asked.typed)
    if service.settings.names is None or asked.type_level == "none":
        return OTHER
    with ticket.step("name"):
        segmenter = service.segmenters.get(service.settings.names)
        return named(answer.cutout.image, answer.cutout.matte, segmenter)


def _decoded(data: bytes | None, service: Service) -> Picture | None:
    if data is None:
        return None
    try:
        return read_picture(data, service.limits, name="background")
    except ImageError as error:
        raise refuse("failed_bg_download", "Failed to read background image", str(error)) from error


def _foreground(answer: Answer) -> dict[str, int]:
    """Return where the subject is in the picture as it came."""
    box = subject_box(answer.cutout.matte)
    assert box is not None  # noqa: S101 - an answer without a subject was refused
    (height, width), (rows, columns) = answer.original, answer.cutout.matte.size
    down, right = height / rows, width / columns
    return {
        "top": int(box.top * down),
        "left": int(box.left * right),
        "width": min(width, round(box.right * right)) - int(box.left * right),
        "height": min(height, round(box.bottom * down)) - int(box.top * down),
    }


def _headers_of(answer: Answer, rendered: RenderedAnswer, place: dict[str, int]) -> dict[str, str]:
    height, width = rendered.size
    return {
        "X-Width": str(width),
        "X-Height": str(height),
        "X-Max-Width": str(answer.original[1]),
        "X-Max-Height": str(answer.original[0]),
        **{f"X-Foreground-{k.title()}": str(v) for k, v in place.items()},
        **opinion_headers(answer),
    }
