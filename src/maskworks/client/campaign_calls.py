# fmt: off
"""One function for each operation of the service; it makes a `Call`.

Written by docs/generate.py from the OpenAPI document; change the service, then `make fix`.
"""

from __future__ import annotations

from collections.abc import Sequence

from maskworks.client.answers import (ItemsAnswer, JobAnswer, JobsAnswer)
from maskworks.client.call import Call, EventAnswer, FileAnswer, Upload


def list_jobs() -> Call[JobsAnswer]:
    """The jobs there are: `GET /v1/campaigns`."""
    return Call("GET", "/v1/campaigns", "json")


def run_campaign(
    pictures: Sequence[Upload],
    *,
    name: str | None = None,
    model: str | None = None,
    preset: str | None = None,
    background: str | None = None,
    currency: str | None = None,
    deliver_at: float | None = None,
    spot_check: float | None = None,
    webhook: str | None = None,
) -> Call[JobAnswer]:
    """Run a campaign: `POST /v1/campaigns`.

    Parameters
    ----------
    pictures
        The pictures.
    name
        What it is called.
    model
        A model of GET /v1/models.
    preset
        A preset of docs/presets.md.
    background
        A colour.
    currency
        ISO 4217.
    deliver_at
        Least score delivered. By default 0.85.
    spot_check
        Share a person sees anyway. By default 0.05.
    webhook
        Told when it is done.
    """
    return Call("POST", "/v1/campaigns", "json", form={"name": name, "model": model, "preset": preset, "background": background, "currency": currency, "deliver_at": deliver_at, "spot_check": spot_check, "webhook": webhook}, files={"pictures": pictures})


def run_named_campaign(
    *,
    campaign: str,
    webhook: str | None = None,
) -> Call[JobAnswer]:
    """Run a campaign: `POST /v1/campaigns`.

    Parameters
    ----------
    campaign
        A campaign the operator named.
    webhook
        Told when it is done.
    """
    return Call("POST", "/v1/campaigns", "json", json={"campaign": campaign, "webhook": webhook})


def get_job(
    job: str,
) -> Call[JobAnswer]:
    """How far a job is: `GET /v1/campaigns/{job}`.

    Parameters
    ----------
    job
    """
    return Call("GET", "/v1/campaigns/{job}", "json", places={"job": job})


def list_items(
    job: str,
    *,
    after: int | None = None,
    limit: int | None = None,
) -> Call[ItemsAnswer]:
    """Its pictures: `GET /v1/campaigns/{job}/items`.

    Parameters
    ----------
    job
    after
        By default 0.
    limit
        By default 100.
    """
    return Call("GET", "/v1/campaigns/{job}/items", "json", places={"job": job}, query={"after": after, "limit": limit})


def get_output(
    job: str,
    path: str,
) -> Call[FileAnswer]:
    """A picture that was made: `GET /v1/campaigns/{job}/outputs/{path}`.

    Parameters
    ----------
    job
    path
    """
    return Call("GET", "/v1/campaigns/{job}/outputs/{path}", "file", places={"job": job, "path": path})


def follow_job(
    job: str,
) -> Call[EventAnswer]:
    """Progress as it happens (server-sent events): `GET /v1/campaigns/{job}/events`.

    Parameters
    ----------
    job
    """
    return Call("GET", "/v1/campaigns/{job}/events", "events", places={"job": job})
