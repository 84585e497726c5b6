# fmt: off
"""One function for each operation of the service; it makes a `Call`.

Written by docs/generate.py from the OpenAPI document; change the service, then `make fix`.
"""

from __future__ import annotations


from maskworks.client.answers import (HealthAnswer, ReadinessAnswer)
from maskworks.client.call import Call


def healthz() -> Call[HealthAnswer]:
    """Whether the process lives: `GET /healthz`."""
    return Call("GET", "/healthz", "json")


def readyz() -> Call[ReadinessAnswer]:
    """Whether requests are taken: `GET /readyz`."""
    return Call("GET", "/readyz", "json")


def metrics() -> Call[str]:
    """Numbers for Prometheus: `GET /metrics`."""
    return Call("GET", "/metrics", "text")
