"""`maskworks serve`: the service and the review page."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from maskworks.apps.cli.options import ThreadsOption
from maskworks.core.errors import UsageError
from maskworks.core.extras import how_to_install

if TYPE_CHECKING:
    from maskworks.apps.http.settings import Network

_INSTALL = "the service is not installed ({}); {}"


def serve(
    *,
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond loopback every caller needs a key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 7000,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="MASKWORKS_DATABASE",
            help="Of keys, jobs and their campaigns: file, or "
            "postgresql://user:password@host/name; default DATA/service.db.",
        ),
    ] = None,
    data: Annotated[
        Path, typer.Option(help="Folder of the campaigns that are made over HTTP.")
    ] = Path("maskworks-data"),
    campaign: Annotated[
        list[Path] | None,
        typer.Option(help="Show this campaign on the review page; may be given again."),
    ] = None,
    evidence: Annotated[
        list[Path] | None,
        typer.Option(
            help="Show what `maskworks suitability` wrote there on the review page; may be given "
            "again."
        ),
    ] = None,
    clips: Annotated[
        list[Path] | None,
        typer.Option(
            help="Show clips that `maskworks video` cut out on the review page, for key masks: "
            "their folder, or their manifest; may be given again."
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="Where a request names none.")] = "cutout",
    edges: Annotated[
        Literal["auto", "fine", "fast", "off"], typer.Option(help="Where a request does not say.")
    ] = "auto",
    clicks: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A SAM that finds what a click on the review page points at: a folder, or "
            "hf:OWNER/NAME that was pulled. Default: GrabCut.",
        ),
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A model of `maskworks segment` whose classes name subjects in X-Type. "
            "Default: all are called other.",
        ),
    ] = None,
    label_files: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Label Studio's files: pictures of its tasks are read there."
        ),
    ] = None,
    threads: ThreadsOption = 0,
    models_kept: Annotated[int, typer.Option(min=1, help="Models kept open at once.")] = 2,
    queue: Annotated[
        int, typer.Option(min=1, help="Requests in the house at once; another one gets 429.")
    ] = 32,
    deadline: Annotated[float, typer.Option(min=1, help="Seconds a request may take.")] = 60.0,
    max_upload_mb: Annotated[float, typer.Option(min=0.1, help="Of one request.")] = 22.0,
    max_pixels: Annotated[int, typer.Option(min=1, help="Of one picture.")] = 50_000_000,
    picture_seconds: Annotated[
        float, typer.Option(min=1, help="A campaign's picture that takes longer fails.")
    ] = 120.0,
    clip_seconds: Annotated[
        float, typer.Option(min=1, help="A clip of POST /v1/suitability that takes longer fails.")
    ] = 3600.0,
    max_data_gb: Annotated[
        float, typer.Option(min=0.001, help="Of the data folder; beyond it uploads get 507.")
    ] = 50.0,
    max_connections: Annotated[
        int, typer.Option(min=1, help="Open at once; a further one is closed.")
    ] = 512,
    require_keys: Annotated[
        bool,
        typer.Option(
            "--require-keys", help="Let nobody in without a key, on this machine neither."
        ),
    ] = False,
    rate: Annotated[
        float, typer.Option(min=0, help="Megapixels a minute of each key; 0 is without limit.")
    ] = 500.0,
    allow_urls: Annotated[
        bool, typer.Option("--allow-urls", help="Fetch pictures by their address.")
    ] = False,
    url_network: Annotated[
        list[str] | None,
        typer.Option(help="Private network to reach all the same, such as 10.1.0.0/16."),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="A web page's origin that may call from a browser (CORS)."),
    ] = None,
    retention_days: Annotated[
        float | None,
        typer.Option(min=0, help="Delete finished campaigns made over HTTP after so long."),
    ] = None,
    retention_names: Annotated[
        bool,
        typer.Option(
            "--retention-names",
            help="Clear names of files and people in the rows of what is deleted; the trail stays.",
        ),
    ] = False,
    webhook_secret: Annotated[
        str | None,
        typer.Option(envvar="MASKWORKS_WEBHOOK_SECRET", help="Signs webhooks; none sends none."),
    ] = None,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], typer.Option(help="Of the log.")
    ] = "info",
) -> None:
    """Serve cut-outs over HTTP: remove.bg's and rembg's interfaces, an own one, the review page.

    Listens on this machine only unless told otherwise. Ctrl-C or SIGTERM ends it when what was
    taken in is done.
    """
    try:
        from maskworks.apps.http.serving import run_server
        from maskworks.apps.http.settings import MEGABYTE, Bounds, Fetching, ServerSettings
    except ImportError as error:
        raise UsageError(_INSTALL.format(error, how_to_install("serve"))) from error
    from maskworks.batch.memory import reuse_memory

    reuse_memory()
    settings = ServerSettings(
        host=host,
        port=port,
        data=data,
        database=database,
        campaigns=tuple(campaign or ()),
        evidence=tuple(evidence or ()),
        clips=tuple(clips or ()),
        model=model,
        edges=edges,
        clicks=clicks,
        names=names,
        label_files=label_files,
        threads=threads,
        models_kept=models_kept,
        bounds=Bounds(
            upload_bytes=int(max_upload_mb * MEGABYTE),
            pixels=max_pixels,
            places=queue,
            seconds=deadline,
            picture_seconds=picture_seconds,
            clip_seconds=clip_seconds,
            data_bytes=int(max_data_gb * 1024 * MEGABYTE),
            connections=max_connections,
            megapixels_per_minute=rate or None,
        ),
        fetching=Fetching(allowed=allow_urls, networks=tuple(map(_network, url_network or ()))),
        retention_days=retention_days,
        retention_names=retention_names,
        require_keys=require_keys,
        origins=tuple(origin or ()),
        webhook_secret=webhook_secret,
    )
    run_server(settings, log_level=log_level)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise UsageError(f"--url-network {text}: {error}; write it as 10.1.0.0/16") from error
