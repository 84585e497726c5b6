"""A stream of events or frames, for as long as it holds one of the places for such streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class HeldStream(StreamingResponse):
    """A stream that holds one of the places for them while it is sent."""

    def __init__(
        self,
        sending: AsyncIterator[str],
        *,
        place: AbstractContextManager[None],
        media_type: str = "text/event-stream",
    ) -> None:
        super().__init__(sending, media_type=media_type)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._place:
            await super().__call__(scope, receive, send)
