"""Around every request: a number, a line in the log, the metrics, headers that protect."""

from __future__ import annotations

import json
import logging
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maskworks.apps.http.metrics import Metrics

LOGGER = logging.getLogger("maskworks.http")

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page of ours may load: nothing from elsewhere, nothing inline."""

_PROTECTION = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # "no-referrer" would hide our own pages from us too
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_UNKNOWN = "(none)"


@dataclass
class RequestLog:
    """What is known of a request while it runs; handlers add who it is."""

    number: str
    caller: str = ""
    status: int = 500
    sent: int = 0
    began: float = field(default_factory=time.perf_counter)


class RequestMiddleware:
    """ASGI middleware: numbers requests, protects, counts and logs them.

    No query, no body and no file's name is logged, only the address's pattern.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, unexpected: Callable[[Request, Exception], Response]
    ) -> None:
        self._app, self._metrics, self._unexpected = app, metrics, unexpected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = RequestLog(secrets.token_hex(8))
        scope.setdefault("state", {})["seen"] = seen

        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                seen.status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = seen.number
                for name, value in _PROTECTION.items():
                    headers.setdefault(name, value)
            seen.sent += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            answer = self._unexpected(Request(scope), error)
            if started:
                raise  # nothing can be told any more; the connection ends
            await answer(scope, receive, sending)
        finally:
            self._tell(scope, seen)

    def _tell(self, scope: Scope, seen: RequestLog) -> None:
        route = scope.get("route")
        path = getattr(route, "path", _UNKNOWN)
        seconds = time.perf_counter() - seen.began
        self._metrics.answered(path, seen.status, seconds)
        fields = {
            "request_id": seen.number,
            "method": scope["method"],
            "path": path,
            "status": seen.status,
            "seconds": round(seconds, 4),
            "bytes": seen.sent,
            "caller": seen.caller,
        }
        LOGGER.info("request", extra={"fields": fields})


class Lines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


def set_up_logging(level: str) -> None:
    """Write one JSON object a line to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("alembic").setLevel(logging.WARNING)
