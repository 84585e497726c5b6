"""Which pictures a campaign means, and what each of them gets; nothing of a picture is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskworks.batch.work import Fault
from maskworks.core.errors import UsageError
from maskworks.studio.campaign.approved_backgrounds import Scenery
from maskworks.studio.campaign.campaign import DEFAULT_CONCEPT, Concept
from maskworks.studio.campaign.campaign_file import CampaignFile
from maskworks.studio.campaign.exceptions import Rule, find_rule
from maskworks.studio.campaign.item_list import Listed, list_pictures, refuse, some
from maskworks.studio.campaign.patterns import path_matches


@dataclass(frozen=True, kw_only=True)
class PlannedItem:
    """A picture and what it gets.

    Parameters
    ----------
    path : absolute
    source : path below the input folder, with ``/``; no two items have the same
    sku : from the CSV; for a folder the file's name without suffix
    tags : lower case
    concept : a concept's name, or `DEFAULT_CONCEPT`
    backgrounds : one deliverable each; empty means the output's own background
    rule : the first exception rule that it hits; it then goes to a person unread
    fault : what is wrong already: the file does not exist
    """

    path: Path
    source: str
    sku: str
    tags: tuple[str, ...]
    concept: str
    backgrounds: tuple[Scenery, ...]
    rule: Rule | None = None
    fault: Fault | None = None


@dataclass(frozen=True)
class Assignment:
    """All items, in the order of the input, and what a producer should know before the run."""

    items: tuple[PlannedItem, ...]
    notes: tuple[str, ...] = ()


def assign(campaign: CampaignFile, *, beside: Path | None = None) -> Assignment:
    """Find the pictures of a campaign and give each its concept, backgrounds and exception.

    A picture has the concept that its CSV row names; else the one whose `match` fits; else the
    one without `match`. If there is none of these and the campaign has fewer than two
    concepts, it has the concept "default" with the output's own background, and a note says
    how many did; with two or more it is a mistake. A picture that two concepts match is a
    mistake. A file in a CSV that does not exist stays an item, with a `fault`.

    Parameters
    ----------
    beside : Path, optional
        The folder of the outputs; where it lies inside the input folder it is not walked.

    Raises
    ------
    UsageError
        With file and line: no picture, a file or SKU listed twice, an unknown concept, no or
        two concepts for one picture.
    """
    listing = list_pictures(campaign, beside=beside)
    concepts = _concepts(campaign, listing.pictures)
    items = tuple(
        PlannedItem(
            path=one.path,
            source=one.source,
            sku=one.sku,
            tags=one.tags,
            concept=concept,
            backgrounds=campaign.scenery.get(concept, ()),
            rule=find_rule(campaign.rules, path=one.source, sku=one.sku, tags=one.tags),
            fault=None if one.path.exists() else _missing(one),
        )
        for one, concept in zip(listing.pictures, concepts, strict=True)
    )
    return Assignment(items, (*listing.notes, *_remarks(campaign, items)))


def _concepts(campaign: CampaignFile, listed: Sequence[Listed]) -> list[str]:
    """Return the name of every picture's concept."""
    concepts = campaign.campaign.concept
    rest = next((concept.name for concept in concepts if concept.match is None), "")
    chosen: list[str] = []
    several: dict[tuple[str, ...], list[str]] = {}
    without: list[str] = []
    for one in listed:
        fits = [c.name for c in concepts if c.match and path_matches(one.source, c.match)]
        name = one.concept or (fits[0] if fits else rest) or DEFAULT_CONCEPT
        if not one.concept and len(fits) > 1:
            several.setdefault(tuple(fits), []).append(one.source)
        elif not one.concept and not fits and not rest and len(concepts) > 1:
            without.append(one.source)
        chosen.append(name)
    refuse([_both(campaign, names, sources) for names, sources in several.items()])
    if without:
        raise UsageError(
            f"{campaign.where('concept', len(concepts) - 1)}: no concept matches "
            f"{some(without)}; widen a match, or add a [[concept]] without match for the rest"
        )
    return chosen


def _both(campaign: CampaignFile, names: Sequence[str], sources: Sequence[str]) -> str:
    """Say which concepts want the same pictures, each with its line."""
    at = {concept.name: number for number, concept in enumerate(campaign.campaign.concept)}
    where = [campaign.where("concept", at[name], "match") for name in names]
    lines = [place.rpartition(":")[2] for place in where]
    claims = [f"{name!r} (line {line})" for name, line in zip(names, lines, strict=True)]
    return (
        f"{where[1]}: the concepts {' and '.join(claims)} all want {some(sources)}; "
        "narrow a match, or name the concept in a CSV"
    )


def _missing(one: Listed) -> Fault:
    if one.line:
        reason = f"does not exist (line {one.line} of the list); correct the list or add the file"
    else:
        reason = "is a link to nowhere; mend the link or take it away"
    return Fault("unreadable", f"{one.path}: {reason}")


def _remarks(campaign: CampaignFile, items: Sequence[PlannedItem]) -> list[str]:
    """Say what is allowed and probably not meant."""
    used = Counter(item.concept for item in items)
    hits = {item.rule.name for item in items if item.rule}
    concepts = campaign.campaign.concept
    remarks = [f"the concept {c.name} has no picture" for c in concepts if not used[c.name]]
    named = {concept.name for concept in concepts}
    if concepts and used[DEFAULT_CONCEPT] and DEFAULT_CONCEPT not in named:
        remarks.append(
            f"no concept for {_pictures(used[DEFAULT_CONCEPT])}: the output's own background"
        )
    remarks += [
        f"the exception {rule.name} (line {rule.line}) hits no picture"
        for rule in campaign.rules
        if rule.name not in hits
        and not any(rule.fits(item.source, item.sku, item.tags) for item in items)
    ]
    gone = sum(item.fault is not None for item in items)
    if gone:
        remarks.append(f"{_pictures(gone)} in the list, but not on the disk")
    remarks += [note for concept in concepts for note in _forbidden(campaign, concept)]
    return remarks


def _forbidden(campaign: CampaignFile, concept: Concept) -> list[str]:
    """Name approved backgrounds that the output's own rules refuse."""
    rules = campaign.campaign.output
    if not rules.demands_colour:
        return []
    allowed = set(rules.colours)
    refused = [s.text for s in campaign.scenery[concept.name] if s.colour not in allowed]
    if not refused:
        return []
    colours = " or ".join(ground for ground in rules.background if ground.startswith("#"))
    names = ", ".join(refused)
    told = f"the output allows only {colours} behind the subject; {names} of the concept"
    return [f"{told} {concept.name} will be held back for review"]


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count:,} pictures"
