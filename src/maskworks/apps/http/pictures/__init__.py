"""What the service does with a picture that it was sent: cut out, segment, name."""

from __future__ import annotations
