"""What one photo of a site shows: shares of classes, counts, words, logos, light."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from maskworks.core.picture import Limits
from maskworks.core.reading import read_picture
from maskworks.core.taxonomy import load_taxonomy
from maskworks.core.values import Box, Image, Pixels
from maskworks.models.labelling import label_picture
from maskworks.scene.record import Region
from maskworks.scene.signals.logos import LogoFinder
from maskworks.scene.sites.blurring import blur_private
from maskworks.scene.sites.brands import Brands
from maskworks.scene.sites.site_models import SCENE, SiteModels
from maskworks.scene.sites.site_record import PhotoRecord, SiteLogo, SiteText
from maskworks.scene.sites.small_pictures import (
    at_most,
    crop_around,
    difference_hash,
    sharpness_of,
    tinted,
    to_jpeg,
)
from maskworks.scene.sites.table import Point
from maskworks.scene.sites.words import RETAIL, find_words, place_words

HIDING = ("vegetation", "pole", "person", "rider", "car", "truck", "bus", "bicycle")
"""Classes that hide a screen."""

_OUTSIDE = ("sky", "vegetation", "road", "pavement", "ground")
_LONGEST = 1280
_SHOWN = 480
_LEAST_FACADE = 0.02
_DARK = 0.2
_INDOOR, _NO_STREET = 0.5, 0.03
_HOUR = re.compile(r"([01]\d|2[0-3])")
_TAKEN, _EXIF = 36867, 0x8769

Ids = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class MeasuredPhoto:
    """A photo's record, the small shielded picture of it, and crops of its words, all JPEG."""

    record: PhotoRecord
    picture: bytes
    crops: tuple[bytes, ...]


def measure_photo(
    pixels: Pixels, models: SiteModels, name: str, *, polygon: Sequence[Point], at: datetime | None
) -> MeasuredPhoto:
    """Measure one photo.

    Parameters
    ----------
    pixels : uint8 (H, W, 3) RGB
    polygon : x, y in shares of width and height
        Of the screen; empty if it is not seen.
    """
    pixels = at_most(pixels, _LONGEST)
    height, width = pixels.shape[:2]
    labels = label_picture(Image(pixels), models.network, "semantic").labels
    ids = models.table[labels.ids].astype(np.uint8)
    shares = shares_of(ids)
    counts = models.counter.count(pixels, ids)
    texts = _texts(pixels, models)
    logos = _logos(pixels, models.brands)
    light = float(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).mean()) / 255
    facade = shares.get("building", 0.0) + shares.get("window", 0.0)
    sees_windows = "window" in models.knows and facade >= _LEAST_FACADE
    read = models.reader is not None
    words = {w for each in texts for w, kind in _kinds(each) if kind in RETAIL}
    seen = {b for each in texts for b in each.brands} | {each.brand for each in logos}
    kinds = models.brands.kinds
    counted = None if not kinds or not (read or models.brands.logos) else kinds
    hour = at.hour if at else None
    record = PhotoRecord(
        photo=name,
        width=width,
        height=height,
        at=at.isoformat(timespec="seconds") if at else None,
        hour=hour,
        shares=shares,
        people=counts.people,
        vehicles=counts.vehicles,
        windows=round(shares.get("window", 0.0) / facade, 4) if sees_windows else None,
        retail_words=tuple(sorted(words)),
        text_regions=len(texts),
        clutter=_clutter(texts, ids, kinds) if read else None,
        own_brand=counted and sum(kinds[b] == "own" for b in seen),
        competitors=counted and sum(kinds[b] == "competitor" for b in seen),
        occlusion=occlusion_of(ids, polygon) if polygon else None,
        light=round(light, 4),
        sharpness=round(sharpness_of(pixels), 1),
        sky=_sky(pixels, ids),
        texts=tuple(each for each in texts if each.places or each.brands),
        logos=logos,
        difference_hash=difference_hash(pixels),
        left_out=_why_left_out(shares, light, models.knows),
    )
    private = counts.private
    shown = blur_private(pixels, private)
    crops = tuple(crop_around(shown, each.region) for each in record.texts)
    return MeasuredPhoto(record, to_jpeg(tinted(at_most(shown, _SHOWN), ids)), crops)


