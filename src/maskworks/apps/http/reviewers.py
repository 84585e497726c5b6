"""Who sits at the review page, and whether they meant what their browser sends."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass

from starlette.requests import Request

from maskworks.apps.http.access import Caller, check_scope, from_elsewhere, is_local
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.service import Service
from maskworks.apps.http.sessions import COOKIE, CSRF_HEADER, csrf_token, unseal
from maskworks.studio.store.keys import list_keys


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A reviewer: the name their decisions carry, and the token of their pages."""

    who: str
    csrf: str


async def visitor_of(request: Request, service: Service) -> Visitor | None:
    """Return who is logged in, None if nobody is; a revoked key ends its sessions."""
    cookie = request.cookies.get(COOKIE, "")
    session = unseal(cookie, service.signing, service.now()) if cookie else None
    if session is None:
        return None
    if session.key:
        keys = await asyncio.to_thread(list_keys, service.store)
        mine = [key for key in keys if key.prefix == session.key and key.revoked_at is None]
        if not mine:
            return None
        check_scope(Caller(name=mine[0].name, scopes=mine[0].scopes, key=mine[0]), "review")
    elif not is_local(request, service):
        return None
    request.state.seen.caller = session.who
    return Visitor(who=session.who, csrf=csrf_token(cookie, service.signing))


async def reviewer(request: Request, service: Service) -> Visitor:
    """Return who is logged in.

    Raises
    ------
    ApiError
        401 if nobody is.
    """
    found = await visitor_of(request, service)
    if found is None:
        raise ApiError(401, "auth_failed", "log in at /review/login")
    return found


async def meant(request: Request, service: Service, token: str | None = None) -> Visitor:
    """Return who is logged in, if a page of ours sent this request.

    Raises
    ------
    ApiError
        401 if nobody is logged in, 403 if the page's token is missing or wrong.
    """
    found = await reviewer(request, service)
    sent = token if token is not None else request.headers.get(CSRF_HEADER, "")
    if from_elsewhere(request) or not hmac.compare_digest(sent.encode(), found.csrf.encode()):
        raise ApiError(403, "csrf", "this page is out of date; load it again")
    return found
