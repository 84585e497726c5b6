"""Runtimes: what turns a file of weights into a `Network`."""

from __future__ import annotations

from maskworks.models.runtimes.network import Network

__all__ = ["Network"]
