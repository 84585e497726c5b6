"""One picture: its classes and objects, from its pixels to what other tools read."""

from __future__ import annotations
