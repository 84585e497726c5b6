"""sites.csv: a row a screen, checked before anything is looked at."""

from __future__ import annotations

import csv
import io
import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from maskworks.core.errors import UsageError
from maskworks.scene.sites.venues import venue_of
from maskworks.scene.topics import nearest

COLUMNS = {
    "id": "its own, unlike every other; letters, digits, `.`, `_`, `-`",
    "name": "what people call it; default: the id",
    "venue": "OpenOOH 1.2 venue id, such as 302; an unknown one counts as absent",
    "lat": "degrees north, -90 to 90",
    "lon": "degrees east, -180 to 180",
    "photos": "a folder of photos (sub-folders 00 to 23 are hours), a photo, or a clip",
    "polygon": "the screen in the photos, X1,Y1,X2,Y2,... in shares of their width and height",
    "hours": "when it is on, such as 07:00-22:00; several with a blank between",
    "audience": "the operator's figure for a day, people",
}
"""The columns of sites.csv; `id` and `photos` are needed."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SPAN = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)")
_FAR_KM = 300.0

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class SiteRow:
    """One screen as the table has it; `notes` say what was put right or set aside.

    `polygon` holds x, y in shares of width and height, `hours` spans in minutes of the day, and
    `audience` people a day.
    """

    id: str
    name: str
    photos: Path
    venue: int | None = None
    lat: float | None = None
    lon: float | None = None
    polygon: tuple[Point, ...] = ()
    hours: tuple[tuple[int, int], ...] = ()
    audience: float | None = None
    notes: tuple[str, ...] = ()


def read_sites(path: Path) -> tuple[SiteRow, ...]:
    """Read the table of sites; paths in it are relative to its folder.

    Raises
    ------
    UsageError
        If it cannot be read, lacks a column or a value, or holds one that makes no sense; the
        message names line and column.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as CSV in UTF-8: {error}") from error
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > 1 else ",")
    names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    for needed in ("id", "photos"):
        if needed not in names:
            raise UsageError(f"{path}: has no column {needed!r}; its first line is {first[:80]!r}")
    for name in names:
        if name and name not in COLUMNS:
            raise UsageError(f"{path}: there is no column {name!r}; {nearest(name, COLUMNS)}")
    rows: list[SiteRow] = []
    for given in reader:
        cells = {
            name: (value or "").strip()
            for name, value in zip(names, list(given.values())[: len(names)], strict=False)
            if isinstance(value, str | None)
        }
        if any(cells.values()):
            rows.append(_row(cells, f"{path}, line {reader.line_num}", path.parent))
    if not rows:
        raise UsageError(f"{path}: holds no site; a row needs an id and photos")
    ids = [row.id for row in rows]
    twice = next((each for each in ids if ids.count(each) > 1), None)
    if twice is not None:
        raise UsageError(f"{path}: the id {twice!r} stands in two rows; each site has its own")
    return _swaps_told(rows)


def _row(cells: dict[str, str], where: str, folder: Path) -> SiteRow:
    name = cells.get("id", "")
    if not _ID.fullmatch(name):
        raise UsageError(f"{where}: id is {name!r}; it is {COLUMNS['id']}, and names a folder")
    if not cells.get("photos"):
        raise UsageError(f"{where}: photos is empty; it is {COLUMNS['photos']}")
    notes: list[str] = []
    lat, lon = _place(cells, where, notes)
    return SiteRow(
        id=name,
        name=cells.get("name") or name,
        photos=folder / cells["photos"],
        venue=_venue(cells.get("venue", ""), notes),
        lat=lat,
        lon=lon,
        polygon=_polygon(cells.get("polygon", ""), where),
        hours=_hours(cells.get("hours", ""), where),
        audience=_number(cells, "audience", where, least=0.0),
        notes=tuple(notes),
    )


