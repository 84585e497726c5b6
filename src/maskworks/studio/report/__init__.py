"""The report of a campaign: for people one page, for programs JSON, CSV and Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.studio.report.rows import ReportHeader as ReportHeader
    from maskworks.studio.report.rows import ReportItem as ReportItem
    from maskworks.studio.report.summary import Summary as Summary
    from maskworks.studio.report.summary import summarise as summarise
    from maskworks.studio.report.thumbnails import thumbnail as thumbnail
    from maskworks.studio.report.writing import Written as Written
    from maskworks.studio.report.writing import write_report as write_report

__getattr__, __dir__, __all__ = lazy_names(__name__)
