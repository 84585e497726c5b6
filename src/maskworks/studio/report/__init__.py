"""The report of a campaign: for people one page, for programs JSON, CSV and Parquet."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

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

_HOME = {
    "ReportHeader": "rows",
    "ReportItem": "rows",
    "Summary": "summary",
    "Written": "writing",
    "summarise": "summary",
    "thumbnail": "thumbnails",
    "write_report": "writing",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
