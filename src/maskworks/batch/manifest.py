"""Manifest of a run: one row for each input, as JSON Lines.

Rows are appended and flushed as they come, so a killed process loses only the pictures it
had in hand; at the end the file is put into the order of the inputs, in one atomic step.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from maskworks.batch.urls import UrlPath, is_url, send
from maskworks.batch.work import STATUSES, ExistsError, Fault, Fingerprint, ManifestRow, Seconds
from maskworks.core.errors import OutputError, UsageError
from maskworks.core.writing import write_atomic

_ORDER = (
    "source",
    "output",
    "status",
    "confidence",
    "model",
    "width",
    "height",
    "seconds",
    "error",
    "refined",
    "soft_interior",
    "fingerprint",
)
_SELDOM = (
    *("raw_confidence", "calibration", "score", "reasons", "notes"),
    *("frames", "shots", "steadiness"),
)
"""Fields that a row has only where there is something to tell, or the input was a clip."""

_START = '{"source": '

_SEND_AFTER = 100
"""Rows after which a manifest on an object store is sent again; later, a tenth of all rows."""


def to_json(row: ManifestRow) -> str:
    """Return the row as one line of JSON, without the line break.

    Examples
    --------
    >>> to_json(ManifestRow(source="/a.jpg", output=None, status="failed", model="cutout"))[:52]
    '{"source": "/a.jpg", "output": null, "status": "fail'
    """
    fields = asdict(row)
    told = [name for name in _SELDOM if fields[name] not in (None, ())]
    ordered = {name: fields[name] for name in (*_ORDER, *told)}
    line = json.dumps(ordered, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:  # a file name that is no text keeps its bytes as escapes
        return json.dumps(ordered)
    return line


def from_json(line: str) -> ManifestRow:
    """Return the row that `to_json` wrote.

    Raises
    ------
    ValueError
        If the line is not such a row.
    """
    fields: Any = json.loads(line)
    try:
        source, output, status = fields["source"], fields["output"], fields["status"]
        if not isinstance(source, str) or status not in STATUSES:
            raise ValueError(f"not a row of a manifest: {line[:80]}")
        error, fingerprint = fields["error"], fields.get("fingerprint")
        return ManifestRow(
            source=source,
            output=output,
            status=status,
            model=fields["model"],
            confidence=fields["confidence"],
            refined=fields.get("refined"),
            soft_interior=fields.get("soft_interior"),
            width=fields["width"],
            height=fields["height"],
            seconds=Seconds(**fields["seconds"]),
            error=Fault(**error) if error else None,
            fingerprint=Fingerprint(**fingerprint) if fingerprint else None,
            raw_confidence=fields.get("raw_confidence"),
            calibration=fields.get("calibration"),
            score=fields.get("score"),
            reasons=tuple(fields.get("reasons", ())),
            notes=tuple(fields.get("notes", ())),
            frames=fields.get("frames"),
            shots=fields.get("shots"),
            steadiness=fields.get("steadiness"),
        )
    except (KeyError, TypeError) as problem:
        raise ValueError(f"not a row of a manifest: {line[:80]}") from problem


def read_manifest(path: Path) -> dict[str, ManifestRow]:
    """Return the last row of every source; empty if there is no such file.

    A last line that was cut off while it was written is left out.

    Raises
    ------
    UsageError
        If the file is something else than a manifest.
    OutputError
        If it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise _foreign(path, 1) from error
    rows: dict[str, ManifestRow] = {}
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = from_json(line)
        except ValueError as error:
            torn = number == len(lines) and _START.startswith(line[: len(_START)])
            if torn:
                break
            raise _foreign(path, number) from error
        rows[row.source] = row
    return rows


def _unusable(path: Path, what: str) -> OutputError:
    return OutputError(path, f"the manifest {what}", "choose another place with `-o`")


def _foreign(path: Path, number: int) -> UsageError:
    return UsageError(
        f"{path}: line {number} is not a row of a manifest of ours, so the file is left alone; "
        "name another file with `--manifest`"
    )


class ManifestWriter:
    """The manifest while a run goes on.

    Rows of earlier runs stay as long as the file they name is there and was not replaced.

    Parameters
    ----------
    path : Path, or None to keep no book
        On an object store it is sent there now and then, and at the end.

    Raises
    ------
    UsageError
        If the file is something else than a manifest.
    OutputError
        If it cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.earlier: Mapping[str, ManifestRow] = read_manifest(path) if path else {}
        self._unwritten: list[ManifestRow] = []
        self._stream: TextIO | None = None
        self._book = path
        self._sent, self._added = 0, 0
        if isinstance(path, UrlPath):  # a key cannot be appended to: it is sent now and then
            import tempfile

            kept = tempfile.NamedTemporaryFile(prefix="maskworks-", suffix=".jsonl", delete=False)  # noqa: SIM115
            kept.close()
            self._book = Path(kept.name)
            self._rewrite(self._book, list(self.earlier.values()))
        if self._book:
            self._open(self._book)

    def _open(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if _is_torn(path):
                self._rewrite(path, list(self.earlier.values()))
            self._stream = path.open("a", encoding="utf-8", newline="\n")
        except OSError as error:
            raise _unusable(path, f"cannot be written ({error.strerror or error})") from error

    def add(self, row: ManifestRow) -> None:
        """Append a row; a full disk does not stop the run, the row is tried again at the end.

        A row that only says that the output exists does not replace the one that says how
        that output was made.
        """
        if self._stream is None or self._was_done_before(row):
            return
        try:
            self._stream.write(to_json(row) + "\n")
            self._stream.flush()
        except OSError:
            self._unwritten.append(row)
        self._added += 1
        if self._added - self._sent >= max(_SEND_AFTER, self._sent // 10):
            self._send()

    def _send(self) -> None:
        """Bring the manifest to the store, if it belongs there."""
        if isinstance(self.path, UrlPath) and self._book is not None:
            send(self._book, self.path)
            self._sent = self._added

    def _was_done_before(self, row: ManifestRow) -> bool:
        before = self.earlier.get(row.source)
        refused = row.error is not None and row.error.code == ExistsError.code
        return refused and before is not None and _is_there(before.output)

    def finish(self, sources: Sequence[str]) -> None:
        """Put the file in order: rows of other inputs first, then those of `sources`.

        Raises
        ------
        OutputError
            If it cannot be written; what was appended so far is still there.
        """
        if self._book is None or self._stream is None:
            return
        with contextlib.suppress(OSError):  # what could not be written is in `_unwritten`
            self._stream.close()
        rows = dict(read_manifest(self._book))
        rows.update({row.source: row for row in self._unwritten})
        current = [rows[source] for source in sources if source in rows]
        made = {row.output for row in current if row.output}
        mine = set(sources)
        others = [
            row
            for source, row in rows.items()
            if source not in mine and row.output not in made and _is_there(row.output)
        ]
        self._rewrite(self._book, others + current)
        self._send()
        if self._book != self.path:
            self._book.unlink()

    def _rewrite(self, path: Path, rows: Sequence[ManifestRow]) -> None:
        write_atomic(path, "".join(to_json(row) + "\n" for row in rows).encode())


def _is_there(output: str | None) -> bool:
    return output is not None and (is_url(output) or os.path.lexists(output))


def _is_torn(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            if stream.seek(0, os.SEEK_END) == 0:
                return False
            stream.seek(-1, os.SEEK_END)
            return stream.read(1) != b"\n"
    except FileNotFoundError:
        return False
