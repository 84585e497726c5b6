"""The review of a campaign: decisions recorded, returned files ingested, hand-offs renewed."""

from __future__ import annotations
