"""Evidence of clips on the review page: folders, records, findings, and what people said."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.review.new_evidence import OUT, home_of
from maskworks.apps.http.settings import ServerSettings
from maskworks.core.errors import MaskworksError, UsageError
from maskworks.scene.ranking import rank, ranking_row
from maskworks.scene.record import Finding, SuitabilityRecord
from maskworks.scene.topics import RISKS
from maskworks.scene.writing.exchange import timecode
from maskworks.scene.writing.files import RECORD, read_record
from maskworks.studio.review.evidence import measure_agreement


@dataclass(frozen=True, kw_only=True)
class EvidenceFolder:
    """What one run of `maskworks suitability` wrote; `name` is what addresses call it."""

    name: str
    out: Path

    def records(self) -> Iterator[tuple[str, Path]]:
        """Yield each record's folder, with its name below `out`; "" is `out` itself."""
        for path in sorted(self.out.rglob(RECORD)):
            below = path.parent.relative_to(self.out).as_posix()
            yield ("" if below == "." else below), path.parent

    def find(self, clip: str) -> Path:
        """Return the folder of a record: no other folder is ever read.

        Raises
        ------
        ApiError
            404 if there is none of this name.
        """
        for name, folder in self.records():
            if name == clip:
                return folder
        raise ApiError(404, "not_found", f"there is no evidence of {clip[:80]!r} here")


def evidence_folders(settings: ServerSettings) -> list[EvidenceFolder]:
    """Return those that were made over HTTP and those that the operator named."""
    named = [EvidenceFolder(name=path.resolve().name, out=path) for path in settings.evidence]
    ours = [
        EvidenceFolder(name=path.parent.name, out=path)
        for path in sorted(home_of(settings).glob(f"[!.]*/{OUT}"))
    ]
    found: dict[str, EvidenceFolder] = {}
    for each in [*named, *ours]:
        found.setdefault(each.name, each)
    return [found[name] for name in sorted(found)]


def find_evidence(settings: ServerSettings, name: str) -> EvidenceFolder:
    """Return a folder of evidence.

    Raises
    ------
    ApiError
        404 if there is none of this name.
    """
    for each in evidence_folders(settings):
        if each.name == name:
            return each
    raise ApiError(404, "not_found", f"there is no evidence {name[:80]!r}")


def folder_rows(settings: ServerSettings) -> list[dict[str, Any]]:
    """Return what the first page says of each folder."""
    rows = []
    for each in evidence_folders(settings):
        records = [record for _, record in _readable(each)]
        counted = [(r, f) for r in records for f in r.findings if not f.hint]
        judged = sum(any(v.finding == f.id for v in r.verdicts) for r, f in counted)
        row = {"name": each.name, "clips": len(records), "findings": len(counted)}
        rows.append(row | {"unseen": len(counted) - judged})
    return rows


def ranking_values(folder: EvidenceFolder, who: str) -> dict[str, Any]:
    """Return what the page of a folder shows: its clips in the order in which to look."""
    rows = []
    for name, record in _readable(folder):
        mine = {v.finding for v in record.verdicts if v.reviewer == who}
        counted = [f.id for f in record.findings if not f.hint]
        row = ranking_row(name, record)
        row |= {
            "shown": name or record.source,
            "mine": sum(i in mine for i in counted),
        }
        row["risk"] = RISKS[row["gravest_risk"]] if row["gravest_risk"] else ""
        rows.append(row)
    return {"name": folder.name, "rows": rank(rows), "agreement": _agreement(folder)}


def _readable(folder: EvidenceFolder) -> Iterator[tuple[str, SuitabilityRecord]]:
    for name, path in folder.records():
        try:
            yield name, read_record(path / RECORD)
        except MaskworksError:
            continue  # it is being written, or deleted


def _agreement(folder: EvidenceFolder) -> dict[str, Any] | None:
    try:
        found = measure_agreement([folder.out])
    except UsageError:
        return None  # nobody has judged anything yet
    kappa = [
        {"pair": " and ".join(pair), "kappa": value, "findings": count}
        for pair, (value, count) in found.kappa.items()
    ]
    right = [
        {"category": category, "signal": signal, "right": rate.hits, "of": rate.n,
         "low": rate.interval[0], "high": rate.interval[1]}
        for (category, signal), rate in found.precision.items()
    ]  # fmt: skip
    return {"kappa": kappa, "right": right}


def clip_values(folder: EvidenceFolder, clip: str, who: str) -> dict[str, Any]:
    """Return what the page of a clip shows."""
    record = read_record(folder.find(clip) / RECORD)
    veiled = record.veiled_frames()
    return {
        "name": folder.name,
        "clip": clip,
        "record": record,
        "risks": RISKS,
        "rows": [finding_row(record, each, who, veiled) for each in record.findings],
        "duration": timecode(record.duration_ms)[:8],
    }


def finding_row(
    record: SuitabilityRecord, finding: Finding, who: str, veiled: Container[int | None]
) -> dict[str, Any]:
    """Return a finding as the page's script reads it.

    What others said is told only to whoever has judged it: two opinions are to be two.
    """
    said = [v for v in record.verdicts if v.finding == finding.id]
    mine = next((v for v in said if v.reviewer == who), None)
    box = finding.region
    return {
        "id": finding.id,
        "category": finding.category,
        "time": timecode(finding.time_ms)[:-2],
        "time_ms": finding.time_ms,
        "seconds": round(finding.duration_ms / 1000, 1),
        "frame": finding.frame_index,
        "picture": finding.frame_index if finding.crop else None,
        "veiled": finding.frame_index in veiled,
        "confidence": finding.confidence,
        "calibrated": finding.calibrated,
        "hint": finding.hint,
        "kind": finding.kind,
        "signal": finding.signal,
        "source": finding.source,
        "label": finding.label,
        "quote": finding.quote,
        "context": list(finding.context),
        "box": box and [box.left, box.top, box.right - box.left, box.bottom - box.top],
        "mine": mine
        and {"verdict": mine.verdict, "category": mine.category, "reason": mine.reason},
        "others": [
            {"who": v.reviewer, "verdict": v.verdict, "category": v.category, "reason": v.reason}
            for v in said
            if mine is not None and v.reviewer != who
        ],
    }


def evidence_picture(folder: EvidenceFolder, clip: str, frame: int) -> bytes:
    """Return a frame of evidence as JPEG.

    Raises
    ------
    ApiError
        404 if it was not kept.
    """
    path = folder.find(clip) / f"evidence/frame-{frame:06d}.jpg"
    if not path.is_file():
        raise ApiError(404, "not_found", "this frame was not kept")
    return path.read_bytes()
