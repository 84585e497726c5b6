"""The approved backgrounds of a picture, by name and opened."""

from __future__ import annotations

from functools import lru_cache

from maskworks.core.errors import MaskworksError, UsageError
from maskworks.studio.assignment import PlannedItem
from maskworks.studio.background_rules import check_background, largest_canvas
from maskworks.studio.backgrounds import Backdrop, Background, Plain, parse_background
from maskworks.studio.campaign_file import CampaignFile
from maskworks.studio.deliver import OWN_BACKGROUND
from maskworks.studio.pipeline import Variant
from maskworks.studio.scenery import Scenery


def variant_names(planned: PlannedItem) -> tuple[str, ...]:
    """Return the names of a picture's deliverables."""
    return tuple(one.variant for one in planned.backgrounds) or (OWN_BACKGROUND,)


def open_variants(planned: PlannedItem) -> tuple[Variant, ...]:
    """Return a picture's backgrounds, opened.

    Raises
    ------
    ImageError
        If one of them cannot be read.
    """
    opened = tuple(
        Variant(one.variant, open_background(one), one.focus) for one in planned.backgrounds
    )
    return opened or (Variant(OWN_BACKGROUND),)


@lru_cache(maxsize=4)
def open_background(scenery: Scenery) -> Background | None:
    """Return an approved background; the last few are kept in memory.

    Raises
    ------
    ImageError
        If it is a picture that cannot be read.
    """
    if scenery.colour is not None:
        return Plain(scenery.colour)
    return parse_background(str(scenery.path))


def background_notes(file: CampaignFile) -> tuple[str, ...]:
    """Say which background pictures are damaged, or too small for the largest output."""
    rules = file.campaign.output
    canvas = largest_canvas(rules)
    notes = []
    for concept, several in file.scenery.items():
        for one in several:
            if one.path is None:
                continue
            try:
                opened = open_background(one)
                if isinstance(opened, Backdrop) and "any" in rules.background:
                    check_background(opened, rules, canvas=canvas)
            except UsageError as error:
                held = "what it is too small for is held back for review"
                notes.append(f"{one.text} of the concept {concept}: {error}; {held}")
            except MaskworksError as error:
                notes.append(f"{one.text} of the concept {concept}: {error}")
    return tuple(notes)
