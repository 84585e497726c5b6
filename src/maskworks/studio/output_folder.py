"""Where a campaign's files lie, what they are called, and the list of what is delivered.

::

    NAME-out/
      deliver/CONCEPT/VARIANT/PATH.FORMAT    finished, nobody has to look at them
      review/CONCEPT/VARIANT/PATH.FORMAT     made, and await a person's decision
      rejected/CONCEPT/VARIANT/PATH.FORMAT   a person sent them to a retoucher
      manual/NAME-NUMBER.psd, .tif           handed over, with manual/brief.csv (`handing`)
      deliverables.csv                       every file of deliver/
      report.html, report.json, report.csv, items.parquet

The store keeps a file's path below these folders; the route decides which one it lies in. So
a decision changes the store in one transaction, and the file follows: at once, or, if the
process is killed in between, with the next run.
"""

from __future__ import annotations

import contextlib
import csv
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path, PurePosixPath

from maskworks.core.atomic import write_atomic
from maskworks.core.errors import OutputError
from maskworks.studio.report.rows import as_text
from maskworks.studio.route import Route
from maskworks.studio.spreadsheets import safe_cell
from maskworks.studio.store.rows import DeliverableRow

FOLDERS: dict[Route, str] = {"deliver": "deliver", "review": "review", "manual": "rejected"}
"""The folder of the pictures made for an item of each route; what failed has none."""

DELIVERABLES = "deliverables.csv"

COLUMNS = ("source", "sku", "concept", "variant", "path", "sha256", "score")

OWN_BACKGROUND = "default"
"""The variant of a concept without approved backgrounds: the output's own one."""


def out_folder(campaign_file: Path, name: str) -> Path:
    """Return the folder of a campaign's outputs: beside its file, called after it.

    Examples
    --------
    >>> out_folder(Path("jobs/campaign.toml"), "spring").as_posix()
    'jobs/spring-out'
    """
    return campaign_file.parent / f"{name}-out"


def names_for(sources: Sequence[str]) -> dict[str, str]:
    """Return what the outputs of each picture are called, without a suffix.

    The path below the input folder, without its suffix; with it where two pictures would meet.

    Parameters
    ----------
    sources : paths with ``/``, each once

    Examples
    --------
    >>> names_for(["a/shoe.jpg", "a/bag.jpg", "a/Bag.png"])
    {'a/shoe.jpg': 'a/shoe', 'a/bag.jpg': 'a/bag.jpg', 'a/Bag.png': 'a/Bag.png'}
    """
    whole = {source: _inside(source) for source in sources}
    bare = {source: str(path.with_suffix("")) for source, path in whole.items()}
    seen = Counter(name.casefold() for name in bare.values())
    names = {s: n if seen[n.casefold()] == 1 else str(whole[s]) for s, n in bare.items()}
    taken: set[str] = set()
    for source, name in names.items():
        free, number = name, 2
        while free.casefold() in taken:
            free = f"{name}-{number}"
            number += 1
        taken.add(free.casefold())
        names[source] = free
    return names


def output_path(concept: str, variant: str, name: str, form: str) -> str:
    """Return a deliverable's path below the folder of its route, with ``/``."""
    return f"{concept}/{variant}/{name}.{form}"


def put(out: Path, route: Route, files: dict[str, bytes], *, stale: Iterable[str] = ()) -> None:
    """Write an item's files where its route wants them, and only there.

    Parameters
    ----------
    files : content by `output_path`
    stale : other paths that an earlier, killed or outdated try may have left

    Raises
    ------
    OutputError
        If a file cannot be written or taken away.
    """
    for path, data in files.items():
        target = out / FOLDERS[route] / path
        make_folder(target.parent)
        write_atomic(target, data)
    for path in {*files, *stale}:
        for kind, folder in FOLDERS.items():
            if path not in files or kind != route:
                remove(out / folder / path)


def arrange(out: Path, made: Iterable[DeliverableRow]) -> list[DeliverableRow]:
    """Move every file into the folder of its item's route; return those that are nowhere.

    A file that lies in two folders was decided on while it was made: the other one goes.

    Raises
    ------
    OutputError
        If a file cannot be moved.
    """
    missing: list[DeliverableRow] = []
    for one in made:
        home = FOLDERS.get(one.route)
        places = [out / folder / one.output.path for folder in FOLDERS.values()]
        wanted = None if home is None else out / home / one.output.path
        there = [place for place in places if place != wanted and place.is_file()]
        if wanted is None:
            continue
        if wanted.is_file():
            for place in there:
                remove(place)
        elif there:
            make_folder(wanted.parent)
            _move(there[0], wanted)
        else:
            missing.append(one)
    return missing


def clear(out: Path, paths: Iterable[str]) -> int:
    """Take away what belongs to no picture any more; return how many files that were."""
    return sum(remove(out / folder / path) for path in paths for folder in FOLDERS.values())


def deliverables_csv(made: Iterable[DeliverableRow]) -> str:
    """Return the list of what is delivered: source, SKU, concept, variant, path, hash, score.

    Paths are relative to the list. A text that a spreadsheet would run as a formula gets an
    apostrophe before it.
    """
    written = StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in made:
        output = one.output
        texts = (one.source, one.sku or "", output.concept or "", output.variant or "")
        path = f"{FOLDERS['deliver']}/{output.path}"
        score = "" if output.score is None else f"{output.score:.4f}"
        cells = [safe_cell(as_text(text)) for text in (*texts, path)]
        rows.writerow([*cells, output.sha256, score])
    return written.getvalue()


def make_folder(folder: Path) -> None:
    """Make a folder with all above it.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"cannot be made ({error.strerror or error})"
        raise OutputError(folder, reason, "make room, or give this user the right to") from error


def remove(path: Path) -> bool:
    """Take a file away if it is there, and say whether it was.

    Raises
    ------
    OutputError
        If it may not be taken away.
    """
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        reason = f"cannot be taken away ({error.strerror or error})"
        raise OutputError(
            path, reason, "close it where it is open, and check its rights"
        ) from error
    return True


def prune(out: Path) -> None:
    """Take empty folders away; only when nobody writes."""
    for folder in FOLDERS.values():
        for here, _, _ in os.walk(out / folder, topdown=False):
            with contextlib.suppress(OSError):
                Path(here).rmdir()  # which fails unless it is empty


def _move(source: Path, target: Path) -> None:
    try:
        os.replace(source, target)  # noqa: PTH105 - the verb that is atomic on every system
    except OSError as error:
        reason = f"cannot be moved to {target} ({error.strerror or error})"
        raise OutputError(source, reason, "close it where it is open, and run again") from error


def _inside(source: str) -> PurePosixPath:
    """Return a path that stays inside the folder it is put into."""
    parts = [part for part in PurePosixPath(source).parts if part not in ("/", "..")]
    return PurePosixPath(*parts)
