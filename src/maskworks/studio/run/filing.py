"""The outputs of a campaign follow its store: files, the list, the hand-off folder."""

from __future__ import annotations

from pathlib import Path

from maskworks.core.atomic import write_text_atomic
from maskworks.studio import output_folder
from maskworks.studio.campaign.campaign_file import CampaignFile
from maskworks.studio.handoff import folder as handoff_folder
from maskworks.studio.store import CampaignRow, Filter, Store, deliverables, list_items


def out_of(file: CampaignFile) -> Path:
    """Return the folder of a campaign's outputs."""
    return output_folder.out_folder(file.path, file.campaign.campaign.name)


def photo_of(file: CampaignFile, source: str) -> Path:
    """Return where a picture of the campaign lies."""
    folder = file.input if file.input.is_dir() else file.input.parent
    return folder / source


def follow_up(out: Path, store: Store, campaign: CampaignRow) -> None:
    """Bring files, list and brief to what the store says, after a person's decisions.

    Raises
    ------
    OutputError
        If a file cannot be written or moved.
    """
    output_folder.arrange(out, deliverables(store, campaign, route=None))
    hand_over_list(out, store, campaign)
    write_list(out, store, campaign)


def write_list(out: Path, store: Store, campaign: CampaignRow) -> None:
    """Write deliverables.csv as the store has it now.

    A run, a review and an ingest may write it at once. Each looks once more after it has
    written, so that the last one to write leaves what the store says.
    """
    listed = output_folder.deliverables_csv(deliverables(store, campaign))
    while True:
        write_text_atomic(out / output_folder.DELIVERABLES, listed)
        now = output_folder.deliverables_csv(deliverables(store, campaign))
        if now == listed:
            return
        listed = now


def hand_over_list(out: Path, store: Store, campaign: CampaignRow) -> int:
    """Bring the hand-off folder to what the store says; return how many pictures are in it."""
    every = list_items(store, campaign, Filter(standings=()))
    wanted = [item for item in every if item.standing == "current" and item.state == "done"]
    wanted = [item for item in wanted if item.route in handoff_folder.HANDED_OVER]
    ours = {item.id for item in wanted}
    handoff_folder.take_back(
        out, (item for item in every if item.id not in ours and item.state == "done")
    )
    return handoff_folder.list_handed_over(out, wanted)
