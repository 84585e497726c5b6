"""Run the service until it is told to stop; what was taken in is finished."""

from __future__ import annotations

import socket
import sys
from types import FrameType

import uvicorn

from maskworks.apps.http.app import create_app
from maskworks.apps.http.middleware import set_up_logging
from maskworks.apps.http.service import Service
from maskworks.apps.http.settings import ServerSettings
from maskworks.core.errors import OutputError
from maskworks.models import load_catalogue

_BACKLOG = 128


def run_server(settings: ServerSettings, *, log_level: str) -> None:
    """Listen, print the address, and serve until SIGINT or SIGTERM.

    Raises
    ------
    OutputError
        If the address cannot be listened on.
    UnknownModelError, LicenceError
        If the model by default may not be used.
    """
    load_catalogue().find(settings.model)
    listening = _listen(settings.host, settings.port)
    set_up_logging(log_level)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=int(settings.bounds.seconds) + 1,
        h11_max_incomplete_event_size=1 << 16,
    )
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"maskworks serves http://{shown}:{port}  (review page: /review)\n")
    sys.stderr.flush()
    with listening:
        _Server(config, app.state.service).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Takes nothing more from the moment it is told to stop, and finishes what it has."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop."""
        self._service.work_queue.closing = True
        super().handle_exit(sig, frame)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, number)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        raise OutputError(
            f"{host}:{port}", f"cannot be listened on ({error})", "choose another --port or --host"
        ) from error
    return listening
