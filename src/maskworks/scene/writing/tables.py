"""Findings as rows: CSV, and Parquet where pyarrow is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from maskworks.scene.record import SuitabilityRecord

COLUMNS = (
    "source",
    "id",
    "category",
    "iab_id",
    "title",
    "coverage",
    "time_ms",
    "duration_ms",
    "frame_index",
    "confidence",
    "calibrated",
    "likelihood",
    "hint",
    "kind",
    "signal",
    "label",
    "quote",
    "context",
    "top",
    "left",
    "bottom",
    "right",
    "evidence_source",
    "proposed_risk",
    "verdict",
    "reviewer",
    "reason",
)

RANKING = (
    "source",
    "media",
    "gravest_risk",
    "category",
    "likelihood",
    "extent",
    "share_of_time",
    "longest_run_ms",
    "findings",
    "hints",
    "not_assessed",
    "error",
)

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def rows_of(record: SuitabilityRecord) -> list[dict[str, Any]]:
    """Return one row for each finding, with what became of its category."""
    results = {each.category: each for each in record.categories}
    verdicts = {verdict.finding: verdict for verdict in record.verdicts}
    rows = []
    for finding in record.findings:
        result, said = results[finding.category], verdicts.get(finding.id)
        region = finding.region
        rows.append(
            {
                "source": record.source,
                "id": finding.id,
                "category": finding.category,
                "iab_id": finding.iab_id,
                "title": result.title,
                "coverage": result.coverage,
                "time_ms": finding.time_ms,
                "duration_ms": finding.duration_ms,
                "frame_index": finding.frame_index,
                "confidence": finding.confidence,
                "calibrated": finding.calibrated,
                "likelihood": finding.likelihood,
                "hint": finding.hint,
                "kind": finding.kind,
                "signal": finding.signal,
                "label": finding.label,
                "quote": finding.quote,
                "context": " ".join(finding.context),
                "top": region.top if region else None,
                "left": region.left if region else None,
                "bottom": region.bottom if region else None,
                "right": region.right if region else None,
                "evidence_source": finding.source,
                "proposed_risk": result.proposed_risk,
                "verdict": said.verdict if said else None,
                "reviewer": said.reviewer if said else None,
                "reason": said.reason if said else None,
            }
        )
    return rows


def to_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    r"""Return rows as CSV in UTF-8; a text that a spreadsheet takes for a formula gets a quote.

    Examples
    --------
    >>> to_csv([{"a": "=1+1", "b": None}], ("a", "b"))
    b"a,b\r\n'=1+1,\r\n"
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
    return stream.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return f"'{value}"
    return value


def to_parquet(rows: Sequence[Mapping[str, Any]]) -> bytes | None:
    """Return the findings as Parquet; None if pyarrow is not installed."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        return None
    integers = {"time_ms", "duration_ms", "frame_index", "likelihood", "top", "left", "bottom"}
    kinds = {
        **dict.fromkeys(integers | {"right"}, pa.int64()),
        **dict.fromkeys(("calibrated", "hint"), pa.bool_()),
        "confidence": pa.float64(),
    }
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema), sink)
    return sink.getvalue()
