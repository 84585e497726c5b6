"""Reports follow what people decide on the review page, as soon as they pause."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from maskworks.apps.http.middleware import LOGGER
from maskworks.apps.http.review.campaigns import OpenCampaign, OpenCampaigns
from maskworks.core.errors import MaskworksError
from maskworks.studio.run.filing import out_of
from maskworks.studio.run.reporting import report_campaign
from maskworks.studio.store import counts, list_reviews

PAUSE_S = 20.0
"""So long after the last decision a report is written: not between two keys of a reviewer."""

LATEST_S = 600.0
"""So long after the first one it is written also if nobody pauses."""

REPORT = "report.json"


class Reports:
    """Remembers which campaigns were decided on, and writes their reports.

    Parameters
    ----------
    pause_s : float, seconds
    """

    def __init__(self, campaigns: OpenCampaigns, *, pause_s: float = PAUSE_S) -> None:
        self._desks, self._pause = campaigns, pause_s
        self._lock = threading.Lock()
        self._changed: dict[str, tuple[float, float]] = {}
        self._looked_back = False

    def changed(self, name: str) -> None:
        """Note that something was decided in a campaign."""
        now = time.monotonic()
        with self._lock:
            first = self._changed.get(name, (now, now))[0]
            self._changed[name] = first, now

    def write_due(self) -> bool:
        """Write one report that is due; say whether there was one.

        The first call looks for decisions that an earlier process did not come to report.
        """
        if not self._looked_back:
            self._looked_back = True
            self._look_back()
        name = self._due()
        if name is None:
            return False
        for opened in self._desks.all():
            if opened.name == name:
                _write(opened)
        return True

    def _due(self) -> str | None:
        """Take the name of a campaign whose report is due."""
        now = time.monotonic()
        with self._lock:
            for name, (first, last) in self._changed.items():
                if now - last >= self._pause or now - first >= LATEST_S:
                    del self._changed[name]
                    return name
        return None

    def _look_back(self) -> None:
        for opened in self._desks.all():
            if opened.campaign is None:
                continue
            reviews = list_reviews(opened.store, opened.campaign)
            written = _written_at(out_of(opened.file) / REPORT)
            if reviews and (written is None or reviews[-1].at > written):
                self.changed(opened.name)


def _write(opened: OpenCampaign) -> None:
    if opened.campaign is None:
        return
    now = counts(opened.store, opened.campaign)
    if now.done < now.total:
        return  # the run writes it at its end
    try:
        wall_s = _run_seconds(out_of(opened.file) / REPORT)
        report_campaign(opened.file, opened.store, opened.campaign, wall_s=wall_s)
    except MaskworksError as error:
        told = {"campaign": opened.name, "error": str(error)}
        LOGGER.warning("report not written", extra={"fields": told})
    else:
        LOGGER.info("report written", extra={"fields": {"campaign": opened.name}})


def _written_at(report: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(report.stat().st_mtime, UTC)
    except OSError:
        return None


def _run_seconds(report: Path) -> float | None:
    """Return how long the campaign's run took, as its last report says."""
    try:
        found = json.loads(report.read_text(encoding="utf-8")).get("wall_seconds")
    except (OSError, ValueError, AttributeError):
        return None
    return float(found) if isinstance(found, int | float) else None
