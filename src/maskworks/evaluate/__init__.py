"""Evaluation: folders of predictions against folders of truth."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maskworks.evaluate.mattes import Failure, Report, Score, score_pair, score_pairs
    from maskworks.evaluate.measures import MEASURES, Measure
    from maskworks.evaluate.pairing import Pair, Pairing, pair_files
    from maskworks.evaluate.reading import read_matte, read_trimap

__all__ = [
    "MEASURES",
    "Failure",
    "Measure",
    "Pair",
    "Pairing",
    "Report",
    "Score",
    "pair_files",
    "read_matte",
    "read_trimap",
    "score_pair",
    "score_pairs",
]

_MODULES = {
    "mattes": ["Failure", "Report", "Score", "score_pair", "score_pairs"],
    "measures": ["MEASURES", "Measure"],
    "pairing": ["Pair", "Pairing", "pair_files"],
    "reading": ["read_matte", "read_trimap"],
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
