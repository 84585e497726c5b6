"""Who calls and what they may: keys, sessions, and the one rule for this machine itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import Request

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.settings import is_loopback
from maskworks.studio.store.keys import SCOPES, ApiKey, Scope, find_key
from maskworks.studio.store.usage import Admission, admit, refund

if TYPE_CHECKING:
    from maskworks.apps.http.service import Service

LOCAL = "local"
"""What a caller from this machine without a key is called."""

_OURS = "mw_"
_FORWARDED = frozenset({
    "forwarded", "via", "x-real-ip", "true-client-ip", "x-client-ip", "x-cluster-client-ip",
    "fastly-client-ip", "x-original-forwarded-for", "x-envoy-external-address",
})  # fmt: skip
_FORWARDED_BEGIN = ("x-forwarded", "cf-", "x-amzn-", "x-azure-", "x-arr-", "x-appengine-")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whoever sends a request; `key` is None on loopback without one."""

    name: str
    scopes: tuple[Scope, ...]
    key: ApiKey | None = None

    @property
    def share(self) -> str | None:
        """Whose share of the places a request takes; None on loopback without a key."""
        return None if self.key is None else self.key.prefix


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
    settings = service.settings
    if settings.require_keys or not settings.on_loopback or request.client is None:
        return False
    if came_through(request) or not is_loopback(request.client.host):
        return False
    host = _host_of(f"//{request.headers.get('host', '')}")
    return is_loopback(host) and not from_elsewhere(request)


def came_through(request: Request) -> bool:
    """Say whether a proxy or tunnel shows that it has handed this request on.

    Old HTTP/1.0 counts too: proxies speak it to what stands behind them unless told otherwise.
    One that adds nothing and speaks HTTP/1.1 cannot be told from a caller on this machine;
    ``--require-keys`` is for that.
    """
    names = request.headers.keys()
    shown = any(name in _FORWARDED or name.startswith(_FORWARDED_BEGIN) for name in names)
    return shown or request.scope.get("http_version") not in ("1.1", "2", "3")


def _host_of(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:  # brackets that close nothing
        return ""


def from_elsewhere(request: Request) -> bool:
    """Say whether a browser sends this for a page of another site."""
    origin = request.headers.get("origin")
    if origin is not None and _place_of(origin) != request.headers.get("host", ""):
        return True
    return request.headers.get("sec-fetch-site") in ("cross-site", "same-site")


def _place_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


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


@asynccontextmanager
async def charged(
    service: Service,
    caller: Caller,
    megapixels: float,
    credits: float = 1.0,  # noqa: A002
) -> AsyncIterator[dict[str, str]]:
    """Charge pictures to their caller's minute and month; yield headers.

    The charge comes first, so that many requests at once cannot outrun the quota; what comes of
    nothing is given back.

    Raises
    ------
    ApiError
        429 beyond the rate, 402 beyond the quota.
    """
    headers = await _let_in(service, caller, megapixels, credits)
    try:
        yield headers
    except BaseException:
        if caller.key is not None:
            back = partial(refund, service.store, caller.key, credits, megapixels)
            await asyncio.shield(asyncio.to_thread(back))
        raise


async def _let_in(
    service: Service,
    caller: Caller,
    megapixels: float,
    credits: float,  # noqa: A002
) -> dict[str, str]:
    if caller.key is None:
        return {}
    rate = service.settings.bounds.megapixels_per_minute
    ask = partial(admit, service.store, caller.key, megapixels, rate=rate, credits=credits)
    found = await asyncio.to_thread(ask)
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


def rate_headers(found: Admission) -> dict[str, str]:
    """Return the headers X-RateLimit-*."""
    if found.limit is None or found.remaining is None:
        return {}
    return {
        "X-RateLimit-Limit": f"{found.limit:.0f}",
        "X-RateLimit-Remaining": f"{found.remaining:.0f}",
        "X-RateLimit-Reset": str(int(found.reset_at.timestamp())),
    }
