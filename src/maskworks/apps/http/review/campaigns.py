"""The campaigns that the service knows: its own and those the operator has named."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from maskworks.apps.http.errors import ApiError, without_folders
from maskworks.apps.http.middleware import LOGGER
from maskworks.apps.http.settings import ServerSettings
from maskworks.core.errors import MaskworksError
from maskworks.studio.campaign.campaign_file import CampaignFile, read_campaign
from maskworks.studio.store import CampaignRow, Store, database_beside, list_campaigns, open_store

FILE = "campaign.toml"


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenCampaign:
    """A campaign at work: its file, its database, and its row there (None before its first run).

    `named` says that the operator has named it with ``--campaign``.
    """

    file: CampaignFile
    store: Store
    campaign: CampaignRow | None
    named: bool = False

    @property
    def name(self) -> str:
        """What it is called, in addresses too."""
        return self.file.campaign.campaign.name


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A campaign that the operator has named and that cannot be used; `why` is for people."""

    name: str
    why: str


def no_campaign(name: str) -> ApiError:
    """Return the error of a campaign that there is not, or not for whoever asks."""
    return ApiError(404, "not_found", f"there is no campaign {name[:80]!r}")


class OpenCampaigns:
    """Finds campaigns by name; what was read is kept until the file changes."""

    def __init__(self, settings: ServerSettings, store: Store) -> None:
        self._settings, self._own = settings, store
        self._read: dict[Path, tuple[int, CampaignFile]] = {}
        self._stores: dict[Path, Store] = {}
        self._broken: dict[Path, str] = {}
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        """Where the campaigns lie that are made over HTTP."""
        return self._settings.data.absolute() / "campaigns"

    def all(self) -> list[OpenCampaign]:
        """Return every campaign that can be used, in the order of their names.

        One that the operator named and that is broken is logged and told of by `broken`: it
        must not take the others with it.
        """
        found: dict[str, OpenCampaign] = {}
        named = [(path, True) for path in self._settings.campaigns]
        ours = [(path, False) for path in sorted(self.folder.glob(f"*/{FILE}"))]
        rows: dict[int, dict[str, CampaignRow]] = {}
        for path, given in [*named, *ours]:
            try:
                file = self._file(path)
                store = self._store(file, given=given)
                if id(store) not in rows:
                    rows[id(store)] = {c.name: c for c in list_campaigns(store)}
            except MaskworksError as error:
                if given:
                    self._note_broken(path, str(error))
                continue  # or it is being made, or being deleted
            if given:
                self._broken.pop(path, None)
            name = file.campaign.campaign.name
            row = rows[id(store)].get(name)
            found.setdefault(name, OpenCampaign(file=file, store=store, campaign=row, named=given))
        return [found[name] for name in sorted(found)]

    @property
    def broken(self) -> list[Broken]:
        """The campaigns that `all` has left out when it was called last."""
        return [
            Broken(name=_called(path), why=without_folders(why))
            for path, why in sorted(self._broken.items())
        ]

    def _note_broken(self, path: Path, why: str) -> None:
        """Remember why a campaign cannot be used; the log is told once of each mistake."""
        if self._broken.get(path) != why:
            self._broken[path] = why
            told = {"campaign": str(path), "error": why}
            LOGGER.error("campaign cannot be used", extra={"fields": told})

    def find(self, name: str) -> OpenCampaign:
        """Return a campaign.

        Raises
        ------
        ApiError
            404 if there is none of this name.
        """
        for opened in self.all():
            if opened.name == name:
                return opened
        raise no_campaign(name)

    def close(self) -> None:
        """Let go of the databases beside campaigns."""
        for store in self._stores.values():
            store.close()

    def _file(self, path: Path) -> CampaignFile:
        path = path.absolute()
        path = path / FILE if path.is_dir() else path
        try:
            changed = path.stat().st_mtime_ns
        except OSError:
            changed = 0
        with self._lock:
            kept = self._read.get(path)
            if kept is None or kept[0] != changed:
                kept = self._read[path] = changed, read_campaign(path)
            return kept[1]

    def _store(self, file: CampaignFile, *, given: bool) -> Store:
        """Return the database: a named campaign's own, unless the operator chose one for all."""
        if not given or self._settings.database is not None:
            return self._own
        path = database_beside(file.path)
        with self._lock:
            if path not in self._stores:
                self._stores[path] = open_store(path)
            return self._stores[path]


def _called(path: Path) -> str:
    """Return what a campaign is called whose file cannot be read: its folder."""
    path = path.absolute()
    return path.parent.name if path.name == FILE else path.stem
