"""Request body of a new campaign: pictures, order, webhook."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request

from maskworks.apps.http.bodies import FormFields, receive_campaign
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.fields import names_of, refuse_unknown
from maskworks.apps.http.openapi import FILE, Schema, body, text
from maskworks.apps.http.review.new_campaigns import Order, photo_path
from maskworks.apps.http.service import Service
from maskworks.core.errors import DownloadError

_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_WEBHOOK = text("Told when it is done.", "https://example.org/hook")

CAMPAIGN_BODY = body(
    "multipart/form-data",
    name="CampaignRequest",
    fields={
        "pictures": {"type": "array", "items": FILE, "description": "The pictures."},
        "name": text("What it is called.", "spring"),
        "model": text("A model of GET /v1/models.", "cutout"),
        "preset": text("A preset of docs/presets.md.", "amazon-main"),
        "background": text("A colour.", "white"),
        "currency": text("ISO 4217.", "USD"),
        "deliver_at": {**_SHARE, "default": 0.85, "description": "Least score delivered."},
        "spot_check": {**_SHARE, "default": 0.05, "description": "Share a person sees anyway."},
        "webhook": _WEBHOOK,
    },
    required=("pictures",),
)
"""A campaign that comes with its pictures."""

NAMED_CAMPAIGN = body(
    "application/json",
    name="NamedCampaignRequest",
    fields={"campaign": text("A campaign the operator named.", "spring"), "webhook": _WEBHOOK},
    required=("campaign",),
)
"""A campaign that is here already."""

_NAMES = names_of(CAMPAIGN_BODY)


async def receive_pictures(
    request: Request, service: Service, folder: Path
) -> tuple[int, Order, str | None]:
    """Write the pictures of a body into a folder.

    Returns
    -------
    their number, what is wanted of them, whom to tell of the end

    Raises
    ------
    ApiError
        As `receive_campaign`; 400 if there is no picture, or a field is wrong.
    """
    if request.query_params:
        refuse_unknown(request, FormFields({}, {}), _NAMES)
    bounds = service.settings.bounds
    taken: set[str] = set()

    def place(name: str) -> Path:
        return photo_path(folder, name, taken)

    fields = await receive_campaign(
        request,
        place,
        limit=bounds.campaign_bytes,
        pace=service.pace(bounds.campaign_seconds),
        files=bounds.campaign_pictures,
    )
    refuse_unknown(request, fields, _NAMES)
    if not taken:
        raise ApiError(400, "missing_source", "give at least one file as `pictures`")
    webhook = await webhook_of(fields.text("webhook"), service)
    return len(taken), _order(fields, service), webhook


def _order(fields: FormFields, service: Service) -> Order:
    def share(name: str, default: float) -> float:
        try:
            value = float(fields.text(name) or default)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            raise ApiError(400, "usage", f"{name} must be a number from 0 to 1")
        return value

    return Order(
        name=fields.text("name") or "campaign",
        model=fields.text("model") or service.settings.model,
        preset=fields.text("preset"),
        background=fields.text("background"),
        currency=fields.text("currency") or "USD",
        deliver_at=share("deliver_at", 0.85),
        spot_check=share("spot_check", 0.05),
    )


async def webhook_of(url: str, service: Service) -> str | None:
    """Return the job's webhook, None without one.

    Raises
    ------
    ApiError
        400 if it can never be reached from here, or this service tells nobody.
    """
    if not url:
        return None
    if service.settings.webhook_secret is None:
        raise ApiError(400, "usage", "this service sends no webhooks: it was started without "
                       "--webhook-secret")  # fmt: skip
    try:
        await service.fetches.run(service.reach.check, url)
    except DownloadError as error:
        raise ApiError(400, "bad_webhook", f"webhook: the address {error.reason}; give a public "
                       "http or https address on its own port, or start the service with "
                       "--url-network for a private one") from error  # fmt: skip
    return url
