"""Outputs of a campaign: rules, presets, composing, shadow and light, the gate, encoding."""

from __future__ import annotations
