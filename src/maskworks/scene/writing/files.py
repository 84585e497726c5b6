"""Write a record's files into a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from maskworks.core.atomic import write_atomic
from maskworks.core.errors import OutputError, UnreadableError
from maskworks.scene.record import SuitabilityRecord
from maskworks.scene.writing.exchange import to_chapters, to_openrtb, to_timeline
from maskworks.scene.writing.page import to_page
from maskworks.scene.writing.tables import COLUMNS, rows_of, to_csv, to_parquet

RECORD = "suitability.json"


def write_record(
    folder: Path, record: SuitabilityRecord, pictures: Mapping[int, bytes]
) -> list[Path]:
    """Write everything about one clip or picture; the record comes last, so it vouches for all.

    Parameters
    ----------
    folder : Path
        Is made if it is not there.
    record : SuitabilityRecord
    pictures : JPEG by frame index

    Returns
    -------
    list of Path

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    named = {f"evidence/frame-{index:06d}.jpg": data for index, data in pictures.items()}
    kept = _with_crops(record, named)
    rows = rows_of(kept)
    files: dict[str, bytes] = {
        **named,
        "findings.csv": to_csv(rows, COLUMNS),
        "openrtb.json": _json(to_openrtb(kept)),
        "report.html": to_page(kept, pictures).encode("utf-8", "replace"),
    }
    parquet = to_parquet(rows)
    if parquet is not None:
        files["findings.parquet"] = parquet
    if kept.media == "clip":
        files["chapters.vtt"] = to_chapters(kept).encode("utf-8", "replace")
        files["timeline.otio"] = to_timeline(kept).encode()
    files[RECORD] = kept.model_dump_json(indent=1).encode() + b"\n"
    written = []
    for name, data in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(path.parent, str(error), "name another folder with -o") from error
        write_atomic(path, data)
        written.append(path)
    return written


def read_record(path: Path) -> SuitabilityRecord:
    """Read what `write_record` wrote.

    Raises
    ------
    UnreadableError
        If it is no record of this schema.
    """
    try:
        return SuitabilityRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UnreadableError(
            str(path), "is no suitability record that can be read", "assess the clip again"
        ) from error


def read_pictures(folder: Path, record: SuitabilityRecord) -> dict[int, bytes]:
    """Return the frames of evidence that lie beside a record, by frame index."""
    found = {}
    for finding in record.findings:
        if finding.crop and finding.frame_index is not None:
            path = folder / finding.crop
            if path.is_file():
                found[finding.frame_index] = path.read_bytes()
    return found


def _with_crops(record: SuitabilityRecord, named: Mapping[str, bytes]) -> SuitabilityRecord:
    findings = []
    for finding in record.findings:
        name = f"evidence/frame-{finding.frame_index or 0:06d}.jpg"
        findings.append(finding.model_copy(update={"crop": name if name in named else None}))
    return record.model_copy(update={"findings": tuple(findings)})


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
