"""remove.bg's `improve`: a picture somebody was not content with goes to a person."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.requests import Request

from maskworks.apps.http.access import LOCAL, charged
from maskworks.apps.http.fields import ignored_header, names_of
from maskworks.apps.http.openapi import FILE, body, json_answer, removebg_failures, text
from maskworks.apps.http.pictures.removebg_fields import MEGAPIXEL
from maskworks.apps.http.review.new_campaigns import put_into_improve, without_tail
from maskworks.apps.http.routes.removebg import checked_size, client_of, form_of, source_of
from maskworks.apps.http.service import service_of
from maskworks.studio.store.jobs import add_job

router = APIRouter(tags=["remove.bg"])

_EXAMPLE = {"id": "3c4b5a6978879695"}
_BODY = body(
    "multipart/form-data",
    "application/json",
    name="ImproveRequest",
    fields={
        "image_file": FILE,
        "image_file_b64": text("In base64.", "iVBORw0KGgo="),
        "image_url": text("Its address.", "https://example.org/a.jpg"),
        "image_filename": text("Its name.", "a.jpg"),
        "tag": text("A word.", "hair"),
    },
)


@router.post(
    "/v1.0/improve",
    summary="Send a picture to review",
    operation_id="improve",
    responses={200: json_answer("Improved", _EXAMPLE, "It was taken in"), **removebg_failures()},
    openapi_extra=_BODY,
)
async def improve(request: Request) -> JSONResponse:
    """Put a picture in front of a person, as remove.bg's address of the same name does."""
    service = service_of(request)
    caller = await client_of(request, service)
    with service.work_queue.place(caller.share):
        form = await form_of(request, service)
        unused = ignored_header(request, form, names_of(_BODY), query=False)
        data = await source_of(form, service)
        height, width = await checked_size(request, data, service, service.ticket())
        upload = form.file("image_file")
        name = form.text("image_filename") or (upload.name if upload else "") or "picture.jpg"

        def put() -> str:
            kept = without_tail(data)
            with service.data_quota.promise(len(kept)):
                file, number = put_into_improve(
                    service.campaigns.folder, kept, name=name, tag=form.text("tag"),
                    model=service.settings.model,
                )  # fmt: skip
            add_job(service.store, file, name=file.parent.name, asked_by=LOCAL)
            return number

        async with charged(service, caller, height * width / MEGAPIXEL):
            number = await service.files.run(put)
    return JSONResponse({"id": number}, headers=unused)
