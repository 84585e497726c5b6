"""`maskworks segment`: pictures in; label maps, objects, overlays and tables out."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated, Literal

import typer

from maskworks.apps.cli.following import Counted, Style, follow, metrics_at, style_of, sum_up
from maskworks.apps.cli.options import (
    MOST_PIXELS,
    AddressOption,
    BackendOption,
    CommercialOption,
    DebugOption,
    JsonRowsOption,
    ManifestOption,
    MaxPixelsOption,
    MetricsOption,
    OverwriteOption,
    PictureSecondsOption,
    ProviderOption,
    QuietOption,
    ThreadsOption,
)
from maskworks.apps.cli.report import short
from maskworks.apps.cli.stopping import finishing
from maskworks.batch.memory import reuse_memory
from maskworks.core.errors import ImageError, UsageError
from maskworks.core.reading import Limits
from maskworks.core.taxonomy_words import words_in
from maskworks.core.values import Box
from maskworks.labels.reading.scans import Window
from maskworks.labels.request import LabelRequest, open_labelling
from maskworks.models.classical_methods import Choices
from maskworks.models.opening import Opening
from maskworks.models.prompts import prompt_of, read_prompts
from maskworks.models.tiled_labelling import Tiles

DEFAULT_OF_SCENE = {"street": "street"}
"""The model that is meant by a scene."""


def segment(
    ctx: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Files, folders (with all below them), or quoted globs such as 'p/**/*.jpg'.",
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Folder; for one input also a .png file (of a scan .nii.gz), which then gets the "
            "label map alone.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="otsu, multi-otsu, kmeans, slic, watershed or grabcut, which need no weights; a "
            "model of `maskworks models list`; hf:OWNER/NAME; or a folder with a model. Without it "
            "say the --scene.",
        ),
    ] = None,
    task: Annotated[
        Literal["auto", "semantic", "instance", "panoptic"],
        typer.Option(
            help="A class for every pixel, a mask for every object, or both; auto is what the "
            "model is made for."
        ),
    ] = "auto",
    write: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT,...",
            help="Besides the label map: overlay, shares, coco, coco-polygons, panoptic, yolo, "
            "voc, labelme, geojson, scores (16-bit TIFF), cutouts, or none. Default: overlay and "
            "shares, with coco for objects and panoptic for panoptic.",
        ),
    ] = None,
    *,
    scene: Annotated[
        Literal["street"] | None,
        typer.Option(
            help="What the pictures show, instead of a --model: street takes the model street. "
            "It is never guessed, since a model knows no scene but its own."
        ),
    ] = None,
    find: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS",
            help='Label only what words mean, such as "cars, people" (English, German, French, '
            "Spanish), and all the rest as background; with CLIPSeg any English words.",
        ),
    ] = None,
    palette: Annotated[
        Literal["taxonomy", "safe"],
        typer.Option(help="The taxonomy's own colours, or ones safe for colour-blind eyes."),
    ] = "taxonomy",
    taxonomy: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Classes of the model, if not those it names."),
    ] = None,
    classes: Annotated[
        int, typer.Option(min=2, max=8, help="How many multi-otsu and kmeans look for.")
    ] = 3,
    box: Annotated[
        str | None,
        typer.Option(
            metavar="TOP,LEFT,BOTTOM,RIGHT",
            help="Where the one object is, pixels, for grabcut and SAM.",
        ),
    ] = None,
    box_xyxy: Annotated[
        str | None,
        typer.Option(
            "--box-xyxy",
            metavar="X1,Y1,X2,Y2",
            help="The same as corners: left, top, right, bottom.",
        ),
    ] = None,
    point: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROW,COLUMN",
            help="SAM: a point inside the object, pixels; ROW,COLUMN,out is beside it. May be "
            "repeated; all, and a --box, mean one object. Without any, SAM finds everything.",
        ),
    ] = None,
    point_xy: Annotated[
        list[str] | None,
        typer.Option(
            "--point-xy",
            metavar="X,Y",
            help="The same as --point with the column first: X,Y or X,Y,out.",
        ),
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="SAM: a JSON list of objects, each with inside and outside, lists of "
            "[ROW, COLUMN], and box.",
        ),
    ] = None,
    min_score: Annotated[
        float, typer.Option(min=0, max=1, help="An object below this score is none.")
    ] = 0.5,
    tile: Annotated[
        int | None,
        typer.Option(
            min=16,
            metavar="PIXELS",
            help="Look at squares of this side instead of whole pictures. Default: whole, and "
            "above 4 megapixels tiles for a model that takes any size.",
        ),
    ] = None,
    overlap: Annotated[
        int | None,
        typer.Option(min=0, metavar="PIXELS", help="Of tiles; default a quarter of their side."),
    ] = None,
    bands: Annotated[
        str | None,
        typer.Option(
            metavar="R,G,B",
            help="Bands of a TIFF that are red, green and blue, counted from 1; default 1,2,3.",
        ),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            metavar="CENTRE,WIDTH",
            help="Values of a DICOM or NIfTI file that are shown, such as 40,400 for soft tissue; "
            "default what the file says, else its 1st to 99th percentile.",
        ),
    ] = None,
    threads: ThreadsOption = 0,
    overwrite: OverwriteOption = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Keep what the manifest says is done from the same input with the same options; "
            "do the rest.",
        ),
    ] = False,
    manifest: ManifestOption = None,
    max_pixels: MaxPixelsOption = MOST_PIXELS,
    picture_seconds: PictureSecondsOption = 300.0,
    provider: ProviderOption = "cpu",
    commercial_only: CommercialOption = False,
    backend: BackendOption = "local",
    address: AddressOption = None,
    metrics: MetricsOption = None,
    as_json: JsonRowsOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Label every pixel of pictures, every object, or both.

    PHOTOS/a/street.jpg becomes OUT/a/street.png, a picture of class ids with a palette, at the
    input's size; beside it lie OUT/overlay/a/street.jpg, the tables OUT/classes.csv and
    OUT/classes.json, and what else was asked for. OUT/manifest.jsonl has one row an input.

    A DICOM or NIfTI scan becomes OUT/<path>.nii.gz, a volume of class ids that lies where the
    scan lies, and label maps of its slices in OUT/<path>.nii/ (of a single one OUT/<path>.png).

    Exit code: 0 all done, 1 some failed, 2 wrong use, 130 stopped.
    """
    if overwrite and resume:
        raise UsageError("--overwrite and --resume exclude each other; give one")
    if as_json and quiet:
        raise UsageError("--json and --quiet exclude each other; give one")
    request = LabelRequest(
        inputs=tuple(inputs),
        output=output,
        model=_model(model, scene),
        task=task,
        write=write,
        palette=palette,
        opening=Opening(
            threads=threads,
            provider=provider,
            commercial_only=commercial_only,
            min_score=min_score,
            taxonomy=taxonomy,
            find=() if find is None else words_in(find),
            choices=_choices(classes, _box(box, box_xyxy), (point or [], point_xy or []), prompts),
        ),
        bands=_bands(bands),
        tiles=Tiles(tile, overlap),
        window=None if window is None else Window.parse(window),
        existing="overwrite" if overwrite else "resume" if resume else "refuse",
        manifest=manifest,
        limits=Limits(max_pixels, picture_seconds or None),
        backend=backend,
        address=address,
        debug=debug,
    )
    style = style_of(as_json=as_json, quiet=quiet)
    with metrics_at(metrics) as counted:
        raise typer.Exit(run(request, style, again=tuple(ctx.obj or ()), metrics=counted))


