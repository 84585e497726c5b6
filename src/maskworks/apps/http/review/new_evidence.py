"""Clips to be assessed over HTTP: a folder, the files that came, and an order that only we write.

::

    DATA/suitability/NAME-NUMBER/
      suitability-order.json    what is wanted, and of which files
      media/                    clips, pictures, the subtitles beside them
      policy.toml               if one came
      out/                      what `maskworks suitability` writes, a folder each
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.settings import ServerSettings
from maskworks.core.atomic import write_atomic
from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits
from maskworks.scene.assessing import CLIPS, PICTURES, content_context
from maskworks.scene.faces import require_faces
from maskworks.scene.options import SuitabilityOptions
from maskworks.scene.policy import read_policy
from maskworks.scene.running import (
    SuitabilityRequest,
    SuitabilityRow,
    run_suitability,
    to_manifest,
)
from maskworks.scene.signals.protocol import SignalChoices
from maskworks.scene.signals.spoken import lists_of
from maskworks.scene.text.subtitles import ENDINGS
from maskworks.studio.output_folder import make_folder
from maskworks.studio.store.jobs import SUITABILITY_ORDER

MEDIA, OUT, POLICY, MANIFEST = "media", "out", "policy.toml", "manifest.jsonl"

_LONGEST_NAME = 40
_LONGEST_FILE_BYTES = 160  # of the 255 that a file system takes, the rest is for endings


class EvidenceOrder(BaseModel):
    """What a caller wants to know of the files of a folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "evidence"
    purpose: str | None = None
    source: str | None = None
    language: str | None = None
    every_s: Annotated[float, Field(ge=0.2, le=3600)] = 2.0
    ocr: bool = True
    blur_faces: bool = False
    files: tuple[str, ...] = ()

    def options(self, folder: Path, settings: ServerSettings) -> SuitabilityOptions:
        """Return the options of an assessment of what lies in `folder`."""
        policy = folder / POLICY
        return SuitabilityOptions(
            every_s=self.every_s,
            policy=policy if policy.is_file() else None,
            source=self.source,
            purpose=self.purpose,
            choices=SignalChoices(language=self.language, ocr=self.ocr, threads=settings.threads),
            blur_faces=self.blur_faces,
            limits=Limits(settings.bounds.pixels, settings.bounds.picture_seconds),
        )


def home_of(settings: ServerSettings) -> Path:
    """Return where the folders of orders lie."""
    return settings.data.absolute() / "suitability"


def incoming_media(settings: ServerSettings) -> Path:
    """Make a folder for files whose order has no name yet; return it."""
    folder = home_of(settings) / f".incoming-{secrets.token_hex(8)}"
    make_folder(folder / MEDIA)
    return folder


