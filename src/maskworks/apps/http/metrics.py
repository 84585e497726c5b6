"""What Prometheus reads: rate, latency by step, the queue, routes, memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The numbers of one service, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        to = self._registry
        self._requests = Counter(
            "maskworks_requests", "Answered requests", ["path", "status"], registry=to
        )
        self._seconds = Histogram(
            "maskworks_request_seconds", "From the first byte to the last", ["path"],
            buckets=_SECONDS, registry=to,
        )  # fmt: skip
        self._steps = Histogram(
            "maskworks_step_seconds",
            "One step of a picture",
            ["step"],
            buckets=_SECONDS,
            registry=to,
        )
        self._routes = Counter("maskworks_routes", "Where pictures went", ["route"], registry=to)
        self._places = Gauge("maskworks_queue_places_taken", "Requests in the house", registry=to)
        self._room = Gauge(
            "maskworks_queue_places", "Requests that may be in the house", registry=to
        )
        self._models = Gauge("maskworks_models_open", "Opened models", registry=to)
        ProcessCollector(registry=self._registry)

    def observe(self, *, room: int, taken: Callable[[], int], models: Callable[[], int]) -> None:
        """Say where the numbers that change by themselves are read."""
        self._room.set(room)
        self._places.set_function(taken)
        self._models.set_function(models)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count an answered request; `path` is the address with its parameters' names."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def made(self, steps: Mapping[str, float], route: str | None) -> None:
        """Count a picture: the seconds of each step, and its route."""
        for name, seconds in steps.items():
            self._steps.labels(name).observe(seconds)
        if route is not None:
            self._routes.labels(route).inc()

    def text(self) -> bytes:
        """Return everything in Prometheus's text form."""
        return generate_latest(self._registry)
