"""The service's parts, put together once: store, models, queue, numbers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import Request

from maskworks.apps.http.bodies import (
    SMALL_BYTES,
    FormFields,
    UploadPace,
    read_form,
    too_large_body,
)
from maskworks.apps.http.calls import CALLS, Shared
from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.metrics import Metrics
from maskworks.apps.http.middleware import LOGGER
from maskworks.apps.http.model_cache import ModelCache
from maskworks.apps.http.outbound import Reach
from maskworks.apps.http.pictures.cutting import header_size
from maskworks.apps.http.review.campaigns import OpenCampaigns
from maskworks.apps.http.review.clicks import finder_of
from maskworks.apps.http.review.previews import PreviewCache
from maskworks.apps.http.review.reports import Reports
from maskworks.apps.http.review.warming import Warming
from maskworks.apps.http.room import DataQuota
from maskworks.apps.http.runner import Runner
from maskworks.apps.http.sessions import signing_key
from maskworks.apps.http.settings import ServerSettings
from maskworks.apps.http.work_queue import Places, Threads, Ticket, Turns, WorkQueue
from maskworks.batch.workers import share_cores, taking_turns
from maskworks.core.errors import DownloadError
from maskworks.core.reading import Limits

if TYPE_CHECKING:
    from maskworks.models import Model
    from maskworks.models.labelling import Segmenter
    from maskworks.studio.store import Store

Result = TypeVar("Result")

_MANY = 1 << 16
_PAGE_THREADS, _PAGES_WAITING = 4, 64
_FETCH_THREADS, _FETCHES_WAITING = 8, 32
_FILE_THREADS, _FILES_WAITING = 4, 128


@dataclass(frozen=True, kw_only=True, eq=False)
class Service:
    """What every handler uses; `now` is the clock, in seconds since 1970."""

    settings: ServerSettings
    store: Store
    work_queue: WorkQueue
    model_cache: ModelCache[Model]
    segmenters: ModelCache[Segmenter]
    metrics: Metrics
    reach: Reach
    campaigns: OpenCampaigns
    reports: Reports
    runner: Runner
    previews: PreviewCache
    warming: Warming
    uploads: Places
    streams: Places
    pages: Threads
    fetches: Threads
    files: Threads
    data_quota: DataQuota
    turns: Turns
    signing: bytes = field(repr=False)
    now: Callable[[], float] = field(default=time.time)

    @property
    def limits(self) -> Limits:
        """What is refused before it is decoded."""
        return Limits(self.settings.bounds.pixels, self.settings.bounds.picture_seconds)

    async def form(self, request: Request) -> FormFields:
        """Read a request's body within the bounds."""
        bounds = self.settings.bounds
        return await read_form(request, limit=bounds.upload_bytes, pace=self.pace(bounds.seconds))

    async def small_form(self, request: Request) -> FormFields:
        """Read the body of a request that brings a few words, from whoever sends it."""
        pace = self.pace(self.settings.bounds.header_seconds)
        return await read_form(request, limit=SMALL_BYTES, pace=pace, small=True)

    def pace(self, seconds: float) -> UploadPace:
        """Return how slow a body may be that may take so long."""
        bounds = self.settings.bounds
        rate, pause = bounds.bytes_per_second, bounds.pause_seconds
        return UploadPace(seconds=seconds, bytes_per_second=rate, pause_s=pause)

    def ticket(self) -> Ticket:
        """Return the claim of a request whose time begins now."""
        return Ticket(self.settings.bounds.seconds)

    async def size_of(self, request: Request, data: bytes, ticket: Ticket) -> tuple[int, int]:
        """Return the size (H, W) that a picture says it has, read on a thread and in time.

        Raises
        ------
        ImageError
            As `header_size`.
        """
        return await self.work_queue.run(
            lambda _: header_size(data, self.limits),
            ticket,
            is_gone=request.is_disconnected,
            header=True,
        )

    async def work(
        self,
        request: Request,
        task: Callable[[Ticket], Result],
        ticket: Ticket | None = None,
    ) -> tuple[Result, Mapping[str, float]]:
        """Do a task on a worker; return its result and the seconds of its steps."""
        ticket = ticket or self.ticket()
        result = await self.work_queue.run(task, ticket, is_gone=request.is_disconnected)
        return result, ticket.steps

    async def fetched(self, url: str) -> bytes:
        """Download the picture of an address.

        Raises
        ------
        ApiError
            If that is not allowed here, or it cannot be had.
        """
        if not self.settings.fetching.allowed:
            raise ApiError(
                400,
                "urls_not_allowed",
                "this service fetches no pictures by their address; send the file, or start it "
                "with --allow-urls",
            )
        most = self.settings.bounds.upload_bytes
        try:
            return await self.fetches.run(partial(self.reach.fetch, url, most_bytes=most))
        except DownloadError as error:
            raise ApiError(400, "failed_download", error.reason) from error

    async def close(self, within_s: float) -> None:
        """Drain the work in progress, for at most so many seconds."""
        until = time.monotonic() + within_s
        if not await self.work_queue.close(within_s):
            LOGGER.error(
                "work was left behind", extra={"fields": {"workers": self.work_queue.overdue}}
            )
        left_s = max(0.0, until - time.monotonic())
        await asyncio.to_thread(self.runner.stop, left_s)
        for threads in (self.pages, self.fetches, self.files):
            threads.close()
        self.campaigns.close()
        self.store.close()

    def check_bytes(self, data: bytes) -> bytes:
        """Return a file's content if it is not too large.

        Raises
        ------
        ApiError
            413.
        """
        if len(data) > self.settings.bounds.upload_bytes:
            raise too_large_body(self.settings.bounds.upload_bytes)
        return data


