"""Who calls and what they may: keys, sessions, and the one rule for this machine itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import Request

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.settings import is_loopback
from maskworks.studio.store.keys import SCOPES, ApiKey, Scope, find_key
from maskworks.studio.store.usage import Admission, admit, charge

if TYPE_CHECKING:
    from maskworks.apps.http.service import Service

LOCAL = "local"
"""What a caller from this machine without a key is called."""

_OURS = "mw_"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whoever sends a request; `key` is None on loopback without one."""

    name: str
    scopes: tuple[Scope, ...]
    key: ApiKey | None = None


def auth_failed(detail: str, status: int = 403) -> ApiError:
    """Return the error of a caller who may not."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return ApiError(status, "auth_failed", detail, "API Key invalid", headers)


def secret_of(request: Request) -> str:
    """Return the key that a request brings, "" if it brings none."""
    sent = request.headers.get("x-api-key", "").strip()
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return sent or (value.strip() if scheme.lower() == "bearer" else "")


def is_local(request: Request, service: Service) -> bool:
    """Say whether a request surely comes from a person or program on this machine.

    The service must listen on loopback only, no proxy may stand in between, and a browser must
    have asked for this very host from a page of its own: a page elsewhere cannot call.
    """
    if not service.settings.on_loopback or request.client is None:
        return False
    headers = request.headers
    if any(name in headers for name in _FORWARDED) or not is_loopback(request.client.host):
        return False
    host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
    return is_loopback(host) and not from_elsewhere(request)


def from_elsewhere(request: Request) -> bool:
    """Say whether a browser sends this for a page of another site."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
        return True
    return request.headers.get("sec-fetch-site") in ("cross-site", "same-site")


async def caller_of(request: Request, service: Service, scope: Scope) -> Caller:
    """Return who calls, if they may do what `scope` stands for.

    On loopback no key is needed, and one that is not ours is ignored, so that a program
    written for another service need only change the address.

    Raises
    ------
    ApiError
        401 without a key, 403 with one that is wrong or may not.
    """
    secret = secret_of(request)
    local = is_local(request, service)
    if not secret.startswith(_OURS) and local:
        return Caller(name=LOCAL, scopes=SCOPES)
    if not secret:
        raise auth_failed("send a key in the header X-Api-Key", 401)
    key = await asyncio.to_thread(find_key, service.store, secret)
    if key is None:
        raise auth_failed("there is no such key, or it was revoked")
    return check_scope(Caller(name=key.name, scopes=key.scopes, key=key), scope)


def check_scope(caller: Caller, scope: Scope) -> Caller:
    """Return the caller if they may.

    Raises
    ------
    ApiError
        403.
    """
    if scope not in caller.scopes and "admin" not in caller.scopes:
        raise auth_failed(f"this key has no scope {scope!r}, only {', '.join(caller.scopes)}")
    return caller


async def let_in(service: Service, caller: Caller, megapixels: float) -> dict[str, str]:
    """Count a picture against its caller's rate and look at the quota; return headers.

    Raises
    ------
    ApiError
        429 beyond the rate, 402 beyond the quota.
    """
    if caller.key is None:
        return {}
    rate = service.settings.bounds.megapixels_per_minute
    found = await asyncio.to_thread(admit, service.store, caller.key, megapixels, rate=rate)
    headers = rate_headers(found)
    if found.refused == "quota":
        raise ApiError(
            402, "insufficient_credits", "the month's quota of this key is used up",
            "Insufficient credits", headers,
        )  # fmt: skip
    if found.refused == "rate":
        wait = max(1, int(found.reset_at.timestamp() - service.now()) + 1)
        raise ApiError(
            429, "rate_limit_exceeded", f"more than {found.limit:g} megapixels in this minute; "
            f"try again in {wait} s", "Rate limit exceeded",
            headers | {"Retry-After": str(wait)},
        )  # fmt: skip
    return headers


async def settle_up(service: Service, caller: Caller, credits: float, megapixels: float) -> None:  # noqa: A002
    """Charge what was answered to the caller's month."""
    if caller.key is not None:
        await asyncio.to_thread(charge, service.store, caller.key, credits, megapixels)


def rate_headers(found: Admission) -> dict[str, str]:
    """Return the headers X-RateLimit-*."""
    if found.limit is None or found.remaining is None:
        return {}
    return {
        "X-RateLimit-Limit": f"{found.limit:.0f}",
        "X-RateLimit-Remaining": f"{found.remaining:.0f}",
        "X-RateLimit-Reset": str(int(found.reset_at.timestamp())),
    }
