"""A table of sites in, a folder with their ranking out; resume."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from maskworks.core.atomic import write_atomic
from maskworks.core.errors import MaskworksError, OutputError, UnreadableError, UsageError
from maskworks.core.public import public
from maskworks.scene.sites.brands import read_brands
from maskworks.scene.sites.measuring import (
    SitesOptions,
    fingerprint_of_site,
    measure_site,
    photos_of,
    tracking_of,
)
from maskworks.scene.sites.site_models import SiteModels, open_site_models, own_objects
from maskworks.scene.sites.site_policy import read_site_policy
from maskworks.scene.sites.site_record import SiteRecord
from maskworks.scene.sites.site_writing import write_ranking
from maskworks.scene.sites.table import SiteRow, read_sites
from maskworks.video.tracking.request import TrackRequest

SITES, SITE = "sites", "site.json"


@dataclass(frozen=True, kw_only=True)
class SitesRequest:
    """Which sites are looked at, into which folder.

    Parameters
    ----------
    table : Path
        sites.csv.
    output : Path
    options : SitesOptions
    overwrite, resume : bool
        Of what is there already: replace it, or keep what was made of the same photos in the same
        way. Without either, a folder that holds sites is refused.
    """

    table: Path
    output: Path
    options: SitesOptions = field(default_factory=SitesOptions)
    overwrite: bool = False
    resume: bool = False


@dataclass(frozen=True, kw_only=True)
class SiteResult:
    """What became of one site: "done", "kept" or "failed"."""

    id: str
    status: str
    record: SiteRecord | None
    seconds: float
    error: MaskworksError | None = None


@public
def run_sites(
    request: SitesRequest,
    *,
    stop: threading.Event | None = None,
    progress: Callable[[str, int], None] | None = None,
) -> Iterator[SiteResult]:
    """Look at every site of a table, one after the other, then rank them.

    Parameters
    ----------
    request : SitesRequest
    stop : Event, optional
        Once it is set no further site is begun.
    progress : function, optional
        Is called with a site's id and how many of its photos were looked at.

    Yields
    ------
    SiteResult
        One a site; one that fails stops no other. At the end the ranking is written.

    Raises
    ------
    UsageError
        If the table, policy or brands are wrong, or the output is there already.
    ModelError
        If a model is unknown or not here.
    OutputError
        If something cannot be written.

    Examples
    --------
    >>> import maskworks as mw
    >>> request = mw.SitesRequest(table=Path("sites.csv"), output=Path("out"))
    >>> for result in mw.run_sites(request):  # doctest: +SKIP
    ...     print(result.id, result.status)
    """
    options, output = request.options, request.output
    if request.overwrite and request.resume:
        raise UsageError("overwrite and resume exclude each other; give one")
    rows = read_sites(request.table)
    policy = read_site_policy(options.policy)
    brands = read_brands(options.brands)
    if not (request.overwrite or request.resume) and (output / SITES).exists():
        raise UsageError(f"{output / SITES} is there already; give --resume or --overwrite")
    tracking = tracking_of(options.objects or own_objects(), options.threads)
    models = open_site_models(
        options.model, options.objects, brands, ocr=options.ocr, threads=options.threads
    )
    results: list[SiteResult] = []
    for row in rows:
        if stop is not None and stop.is_set():
            break
        result = _result(row, request, models, tracking, progress)
        results.append(result)
        yield result
    failed = {each.id: str(each.error) for each in results if each.error is not None}
    records = [each.record for each in results if each.record is not None]
    write_ranking(output, records, policy, failed=failed, top=options.top)


def _result(
    row: SiteRow,
    request: SitesRequest,
    models: SiteModels,
    tracking: TrackRequest,
    progress: Callable[[str, int], None] | None,
) -> SiteResult:
    began = time.perf_counter()
    folder = request.output / SITES / row.id
    try:
        photos = photos_of(row)
        made_from = fingerprint_of_site(row, photos, models)
        if request.resume:
            kept = _kept(folder, made_from)
            if kept is not None:
                return SiteResult(id=row.id, status="kept", record=kept, seconds=0.0)
        measured = measure_site(
            row,
            photos,
            models,
            fingerprint=made_from,
            tracking=tracking,
            seen=(lambda count: progress(row.id, count)) if progress else None,
        )
        files = {**measured.files, SITE: measured.record.model_dump_json(indent=1).encode() + b"\n"}
        for name, data in files.items():
            _write(folder / name, data)
    except MaskworksError as error:
        spent = time.perf_counter() - began
        return SiteResult(id=row.id, status="failed", record=None, seconds=spent, error=error)
    return SiteResult(
        id=row.id, status="done", record=measured.record, seconds=time.perf_counter() - began
    )


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(path.parent, str(error), "name another folder with -o") from error
    write_atomic(path, data)


def _kept(folder: Path, made_from: str) -> SiteRecord | None:
    """Return the record of an earlier run if it still holds."""
    if not (folder / SITE).is_file():
        return None
    try:
        record = read_site(folder / SITE)
    except UnreadableError:
        return None
    return record if record.fingerprint == made_from else None


def read_site(path: Path) -> SiteRecord:
    """Read the record of a site.

    Raises
    ------
    UnreadableError
        If it is none of this schema.
    """
    try:
        return SiteRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UnreadableError(
            str(path), "is no record of a site that can be read", "look at the site again"
        ) from error


def read_records(output: Path) -> list[SiteRecord]:
    """Return the records of all sites in a folder that `run_sites` wrote.

    Raises
    ------
    UnreadableError
        If there is none, or one cannot be read.
    """
    found = sorted((output / SITES).glob(f"*/{SITE}"))
    if not found:
        raise UnreadableError(
            str(output), "holds no sites", "name the folder that `maskworks sites -o` wrote"
        )
    return [read_site(path) for path in found]


def to_row(result: SiteResult, ranked: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return a result as `--json` prints it, with its row of the ranking if that is known."""
    error = result.error
    row = next((each for each in ranked if each["id"] == result.id), {})
    return {
        **row,
        "id": result.id,
        "status": result.status,
        "seconds": round(result.seconds, 3),
        "error": error and {"code": error.code, "message": str(error)},
    }
