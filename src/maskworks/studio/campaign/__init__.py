"""A campaign as it is written down: its file, items, exceptions, concepts and backgrounds."""

from __future__ import annotations
