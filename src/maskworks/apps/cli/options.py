"""Options that several commands share, each with its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from maskworks.batch.backends import BackendName
from maskworks.core.reading import Limits

MOST_PIXELS = Limits().max_pixels

CampaignArgument = Annotated[
    Path,
    typer.Argument(metavar="CAMPAIGN", help="The campaign's .toml file, or its folder."),
]
CommercialOption = Annotated[
    bool,
    typer.Option("--commercial-only", help="Refuse weights whose licence forbids commercial use."),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        envvar="MASKWORKS_DATABASE",
        help="File, or postgresql://user:password@host/name; default beside the campaign.",
    ),
]
DebugOption = Annotated[
    bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="For machines.")]
JsonRowsOption = Annotated[
    bool, typer.Option("--json", help="One JSON object a picture on stdout, nothing else.")
]
ManifestOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="One JSON line an input. Default OUT/manifest.jsonl."),
]
MaxPixelsOption = Annotated[
    int, typer.Option(min=1, help="Larger pictures are refused before they are decoded.")
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
PictureSecondsOption = Annotated[
    float, typer.Option(min=0, help="A picture that takes longer fails; 0 is without limit.")
]
ProviderOption = Annotated[
    Literal["cpu", "cuda", "openvino", "coreml", "directml"],
    typer.Option(help="Where the network runs; never another instead."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say only what failed.")]
ThreadsOption = Annotated[int, typer.Option(min=0, max=1024, help="Cores to use; 0 takes all.")]

BackendOption = Annotated[
    BackendName,
    typer.Option(help="Who does the work: this process, or the actors of a Ray cluster."),
]

AddressOption = Annotated[
    str | None,
    typer.Option(
        metavar="auto|HOST:PORT|ray://HOST:PORT",
        help="The Ray cluster; by default one of our own is started on this machine.",
    ),
]

MetricsOption = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Serve /metrics for Prometheus while it runs."),
]
