"""Plan a run: find the pictures, give each its output, see what is done already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskworks.batch.destination import SUFFIX_OF, Destination
from maskworks.batch.inputs import find_pictures
from maskworks.batch.manifest import read_manifest
from maskworks.batch.output_paths import plan_file, plan_folder
from maskworks.batch.resuming import Existing, settle
from maskworks.batch.urls import to_path
from maskworks.batch.work import ManifestRow, Work
from maskworks.core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a call means: all pictures, those still to be done, rows that still hold."""

    works: tuple[Work, ...]
    todo: tuple[Work, ...]
    kept: tuple[ManifestRow, ...]
    manifest: Path | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Streams:
    """What reads a picture from standard input, and what takes one for standard output."""

    read: Callable[[], bytes] | None = None
    deliver: Callable[[bytes], None] | None = None


NO_STREAMS = Streams()


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """How a plan is made.

    Parameters
    ----------
    existing : Existing
        What happens to an output that is there already.
    manifest : Path, optional
        None is ``manifest.jsonl`` in the output folder.
    scans : bool
        Whether DICOM and NIfTI files are inputs too, and PNGs of ids beside photos are not.
    only : frozenset of Path, optional
        Inputs to do now; the others keep their names and wait.
    """

    existing: Existing = "refuse"
    manifest: Path | None = None
    scans: bool = False
    streams: Streams = NO_STREAMS
    only: frozenset[Path] | None = None


DEFAULTS = PlanOptions()


def make_plan(
    inputs: Sequence[str], destination: Destination, settings: str, options: PlanOptions = DEFAULTS
) -> Plan:
    """Find the pictures, give each its output, and see what is done already.

    Parameters
    ----------
    inputs : files, folders and patterns as the user wrote them; "-" alone is standard input
    destination : where the outputs go
    settings : digest of everything that changes an output

    Raises
    ------
    UsageError
        If there is no picture, or too many for the one output.
    """
    manifest = options.manifest or (
        destination.folder / "manifest.jsonl" if destination.folder else None
    )
    manifest = to_path(str(manifest)) if manifest else None
    if options.existing == "resume" and manifest is None:
        raise UsageError("--resume needs a manifest; name one with `--manifest FILE`")
    earlier = read_manifest(manifest) if manifest else {}
    notes: list[str] = []
    if tuple(inputs) == ("-",):
        works: tuple[Work, ...] = (_stdin_work(destination, options.streams),)
    else:
        if "-" in inputs:
            raise UsageError("`-` (stdin) stands alone; name it without other inputs")
        ours = frozenset(Path(row.output) for row in earlier.values() if row.output)
        finds = find_pictures(
            inputs,
            beside=destination.folder,
            ours=ours,
            scans=options.scans,
            skip_labels=options.scans,
        )
        notes += finds.notes()
        if destination.folder:
            suffix = SUFFIX_OF[destination.form]
            works = plan_folder(finds.pictures, destination.folder, suffix, scans=options.scans)
        elif len(finds.pictures) > 1:
            raise UsageError(
                f"{len(finds.pictures)} pictures do not fit into one output, -o "
                f"{destination.file or '-'}; name a folder"
            )
        elif destination.file:
            works = (plan_file(finds.pictures[0], destination.file),)
        else:
            found = finds.pictures[0]
            out = Path("-")
            works = (
                Work(
                    source=found.path,
                    shown=found.shown,
                    output=out,
                    deliver=options.streams.deliver,
                ),
            )
    if manifest and manifest in {path for w in works for path in (w.output, w.source)}:
        raise UsageError(f"--manifest {manifest} is also a picture; name another file")
    chosen = [w for w in works if options.only is None or w.source in options.only]
    todo, kept = settle(chosen, earlier, options.existing, settings)
    return Plan(
        works=works, todo=tuple(todo), kept=tuple(kept), manifest=manifest, notes=tuple(notes)
    )


def _stdin_work(destination: Destination, streams: Streams) -> Work:
    output = destination.file or Path("-")
    return Work(
        source=Path("-"),
        shown="stdin",
        output=output,
        content=b"" if streams.read is None else streams.read(),
        deliver=None if destination.file else streams.deliver,
    )
