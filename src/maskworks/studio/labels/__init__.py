"""Labels of pictures on disk: label maps, overlays, tables, and what other tools read."""

from __future__ import annotations
