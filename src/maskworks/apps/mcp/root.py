"""The folder that an assistant works in: every path it names lies there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskworks.core.colour import parse_colour
from maskworks.core.errors import UsageError

_PATTERN = frozenset("*?[")


@dataclass(frozen=True)
class Root:
    """A folder with everything below it; links that lead out of it are refused.

    Parameters
    ----------
    path : absolute, without links
    """

    path: Path

    @classmethod
    def of(cls, folder: Path) -> Root:
        """Return the root at a folder.

        Raises
        ------
        UsageError
            If there is no such folder.
        """
        if not folder.is_dir():
            raise UsageError(f"--root {folder}: there is no such folder; name one that exists")
        return cls(folder.resolve())

    def inside(self, name: str | Path) -> Path:
        """Return the path that a name means, absolute and without links.

        Parameters
        ----------
        name : relative to the root, or absolute

        Raises
        ------
        UsageError
            If it lies elsewhere, by ``..`` or a link too, or is a pattern or an address.

        Examples
        --------
        >>> root = Root(Path("/pictures"))
        >>> root.inside("spring/shoe.jpg").as_posix()
        '/pictures/spring/shoe.jpg'
        >>> root.inside("../etc/passwd")
        Traceback (most recent call last):
        maskworks.core.errors.UsageError: ../etc/passwd: lies outside the root /pictures; ...
        """
        text = str(name)
        if not text or "\0" in text or "://" in text or _PATTERN & set(text):
            raise UsageError(
                f"{text!r}: is no plain path; name a file or a folder below the root, without "
                "patterns and addresses"
            )
        path = (self.path / text).resolve()
        if not path.is_relative_to(self.path):
            raise UsageError(
                f"{text}: lies outside the root {self.path}; name something inside, or start "
                "`maskworks mcp` with another --root"
            )
        return path

    def found(self, name: str | Path) -> Path:
        """Return a file or folder that is there, and from which no link leads out of the root.

        Raises
        ------
        UsageError
            As `inside`, or if there is nothing.
        """
        path = self.inside(name)
        if not path.exists():
            raise UsageError(f"{name}: there is no such file or folder below {self.path}")
        for here, folders, files in os.walk(path, followlinks=False):
            for each in (*folders, *files):
                there = Path(here, each)
                if there.is_symlink():
                    self.inside(there)
        return path

    def all_found(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the paths of inputs, as `found` does.

        Raises
        ------
        UsageError
            If there is none, or as `found`.
        """
        if not names:
            raise UsageError("no input was named; give at least one file or folder")
        return tuple(str(self.found(name)) for name in names)

    def background(self, text: str | None) -> str | None:
        """Return what lies behind a subject: none, blur, a colour, or a picture below the root.

        Raises
        ------
        UsageError
            If it is none of these.
        """
        if text is None or text in ("none", "blur"):
            return text
        try:
            parse_colour(text)
        except UsageError:
            return str(self.found(text))
        return text

    def shown(self, path: str | Path | None) -> str | None:
        """Return a path as the assistant would name it: relative to the root."""
        if path is None:
            return None
        full = Path(path)
        return (
            full.relative_to(self.path).as_posix() if full.is_relative_to(self.path) else full.name
        )
