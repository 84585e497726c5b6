"""`maskworks sites`: a table of screens in, a ranking of what surrounds them out."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from maskworks.apps.cli.options import ThreadsOption
from maskworks.apps.cli.report import short
from maskworks.apps.cli.stopping import INTERRUPTED, finishing
from maskworks.scene.sites.measuring import SitesOptions
from maskworks.scene.sites.request import SiteResult, SitesRequest, run_sites, to_row
from maskworks.scene.sites.site_writing import RANKING_JSON
from maskworks.scene.sites.table import read_sites


def sites(
    table: Annotated[
        Path,
        typer.Argument(metavar="SITES.CSV", help="A row a screen; docs/sites.md has the columns."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Folder.")],
    policy: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="TOML: what is good, how much it weighs, what rules a site out. Default: our own.",
        ),
    ] = None,
    brands: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML: names and logos to look for, yours and others'."),
    ] = None,
    *,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The network of street scenes: one of the classes scene-17, cityscapes-19 or "
            "camvid-11. Default: the package's own.",
        ),
    ] = None,
    objects: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A model of objects to count people and vehicles with. Default: the package's "
            "own if it has one, else regions of the network.",
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(min=1, help="How many are the top. Default: a quarter of the ranked sites."),
    ] = None,
    ocr: Annotated[bool, typer.Option("--ocr/--no-ocr", help="Read the signs.")] = True,
    threads: ThreadsOption = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep the sites whose photos and options are the same.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a site on stdout, nothing else.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what failed.")] = False,
) -> None:
    """Rank screens by what surrounds them, with intervals; people are counted, never sorted.

    OUT gets index.html (ranking, a sheet a site), ranking.csv and photos.csv, sites.geojson,
    openrtb.json (a `dooh` object a site) and sites/ID with the record and pictures, in which
    people and vehicles are blurred. The score supplements a person's judgement: `maskworks review
    sites OUT` takes it.

    Exit code: 0 all done, 1 some failed, 2 wrong use, 130 stopped. No score changes it.
    """
    request = SitesRequest(
        table=table,
        output=output,
        options=SitesOptions(
            policy=policy,
            brands=brands,
            model=model,
            objects=objects,
            ocr=ocr,
            top=top,
            threads=threads,
        ),
        overwrite=overwrite,
        resume=resume,
    )
    raise typer.Exit(_run(request, as_json=as_json, quiet=quiet))


def _run(request: SitesRequest, *, as_json: bool, quiet: bool) -> int:
    stop = threading.Event()
    shows = not as_json and not quiet and sys.stderr.isatty()
    total = len(read_sites(request.table))
    results: list[SiteResult] = []
    with finishing(stop):
        for result in run_sites(request, stop=stop, progress=_show if shows else None):
            results.append(result)
            if shows:
                print("\r\x1b[K", end="", file=sys.stderr)
            if result.error is not None:
                print(f"maskworks: {result.id}: {result.error}", file=sys.stderr)
    told = json.loads((request.output / RANKING_JSON).read_text("utf-8"))["sites"]
    if as_json:
        for result in results:
            print(json.dumps(to_row(result, told)))
    elif not quiet:
        for row in told:
            if row.get("error") is None:
                print(_sentence(row))
        kept = sum(result.status == "kept" for result in results)
        failed = sum(result.error is not None for result in results)
        print(f"{len(results) - kept - failed} sites looked at, {kept} kept, {failed} failed")
        print(f"for a person to decide: {short(str(request.output / 'index.html'))}")
    if len(results) < total:
        print(f"stopped with {total - len(results)} left; go on with --resume", file=sys.stderr)
        return INTERRUPTED
    return 1 if any(result.error is not None for result in results) else 0


def _show(name: str, count: int) -> None:
    print(f"\r{short(name)}: {count} photos looked at", end="", file=sys.stderr, flush=True)


def _sentence(row: dict[str, object]) -> str:
    """Say a site's place, its score with the interval, and its count of people."""
    score = "no score" if row["score"] is None else f"score {row['score']:.1f}"
    if row["low"] is not None:
        score += f" [{row['low']:.1f}, {row['high']:.1f}]"
    place = f"{row['rank']}. (group {row['group']})" if row["rank"] else "no rank:"
    people = (
        f", people {row['people']:.1f} [{row['people_low']:.1f}, {row['people_high']:.1f}]"
        if row.get("people") is not None
        else ""
    )
    why = f"; {row['unranked']}" if row["unranked"] else ""
    return f"{place} {row['name']}: {score}{people}{why}"
