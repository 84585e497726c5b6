"""How long a training may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """How long to train and how often to look up."""

    minutes: float
    checkpoint_s: float = 120.0
    report_s: float = 30.0
    dev_s: float = 900.0
    threads: int = 0
