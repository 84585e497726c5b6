"""The hand-off to a retoucher, and back: layered documents, clipping paths, the brief."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.studio.handoff.brief import BriefRow as BriefRow
    from maskworks.studio.handoff.brief import brief_csv as brief_csv
    from maskworks.studio.handoff.brief import write_brief as write_brief
    from maskworks.studio.handoff.clipping import ClippingPath as ClippingPath
    from maskworks.studio.handoff.clipping import PathOptions as PathOptions
    from maskworks.studio.handoff.clipping import trace as trace
    from maskworks.studio.handoff.handover import Guides as Guides
    from maskworks.studio.handoff.handover import Handover as Handover
    from maskworks.studio.handoff.handover import subject_guides as subject_guides
    from maskworks.studio.handoff.psd import encode_psd as encode_psd
    from maskworks.studio.handoff.returned import Matching as Matching
    from maskworks.studio.handoff.returned import ReturnedCutout as ReturnedCutout
    from maskworks.studio.handoff.returned import match_returned as match_returned
    from maskworks.studio.handoff.returned import read_returned as read_returned
    from maskworks.studio.handoff.tiff import encode_tiff as encode_tiff

__getattr__, __dir__, __all__ = lazy_names(__name__)