def build(settings: ServerSettings, store: Store) -> Service:
    """Put a service together over an open store."""
    from maskworks.models import load_model
    from maskworks.models.opening import Opening
    from maskworks.models.segmenters import load_segmenter

    count = share_cores(settings.threads, _MANY)
    cores = count.threads
    work_queue = WorkQueue(count.workers, settings.bounds.places)

    def load(name: str) -> Model:
        model = load_model(name, threads=cores)
        if cores < CALLS:
            return taking_turns(model)
        half = partial(load_model, name, threads=cores // CALLS)
        shared = Shared(model.network, lambda: half().network, crowded=lambda: work_queue.taken > 1)
        return replace(model, network=shared)

    def load_labels(name: str) -> Segmenter:
        return load_segmenter(name, Opening(threads=count.threads))

    model_cache = ModelCache(settings.models_kept, load)
    reach = Reach(
        networks=settings.fetching.networks,
        seconds=settings.fetching.seconds,
        redirects=settings.fetching.redirects,
    )
    campaigns = OpenCampaigns(settings, store)
    reports = Reports(campaigns)
    finder = finder_of(settings.clicks, threads=settings.threads)
    limits = Limits(settings.bounds.pixels, settings.bounds.picture_seconds)
    previews = PreviewCache(model_cache.get, limits, finder)
    warming = Warming(campaigns, previews, lambda: work_queue.taken == 0)
    segmenters = ModelCache(settings.models_kept, load_labels)
    if settings.names is not None:
        segmenters.get(settings.names)  # now, so that whoever starts it is told
    service = Service(
        settings=settings,
        store=store,
        work_queue=work_queue,
        model_cache=model_cache,
        segmenters=segmenters,
        metrics=Metrics(),
        reach=reach,
        campaigns=campaigns,
        reports=reports,
        runner=Runner(settings, store, reach, also=(reports.write_due, warming.warm_one)),
        previews=previews,
        warming=warming,
        uploads=Places(settings.bounds.uploads),
        streams=Places(settings.bounds.streams),
        pages=Threads("page", _PAGE_THREADS, _PAGES_WAITING),
        fetches=Threads("fetch", _FETCH_THREADS, _FETCHES_WAITING),
        files=Threads("file", _FILE_THREADS, _FILES_WAITING),
        data_quota=DataQuota(settings.data, settings.bounds.data_bytes),
        turns=Turns(),
        signing=signing_key(settings.data),
    )
    service.metrics.observe(
        room=settings.bounds.places,
        taken=lambda: work_queue.taken,
        models=lambda: len(service.model_cache.names) + len(service.segmenters.names),
    )
    return service


def service_of(request: Request) -> Service:
    """Return the service that a request was sent to."""
    found: Service = request.app.state.service
    return found
