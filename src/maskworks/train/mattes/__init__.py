"""Train a cut-out network: mattes of whole pictures, by recipe."""

from __future__ import annotations
