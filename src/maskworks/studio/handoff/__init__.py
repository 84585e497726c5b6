"""The hand-off to a retoucher, and back: layered documents, clipping paths, the brief."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maskworks.studio.handoff.brief import BriefRow, brief_csv, write_brief
    from maskworks.studio.handoff.clipping import ClippingPath, PathOptions, trace
    from maskworks.studio.handoff.handover import Guides, Handover, subject_guides
    from maskworks.studio.handoff.psd import encode_psd, write_psd
    from maskworks.studio.handoff.returned import (
        Matching,
        Returned,
        match_returned,
        read_returned,
    )
    from maskworks.studio.handoff.tiff import encode_tiff, write_tiff

__all__ = [
    "BriefRow",
    "ClippingPath",
    "Guides",
    "Handover",
    "Matching",
    "PathOptions",
    "Returned",
    "brief_csv",
    "encode_psd",
    "encode_tiff",
    "match_returned",
    "read_returned",
    "subject_guides",
    "trace",
    "write_brief",
    "write_psd",
    "write_tiff",
]

_MODULES = {
    "brief": ["BriefRow", "brief_csv", "write_brief"],
    "clipping": ["ClippingPath", "PathOptions", "trace"],
    "handover": ["Guides", "Handover", "subject_guides"],
    "psd": ["encode_psd", "write_psd"],
    "returned": ["Matching", "Returned", "match_returned", "read_returned"],
    "tiff": ["encode_tiff", "write_tiff"],
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
