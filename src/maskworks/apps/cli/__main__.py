"""`python -m maskworks.apps.cli` is `maskworks`."""

from __future__ import annotations

import sys

from maskworks.apps.cli import main

if __name__ == "__main__":
    sys.exit(main())
