"""The report of a campaign: for people one page, for programs JSON, CSV and Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.studio.report.rows import ReportHeader, ReportItem
    from maskworks.studio.report.summary import Summary, summarise
    from maskworks.studio.report.thumbnails import thumbnail
    from maskworks.studio.report.writing import Written, write_report

__all__ = [
    "ReportHeader",
    "ReportItem",
    "Summary",
    "Written",
    "summarise",
    "thumbnail",
    "write_report",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "rows": ["ReportHeader", "ReportItem"],
        "summary": ["Summary", "summarise"],
        "thumbnails": ["thumbnail"],
        "writing": ["Written", "write_report"],
    },
)
