"""The version of the package, for whoever says it: the command, the service, the package itself."""

from __future__ import annotations

__version__ = "0.1.0"
