"""The approved backgrounds of a picture, by name and opened."""

from __future__ import annotations

from functools import lru_cache

from maskworks.core.errors import MaskworksError, UsageError
from maskworks.cutouts.backgrounds import Backdrop, Background, Plain, parse_background
from maskworks.studio.campaign.approved_backgrounds import Scenery
from maskworks.studio.campaign.assignment import PlannedItem
from maskworks.studio.campaign.campaign_file import CampaignFile
from maskworks.studio.output.background_rules import check_background, largest_canvas
from maskworks.studio.output_folder import OWN_BACKGROUND
from maskworks.studio.pipeline import Variant


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


def side_to_fit(file: CampaignFile) -> int | None:
    """Return the `advised_side` that every background picture covers, in pixels.

    None where the campaign's own side fits, where it has none to make smaller, or where the
    least that its rules accept is more than a background holds.
    """
    rules = file.campaign.output
    canvas = largest_canvas(rules)
    if canvas is None or rules.advised_side is None or "any" not in rules.background:
        return None
    pictures = {one for several in file.scenery.values() for one in several if one.path}
    shares = [1.0]
    for one in pictures:
        try:
            opened = open_background(one)
        except MaskworksError:  # it is told of before the run
            continue
        if isinstance(opened, Backdrop):
            (rows, columns), (height, width) = opened.image.size, canvas
            shares.append(min(rows / height, columns / width) * rules.max_scale)
    side = int(rules.advised_side * min(shares) + 1e-6)
    return side if (rules.min_side or 1) <= side < rules.advised_side else None