def read_photo(path: Path) -> tuple[Pixels, datetime | None]:
    """Return a photo's pixels, uint8 (H, W, 3), and when it was taken, if it says so.

    Raises
    ------
    ImageError
        If it cannot be read.
    """
    pixels = read_picture(path, Limits(), least_side=_LONGEST * 3 // 4).image.pixels
    return pixels, _taken(path)


def _taken(path: Path) -> datetime | None:
    from PIL import Image as PillowImage

    when = None
    try:
        with PillowImage.open(path) as picture:
            text = picture.getexif().get_ifd(_EXIF).get(_TAKEN)
        when = datetime.strptime(str(text)[:19], "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - local time
    except (OSError, ValueError, SyntaxError, KeyError, TypeError):
        when = None  # a photo need not say it
    return when


def hour_of(path: Path) -> int | None:
    """Return the hour that a photo's folder is called by, 00 to 23."""
    name = path.parent.name
    return int(name) if _HOUR.fullmatch(name) else None


def shares_of(ids: Ids) -> dict[str, float]:
    """Return the share of each class of `scene-17` that occurs in ids, uint8 (H, W)."""
    counts = np.bincount(ids.ravel(), minlength=256)
    return {
        each.name: round(float(counts[each.id]) / ids.size, 4)
        for each in load_taxonomy(SCENE).categories
        if counts[each.id]
    }


def occlusion_of(ids: Ids, polygon: Sequence[Point]) -> float:
    """Return the share of a polygon that trees, poles, people and vehicles hide.

    Parameters
    ----------
    ids : uint8 (H, W) of `scene-17`
    polygon : x, y in shares of width and height
    """
    height, width = ids.shape
    corners = np.array([(x * width, y * height) for x, y in polygon])
    inside = np.zeros(ids.shape, np.uint8)
    cv2.fillPoly(inside, [corners.round().astype(np.int32)], 1)
    hiding = [each.id for each in load_taxonomy(SCENE).categories if each.name in HIDING]
    area = int(inside.sum())
    return round(float((np.isin(ids, hiding) & (inside > 0)).sum()) / max(1, area), 4)


def _why_left_out(shares: dict[str, float], light: float, knows: frozenset[str]) -> str | None:
    outside = sum(shares.get(name, 0.0) for name in _OUTSIDE)
    if light < _DARK:
        return f"taken in the dark (light {light:.2f}), for which no network here is made"
    if "indoor" in knows and shares.get("indoor", 0.0) >= _INDOOR:
        return "shows a room"
    if outside < _NO_STREET:
        return f"shows next to no street ({100 * outside:.0f} %), perhaps a room"
    return None


def _sky(pixels: Pixels, ids: Ids) -> Literal["clear", "overcast", "bright"] | None:
    sky = ids == load_taxonomy(SCENE).named("sky").id
    if sky.mean() < _LEAST_FACADE:
        return None
    red, _, blue = (float(pixels[..., at][sky].mean()) for at in range(3))
    if blue > 1.2 * red:
        return "clear"
    return "overcast" if max(red, blue) < 225 else "bright"


def _texts(pixels: Pixels, models: SiteModels) -> list[SiteText]:
    if models.reader is None:
        return []
    found = []
    for line in models.reader.read(pixels):
        places = find_words(line.text, place_words())
        brands = find_words(line.text, models.brands.words)
        found.append(
            SiteText(
                text=line.text,
                score=round(min(1.0, line.score), 4),
                region=_region(line.box),
                places=tuple(each.kind for each in places),
                place_words=tuple(each.word for each in places),
                brands=tuple(dict.fromkeys(each.kind for each in brands)),
            )
        )
    return found


def _kinds(text: SiteText) -> list[tuple[str, str]]:
    return list(zip(text.place_words, text.places, strict=True))


def _logos(pixels: Pixels, brands: Brands) -> tuple[SiteLogo, ...]:
    if not brands.logos:
        return ()
    finder, found = LogoFinder(pixels), []
    for brand, file, template in brands.logos:
        placed = finder.find(template)
        if placed is not None:
            found.append(
                SiteLogo(brand=brand, file=file, inliers=placed[0], region=_region(placed[1]))
            )
    return tuple(found)


def _clutter(texts: Sequence[SiteText], ids: Ids, kinds: dict[str, Any]) -> float:
    """Return the share of a photo that signs and text cover, one's own brand set aside."""
    covered = ids == load_taxonomy(SCENE).named("sign").id
    for each in texts:
        if not any(kinds[brand] == "own" for brand in each.brands):
            box = each.region
            covered[box.top : box.bottom, box.left : box.right] = True
    return round(float(covered.mean()), 4)


def _region(box: Box) -> Region:
    return Region(top=box.top, left=box.left, bottom=box.bottom, right=box.right)
