"""The first pictures of a queue are made ready before somebody asks for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.review.campaigns import OpenCampaign, OpenCampaigns
from maskworks.apps.http.review.previews import PreviewCache
from maskworks.apps.http.review.queue import Choice, chosen, queue_of
from maskworks.core.errors import MaskworksError
from maskworks.studio.store import ItemRow

AHEAD = 3
"""Pictures of each queue; the page itself asks for those after them in time."""


class Warming:
    """Has photos and mattes made, one after the other, while nobody waits for anything.

    Parameters
    ----------
    desks, previews : where the pictures are, and who makes them
    is_idle : says whether no request is in the house
    """

    def __init__(
        self, campaigns: OpenCampaigns, previews: PreviewCache, is_idle: Callable[[], bool]
    ) -> None:
        self._desks, self._darkroom, self._is_idle = campaigns, previews, is_idle
        self._due: set[str] | None = None
        self._todo: deque[tuple[OpenCampaign, ItemRow]] = deque()
        self._lock = threading.Lock()

    def expect(self, name: str) -> None:
        """Note that a campaign will be reviewed soon."""
        with self._lock:
            self._due = (self._due or set()) | {name}

    def warm_one(self) -> bool:
        """Prefetch one picture, or find the next ones; return whether there may be more.

        The first call looks at every campaign.
        """
        if not self._is_idle():
            return False
        if self._todo:
            self._make(*self._todo.popleft())
            return True
        with self._lock:
            due, self._due = self._due, set()
        if due is not None and not due:
            return False
        for opened in self._desks.all():
            if due is None or opened.name in due:
                first = chosen(queue_of(opened), Choice())[:AHEAD]
                self._todo.extend((opened, item) for item in first)
        return bool(self._todo)

    def _make(self, opened: OpenCampaign, item: ItemRow) -> None:
        try:
            self._darkroom.show_photo(opened, item)
            self._darkroom.show_matte(opened, item, whole=False)
        except (MaskworksError, ApiError):
            return  # whoever opens it is told
