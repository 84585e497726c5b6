"""A ranking as files: one page, tables, GeoJSON, and what OpenRTB is told."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from maskworks.core.atomic import write_atomic
from maskworks.core.errors import OutputError, UnreadableError
from maskworks.core.version import __version__
from maskworks.scene.sites.ranking import rank_sites
from maskworks.scene.sites.scoring import SiteScore, score_site
from maskworks.scene.sites.site_page import sites_page
from maskworks.scene.sites.site_policy import MEASURES, VENUE_FIT, SitePolicy
from maskworks.scene.sites.site_record import SITE_STATEMENT, SiteDecision, SiteRecord
from maskworks.scene.sites.venues import VENUETYPETAX, venue_of
from maskworks.scene.writing.tables import to_csv

RANKING_JSON, DECISIONS = "ranking.json", "decisions.jsonl"

_TEXTS = (
    "id",
    "name",
    "unranked",
    "excluded",
    "proof",
    "verdict",
    "reviewer",
    "reason",
    "advice",
    "notes",
    "error",
)
_WHOLE = ("rank", "group", "photos", "photos_left_out", "venue")
_ESTIMATES = ("people", "vehicles")

COLUMNS: tuple[str, ...] = (
    *("id", "name", "rank", "group", "score", "low", "high", "top_share", "human_score"),
    *("unranked", "excluded", "proof", "verdict", "reviewer", "reason", "photos"),
    *("photos_left_out", "venue", "lat", "lon", "audience"),
    *(f"{name}{end}" for name in _ESTIMATES for end in ("", "_low", "_high")),
    *(name for name in (*MEASURES, VENUE_FIT) if name not in _ESTIMATES),
    *("advice", "notes", "error"),
)

PHOTO_COLUMNS = (
    *("id", "photo", "at", "hour", "left_out", "people", "vehicles", "windows", "retail_words"),
    *("text_regions", "clutter", "own_brand", "competitors", "occlusion", "light", "sharpness"),
    *("sky", "shares"),
)


def write_ranking(
    output: Path,
    records: Sequence[SiteRecord],
    policy: SitePolicy,
    *,
    failed: Mapping[str, str] | None = None,
    top: int | None = None,
) -> list[SiteScore]:
    """Rank the sites and write everything that holds more than one of them.

    Parameters
    ----------
    output : Path
        With decisions.jsonl, if people have decided.
    records : of sites
    failed : why, by id, of sites without a record
    top : int, optional
        The k of "among the best k".

    Returns
    -------
    list of SiteScore
        In their order.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    decisions = read_decisions(output)
    ranked = rank_sites([score_site(each, policy) for each in records], decisions, top=top)
    missing = dict(failed or {})
    rows = ranking_rows(ranked, missing)
    told = {
        "schema_name": "maskworks-sites-1",
        "statement": SITE_STATEMENT,
        "version": __version__,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "policy": policy.model_dump(mode="json"),
        "top": top,
        "failed": missing,
        "sites": rows,
    }
    files: dict[str, bytes] = {
        "ranking.csv": to_csv(rows, COLUMNS),
        "photos.csv": to_csv(_photo_rows(ranked), PHOTO_COLUMNS),
        "sites.geojson": _json(to_geojson(ranked)),
        "openrtb.json": _json([to_dooh(each) for each in ranked]),
        "index.html": sites_page(ranked, policy, output, missing).encode("utf-8", "replace"),
    }
    parquet = _parquet(rows)
    if parquet is not None:
        files["ranking.parquet"] = parquet
    files[RANKING_JSON] = _json(told)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(output, str(error), "name another folder with -o") from error
    for name, data in files.items():
        write_atomic(output / name, data)
    return ranked