def _model(name: str | None, scene: str | None) -> str:
    if (name is None) == (scene is None):
        raise UsageError(
            "name either --model or --scene street: without a model the scene says which is meant, "
            "and it is never guessed"
        )
    return name or DEFAULT_OF_SCENE[scene or ""]


def _box(text: str | None, xyxy: str | None) -> Box | None:
    if text is not None and xyxy is not None:
        raise UsageError("--box and --box-xyxy say the same in two orders; give one of them")
    given, option, order = (
        (text, "--box", "TOP,LEFT,BOTTOM,RIGHT")
        if xyxy is None
        else (xyxy, "--box-xyxy", "X1,Y1,X2,Y2 (left, top, right, bottom)")
    )
    if given is None:
        return None
    try:
        first, second, third, fourth = (int(part) for part in given.split(","))
        make = Box if xyxy is None else Box.of_xyxy
        return make(first, second, third, fourth)
    except (ValueError, ImageError) as error:
        raise UsageError(
            f"{option} is four whole numbers {order}, in pixels, the first two before the last "
            f"two, got {given!r}"
        ) from error


def _choices(
    classes: int, around: Box | None, points: tuple[list[str], list[str]], file: Path | None
) -> Choices:
    if file is not None:
        if any(points) or around:
            raise UsageError("--prompts names every object; leave --point and --box out")
        return Choices(classes=classes, prompts=read_prompts(file))
    prompts = prompt_of(*points, around) if any(points) else ()
    return Choices(classes=classes, box=around, prompts=prompts)


def _bands(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        bands = tuple(int(part) for part in text.split(","))
    except ValueError:
        bands = ()
    if len(bands) not in (1, 3) or min(bands) < 1:
        raise UsageError(
            "--bands is one band, or three for red, green and blue, counted from 1, such as 4,3,2; "
            f"got {text!r}"
        )
    return bands


def run(
    request: LabelRequest,
    style: Style,
    *,
    again: tuple[str, ...] = (),
    metrics: Counted | None = None,
) -> int:
    """Do what was asked and return the exit code."""
    stop = threading.Event()
    reuse_memory()
    with finishing(stop):
        labelling = open_labelling(request)
        tally = follow(labelling.plan, labelling.rows(stop), style, stop, metrics)
    written = [f"written: {short(str(path))}" for path in labelling.tables]
    notes = [*labelling.remarks, *written]
    return sum_up(labelling.plan, tally, style, notes=notes, again=again)
