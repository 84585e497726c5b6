"""Where the files of weights are: found, fetched, checked.

A file is used only after its checksum was seen to be right: our own folder holds files that
were checked when they landed; the package's and rembg's files are checked when opened.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskworks.core.atomic import write_atomic
from maskworks.core.errors import ChecksumError, DownloadError, ModelError, OutputError
from maskworks.models import settings
from maskworks.models.catalogue import WEIGHTS
from maskworks.models.checksum import check_file
from maskworks.models.download import FULL, Progress, RetryPolicy, download, part_files
from maskworks.models.lock import locked
from maskworks.models.settings import home
from maskworks.models.spec import ModelSpec, Sharpening

__all__ = [
    "Verdict",
    "home",
    "land",
    "locate",
    "missing_file_message",
    "models_folder",
    "pull",
    "ready",
    "sharpening",
    "verify",
]


def models_folder() -> Path:
    """Return the folder that downloads and imports land in; it may not exist yet."""
    return home() / "models"


def locate(spec: ModelSpec) -> Path | None:
    """Return where the file of `spec` is, None if it is nowhere; its content is not checked.

    Searched in this order: the package (embedded models only), ``MASKWORKS_HOME/models``,
    rembg's folder (release files only).
    """
    return next((path for path in _places(spec) if path.is_file()), None)


def _places(spec: ModelSpec) -> tuple[Path, ...]:
    if spec.origin == "embedded":
        return (WEIGHTS / spec.local_name,)
    ours = models_folder() / spec.local_name
    if spec.origin == "imported":
        return (ours,)
    return (ours, *(folder / spec.local_name for folder in settings.rembg_folders()))


def ready(spec: ModelSpec) -> Path:
    """Return the file of `spec`, fit for use.

    Raises
    ------
    ModelError
        If the file is not here, with the way to get it.
    ChecksumError
        If it is another file than the catalogue names.
    """
    path = locate(spec)
    if path is None or (spec.embedded and not spec.checksums):
        raise ModelError(missing_file_message(spec))
    landed_here = path.parent == models_folder()
    if not landed_here or spec.bytes not in (None, path.stat().st_size):
        check_file(path, spec)
    return path


def sharpening(row: Sharpening) -> Path:
    """Return the file of a second network, fit for use.

    Raises
    ------
    ModelError
        If the file is not in the package.
    ChecksumError
        If it is another file than the catalogue names.
    """
    path = WEIGHTS / row.file
    if not path.is_file():
        raise ModelError(f"{path}: there is no such file; install maskworks again")
    check_file(path, row)
    return path


def missing_file_message(spec: ModelSpec) -> str:
    """Say that the file of `spec` is not here, and how to get it."""
    if spec.origin == "embedded":
        return (
            f"{spec.name}: its weights are not built yet ({WEIGHTS / spec.local_name}); "
            f"build them with `maskworks train recipes/{spec.name}.toml` and `maskworks export`"
        )
    if spec.origin == "imported":
        return (
            f"{spec.name}: its file is gone ({models_folder() / spec.local_name}); "
            "import it again with `maskworks models import FILE --force`"
        )
    size = f", {spec.bytes / 1e6:,.0f} MB" if spec.bytes else ""
    return (
        f"{spec.name}: not on this machine; fetch it with `maskworks models pull {spec.name}`{size}"
    )


def pull(
    spec: ModelSpec,
    *,
    mirror: str | None = None,
    progress: Progress | None = None,
    force: bool = False,
    policy: RetryPolicy | None = None,
) -> Path:
    """Bring the file of `spec` onto this machine, unless it is here and right.

    Parameters
    ----------
    mirror : str, optional
        A base URL or a local folder that holds the release files under their own names;
        default MASKWORKS_MIRROR. A mirror that fails is an error: nothing else is tried.
    progress : callable, optional
    force : bool
        Fetch it even if it is here.

    Raises
    ------
    DownloadError
        Also when MASKWORKS_OFFLINE is set and the source is not a local folder.
    ChecksumError
        If what arrived is not the file the catalogue names; it is deleted.
    OutputError
        If the disk is full or not writable.
    ModelError
        If an embedded or imported file is not here: there is nowhere to fetch it from.
    """
    if spec.url is None:
        path = ready(spec)
        check_file(path, spec)
        return path
    if not force and (found := _good(spec)):
        return found
    source = _source(spec, mirror or settings.mirror())
    folder = models_folder()
    target = folder / spec.local_name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / f".{spec.local_name}.lock"):
            if not force and (found := _good(spec)):  # another process fetched it meanwhile
                return found
            if force:
                _forget(target)
            _bring(spec, source, target, progress, policy)
    except OSError as error:
        raise _unwritable(target, error) from error
    return target


def land(spec: ModelSpec, read: Callable[[], bytes]) -> Path:
    """Keep a model's file that another machine sends along, unless it is here and right.

    Parameters
    ----------
    spec : ModelSpec
    read : called for the content only if it is needed

    Raises
    ------
    ChecksumError
        If what was sent is not the file that `spec` names; nothing is kept.
    OutputError
        If it cannot be written.
    """
    if found := _good(spec):
        return found
    folder = models_folder()
    target = folder / spec.local_name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / f".{spec.local_name}.lock"):
            if found := _good(spec):  # another worker of this machine got it meanwhile
                return found
            part, _ = part_files(target)
            write_atomic(part, read())
            _check_landed(part, target, spec)
    except OSError as error:
        raise _unwritable(target, error) from error
    return target


def _good(spec: ModelSpec) -> Path | None:
    for path in _places(spec):
        if path.is_file():
            try:
                check_file(path, spec)
            except ChecksumError:
                continue
            return path
    return None


def _source(spec: ModelSpec, mirror: str | None) -> str | Path:
    """Return the URL or the local file to take; refuse a connection when offline."""
    url = spec.url or ""
    if mirror and "://" not in mirror:
        folder = Path(mirror).expanduser()
        for name in (spec.remote_name, spec.local_name):
            if (folder / name).is_file():
                return folder / name
        raise DownloadError(
            str(folder / spec.remote_name), "there is no such file", "put it there, or give a URL"
        )
    if mirror:
        url = f"{mirror.rstrip('/')}/{spec.remote_name}"
    if settings.offline():
        raise DownloadError(
            url,
            "MASKWORKS_OFFLINE forbids connections",
            f"unset it, give a local folder as `--mirror`, or copy the file to "
            f"{models_folder() / spec.local_name}",
        )
    return url


def _bring(
    spec: ModelSpec,
    source: str | Path,
    target: Path,
    progress: Progress | None,
    policy: RetryPolicy | None,
) -> None:
    """Fetch, check, and only then give the file its name."""
    part, _ = part_files(target)
    if isinstance(source, Path):
        _forget(target)
        _check_disk_space(target, source.stat().st_size)
        shutil.copyfile(source, part)
        if progress:
            progress(part.stat().st_size, part.stat().st_size)
    else:
        resumed = part.stat().st_size if part.is_file() else 0
        if spec.bytes:
            _check_disk_space(target, spec.bytes - resumed)
        download(source, target, size=spec.bytes, progress=progress, policy=policy)
        if resumed and not _matches(part, spec):  # the old part was of another file: once anew
            _forget(target)
            download(source, target, size=spec.bytes, progress=progress, policy=policy)
    _check_landed(part, target, spec)


def _check_landed(part: Path, target: Path, spec: ModelSpec) -> None:
    """Give a file that arrived its name, if it is the right one."""
    try:
        check_file(part, spec)
    except ChecksumError as error:
        _forget(target)
        raise ChecksumError(target, error.expected, error.actual) from error
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(target)
    _forget(target)


def _matches(part: Path, spec: ModelSpec) -> bool:
    try:
        check_file(part, spec)
    except ChecksumError:
        return False
    return True


def _forget(target: Path) -> None:
    for path in part_files(target):
        path.unlink(missing_ok=True)


def _check_disk_space(target: Path, more: int) -> None:
    free = shutil.disk_usage(target.parent).free
    if more > free:
        raise OutputError(
            target,
            f"needs {more / 1e6:,.1f} MB, the disk has {free / 1e6:,.1f} MB left",
            "make room or set MASKWORKS_HOME to another disk",
        )


def _unwritable(target: Path, error: OSError) -> OutputError:
    reason = "the disk is full" if error.errno in FULL else "cannot be written"
    return OutputError(
        target, f"{reason} ({error.strerror})", "make room or set MASKWORKS_HOME to another folder"
    )


@dataclass(frozen=True)
class Verdict:
    """What `verify` found.

    `expected` and `actual` are set when the file is wrong, `remedy` says how to get one that
    is absent.
    """

    name: str
    state: Literal["ok", "absent", "wrong"]
    path: Path | None
    expected: str | None = None
    actual: str | None = None
    remedy: str | None = None


def verify(spec: ModelSpec) -> Verdict:
    """Compute the checksum of the file of `spec` anew and compare it; raises nothing.

    An embedded file without a recorded checksum counts as absent: it was not built.
    """
    path = locate(spec)
    if path is None or not spec.checksums:
        return Verdict(spec.name, "absent", path, remedy=missing_file_message(spec))
    try:
        check_file(path, spec)
        if spec.sharpening is not None:
            sharpening(spec.sharpening)
    except ChecksumError as error:
        return Verdict(spec.name, "wrong", error.path, error.expected, error.actual)
    except ModelError as error:
        return Verdict(spec.name, "absent", path, remedy=str(error))
    return Verdict(spec.name, "ok", path)
