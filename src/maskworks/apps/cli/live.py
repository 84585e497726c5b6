"""`maskworks video live`: frames in as they come, a virtual background out."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from fractions import Fraction
from typing import Annotated, Literal

import typer

from maskworks.apps.cli.options import ThreadsOption
from maskworks.apps.cli.stopping import INTERRUPTED, finishing
from maskworks.core.errors import UsageError
from maskworks.video.live.preview import LivePreview, open_preview
from maskworks.video.live.running import LiveRequest, LiveState, run_live
from maskworks.video.live.seeing import MODEL, SIDE_PX, SIDES_PX


def live(
    source: Annotated[
        str,
        typer.Option(
            metavar="0|PATH|-",
            help="Camera by number or device, clip, or - for Y4M or raw RGB on standard input.",
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|-",
            help="File, v4l2loopback device (/dev/video2), or - for a pipe; may be left out with "
            "--preview.",
        ),
    ] = None,
    *,
    preview: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=0,
            max=65535,
            help="Show the picture in a browser of this machine, at http://127.0.0.1:PORT/; 0 "
            "takes a free port.",
        ),
    ] = None,
    background: Annotated[
        str, typer.Option(help="Colour, picture, clip, blur, green, or none with --write rgba.")
    ] = "blur",
    write: Annotated[
        Literal["y4m", "rgb", "rgba"], typer.Option(help="What goes into a file or pipe.")
    ] = "y4m",
    size: Annotated[
        str | None,
        typer.Option(metavar="WIDTHxHEIGHT", help="Of a camera's frames, or of raw RGB."),
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="Frames a second of a camera or raw RGB; 30 by default.")
    ] = None,
    model: Annotated[str, typer.Option(help="A cut-out model.")] = MODEL,
    side: Annotated[
        int,
        typer.Option(
            min=SIDES_PX[0],
            max=SIDES_PX[1],
            help="The network sees as many pixels as a square of this side.",
        ),
    ] = SIDE_PX,
    threads: ThreadsOption = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --to.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Sum up as one JSON line on standard error.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Put something else behind the subject while frames come in.

    Where the network is too slow for the rate of the source it sees every second, third or
    fourth frame, and optical flow carries its matte on. The rate that is held is said on standard
    error, with the frames of a camera that were dropped; a clip or pipe never loses any.
    """
    request = LiveRequest(
        source=source,
        to=to,
        background=background,
        write=write,
        size=None if size is None else _size(size),
        rate=None if rate is None else _rate(rate),
        model=model,
        side_px=side,
        threads=threads,
        overwrite=overwrite,
    )
    stop = threading.Event()
    looking: AbstractContextManager[LivePreview | None] = nullcontext()
    if preview is not None:
        looking = open_preview(preview)
    with finishing(stop), looking as shown:
        if shown is not None:
            sys.stderr.write(f"look at {shown.url}\n")

        def tell(state: LiveState) -> None:
            if shown is not None:
                shown.say(str(state))
            if not (quiet or as_json):
                sys.stderr.write(f"{state}\n")

        try:
            done = run_live(request, stop, tell, None if shown is None else shown.show)
        except BrokenPipeError:  # who read the pipe has gone: there is nothing left to do
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
    if as_json:
        sys.stderr.write(json.dumps(asdict(done)) + "\n")
    elif not quiet:
        sys.stderr.write(f"{done.frames} frames: {done}\n")
    if stop.is_set():
        raise typer.Exit(INTERRUPTED)


def _size(text: str) -> tuple[int, int]:
    """Return the (H, W) that a text names.

    Examples
    --------
    >>> _size("1280x720")
    (720, 1280)
    """
    found = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text)
    if found is None or "0" in found.groups():
        raise UsageError(f"--size {text}: give WIDTHxHEIGHT in pixels, such as 1280x720")
    return int(found[2]), int(found[1])


def _rate(text: str) -> Fraction:
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise UsageError(f"--rate {text}: give frames a second above 0, such as 30 or 30000/1001")
    return rate
