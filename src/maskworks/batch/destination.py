"""What `-o` means: a folder, a file, or standard output."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maskworks.batch.urls import to_path
from maskworks.core.errors import UsageError
from maskworks.core.formats import SUFFIXES

WRITABLE = {
    ".png": "png",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".jpg": "jpg",
    ".jpeg": "jpg",
}
"""Suffixes that can be written, and the format each stands for."""

SUFFIX_OF = {"png": ".png", "webp": ".webp", "tiff": ".tiff", "jpg": ".jpg"}
"""The suffix that outputs in a folder get."""


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where to write: `folder` or `file`, both absolute; neither is standard output."""

    form: str
    folder: Path | None = None
    file: Path | None = None


def destination_of(output: str | None, form: str | None, *, streamed: bool = False) -> Destination:
    """Decide what kind of place `output` is.

    An existing folder, or a name that does not end like a picture, is a folder; any other
    name is a file and its suffix chooses the format.

    Parameters
    ----------
    output : what `-o` said; "-" is standard output
    form : what `--format` said
    streamed : whether the picture comes from standard input; its default is standard output

    Raises
    ------
    UsageError
        If there is no output, it contradicts `form`, or a file stands where a folder should.

    Examples
    --------
    >>> destination_of("-", None)
    Destination(form='png', folder=None, file=None)
    >>> destination_of("shoe.webp", None).form
    'webp'
    """
    if output is None and not streamed:
        raise UsageError("there is no output; name a folder (or for one picture a file) with `-o`")
    if output is None or output == "-":
        return Destination(form=form or "png")
    path = to_path(output)
    named = None if path.is_dir() or output.endswith("/") else writable_format(path)
    if named is not None:
        if form not in (None, named):
            raise UsageError(
                f"-o {output} asks for {named} and --format for {form}; give one of the two"
            )
        return Destination(form=named, file=path)
    if streamed:
        raise UsageError(f"-o {output} is a folder; one picture from stdin needs a file, or `-o -`")
    if path.exists() and not path.is_dir():
        raise UsageError(f"-o {output} is a file, not a folder; name another place")
    return Destination(form=form or "png", folder=path)


def writable_format(path: Path) -> str | None:
    """Return the format that a file's suffix stands for, None if it has no suffix.

    Raises
    ------
    UsageError
        If it has a suffix of a picture that cannot be written.

    Examples
    --------
    >>> writable_format(Path("shoe.JPEG")), writable_format(Path("out"))
    ('jpg', None)
    """
    suffix = path.suffix.lower()
    if suffix in SUFFIXES and suffix not in WRITABLE:
        raise UsageError(
            f"{path}: cannot write {suffix}; use a name that ends in {', '.join(WRITABLE)}"
        )
    return WRITABLE.get(suffix)