def media_path(folder: Path, name: str, taken: set[str]) -> Path:
    """Return where a file called `name` by its sender is put: inside, and not on another.

    Raises
    ------
    ApiError
        400 if its ending is none that is known here, or two subtitles or policies have one name.

    Examples
    --------
    >>> media_path(Path("d"), "../../etc/My clip.MP4", set()).as_posix()
    'd/media/My clip.mp4'
    >>> media_path(Path("d"), "a.mp4", {"a.mp4"}).as_posix()
    'd/media/a-2.mp4'
    >>> media_path(Path("d"), "brand.toml", set()).as_posix()
    'd/policy.toml'
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    suffix = PurePosixPath(last).suffix.lower()
    media = suffix in CLIPS | PICTURES
    if not media and suffix not in {*ENDINGS, ".toml"}:
        raise ApiError(400, "unknown_kind", f"{last[:60]!r} ends in none of "
                       f"{', '.join(sorted({*CLIPS, *PICTURES, *ENDINGS, '.toml'}))}")  # fmt: skip
    stem = re.sub(r"[^\w .-]", "_", PurePosixPath(last).stem).strip(" .")
    stem = stem.encode()[:_LONGEST_FILE_BYTES].decode(errors="ignore").strip(" .") or "clip"
    chosen, number = (POLICY if suffix == ".toml" else f"{stem}{suffix}"), 2
    while chosen.casefold() in taken:
        if not media:
            raise ApiError(400, "repeated_file", f"{last[:60]!r} is there twice; give it once")
        chosen, number = f"{stem}-{number}{suffix}", number + 1
    taken.add(chosen.casefold())
    return folder / chosen if suffix == ".toml" else folder / MEDIA / chosen


def media_of(folder: Path) -> tuple[str, ...]:
    """Return the names of the clips and pictures that came.

    Raises
    ------
    ApiError
        400 if there is none, or a subtitle file belongs to none of them.
    """
    paths = sorted((folder / MEDIA).iterdir())
    media = [path for path in paths if path.suffix in CLIPS | PICTURES]
    if not media:
        raise ApiError(400, "missing_source", "give at least one clip or picture as `files`")
    for path in paths:
        beside = [m for m in media if m.suffix in CLIPS and path.name.startswith(f"{m.stem}.")]
        if path.suffix in ENDINGS and not beside:
            raise ApiError(400, "usage", f"{path.name}: no clip of that name came; call it "
                           "as its clip, such as clip.srt or clip.en.srt for clip.mp4")  # fmt: skip
    return tuple(path.name for path in media)


def read_order(file: Path) -> EvidenceOrder:
    """Read what `place_order` wrote.

    Raises
    ------
    UsageError
        If it is not there any more, or no order.
    """
    try:
        return EvidenceOrder.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise UsageError(f"{file}: is no order that can be read; ask again") from error


def check_order(order: EvidenceOrder, folder: Path, settings: ServerSettings) -> None:
    """Return if everything that is asked for is there.

    Raises
    ------
    UsageError
        If there is no such purpose, source or language, the policy is wrong, or faces cannot be
        found here.
    """
    options = order.options(folder, settings)
    content_context(options.source, options.purpose)
    read_policy(options.policy)
    lists_of(options.choices)
    if options.blur_faces:
        require_faces()


def place_order(folder: Path, order: EvidenceOrder) -> Path:
    """Give the folder of an order a name of its own and write the order; return its file."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", order.name).strip("-")[:_LONGEST_NAME] or "evidence"
    folder = folder.rename(folder.parent / f"{stem.lower()}-{secrets.token_hex(4)}")
    file = folder / SUITABILITY_ORDER
    write_atomic(file, order.model_dump_json(indent=1).encode())
    return file


def run_order(
    file: Path,
    settings: ServerSettings,
    stop: threading.Event,
    said: Callable[[SuitabilityRow], None] = lambda _row: None,
) -> dict[str, int] | None:
    """Assess the files of an order, each in a process that is ended at its deadline.

    What an earlier process came to assess is kept.

    Returns
    -------
    dict of str to int, or None
        How many were done and failed; None if it was stopped before its end.
    """
    order, folder = read_order(file), file.parent
    out = folder / OUT
    make_folder(out)
    request = SuitabilityRequest(
        inputs=(str(folder / MEDIA),),
        output=out,
        options=order.options(folder, settings),
        resume=True,
        clip_seconds=settings.bounds.clip_seconds,
    )
    rows: list[SuitabilityRow] = []
    for row in run_suitability(request, stop=stop):
        rows.append(row)
        said(row)
        lines = "".join(json.dumps(to_manifest(each)) + "\n" for each in rows)
        write_atomic(out / MANIFEST, lines.encode())
    if len(rows) < len(order.files):
        return None
    failed = sum(row.status == "failed" for row in rows)
    return {"done": len(rows) - failed, "failed": failed}


def rows_so_far(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of an order's manifest, as far as it is."""
    try:
        lines = (folder / OUT / MANIFEST).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [json.loads(line) for line in lines]
