"""The line of a studio: what goes in, how it is cut, where it goes, what the book says."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maskworks.studio.backgrounds import Backdrop, Blurred, Plain, parse_background
    from maskworks.studio.inputs import Finds, Found, find_pictures
    from maskworks.studio.item import ExistsError, Row, Work
    from maskworks.studio.manifest import Journal, read_manifest
    from maskworks.studio.plan import plan_file, plan_folder
    from maskworks.studio.steps import Cutout, Look, cut_out, cutout, render

__all__ = [
    "Backdrop",
    "Blurred",
    "Cutout",
    "ExistsError",
    "Finds",
    "Found",
    "Journal",
    "Look",
    "Plain",
    "Row",
    "Work",
    "cut_out",
    "cutout",
    "find_pictures",
    "parse_background",
    "plan_file",
    "plan_folder",
    "read_manifest",
    "render",
]

_MODULES = {
    "backgrounds": ["Backdrop", "Blurred", "Plain", "parse_background"],
    "inputs": ["Finds", "Found", "find_pictures"],
    "item": ["ExistsError", "Row", "Work"],
    "manifest": ["Journal", "read_manifest"],
    "plan": ["plan_file", "plan_folder"],
    "steps": ["Cutout", "Look", "cut_out", "cutout", "render"],
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
