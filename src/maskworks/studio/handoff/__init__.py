"""The hand-off to a retoucher, and back: layered documents, clipping paths, the brief."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.studio.handoff.brief import BriefRow, brief_csv, write_brief
    from maskworks.studio.handoff.clipping import ClippingPath, PathOptions, trace
    from maskworks.studio.handoff.handover import Guides, Handover, subject_guides
    from maskworks.studio.handoff.psd import encode_psd
    from maskworks.studio.handoff.returned import (
        Matching,
        ReturnedCutout,
        match_returned,
        read_returned,
    )
    from maskworks.studio.handoff.tiff import encode_tiff

__all__ = [
    "BriefRow",
    "ClippingPath",
    "Guides",
    "Handover",
    "Matching",
    "PathOptions",
    "ReturnedCutout",
    "brief_csv",
    "encode_psd",
    "encode_tiff",
    "match_returned",
    "read_returned",
    "subject_guides",
    "trace",
    "write_brief",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "brief": ["BriefRow", "brief_csv", "write_brief"],
        "clipping": ["ClippingPath", "PathOptions", "trace"],
        "handover": ["Guides", "Handover", "subject_guides"],
        "psd": ["encode_psd"],
        "returned": ["Matching", "ReturnedCutout", "match_returned", "read_returned"],
        "tiff": ["encode_tiff"],
    },
)
