"""Photos and mattes of a campaign's items as the review page shows them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as PillowImage

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.pictures.cutting import header_size, size_within, smaller
from maskworks.apps.http.review.campaigns import OpenCampaign
from maskworks.apps.http.review.clicks import GRABCUT, Finder
from maskworks.core.errors import ImageError
from maskworks.core.reading import Details, Limits, Picture, read_picture
from maskworks.core.values import Matte
from maskworks.core.writing import Encoding, encode, encode_matte
from maskworks.cutouts.cutting import cut_out, refine_edge
from maskworks.refine.refinement import RefineOptions
from maskworks.studio.handoff import folder
from maskworks.studio.run.filing import out_of, photo_of
from maskworks.studio.store import ItemRow as Kept
from maskworks.studio.store.reviewing import matte_versions

if TYPE_CHECKING:
    from maskworks.models import Model

SHOWN_PX = 1400
"""Long side of what the page shows before somebody looks closer."""

SMALL_PX = 96
"""Long side of what its list shows."""

_KEPT_BYTES = 96 << 20


@dataclass(frozen=True, kw_only=True)
class Preview:
    """An encoded picture for the page, and the size (H, W) of the whole photo."""

    data: bytes
    media_type: str
    size: tuple[int, int]


class PreviewCache:
    """Reads photos and mattes; what the page asked for lately is kept, within bounds.

    `finder` finds what a click on a photo points at.
    """

    def __init__(
        self, model: Callable[[str], Model], limits: Limits, finder: Finder = GRABCUT
    ) -> None:
        self._model, self._limits, self.finder = model, limits, finder
        self._kept: OrderedDict[tuple[object, ...], Preview] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def photo(self, opened: OpenCampaign, kept: Kept) -> Picture:
        """Return the photo of an item.

        Raises
        ------
        ImageError
            If it cannot be read.
        """
        return read_picture(photo_of(opened.file, kept.source), self._limits, name=kept.source)

    def matte(self, opened: OpenCampaign, kept: Kept, picture: Picture) -> Matte:
        """Return the matte of an item: a person's newest, that of its hand-off, or a new one."""
        known = self._known(opened, kept, picture.image.size)
        if known is not None:
            return known
        model = self._model(opened.file.campaign.input.model)
        return refine_edge(cut_out(picture, model), picture, RefineOptions(method="fast")).matte

    def _known(self, opened: OpenCampaign, kept: Kept, size: tuple[int, int]) -> Matte | None:
        """Return the matte that lies there for a photo of `size`, if one does."""
        out = out_of(opened.file)
        versions = matte_versions(opened.store, kept.id)
        if versions:
            drawn = read_picture(out / versions[-1].path, self._limits)
            alpha = drawn.image.pixels[..., 0].astype(np.float32) / np.float32(255)
            return _fitting(Matte(alpha), size)
        handed = out / folder.FOLDER / f"{folder.hand_name(kept)}.tif"
        if not handed.is_file():
            return None
        try:
            found = read_picture(handed, self._limits)
        except ImageError:
            return None
        if found.image.size != size:
            return None
        return found.matte or Matte(np.ones(size, np.float32))

    def show_photo(
        self, opened: OpenCampaign, kept: Kept, *, side_px: int | None = SHOWN_PX
    ) -> Preview:
        """Return the photo for the page, its long side at most `side_px`; white where clear."""

        def make() -> Preview:
            picture = self.photo(opened, kept)
            most = None if side_px is None else most_pixels(picture.image.size, side_px)
            sized = picture if most is None else smaller(picture, most)
            white = Encoding("jpg", background=(255, 255, 255), quality=88)
            data = encode(sized.image, sized.matte, white, picture.details)
            return Preview(data=data, media_type="image/jpeg", size=picture.image.size)

        return self.once(("photo", *_of(opened, kept), side_px), make)

    def show_matte(self, opened: OpenCampaign, kept: Kept, *, whole: bool) -> Preview:
        """Return the matte for the page as grey PNG."""

        def make() -> Preview:
            data = photo_of(opened.file, kept.source).read_bytes()
            matte = self._known(opened, kept, header_size(data, self._limits))
            if matte is None:  # only then the photo has to be decoded
                matte = self.matte(opened, kept, self.photo(opened, kept))
            return matte_shown(matte, whole=whole)

        number = len(matte_versions(opened.store, kept.id))
        return self.once(("matte", *_of(opened, kept), whole, number), make)

    def once(self, key: tuple[object, ...], make: Callable[[], Preview]) -> Preview:
        """Return what was made under `key`, made now if that was not lately."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            if key not in self._kept and len(made.data) <= _KEPT_BYTES:
                self._kept[key] = made
                self._bytes += len(made.data)
            while self._bytes > _KEPT_BYTES:
                self._bytes -= len(self._kept.popitem(last=False)[1].data)
        return made


def matte_shown(matte: Matte, *, whole: bool, side_px: int = SHOWN_PX) -> Preview:
    """Return a matte as the page draws it, as large as the photo is shown there."""
    size = matte.size
    if not whole:
        height, width = size_within(size, most_pixels(size, side_px))
        box = PillowImage.Resampling.BOX
        alpha = np.asarray(PillowImage.fromarray(matte.alpha).resize((width, height), box))
        matte = Matte(np.clip(alpha, 0, 1))
    data = encode_matte(matte, Encoding("png"), Details(format=""))
    return Preview(data=data, media_type="image/png", size=size)


def item_of(opened: OpenCampaign, number: int) -> Kept:
    """Return an item of a campaign.

    Raises
    ------
    ApiError
        404 if there is none.
    """
    from maskworks.studio.store import Filter, list_items

    found = (
        []
        if opened.campaign is None
        else list_items(opened.store, opened.campaign, Filter(name=str(number), states=["done"]))
    )
    for item in found:
        if item.id == number:
            return item
    raise ApiError(404, "not_found", f"{opened.name} has no finished picture {number}")


def _of(opened: OpenCampaign, kept: Kept) -> tuple[object, ...]:
    return opened.name, kept.id, kept.content


def most_pixels(size: tuple[int, int], side_px: int = SHOWN_PX) -> int:
    """Return the pixels that a picture of `size` has when its long side is `side_px`."""
    height, width = size
    scale = min(1.0, side_px / max(height, width))
    return max(1, int(height * scale) * int(width * scale))


def _fitting(matte: Matte, size: tuple[int, int]) -> Matte:
    if matte.size == size:
        return matte
    sized = PillowImage.fromarray(matte.alpha).resize((size[1], size[0]))
    return Matte(np.clip(np.asarray(sized), 0, 1))
