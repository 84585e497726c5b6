"""The review of a campaign in the browser: queue, previews, clicks, strokes, uploads."""

from __future__ import annotations
