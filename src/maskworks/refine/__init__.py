"""Better edges: one method per file, pure functions."""

from __future__ import annotations

from maskworks.refine.foreground import estimate_foreground

__all__ = ["estimate_foreground"]
