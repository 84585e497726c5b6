"""The run of a campaign: items claimed, worked on, routed, filed, and reported."""

from __future__ import annotations
