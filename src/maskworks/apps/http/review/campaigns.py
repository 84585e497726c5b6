"""The campaigns that the service knows: its own and those the operator has named."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.settings import ServerSettings
from maskworks.core.errors import MaskworksError
from maskworks.studio.campaign.campaign_file import CampaignFile, read_campaign
from maskworks.studio.store import Campaign, Store, database_beside, list_campaigns, open_store

FILE = "campaign.toml"


@dataclass(frozen=True, kw_only=True, eq=False)
class Desk:
    """A campaign at work: its file, its database, and its row there (None before its first run)."""

    file: CampaignFile
    store: Store
    campaign: Campaign | None

    @property
    def name(self) -> str:
        """What it is called, in addresses too."""
        return self.file.campaign.campaign.name


class Desks:
    """Finds campaigns by name; what was read is kept until the file changes."""

    def __init__(self, settings: ServerSettings, store: Store) -> None:
        self._settings, self._own = settings, store
        self._read: dict[Path, tuple[int, CampaignFile]] = {}
        self._stores: dict[Path, Store] = {}
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        """Where the campaigns lie that are made over HTTP."""
        return self._settings.data.absolute() / "campaigns"

    def all(self) -> list[Desk]:
        """Return every campaign that can be read, in the order of their names."""
        found: dict[str, Desk] = {}
        named = [(path, True) for path in self._settings.campaigns]
        ours = [(path, False) for path in sorted(self.folder.glob(f"*/{FILE}"))]
        rows: dict[int, dict[str, Campaign]] = {}
        for path, given in [*named, *ours]:
            try:
                file = self._file(path)
            except MaskworksError:
                if given:
                    raise
                continue  # it is being made, or being deleted
            store = self._store(file, given=given)
            known = rows.setdefault(id(store), {c.name: c for c in list_campaigns(store)})
            name = file.campaign.campaign.name
            found.setdefault(name, Desk(file=file, store=store, campaign=known.get(name)))
        return [found[name] for name in sorted(found)]

    def find(self, name: str) -> Desk:
        """Return a campaign.

        Raises
        ------
        ApiError
            404 if there is none of this name.
        """
        for desk in self.all():
            if desk.name == name:
                return desk
        raise ApiError(404, "not_found", f"there is no campaign {name[:80]!r}")

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
