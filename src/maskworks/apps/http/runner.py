"""What the service does besides answering: campaigns, webhooks, reports, deletion in time."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

from maskworks.apps.http.middleware import LOGGER
from maskworks.apps.http.outbound import Reach
from maskworks.apps.http.retention import Retention
from maskworks.apps.http.review.new_evidence import run_order
from maskworks.apps.http.settings import ServerSettings
from maskworks.core.errors import DownloadError, MaskworksError
from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.run.reporting import report_campaign
from maskworks.studio.run.run import CampaignRun, RunEnded, RunListener, enter, run_opened
from maskworks.studio.store import HeldError, Store
from maskworks.studio.store.jobs import (
    Job,
    beat,
    claim_job,
    end_job,
    give_back,
    settle_message,
    take_message,
)

SIGNATURE = "X-Maskworks-Signature"
"""``t=SECONDS,v1=HEX``: HMAC-SHA256 of ``SECONDS.BODY`` under the webhook secret."""

_LOOK_S = 0.5
_BEAT_S = 5.0
_SWEEP_S = 600.0
_HELD_S = 2.0


def signature(secret: str, body: bytes, seconds: int) -> str:
    """Return the HMAC signature of a message, over its time and body.

    Examples
    --------
    >>> signature("s", b"{}", 1)[:12]
    't=1,v1=b2536'
    """
    sealed = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256)
    return f"t={seconds},v1={sealed.hexdigest()}"


class Runner:
    """Threads that take jobs and messages from the store, until they are stopped.

    Each of `also` is called again and again too; it says whether there was something to do.
    """

    def __init__(
        self,
        settings: ServerSettings,
        store: Store,
        reach: Reach,
        *,
        also: Sequence[Callable[[], bool]] = (),
    ) -> None:
        self._settings, self._store, self._reach = settings, store, reach
        self._retention = Retention(settings, store)
        self._stop = threading.Event()
        self._name = f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"
        self._threads = [
            threading.Thread(target=self._again, args=(each, pause), daemon=True)
            for each, pause in (
                (self._run_one, _LOOK_S), (self._send_one, _LOOK_S), (self._sweep, _SWEEP_S),
                *((each, _LOOK_S) for each in also),
            )
        ]  # fmt: skip

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self, within_s: float = 60.0) -> None:
        """Stop after the pictures in progress; the rest of a job waits for another process."""
        until = time.monotonic() + within_s
        self._stop.set()
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _again(self, each: Callable[[], bool], pause: float) -> None:
        """Do something over and over; pause where there was nothing to do."""
        while not self._stop.is_set():
            try:
                busy = each()
            except MaskworksError as error:  # the database is away: it may come back
                LOGGER.warning("background work waits", extra={"fields": {"error": str(error)}})
                busy = False
            except Exception:  # noqa: BLE001 - the thread goes on
                LOGGER.exception("background work failed")
                busy = False
            if not busy:
                self._stop.wait(pause)

    def _run_one(self) -> bool:
        job = claim_job(self._store, self._name)
        if job is None:
            return False
        finished, stop = threading.Event(), threading.Event()  # a run sets its `stop` at its end
        beating = threading.Thread(target=self._beat, args=(job, finished, stop), daemon=True)
        beating.start()
        try:
            self._run(job, stop)
        except HeldError:
            give_back(self._store, job)
            self._stop.wait(_HELD_S)
        except MaskworksError as error:
            end_job(self._store, job, error=str(error))
        except Exception as error:  # noqa: BLE001 - one bad job never stops the rest
            LOGGER.exception("job failed")
            end_job(self._store, job, error=f"unexpected {type(error).__name__}; see the log")
        finally:
            finished.set()
            beating.join()
        return True

    def _beat(self, job: Job, finished: threading.Event, stop: threading.Event) -> None:
        """Send heartbeats, and pass on the request to stop."""
        due = time.monotonic() + _BEAT_S
        while not finished.wait(_LOOK_S):
            if self._stop.is_set():
                stop.set()
            if time.monotonic() < due:
                continue
            due = time.monotonic() + _BEAT_S
            try:
                if not beat(self._store, job):
                    stop.set()  # it is in other hands
            except MaskworksError as error:
                LOGGER.warning("no sign of life", extra={"fields": {"error": str(error)}})

    def _run(self, job: Job, stop: threading.Event) -> None:
        if job.kind == "suitability":
            self._assess(job, stop)
            return
        file = read_campaign(job.campaign_file)
        run = CampaignRun(
            file=file, store=self._store, stop=stop, threads=self._settings.threads,
            picture_seconds=self._settings.bounds.picture_seconds,
        )  # fmt: skip
        ended = run_opened(run, RunListener())
        if ended.left:
            give_back(self._store, job)
            return
        report_campaign(file, self._store, enter(self._store, file), wall_s=ended.seconds)
        end_job(self._store, job, result=_result(ended))
        told = {"job": job.token, "seconds": round(ended.seconds, 3), **_result(ended)}
        LOGGER.info("campaign done", extra={"fields": told})

    def _assess(self, job: Job, stop: threading.Event) -> None:
        began = time.monotonic()
        result = run_order(job.campaign_file, self._settings, stop)
        if result is None:
            give_back(self._store, job)
            return
        end_job(self._store, job, result=result)
        told = {"job": job.token, "seconds": round(time.monotonic() - began, 3), **result}
        LOGGER.info("clips assessed", extra={"fields": told})

    def _send_one(self) -> bool:
        secret = self._settings.webhook_secret
        if secret is None:
            return False
        message = take_message(self._store, hold_s=self._reach.seconds + _BEAT_S)
        if message is None:
            return False
        body = message.body.encode()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(secret, body, int(time.time())),
            "X-Maskworks-Attempt": str(message.attempts + 1),
        }
        error = None
        try:
            status = self._reach.post(message.url, body, headers)
            if not 200 <= status < 300:
                error = f"answered with {status}"
        except DownloadError as found:
            error = found.reason
        again = settle_message(self._store, message, error)
        if error is not None:
            told = {"job": json.loads(message.body)["job"], "attempt": message.attempts + 1,
                    "error": error, "again_at": again and again.isoformat()}  # fmt: skip
            if again is None:
                LOGGER.error("webhook given up", extra={"fields": told})
            else:
                LOGGER.warning("webhook failed", extra={"fields": told})
        return True

    def _sweep(self) -> bool:
        self._retention.sweep()
        return False


def _result(ended: RunEnded) -> dict[str, int]:
    counts = asdict(ended.counts)
    return {name: counts[name] for name in ("deliver", "review", "manual", "failed")}
