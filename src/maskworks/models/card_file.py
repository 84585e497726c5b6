"""What is kept beside a model's file for its card: the text, and reports that measured it.

A card's text is Markdown: ``NAME.md`` in the package for embedded models, below
``MASKWORKS_HOME/models`` for imported ones. Reports of `maskworks evaluate` lie beside it in
``NAME.reports.json``, each with the checksum of the file that was measured; what a user adds to
a model that ships lands in ``MASKWORKS_HOME`` and stands after what shipped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from maskworks.core.atomic import write_text_atomic
from maskworks.core.errors import ModelError, OutputError, UsageError
from maskworks.models.catalogue import WEIGHTS
from maskworks.models.spec import ModelSpec
from maskworks.models.store import models_folder

TASKS = ("fairness", "calibration", "threshold", "mattes", "semantic", "saliency")
"""Reports that a card can show."""

_LONG = frozenset(
    {"pictures", "missing", "left_aside", "risk_coverage", "confusion_matrix", "without_confidence"}
)
"""Lists of single pictures and points, which a card does not show."""


@dataclass(frozen=True)
class Attached:
    """One report: its figures, what was measured, of which file and when; ours or the user's."""

    record: Mapping[str, Any]
    measured: str
    sha256: str | None
    day: str
    shipped: bool

    def is_of(self, spec: ModelSpec) -> bool:
        """Whether the file that was measured is the one that the row names now."""
        return self.sha256 is not None and self.sha256 == spec.sha256


def card_text(spec: ModelSpec, *, folder: Path | None = None) -> str | None:
    """Return the Markdown of a model's card, None if it has none.

    Parameters
    ----------
    folder : Path, optional
        Where a model that is a folder lies; its card is the one Markdown file named after it or
        ``README.md``.
    """
    if folder is not None:
        names = [spec.card, f"{spec.name}.md", "card.md", "README.md"]
        places = [folder / name for name in names if name]
    else:
        places = [_beside(spec) / (spec.card or f"{spec.name}.md")]
    found = next((path for path in places if path.is_file()), None)
    return None if found is None else found.read_text(encoding="utf-8")


def card_folder(spec: ModelSpec) -> Path:
    """Return the folder that a card's pictures are relative to."""
    return _beside(spec)


def read_reports(spec: ModelSpec, *, folder: Path | None = None) -> tuple[Attached, ...]:
    """Return every report on a model: those that ship first, then the user's.

    Raises
    ------
    ModelError
        If a file is there and damaged.
    """
    name = f"{spec.name}.reports.json"
    if folder is not None:
        return _read(folder / name, shipped=False)
    ours = _read(WEIGHTS / name, shipped=True) if spec.embedded else ()
    return (*ours, *_read(models_folder() / name, shipped=False))


def add_report(
    spec: ModelSpec, report: Path, *, measured: str, today: date, folder: Path | None = None
) -> Path:
    """Keep a report of `maskworks evaluate` beside a model; one of the same kind is replaced.

    Parameters
    ----------
    report : Path
        What `maskworks evaluate ... --json` wrote.
    measured : str
        Which pictures these were: what a reader of the card has to know.
    folder : Path, optional
        Of a model that is a folder.

    Returns
    -------
    Path of the file it was added to

    Raises
    ------
    UsageError
        If it is no such report.
    OutputError
        If it cannot be written.
    """
    record = _record(report)
    kept = {key: value for key, value in record.items() if key not in _LONG}
    new = Attached(kept, measured, spec.sha256, today.isoformat(), shipped=False)
    target = (folder or models_folder()) / f"{spec.name}.reports.json"
    old = [each for each in _read(target, shipped=False) if _kind(each) != _kind(new)]
    rows = [
        {"measured": r.measured, "sha256": r.sha256, "day": r.day, "record": dict(r.record)}
        for r in (*old, new)
    ]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            target, f"cannot be written ({error.strerror})", "set MASKWORKS_HOME"
        ) from error
    write_text_atomic(target, json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    return target


def _kind(report: Attached) -> tuple[str, str]:
    return str(report.record.get("task")), report.measured


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--add {path}: cannot be read ({error.strerror}); name a file") from error
    except ValueError as error:
        raise UsageError(f"--add {path}: is not JSON ({error}); give what --json wrote") from error
    task = record.get("task") if isinstance(record, dict) else None
    if task not in TASKS:
        raise UsageError(
            f"--add {path}: is no report a card can show; give what `maskworks evaluate "
            f"{'|'.join(TASKS)} --json` wrote"
        )
    return dict(record)


def _read(path: Path, *, shipped: bool) -> tuple[Attached, ...]:
    if not path.is_file():
        return ()
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return tuple(
            Attached(row["record"], row["measured"], row["sha256"], row["day"], shipped)
            for row in rows
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: is damaged ({error}); delete it and add again") from error


def _beside(spec: ModelSpec) -> Path:
    return WEIGHTS if spec.embedded else models_folder()
