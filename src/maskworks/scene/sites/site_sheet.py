"""The sheet of one site: figures, counts by hour, pictures, and crops of words as proof."""

from __future__ import annotations

import base64
from html import escape
from pathlib import Path

from maskworks.scene.sites.scoring import SiteScore
from maskworks.scene.sites.site_record import Estimate, PhotoRecord
from maskworks.scene.sites.venues import venue_of

MOST_SHOWN = 6
"""Photos of a site on the page; photos.csv has a row for all."""


def site_sheet(each: SiteScore, output: Path) -> str:
    """Return the part of the page that is about one site; its pictures lie in `output`."""
    record = each.record
    venue = None if record.venue is None else venue_of(record.venue)
    audience = record.audience
    facts = [
        "no venue" if venue is None else f"venue {venue.id} {venue.name}",
        "no coordinates" if record.lat is None else f"{record.lat:g}, {record.lon:g}",
        "audience not stated" if audience is None else f"operator: {audience:,.0f} people a day",
    ]
    rank = f"{each.rank}. " if each.rank else ""
    parts = [
        f'<h2 id="{escape(record.id)}">{rank}{escape(record.name)}</h2>',
        f'<p class="meta">{escape(" · ".join(facts))}</p>',
    ]
    if each.unranked:
        parts.append(f'<p class="bsr002">{escape(each.unranked)}</p>')
    parts += [
        f'<p><span class="risk bsr001">{escape(found.rule)}</span>: {escape(found.proof)}'
        f"{f' in {escape(found.photo)}' if found.photo else ''}"
        f' <span class="soft">{escape(found.source)}</span></p>'
        for found in each.exclusions
    ]
    if each.decision is not None:
        parts.append(f"<p>A person said: {decision_in_words(each)}</p>")
    if each.advice:
        parts.append(f"<p>What would firm this up: {escape(each.advice)}</p>")
    parts += [
        _terms(each),
        _passers(each),
        _hours(each),
        _photos(each, output),
        _proofs(each, output),
    ]
    if record.notes:
        listed = "".join(f"<li>{escape(note)}</li>" for note in record.notes)
        parts.append(f'<ul class="soft">{listed}</ul>')
    return "\n".join(part for part in parts if part)


def _terms(each: SiteScore) -> str:
    if not each.terms:
        return ""
    whole = sum(term.weight for term in each.terms)
    rows = "".join(
        f"<tr><td>{escape(term.name.replace('_', ' '))}</td>"
        f'<td class="number">{term.mean:.3g}</td><td class="number">{term.worth:.2f}</td>'
        f'<td class="number">{100 * term.worth * term.weight / whole:.1f} of '
        f"{100 * term.weight / whole:.1f}</td></tr>\n"
        for term in each.terms
    )
    return f"""<div class="scroll"><table><tr><th>Measure</th><th>Mean of the photos</th>
<th>Worth</th><th>Points</th></tr>
{rows}</table></div>"""


def _passers(each: SiteScore) -> str:
    lines = [
        f"{found.kind}: {found.counted} passed in {found.seconds:.0f} s "
        f"(between {found.low} and {found.high})"
        for found in each.record.passers
    ]
    return f"<p>{escape('; '.join(lines))}</p>" if lines else ""


def _hours(each: SiteScore) -> str:
    if not each.hours:
        return ""
    rows = "".join(
        f'<tr><td>{found.hour:02}:00</td><td class="number">{found.photos}</td>'
        f'<td class="number">{in_words(found.people)}</td>'
        f'<td class="number">{in_words(found.vehicles)}</td></tr>\n'
        for found in each.hours
    )
    return f"""<div class="scroll"><table><tr><th>Hour</th><th>Photos</th><th>People a photo</th>
<th>Vehicles a photo</th></tr>
{rows}</table></div>"""


def _photos(each: SiteScore, output: Path) -> str:
    photos = sorted(each.record.photos, key=lambda photo: photo.left_out is not None)
    cards = "".join(
        _card(photo, output / "sites" / each.record.id) for photo in photos[:MOST_SHOWN]
    )
    more = len(photos) - MOST_SHOWN
    told = f'<p class="soft">{more} more in photos.csv and sites/.</p>' if more > 0 else ""
    return f'<div class="cards">{cards}</div>{told}' if cards else ""


def _card(photo: PhotoRecord, folder: Path) -> str:
    image = _image(folder / photo.shown) if photo.shown else ""
    largest = sorted(photo.shares.items(), key=lambda each: -each[1])[:5]
    shares = ", ".join(f"{name} {100 * share:.0f} %" for name, share in largest)
    facts = [f"{photo.people} people, {photo.vehicles} vehicles", shares]
    if photo.occlusion is not None:
        facts.append(f"{100 * photo.occlusion:.0f} % of the screen hidden")
    if photo.retail_words:
        facts.append(f"signs: {', '.join(photo.retail_words)}")
    brands = sorted(
        {b for text in photo.texts for b in text.brands} | {x.brand for x in photo.logos}
    )
    if brands:
        facts.append(f"brands: {', '.join(brands)}")
    if photo.hour is not None:
        facts.append(f"at {photo.hour:02}:00")
    lines = "".join(f'<div class="soft">{escape(fact)}</div>' for fact in facts)
    left = (
        f'<div class="bsr002">does not count: {escape(photo.left_out)}</div>'
        if photo.left_out
        else ""
    )
    return (
        f'<figure class="card"><span class="frame">{image}</span><figcaption>'
        f'<div class="what">{escape(photo.photo)}</div>{lines}{left}</figcaption></figure>'
    )


def _proofs(each: SiteScore, output: Path) -> str:
    folder = output / "sites" / each.record.id
    shown: list[str] = []
    for number, photo in enumerate(each.record.photos, 1):
        for at, text in enumerate(photo.texts, 1):
            path = folder / f"proof/{number:03}-{at}.jpg"
            if len(shown) < MOST_SHOWN and path.is_file():
                what = ", ".join((*text.place_words, *text.brands))
                shown.append(
                    f'<figure class="card"><span class="frame">{_image(path)}</span><figcaption>'
                    f'<div class="what">{escape(text.text)}</div><div class="soft">{escape(what)}, '
                    f"{escape(photo.photo)}</div></figcaption></figure>"
                )
    return f'<div class="cards">{"".join(shown)}</div>' if shown else ""


def _image(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError:
        return ""  # taken away since; the figures stay
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'


def in_words(found: Estimate | None) -> str:
    """Return a mean with its interval."""
    return "" if found is None else f"{found.mean:.1f} [{found.low:.1f}, {found.high:.1f}]"


def decision_in_words(each: SiteScore) -> str:
    """Return what a person decided, escaped for the page."""
    said = each.decision
    if said is None:
        return ""
    reason = f": {said.reason}" if said.reason else ""
    return escape(f"{said.verdict} by {said.reviewer}{reason}")
