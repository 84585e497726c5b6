"""Review decisions in files: what `maskworks review export` writes, as CSV or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from maskworks.core.errors import UsageError
from maskworks.studio.calibration.suggestions import OUTCOMES, DecisionRow, Outcome
from maskworks.studio.spreadsheets import read_table, read_text, split_tags

REQUIRED = ("source", "outcome")
OPTIONAL = ("sku", "tags", "reason", "when")

DECISION_FILES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson")
"""What the name of a file with decisions ends in; anything else means a campaign."""


def read_decisions(path: Path) -> tuple[DecisionRow, ...]:
    """Read decisions: CSV, a JSON list, or JSON Lines (by the suffix .json or .jsonl).

    Raises
    ------
    UsageError
        With the line or the number of the row, if one lacks its source or its outcome is none
        of accept, fix and reject.
    """
    if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
        return tuple(_row(fields, where) for fields, where in _from_json(path))
    table = read_table(path, required=REQUIRED, optional=OPTIONAL)
    return tuple(_row(row.cells, f"{path}:{row.line}") for row in table.rows)


def _from_json(path: Path) -> Iterable[tuple[Mapping[str, Any], str]]:
    text = read_text(path)
    whole = text.lstrip().startswith("[")
    lines = [(0, text)] if whole else list(enumerate(text.splitlines()))
    rows: list[tuple[str, Any]] = []
    for before, line in lines:
        try:
            found = json.loads(line) if line.strip() else []
        except json.JSONDecodeError as error:
            raise UsageError(
                f"{path}:{before + error.lineno}: is not JSON ({error.msg}); give a list of "
                "decisions, or one a line"
            ) from error
        if whole:
            rows += [(f"{path}, row {n}", row) for n, row in enumerate(found, start=1)]
        elif line.strip():
            rows.append((f"{path}:{before + 1}", found))
    for where, row in rows:
        if not isinstance(row, dict):
            raise UsageError(f"{where}: is {row!r}, not a decision with source and outcome")
        yield row, where


def _row(fields: Mapping[str, Any], where: str) -> DecisionRow:
    source = str(fields.get("source") or "")
    if not source:
        raise UsageError(f"{where}: has no source; say which picture was decided")
    tags = fields.get("tags") or ()
    return DecisionRow(
        source=source,
        outcome=_outcome(str(fields.get("outcome") or ""), where),
        sku=str(fields.get("sku") or ""),
        tags=split_tags(tags if isinstance(tags, str) else ";".join(map(str, tags))),
        reason=str(fields.get("reason") or ""),
        when=str(fields.get("when") or ""),
    )


def _outcome(text: str, where: str) -> Outcome:
    for outcome in OUTCOMES:
        if text.strip().lower() == outcome:
            return outcome
    raise UsageError(f"{where}: the outcome is {text!r}; it must be {', '.join(OUTCOMES)}")
