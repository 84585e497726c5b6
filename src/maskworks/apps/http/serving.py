"""Run the service until a signal stops it; accepted requests are finished."""

from __future__ import annotations

import os
import socket
import sys
import threading
from types import FrameType

import uvicorn
from fastapi import FastAPI

from maskworks.apps.http.app import STOP_S, create_app
from maskworks.apps.http.connections import bounded
from maskworks.apps.http.middleware import LOGGER, set_up_logging
from maskworks.apps.http.service import Service
from maskworks.apps.http.settings import ServerSettings
from maskworks.core.errors import OutputError
from maskworks.core.public import public
from maskworks.models import load_catalogue

LATEST_S = 30.0
"""When the process is gone at the latest, after it was told to stop."""

_BACKLOG = 128
_FILES = 16_384


@public
def run_server(settings: ServerSettings, *, log_level: str) -> None:
    """Listen, print the address, and serve until SIGINT or SIGTERM.

    Raises
    ------
    OutputError
        If the address cannot be listened on.
    UnknownModelError, LicenceError
        If the model by default may not be used.

    Examples
    --------
    >>> run_server(ServerSettings(port=8080))  # doctest: +SKIP
    """
    load_catalogue().find(settings.model)
    with _listen(settings.host, settings.port) as listening:
        set_up_logging(log_level)
        _allow_files()
        app = create_app(settings)
        config = config_of(app, settings)
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{port}"
        said = f"maskworks serves {address}  (review page: /review); {let_in(settings)}\n"
        sys.stderr.write(said)
        sys.stderr.flush()
        _Server(config, app.state.service).run(sockets=[listening])


def config_of(app: FastAPI, settings: ServerSettings) -> uvicorn.Config:
    """Return how uvicorn serves the application."""
    bounds = settings.bounds
    return uvicorn.Config(
        app,
        http=bounded(most=bounds.connections, header_s=bounds.header_seconds),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=int(min(bounds.seconds, STOP_S)),
        h11_max_incomplete_event_size=1 << 16,
        lifespan="on",
    )


def let_in(settings: ServerSettings) -> str:
    """Return what is said at the start of who needs no key.

    Examples
    --------
    >>> let_in(ServerSettings(require_keys=True))
    'every caller needs a key'
    """
    if settings.require_keys or not settings.on_loopback:
        return "every caller needs a key"
    return (
        "programs and people on this machine need no key and may do everything, and so may who "
        "comes through a tunnel that adds no header (--require-keys ends that)"
    )


def _allow_files() -> None:
    """Open as many files as this process may: an upload holds one for each of its pictures."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Server(uvicorn.Server):
    """A server that drains: once stopped it accepts nothing more and finishes what it has."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop."""
        self._service.work_queue.closing = True
        watch = threading.Timer(LATEST_S, _end_hard)
        watch.daemon = True
        watch.start()
        super().handle_exit(sig, frame)


def _end_hard() -> None:
    """End a process that a picture or a disk keeps from ending; the store is made for that."""
    LOGGER.error("stopped with work in hand", extra={"fields": {"seconds": LATEST_S}})
    sys.stderr.flush()
    os._exit(1)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, number)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:  # a name of a host that none can be
        raise OutputError(
            f"{host}:{port}", f"cannot be listened on ({error})", "choose another --port or --host"
        ) from error
    return listening