def _number(
    cells: dict[str, str], name: str, where: str, *, least: float = -math.inf
) -> float | None:
    text = cells.get(name, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < least:
        raise UsageError(f"{where}: {name} is {text!r}; it is {COLUMNS[name]}, in digits")
    return value


def _venue(text: str, notes: list[str]) -> int | None:
    if not text:
        return None
    if not text.isdigit() or venue_of(int(text)) is None:
        notes.append(
            f"venue {text!r} is not in OpenOOH 1.2, so it counts as absent, as the standard says"
        )
        return None
    return int(text)


def _place(
    cells: dict[str, str], where: str, notes: list[str]
) -> tuple[float | None, float | None]:
    lat, lon = _number(cells, "lat", where), _number(cells, "lon", where)
    if lat is None and lon is None:
        return None, None
    if lat is None or lon is None:
        raise UsageError(f"{where}: has one of lat and lon; give both or neither")
    if abs(lat) <= 90 and abs(lon) <= 180:
        return lat, lon
    if abs(lon) <= 90 and abs(lat) <= 180:
        notes.append(f"lat {lat:g} cannot be; lat and lon look swapped, so neither is used")
    else:
        notes.append(f"{lat:g}, {lon:g} is no place on earth, so it is not used")
    return None, None


def _polygon(text: str, where: str) -> tuple[Point, ...]:
    if not text:
        return ()
    try:
        values = [float(each) for each in re.split(r"[,;\s]+", text.strip())]
    except ValueError:
        values = []
    good = len(values) >= 6 and len(values) % 2 == 0 and all(0 <= each <= 1 for each in values)
    if not good:
        raise UsageError(
            f"{where}: polygon is {text[:60]!r}; it is X1,Y1,X2,Y2,... of three corners or more, "
            "in shares of the photo's width and height, 0 to 1, in quotes"
        )
    return tuple(zip(values[::2], values[1::2], strict=True))


def _hours(text: str, where: str) -> tuple[tuple[int, int], ...]:
    spans = []
    for part in text.split():
        found = _SPAN.fullmatch(part)
        if found is None:
            raise UsageError(f"{where}: hours is {text!r}; it is {COLUMNS['hours']}")
        start, end = (60 * int(found[at]) + int(found[at + 1]) for at in (1, 3))
        spans.append((start, end))
    return tuple(spans)


def is_on(spans: Sequence[tuple[int, int]], hour: int) -> bool:
    """Say whether a screen is on in some minute of an hour of the day; without spans it always is.

    Examples
    --------
    >>> is_on([(22 * 60, 2 * 60)], 1), is_on([(7 * 60, 22 * 60)], 22)
    (True, False)
    """
    first, last = 60 * hour, 60 * hour + 60
    return not spans or any(
        (start < last and end > first) if start < end else (last > start or first < end)
        for start, end in spans
    )


def _swaps_told(rows: Sequence[SiteRow]) -> tuple[SiteRow, ...]:
    """Say which coordinates would lie among the others if they were swapped."""
    placed = [(row.lat, row.lon) for row in rows if row.lat is not None and row.lon is not None]
    if len(placed) < 3:
        return tuple(rows)
    middle = (statistics.median(p[0] for p in placed), statistics.median(p[1] for p in placed))
    told = []
    for row in rows:
        note = None
        if row.lat is not None and row.lon is not None and abs(row.lon) <= 90:
            away = distance_km((row.lat, row.lon), middle)
            swapped = distance_km((row.lon, row.lat), middle)
            if away > _FAR_KM and swapped < away / 10:
                note = (
                    f"lat {row.lat:g}, lon {row.lon:g} lies {away:,.0f} km from the other sites, "
                    f"swapped it would be {swapped:,.0f} km; they look swapped, and are kept"
                )
        told.append(row if note is None else replace(row, notes=(*row.notes, note)))
    return tuple(told)


def distance_km(a: Point, b: Point) -> float:
    """Return the distance of two places (lat, lon in degrees) on a sphere.

    Examples
    --------
    >>> round(distance_km((52.52, 13.405), (48.137, 11.575)))
    504
    """
    (la, lo), (lb, lp) = ((math.radians(x), math.radians(y)) for x, y in (a, b))
    half = math.sin((lb - la) / 2) ** 2 + math.cos(la) * math.cos(lb) * math.sin((lp - lo) / 2) ** 2
    return 2 * 6371.0 * math.asin(min(1.0, math.sqrt(half)))
