"""The score of a cut-out: evidence measured, weighed, and turned into reasons."""

from __future__ import annotations
