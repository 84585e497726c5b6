"""Entry points: the command line."""

from __future__ import annotations
