"""What an operator chooses when the service is started."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from maskworks.core.errors import UsageError
from maskworks.refine.refinement import Method

MEGABYTE = 1 << 20

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, kw_only=True)
class Fetching:
    """Whether pictures are fetched by their address, and what bounds that.

    `networks` are reached although they are private, such as an archive of the house.
    """

    allowed: bool = False
    networks: tuple[Network, ...] = ()
    seconds: float = 20.0
    redirects: int = 5


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a request may bring and how long it may take; beyond it is refused.

    Parameters
    ----------
    upload_bytes : of a request's body
    campaign_bytes, campaign_seconds : of the body of a new campaign
    campaign_pictures : of a new campaign
    data_bytes : of the data folder; what would make it larger is refused
    returned_bytes : of a retoucher's file on the review page
    uploads : bodies of campaigns and of retouchers that arrive at once
    bytes_per_second, pause_seconds : how slow a body may be after a pause, and how long one is
    streams : callers who follow a job's events at once
    connections, header_seconds : open at once, and how long one may take to say what it wants
    picture_seconds : of one picture of a campaign
    clip_seconds, clips : of one clip that is assessed; of one request
    pixels : of a picture, checked before it is decoded
    places : requests in the house at once, working and waiting; another one gets 429
    seconds : from the first byte to the answer
    megapixels_per_minute : of a key that names no rate of its own; None is without limit
    """

    upload_bytes: int = 22 * MEGABYTE
    campaign_bytes: int = 4096 * MEGABYTE
    campaign_seconds: float = 3600.0
    campaign_pictures: int = 1000
    data_bytes: int = 50 * 1024 * MEGABYTE
    returned_bytes: int = 1024 * MEGABYTE
    uploads: int = 8
    bytes_per_second: float = 8192.0
    pause_seconds: float = 15.0
    streams: int = 64
    connections: int = 512
    header_seconds: float = 10.0
    picture_seconds: float = 120.0
    clip_seconds: float = 3600.0
    clips: int = 100
    pixels: int = 50_000_000
    places: int = 32
    seconds: float = 60.0
    megapixels_per_minute: float | None = 500.0

    def __post_init__(self) -> None:
        for name in (
            "upload_bytes", "pixels", "places", "seconds", "data_bytes", "uploads", "streams",
            "connections", "header_seconds", "picture_seconds", "clip_seconds",
        ):  # fmt: skip
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} is {getattr(self, name)}; give a number above 0")


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """How the service runs.

    Parameters
    ----------
    data : folder for campaigns made over HTTP and what belongs to them
    database : of keys, jobs and those campaigns; None is ``service.db`` in `data`
    campaigns : campaign files that the review page shows too
    evidence : folders of ``maskworks suitability`` that the review page shows too
    clips : folders or manifests of ``maskworks video`` that the review page shows too
    model, edges : what a request gets that does not choose
    clicks : a SAM, as a folder or ``hf:OWNER/NAME``, that finds what a click points at;
        None is GrabCut
    names : a model whose classes name subjects in ``X-Type``; None calls them all "other"
    label_files : the folder of Label Studio's files, from which its tasks' pictures are read
    threads : cores to use, 0 takes all
    models_kept : opened at once; the one unused for longest makes room
    retention_days : finished campaigns made over HTTP are deleted after so many; None keeps them
    retention_names : clear what deleted campaigns' rows say of files and people
    require_keys : nobody is let in without a key, on this machine neither
    origins : whose pages may call the service from a browser (CORS)
    """

    host: str = "127.0.0.1"
    port: int = 7000
    data: Path = Path("maskworks-data")
    database: str | None = None
    campaigns: tuple[Path, ...] = ()
    evidence: tuple[Path, ...] = ()
    clips: tuple[Path, ...] = ()
    model: str = "cutout"
    edges: Method = "auto"
    clicks: str | None = None
    names: str | None = None
    label_files: Path | None = None
    threads: int = 0
    models_kept: int = 2
    bounds: Bounds = field(default_factory=Bounds)
    fetching: Fetching = field(default_factory=Fetching)
    retention_days: float | None = None
    retention_names: bool = False
    require_keys: bool = False
    origins: tuple[str, ...] = ()
    webhook_secret: str | None = field(default=None, repr=False)

    @property
    def on_loopback(self) -> bool:
        """Whether nobody but this machine can reach it."""
        return is_loopback(self.host)

    @property
    def database_url(self) -> str | Path:
        """Where the database is."""
        return self.database or self.data / "service.db"


def is_loopback(host: str) -> bool:
    """Say whether a host's name or address means this machine alone.

    Examples
    --------
    >>> [is_loopback(h) for h in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
