"""What an assistant may ask for over the Model Context Protocol, within one folder."""

from __future__ import annotations
