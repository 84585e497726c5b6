"""What is written of labels: label maps, overlays, tables, and the formats of other tools."""

from __future__ import annotations
