"""Request body of a new campaign: pictures, order, webhook."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request

from maskworks.apps.http.bodies import receive_campaign
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.review.new_campaigns import Order, photo_path
from maskworks.apps.http.service import Service


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
    if not taken:
        raise ApiError(400, "missing_source", "give at least one file as `pictures`")
    webhook = webhook_of(fields.get("webhook", ""), service)
    return len(taken), _order(fields, service), webhook


def _order(fields: dict[str, str], service: Service) -> Order:
    def share(name: str, default: float) -> float:
        try:
            value = float(fields.get(name) or default)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            raise ApiError(400, "usage", f"{name} must be a number from 0 to 1")
        return value

    return Order(
        name=fields.get("name") or "campaign",
        model=fields.get("model") or service.settings.model,
        preset=fields.get("preset", ""),
        background=fields.get("background", ""),
        currency=fields.get("currency") or "USD",
        deliver_at=share("deliver_at", 0.85),
        spot_check=share("spot_check", 0.05),
    )


def webhook_of(url: str, service: Service) -> str | None:
    """Return the job's webhook, None without one.

    Raises
    ------
    ApiError
        400 if it is no address, or this service tells nobody.
    """
    if not url:
        return None
    if service.settings.webhook_secret is None:
        raise ApiError(400, "usage", "this service sends no webhooks: it was started without "
                       "--webhook-secret")  # fmt: skip
    if not url.startswith(("http://", "https://")):
        raise ApiError(400, "usage", "webhook must begin with https:// or http://")
    return url
