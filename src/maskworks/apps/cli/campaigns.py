"""What the commands of a campaign share: its file, its database, and who is asking."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from maskworks.core.errors import UsageError

if TYPE_CHECKING:
    from maskworks.studio.campaign.campaign_file import CampaignFile
    from maskworks.studio.store import CampaignRow, Store


def opened(file: CampaignFile, database: str | None, *, create: bool = True) -> Store:
    """Return the campaign's open database: the one that is named, else the one beside it."""
    from maskworks.studio.store import database_beside, open_store

    return open_store(database or database_beside(file.path), create=create)


def known(store: Store, file: CampaignFile) -> CampaignRow:
    """Return the campaign's row in a database.

    Raises
    ------
    UsageError
        If it was never run.
    """
    from maskworks.studio.store import list_campaigns

    name = file.campaign.campaign.name
    for one in list_campaigns(store):
        if one.name == name:
            return one
    raise UsageError(f"{store.name}: the campaign {name!r} was not run yet; `maskworks run` it")


def person(name: str | None) -> str:
    """Return who decides: who was named, else this computer's user.

    Raises
    ------
    UsageError
        If neither is known.
    """
    if name is not None:
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise UsageError("this computer does not say who you are; give --by NAME") from error
