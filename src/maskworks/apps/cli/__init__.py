"""The command `maskworks`: which commands there are, without importing any of them."""

from __future__ import annotations

from maskworks.apps.cli.main import COMMANDS, cli, main

__all__ = ["COMMANDS", "cli", "main"]
