"""The audit trail for others: lines to read, CSV for a spreadsheet, JSON for programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from io import StringIO

from maskworks.studio.spreadsheets import safe_cell
from maskworks.studio.store.columns import plain
from maskworks.studio.store.rows import Event

COLUMNS = (
    "id",
    "at",
    "campaign",
    "item",
    "source",
    "sku",
    "what",
    "who",
    "why",
    "before",
    "after",
    "details",
    "previous",
    "digest",
)


def to_lines(events: Iterable[Event]) -> str:
    """Return one line for each event, for a person; empty for none."""
    return "".join(f"{_line(event)}\n" for event in events)


def to_csv(events: Sequence[Event]) -> str:
    r"""Return the trail as CSV, with a line of names.

    Times are ISO 8601, UTC; details are JSON. A text that a spreadsheet would run as a formula
    gets an apostrophe before it.

    Examples
    --------
    >>> to_csv([])
    'id,at,campaign,item,source,sku,what,who,why,before,after,details,previous,digest\n'
    """
    written = StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(COLUMNS)
    for event in events:
        record = _record(event)
        record["details"] = json.dumps(record["details"], ensure_ascii=False, sort_keys=True)
        rows.writerow([_cell(value) for value in record.values()])
    return written.getvalue()


def to_json(events: Sequence[Event]) -> str:
    r"""Return the trail as a JSON list, with the same names as `to_csv`.

    Examples
    --------
    >>> to_json([])
    '[]\n'
    """
    rows = [_record(event) for event in events]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def _record(event: Event) -> dict[str, object]:
    values = (
        event.id,
        event.at.isoformat(timespec="microseconds"),
        event.campaign,
        event.item_id,
        None if event.source is None else plain(event.source),
        event.sku,
        event.what,
        event.who,
        event.why,
        event.before,
        event.after,
        dict(event.details),
        event.previous,
        event.digest,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _line(event: Event) -> str:
    change = f" {event.before or '-'} -> {event.after or '-'}" if _changes(event) else ""
    name = "" if event.item_id is None else f" {event.item_id} {plain(event.source or '')}"
    why = f" ({event.why})" if event.why else ""
    line = f"{event.at:%Y-%m-%d %H:%M:%S}{name}: {event.what}{change}{why}, by {event.who}"
    return line.replace("\n", "\\n").replace("\r", "\\r")


def _changes(event: Event) -> bool:
    return event.before is not None or event.after is not None


def _cell(value: object) -> object:
    return safe_cell(value) if isinstance(value, str) else value
