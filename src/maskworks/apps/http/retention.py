"""What is deleted in time: campaigns and evidence made over HTTP, and what uploads left."""

from __future__ import annotations

import shutil
import time
from datetime import timedelta
from pathlib import Path

from maskworks.apps.http.middleware import LOGGER
from maskworks.apps.http.review.new_campaigns import IMPROVE
from maskworks.apps.http.review.new_evidence import home_of
from maskworks.apps.http.settings import ServerSettings
from maskworks.studio.store import Store
from maskworks.studio.store.jobs import forget_jobs, list_jobs
from maskworks.studio.store.retention import forget_names
from maskworks.studio.store.reviewing import now_of

_INCOMING = ".incoming-*"
_SPARE_S = 3600.0


class Retention:
    """Deletes expired data; a failure is logged and tried again.

    Parameters
    ----------
    settings, store : of the service
    """

    def __init__(self, settings: ServerSettings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._home = settings.data.absolute() / "campaigns"
        self._homes = (self._home, home_of(settings))

    def sweep(self) -> None:
        """Delete everything whose time is over: pictures, outputs, all files, then rows."""
        unfinished = self._settings.bounds.campaign_seconds + _SPARE_S
        for home in self._homes:
            for folder in home.glob(_INCOMING):
                if _age_s(folder) > unfinished:
                    _delete(folder)
        days = self._settings.retention_days
        if days is None:
            return
        before = now_of(self._store) - timedelta(days=days)
        jobs = list_jobs(self._store)
        fresh = {j.campaign_file for j in jobs if j.ended_at is None or j.ended_at > before}
        for file in {job.campaign_file for job in jobs} - fresh:
            if any(map(file.is_relative_to, self._homes)) and _delete(file.parent):
                self._forget(file.parent)
                forget_jobs(self._store, [job.id for job in jobs if job.campaign_file == file])
        known = {job.campaign_file.parent for job in jobs}
        for folder in (each for home in self._homes for each in home.glob("[!.]*")):
            if folder in known or folder.name == IMPROVE:
                continue
            if _age_s(folder) > max(_SPARE_S, days * 86400) and _delete(folder):
                self._forget(folder)

    def _forget(self, folder: Path) -> None:
        of_campaign = folder.parent == self._home
        if of_campaign and self._settings.retention_names:
            forget_names(self._store, folder.name)
        what = "campaign" if of_campaign else "evidence"
        LOGGER.info(f"{what} deleted", extra={"fields": {"folder": folder.name}})


def _age_s(folder: Path) -> float:
    """Return how long ago something changed in a folder, 0 if it is gone."""
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0


def _delete(folder: Path) -> bool:
    """Delete a folder; say whether nothing of it is left."""
    mistakes: list[str] = []
    shutil.rmtree(folder, onerror=lambda _, path, error: mistakes.append(f"{path}: {error[1]}"))
    if not folder.exists():
        return True
    told = {"folder": folder.name, "error": mistakes[0] if mistakes else "it is still there"}
    LOGGER.error("could not be deleted; it is tried again", extra={"fields": told})
    return False