def ranking_rows(
    ranked: Sequence[SiteScore], failed: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return one flat row a site, in the order of the ranking, those that failed last."""
    rows = [_row(each) for each in ranked]
    return rows + [{"id": name, "error": why} for name, why in (failed or {}).items()]


def _row(each: SiteScore) -> dict[str, Any]:
    record, decision = each.record, each.decision
    row: dict[str, Any] = {
        "id": record.id,
        "name": record.name,
        "rank": each.rank,
        "group": each.group,
        "score": _rounded(each.score),
        "low": _rounded(each.low),
        "high": _rounded(each.high),
        "top_share": each.top_share,
        "human_score": each.human,
        "unranked": each.unranked,
        "excluded": "; ".join(found.rule for found in each.exclusions) or None,
        "proof": "; ".join(found.proof for found in each.exclusions) or None,
        "verdict": decision and decision.verdict,
        "reviewer": decision and decision.reviewer,
        "reason": decision and decision.reason,
        "photos": each.photos,
        "photos_left_out": len(record.photos) - each.photos,
        "venue": record.venue,
        "lat": record.lat,
        "lon": record.lon,
        "audience": record.audience,
        "advice": each.advice or None,
        "notes": "; ".join(record.notes) or None,
        "error": None,
    }
    for term in each.terms:
        if term.name not in _ESTIMATES:
            row[term.name] = round(term.mean, 4)
    for name, found in each.counts.items():
        row |= {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}
    return row


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _photo_rows(ranked: Sequence[SiteScore]) -> list[dict[str, Any]]:
    rows = []
    for each in ranked:
        for photo in each.record.photos:
            told = photo.model_dump(include=set(PHOTO_COLUMNS) - {"shares", "retail_words"})
            shares = " ".join(f"{name}={share}" for name, share in photo.shares.items())
            words = " ".join(photo.retail_words)
            rows.append(
                {
                    **told,
                    "id": each.record.id,
                    "retail_words": words,
                    "shares": shares,
                    "sky": photo.sky,
                }
            )
    return rows


def to_geojson(ranked: Sequence[SiteScore]) -> dict[str, Any]:
    """Return the sites that have coordinates as a GeoJSON collection (RFC 7946: lon before lat)."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": each.record.id,
                "geometry": {"type": "Point", "coordinates": [each.record.lon, each.record.lat]},
                "properties": {
                    name: value
                    for name, value in _row(each).items()
                    if name not in ("lat", "lon") and value is not None
                },
            }
            for each in ranked
            if each.record.lat is not None
        ],
    }


def to_dooh(each: SiteScore) -> dict[str, Any]:
    """Return OpenRTB 2.6 `dooh` of a site; its venue by 1.1, since AdCOM has no number for 1.2.

    The score stands in `ext`, which is ours; a site without a venue has no `venuetype`.
    """
    record = each.record
    dooh: dict[str, Any] = {"id": record.id, "name": record.name}
    venue = None if record.venue is None else venue_of(record.venue)
    if venue is not None:
        dooh |= {"venuetype": [str(venue.id_1_1)], "venuetypetax": VENUETYPETAX}
    score = {
        "score": _rounded(each.score),
        "interval": None if each.low is None else [_rounded(each.low), _rounded(each.high)],
        "rank": each.rank,
        "group": each.group,
        "human_score": each.human,
        "excluded": [found.rule for found in each.exclusions],
        "openooh_1_2": record.venue,
    }
    dooh["ext"] = {"maskworks": {name: value for name, value in score.items() if value is not None}}
    return {"dooh": dooh}


def _parquet(rows: Sequence[Mapping[str, Any]]) -> bytes | None:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        return None
    kinds = {**dict.fromkeys(_TEXTS, pa.string()), **dict.fromkeys(_WHOLE, pa.int64())}
    schema = pa.schema([(name, kinds.get(name, pa.float64())) for name in COLUMNS])
    floats = [name for name in COLUMNS if name not in kinds]
    plain = [
        {**row, **{n: None if row.get(n) is None else float(row[n]) for n in floats}}
        for row in rows
    ]
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(plain, schema), sink)
    return sink.getvalue()


def read_decisions(output: Path) -> list[SiteDecision]:
    """Return what people said of the sites in a folder, in the order in which they said it.

    Raises
    ------
    UnreadableError
        If a line is no decision.
    """
    path = output / DECISIONS
    if not path.is_file():
        return []
    try:
        lines = path.read_text("utf-8").splitlines()
        return [SiteDecision.model_validate_json(line) for line in lines if line.strip()]
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise UnreadableError(
            str(path), "holds a line that is no decision", "take that line out"
        ) from error


def read_ranked_policy(output: Path) -> tuple[SitePolicy, int | None, dict[str, str]]:
    """Return the policy, the k and what failed, as the ranking in a folder was made with.

    Raises
    ------
    UnreadableError
        If there is no ranking.
    """
    path = output / RANKING_JSON
    try:
        told = json.loads(path.read_text("utf-8"))
        policy = SitePolicy.model_validate(told["policy"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableError(
            str(path), "is no ranking", "name the folder that `maskworks sites -o` wrote"
        ) from error
    return policy, told.get("top"), told.get("failed", {})


def _json(value: object) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
