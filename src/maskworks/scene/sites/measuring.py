"""One site: its photos or clip looked at, one after the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from maskworks.core.errors import ImageError, UnreadableError
from maskworks.core.values import Pixels
from maskworks.core.version import __version__
from maskworks.scene.assessing import CLIPS, PICTURES
from maskworks.scene.sites.photo_measures import (
    MeasuredPhoto,
    hour_of,
    measure_photo,
    read_photo,
)
from maskworks.scene.sites.scoring import without_repeats
from maskworks.scene.sites.site_models import SiteModels
from maskworks.scene.sites.site_record import Passers, PhotoRecord, SiteRecord
from maskworks.scene.sites.small_pictures import BLURRED
from maskworks.scene.sites.table import SiteRow, is_on
from maskworks.scene.sites.venues import venue_of
from maskworks.video import open_clip
from maskworks.video.tracking.found import BACKGROUND
from maskworks.video.tracking.request import TrackRequest
from maskworks.video.tracking.tracking import track_clip

MOST_PHOTOS = 60
"""Photos of a site that are looked at, spread evenly over the sorted names."""

FRAMES = 8
"""Frames of a clip that are looked at as photos, spread evenly over its length."""

_ONE_MOMENT_S = 60.0
_SCREEN_CLASSES = ("person", "bicycle", "car", "motorcycle", "bus", "truck")


@dataclass(frozen=True, kw_only=True)
class SitesOptions:
    """How sites are looked at.

    Parameters
    ----------
    policy, brands : Path, optional
        TOML; by default the policy that comes with the package, and no brands.
    model, objects : str, optional
        The network of street scenes, and a model of objects to count with.
    ocr : bool
        Read signs.
    top : int, optional
        The k of "among the best k".
    threads : int
        0 takes all cores.
    """

    policy: Path | None = None
    brands: Path | None = None
    model: str | None = None
    objects: str | None = None
    ocr: bool = True
    top: int | None = None
    threads: int = 0


@dataclass
class MeasuredSite:
    """What is kept of a site: its record, and JPEG files by their path in the site's folder."""

    record: SiteRecord
    files: dict[str, bytes] = field(default_factory=dict)


def photos_of(row: SiteRow) -> list[Path]:
    """Return the photos, or the clip, of a site, in the order of their names.

    Raises
    ------
    UnreadableError
        If its path is not there.
    """
    path = row.photos
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UnreadableError(
            str(path), "is not there", f"name the folder of {row.id}'s photos in its row"
        )
    found = sorted(
        each
        for each in path.rglob("*")
        if each.is_file()
        and each.suffix.lower() in PICTURES
        and not any(part.startswith(".") for part in each.relative_to(path).parts)
    )
    step = max(1.0, len(found) / MOST_PHOTOS)
    return [found[int(at * step)] for at in range(min(len(found), MOST_PHOTOS))]


