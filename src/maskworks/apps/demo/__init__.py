"""What `maskworks demo` shows: the photos, the drawings and the page."""

from __future__ import annotations
