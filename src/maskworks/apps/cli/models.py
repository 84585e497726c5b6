"""`maskworks models`: list, show, card, pull, verify and import."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from maskworks.apps.cli.option_values import check_report
from maskworks.apps.cli.pull_progress import pull_progress
from maskworks.core.atomic import write_text_atomic
from maskworks.core.errors import UsageError
from maskworks.models.catalogue import Catalogue, load_catalogue
from maskworks.models.settings import commercial_only as commercial_setting
from maskworks.models.spec import ModelSpec
from maskworks.models.store import Verdict, locate
from maskworks.models.store import pull as pull_file
from maskworks.models.store import verify as verify_file

PIPE_WIDTH = 200

app = typer.Typer(no_args_is_help=True, help="List, fetch, check and add models.")

Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="As `models list` prints.")]
SomeNames = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME...]", help="Default: every model that is here.")
]
Commercial = Annotated[
    bool,
    typer.Option(
        "--commercial-only",
        help="Refuse weights whose licence forbids commercial use (MASKWORKS_COMMERCIAL_ONLY=1).",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command("list")
def list_models(*, as_json: AsJson = False, commercial_only: Commercial = False) -> None:
    """List the models, their licences, and which are on this machine."""
    only = commercial_only or commercial_setting()
    rows = [spec for spec in load_catalogue() if spec.commercial or not only]
    if as_json:
        print(json.dumps([_record(spec) for spec in rows], indent=2, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "here", "MB", "licence", "commercial", "title"):
        table.add_column(column, no_wrap=True, justify="right" if column == "MB" else "left")
    for spec in rows:
        allowed = "yes" if spec.commercial else "no"
        here = "yes" if locate(spec) else "no"
        size = f"{spec.bytes / 1e6:,.1f}" if spec.bytes else "-"
        table.add_row(spec.name, here, size, spec.licence, allowed, spec.title)
    piped = not sys.stdout.isatty()
    Console(width=PIPE_WIDTH if piped else None, highlight=False).print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(metavar="NAME")], *, as_json: AsJson = False) -> None:
    """Print everything the catalogue says of one model."""
    spec = load_catalogue().row(name)
    record = _record(spec)
    if as_json:
        print(json.dumps(record, indent=2, ensure_ascii=False))
        return
    width = max(map(len, record))
    for key, value in record.items():
        if value not in (None, "", [], ()):
            print(f"{key:{width}}  {_plain(value)}")


@app.command()
def card(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="As `models list` prints, or a folder with a model."),
    ],
    *,
    html: Annotated[bool, typer.Option("--html", help="As one offline page.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Default: stdout."),
    ] = None,
    add: Annotated[
        list[Path] | None,
        typer.Option(
            "--add",
            metavar="REPORT",
            help="First keep this report of `maskworks evaluate ... --json` with the model. May be "
            "repeated.",
        ),
    ] = None,
    measured: Annotated[
        str | None,
        typer.Option("--on", metavar="TEXT", help="Which pictures --add was measured on."),
    ] = None,
) -> None:
    """Print a model's card: use, data and terms, scores, groups, failures, energy, EU law.

    Every model has one. What its row, its Markdown file and the reports kept with it do not say
    is said to be missing.
    """
    from datetime import UTC, datetime

    from maskworks.evaluate.model_card import model_card
    from maskworks.models.card_file import add_report
    from maskworks.models.model_folder import row_of

    folder, spec = row_of(name) if "/" in name or "\\" in name else (None, None)
    spec = spec or load_catalogue().row(name)
    if bool(add) != bool(measured):
        raise UsageError("--add REPORT and --on TEXT belong together: figures and their pictures")
    for report in add or ():
        today = datetime.now(UTC).date()
        add_report(spec, report, measured=measured or "", today=today, folder=folder)
    found = model_card(spec, folder=folder)
    text = found.markdown()
    if html or (output is not None and output.suffix.lower() in (".html", ".htm")):
        from maskworks.evaluate.pages.card import card_page

        text = card_page(found)
    if output is None:
        print(text, end="")
        return
    check_report("-o", "output", {"output": output}, (".md", ".html", ".htm"))
    if not output.absolute().parent.is_dir():
        raise UsageError(f"-o {output}: its folder does not exist; create it first")
    write_text_atomic(output, text)
    print(f"written: {output}")


@app.command()
def pull(
    names: Names,
    *,
    mirror: Annotated[
        str | None,
        typer.Option(help="Base URL or folder with the release files (MASKWORKS_MIRROR)."),
    ] = None,
    force: Annotated[bool, typer.Option(help="Fetch it even if it is here.")] = False,
    commercial_only: Commercial = False,
) -> None:
    """Fetch models; resumes, and checks every file before it can be used."""
    if mirror is not None and "://" not in mirror and not Path(mirror).expanduser().is_dir():
        raise UsageError(
            f"--mirror {mirror}: is neither a folder that is here nor a URL; give "
            "https://HOST/PATH or a folder"
        )
    catalogue = load_catalogue()
    for name in [each for each in names if each.startswith("hf:")]:
        from maskworks.models.hub import licence_of, pull_hub

        folder = pull_hub(name)
        print(f"{name}: {folder} (licence: {licence_of(folder)})")
    for name in [each for each in names if each.startswith("torchvision:")]:
        from maskworks.models.model_folder import row_of
        from maskworks.models.torchvision_hub import pull_torchvision

        row = row_of(str(pull_torchvision(name)))
        print(f"{name}: {row[0]} (licence: {row[1].licence}, of the code; data: {row[1].data})")
    known = [each for each in names if not each.startswith(("hf:", "torchvision:"))]
    specs = [catalogue.find(name, commercial_only=commercial_only) for name in known]
    for spec in specs:
        with pull_progress(spec.name) as progress:
            path = pull_file(spec, mirror=mirror, progress=progress, force=force)
        print(f"{spec.name}: {path}")


@app.command()
def verify(names: SomeNames = None) -> None:
    """Compute the checksums anew; exit code 1 if a file is wrong or a named one is missing."""
    catalogue = load_catalogue()
    verdicts = [verify_file(spec) for spec in _chosen(catalogue, names)]
    for verdict in verdicts:
        if verdict.state != "absent" or names:
            print(_sentence(verdict))
    if not names and all(verdict.state == "absent" for verdict in verdicts):
        print("no model is on this machine; fetch one with `maskworks models pull NAME`")
    bad = {"wrong", "absent"} if names else {"wrong"}
    if any(verdict.state in bad for verdict in verdicts):
        raise typer.Exit(1)


@app.command()
def uncalibrate(name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Take away the fit of a model's confidence that `evaluate calibration --store` kept."""
    from maskworks.models.confidence_fit import keep_fit, read_fits

    if name not in read_fits():
        raise UsageError(f"{name}: no fit of its confidence is kept; `models show` lists it")
    print(f"{name}: says what the network says again ({keep_fit(name, None)})")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One ONNX file.")],
    *,
    name: Annotated[str, typer.Option(help="What it shall be called.")],
    input_size: Annotated[
        str | None,
        typer.Option(help="320 or HEIGHTxWIDTH, pixels. Default: what the file says."),
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C",
            help="The classes of a model of labels, in its order. Default: those in the file's "
            "metadata.",
        ),
    ] = None,
    normalise: Annotated[
        str | None,
        typer.Option(
            help="imagenet, half, unit, or mean,mean,mean/std,std,std, for R, G and B. Default: "
            "unit for detections, else imagenet."
        ),
    ] = None,
    resize: Annotated[
        Literal["pad", "squash", "area"] | None,
        typer.Option(
            help="Keep the aspect by padding, or not at all, or in a rectangle of the input's "
            "area. Default: pad, squash where classes of pixels are answered."
        ),
    ] = None,
    scale: Annotated[
        Literal["255", "max", "1"] | None,
        typer.Option(help="What the pixels are divided by first. Default: 255, 1 for whole ones."),
    ] = None,
    output: Annotated[
        Literal[
            "auto",
            "matte",
            "logits",
            "class-logits",
            "class-scores",
            "class-map",
            "detections",
            "yolo",
        ],
        typer.Option(help="What the first output holds; auto looks at the shapes and an answer."),
    ] = "auto",
    licence: Annotated[
        str, typer.Option(help="SPDX id of the weights' licence.")
    ] = "LicenseRef-unknown",
    commercial: Annotated[
        bool, typer.Option(help="Whether that licence allows commercial use.")
    ] = False,
    data: Annotated[
        str, typer.Option(help="What it was trained on, and under which terms.")
    ] = "Not stated by whoever imported it.",
    source: Annotated[str, typer.Option(help="Where it comes from.")] = "a local file",
    model_card: Annotated[
        Path | None,
        typer.Option(
            "--card", metavar="FILE", help="Its card in Markdown; `models card` shows it."
        ),
    ] = None,
    force: Annotated[bool, typer.Option(help="Replace an earlier import of that name.")] = False,
) -> None:
    """Add a local ONNX file; it has to answer one black picture first."""
    from maskworks.models.importing import (
        ImportOptions,
        WeightTerms,
        described,
        import_model,
    )

    said = ImportOptions(
        size=input_size, names=names, normalise=normalise, resize=resize, scale=scale, output=output
    )
    found = described(file, said)
    spec = import_model(
        file,
        name=name,
        what=found,
        terms=WeightTerms(
            licence=licence, commercial=commercial, data=data, source=source, card=model_card
        ),
        force=force,
    )
    for each in found.assumed:
        print(f"note: {each}", file=sys.stderr)
    what = f"{spec.family}, {spec.output.kind}, {spec.input.height}x{spec.input.width}"
    classes = f", {len(spec.classes)} classes ({', '.join(spec.classes[:4])} ...)"
    print(f"{spec.name}: {locate(spec)} ({what}{classes if spec.classes else ''})")


def _chosen(catalogue: Catalogue, names: list[str] | None) -> list[ModelSpec]:
    return [catalogue.row(name) for name in names] if names else list(catalogue)


def _record(spec: ModelSpec) -> dict[str, object]:
    path = locate(spec)
    row: dict[str, object] = spec.model_dump(exclude_none=True)
    return {**row, "origin": spec.origin, "path": str(path) if path else None}


def _sentence(verdict: Verdict) -> str:
    if verdict.state == "ok":
        return f"{verdict.name}: ok ({verdict.path})"
    if verdict.state == "absent":
        return verdict.remedy or ""
    return (
        f"{verdict.name}: WRONG ({verdict.path}): the checksum is {verdict.actual}, expected "
        f"{verdict.expected}; fetch it again with `maskworks models pull {verdict.name} --force`"
    )


def _plain(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