def fingerprint_of_site(row: SiteRow, photos: Sequence[Path], models: SiteModels) -> str:
    """Return 16 hexadecimal digits that change with the row, the photos and what looks at them."""
    files = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in photos]
    told = {
        "row": repr(row),
        "files": files,
        "network": models.network.digest,
        "counter": models.counter.described,
        "reader": models.reader.source if models.reader else models.why_not_read,
        "brands": models.brands.sha256,
        "version": __version__,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def measure_site(
    row: SiteRow,
    photos: Sequence[Path],
    models: SiteModels,
    *,
    fingerprint: str,
    tracking: TrackRequest,
    seen: Callable[[int], None] | None = None,
) -> MeasuredSite:
    """Look at a site's photos, or at frames of its clip and who passes in it.

    Parameters
    ----------
    tracking : TrackRequest
        Of `tracking_of`: how passers-by in a clip are followed.
    seen : function, optional
        Is called with how many photos were looked at.

    Raises
    ------
    UnreadableError
        If it is a clip that cannot be read. A photo that cannot be is left out, and told.
    """
    notes = list(row.notes)
    files: dict[str, bytes] = {}
    records: list[PhotoRecord] = []
    passers: tuple[Passers, ...] = ()

    def keep(name: str, measured: MeasuredPhoto, hour: int | None) -> None:
        number = len(records) + 1
        path = f"photos/{number:03}.jpg"
        files[path] = measured.picture
        for at, crop in enumerate(measured.crops, 1):
            files[f"proof/{number:03}-{at}.jpg"] = crop
        update = {"photo": name, "shown": path}
        if hour is not None:
            update["hour"] = hour  # type: ignore[assignment]
        records.append(measured.record.model_copy(update=update))
        if seen is not None:
            seen(len(records))

    is_clip = len(photos) == 1 and photos[0].suffix.lower() in CLIPS
    if is_clip:
        for name, pixels in _frames(photos[0]):
            keep(name, measure_photo(pixels, models, name, polygon=row.polygon, at=None), None)
        passers = _passers(photos[0], tracking, notes)
        notes.append("frames of a clip are of one moment: their spread says nothing of other hours")
    else:
        base = row.photos if row.photos.is_dir() else row.photos.parent
        for path in photos:
            name = path.relative_to(base).as_posix()
            try:
                pixels, at = read_photo(path)
            except ImageError as error:
                notes.append(f"left out: {error}")
                continue
            hour = hour_of(path)
            keep(name, measure_photo(pixels, models, name, polygon=row.polygon, at=at), hour)
    shown = [_while_on(each, row) for each in records]
    record = SiteRecord(
        id=row.id,
        name=row.name,
        venue=row.venue,
        lat=row.lat,
        lon=row.lon,
        audience=row.audience,
        hours=row.hours,
        fingerprint=fingerprint,
        version=__version__,
        network=models.network.name,
        counter=models.counter.described,
        reader=models.reader.source
        if models.reader
        else f"no text was read: {models.why_not_read}",
        photos=tuple(shown) if is_clip else without_repeats(shown),
        passers=passers,
        notes=(*dict.fromkeys(notes), *_warnings(row, records)),
    )
    return MeasuredSite(record, files)


def _while_on(photo: PhotoRecord, row: SiteRow) -> PhotoRecord:
    if photo.left_out is None and photo.hour is not None and not is_on(row.hours, photo.hour):
        why = f"taken at {photo.hour:02}:00, when the screen is off"
        return photo.model_copy(update={"left_out": why})
    return photo


def _warnings(row: SiteRow, photos: Sequence[PhotoRecord]) -> list[str]:
    """Say what is wrong with a site's photos as a whole."""
    notes = []
    venue = None if row.venue is None else venue_of(row.venue)
    rooms = sum("room" in (photo.left_out or "") for photo in photos)
    if venue is not None and venue.outdoor and rooms:
        notes.append(
            f"{rooms} of {len(photos)} photos show a room, and venue {venue.id} ({venue.name}) is "
            "outdoors: they do not count"
        )
    times = sorted(datetime.fromisoformat(photo.at) for photo in photos if photo.at)
    if len(times) > 1 and (times[-1] - times[0]).total_seconds() <= _ONE_MOMENT_S:
        notes.append(
            "all photos are from one minute: the counts are of that moment, and their interval "
            "says nothing of other hours"
        )
    if photos and not any(photo.hour is not None for photo in photos):
        notes.append("no photo says when it was taken; sub-folders 00 to 23 can say the hour")
    blurred = sum(photo.sharpness < BLURRED for photo in photos)
    if blurred:
        notes.append(
            f"{blurred} of {len(photos)} photos are blurred: words and far people are missed"
        )
    return notes


def _frames(path: Path) -> list[tuple[str, Pixels]]:
    """Return frames spread evenly over a clip, each named by its time."""
    kept: list[tuple[str, Pixels]] = []
    with open_clip(path) as clip:
        total = clip.facts.frames or 0
        every = max(1, total // FRAMES) if total else 50
        for frame in clip.frames():
            if frame.index % every == every // 2 and len(kept) < FRAMES:
                kept.append((f"{path.name} at {frame.time_s:.1f} s", frame.pixels.copy()))
    return kept


def tracking_of(objects: str | None, threads: int) -> TrackRequest:
    """Return how passers-by are followed: by a model of objects, else whatever moves."""
    return TrackRequest(
        model=objects or BACKGROUND,
        classes=() if objects is None else _SCREEN_CLASSES,
        masks="box",
        threads=threads,
    )


def _passers(path: Path, request: TrackRequest, notes: list[str]) -> tuple[Passers, ...]:
    """Follow who passes, each counted once."""
    if request.model == BACKGROUND:
        notes.append(
            "passers-by are what moves before a fixed camera, whatever it is; --objects names a "
            "model that tells people from vehicles"
        )
    tracks = track_clip(path, request)
    notes += tracks.notes
    return tuple(
        Passers(
            kind=each.kind,
            counted=each.counted,
            low=each.low,
            high=each.high,
            seconds=round(tracks.seconds, 2),
        )
        for each in tracks.counts
    )
