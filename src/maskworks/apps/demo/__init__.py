"""What `maskworks demo` shows: the photos and the page."""

from __future__ import annotations
