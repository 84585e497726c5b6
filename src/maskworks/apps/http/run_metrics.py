"""What Prometheus reads of a run while it goes on: pictures by what became of them, and steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    start_http_server,
)

from maskworks.batch.work import ManifestRow
from maskworks.core.errors import UsageError

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_STEPS = ("read", "segment", "refine", "write")
_MOST_PORT = 65_535


class RunMetrics:
    """The numbers of one run, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        to = self.registry
        self._pictures = Counter(
            "maskworks_run_pictures", "Pictures by what became of them", ["status"], registry=to
        )
        self._steps = Histogram(
            "maskworks_run_step_seconds", "One step of a picture", ["step"],
            buckets=_SECONDS, registry=to,
        )  # fmt: skip
        self._left = Gauge("maskworks_run_pictures_left", "Pictures still to be done", registry=to)
        ProcessCollector(registry=to)

    def begin(self, count: int) -> None:
        """Say how many more pictures there are to do."""
        self._left.inc(count)

    def row(self, row: ManifestRow) -> None:
        """Count the row of a manifest."""
        self.done(row.status)
        for step in _STEPS:
            seconds = getattr(row.seconds, step)
            if seconds is not None:
                self._steps.labels(step).observe(seconds)

    def done(self, status: str, seconds: float | None = None) -> None:
        """Count a picture by its status or route; `seconds` are those of all steps."""
        self._pictures.labels(status).inc()
        self._left.dec()
        if seconds is not None:
            self._steps.labels("all").observe(seconds)


@contextmanager
def serving_metrics(address: str) -> Iterator[RunMetrics]:
    """Serve ``/metrics`` at HOST:PORT, or at PORT of this machine alone, while the block lasts.

    Raises
    ------
    UsageError
        If the address is none, or taken.
    """
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or not 0 <= int(port) <= _MOST_PORT:
        raise UsageError(f"--metrics {address} is no address; write PORT, or HOST:PORT")
    metrics = RunMetrics()
    try:
        server, thread = start_http_server(int(port), host or "127.0.0.1", metrics.registry)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"--metrics {address} cannot be listened on ({reason}); name another port"
        ) from error
    try:
        yield metrics
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
