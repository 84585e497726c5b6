"""Sessions and CSRF tokens of the review page."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request

from maskworks.apps.http.access import Caller, check_scope, from_elsewhere, is_local
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.service import Service
from maskworks.apps.http.sessions import COOKIE, CSRF_HEADER, Session, csrf_token, unseal
from maskworks.studio.store.keys import ApiKey, list_keys
from maskworks.studio.store.sessions import has_ended


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A reviewer.

    `who` is the name their decisions carry: the one they gave, with the prefix of their key
    behind it, since anybody can give any name. `holder` is the key or session that has what
    they open; `csrf` is the token of their pages.
    """

    who: str
    csrf: str
    holder: str
    session: Session


async def visitor_of(request: Request, service: Service) -> Visitor | None:
    """Return who is logged in, None if nobody is; a revoked key ends its sessions."""
    cookie = request.cookies.get(COOKIE, "")
    session = unseal(cookie, service.signing, service.now()) if cookie else None
    if session is None or not (session.key or is_local(request, service)):
        return None

    def read_key() -> ApiKey | Literal["over"] | None:
        if has_ended(service.store, session.number):
            return "over"
        keys = list_keys(service.store) if session.key else []
        return next((k for k in keys if k.prefix == session.key and k.revoked_at is None), None)

    key = await asyncio.to_thread(read_key)
    if key == "over" or (session.key and key is None):
        return None
    who = session.who
    if key is not None:
        check_scope(Caller(name=key.name, scopes=key.scopes, key=key), "review")
        who = f"{session.who} [{key.prefix}]"
    request.state.seen.caller = who
    return Visitor(
        who=who,
        csrf=csrf_token(cookie, service.signing),
        holder=session.key or session.number,
        session=session,
    )


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


async def require_visitor(request: Request, service: Service, token: str | None = None) -> Visitor:
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
