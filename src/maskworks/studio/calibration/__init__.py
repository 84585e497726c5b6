"""Calibration of a campaign: fit the score to decisions, and suggest exception rules."""

from __future__ import annotations
