"""Read the catalogue: the rows that ship, the weights that are built, the models imported."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from maskworks.core.errors import LicenceError, ModelError, UnknownModelError
from maskworks.core.public import public
from maskworks.core.toml_text import parse_toml
from maskworks.models import settings
from maskworks.models.confidence_fit import FILE as FITS
from maskworks.models.confidence_fit import ConfidenceFit, read_fits
from maskworks.models.spec import Hex64, ModelSpec, StrictRow

ROWS = Path(__file__).with_name("catalogue.toml")
WEIGHTS = Path(__file__).with_name("weights")
"""The embedded files, their cards, and ``weights.toml`` with their sizes and checksums."""

IMPORTED = "imported.toml"


class Built(StrictRow):
    """What `maskworks export` records of one embedded file."""

    sha256: Hex64
    bytes: Annotated[int, Field(ge=1)]


class Rows(StrictRow):
    """The form of ``catalogue.toml`` and ``imported.toml``."""

    models: tuple[ModelSpec, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """Every model that is known, in the order of the files."""

    models: tuple[ModelSpec, ...]

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(self.models)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, in order."""
        return tuple(spec.name for spec in self.models)

    def row(self, name: str) -> ModelSpec:
        """Return the row called `name`, to show it; whoever uses weights calls `find`.

        Raises
        ------
        UnknownModelError
        """
        for spec in self.models:
            if spec.name == name:
                return spec
        raise UnknownModelError(name, self.names)

    def find(self, name: str, *, commercial_only: bool = False) -> ModelSpec:
        """Return the model called `name`, to use it.

        Parameters
        ----------
        commercial_only : bool
            Refuse weights whose licence forbids commercial use; the environment setting
            MASKWORKS_COMMERCIAL_ONLY does the same.

        Raises
        ------
        UnknownModelError
        LicenceError
        """
        spec = self.row(name)
        if not spec.commercial and (commercial_only or settings.commercial_only()):
            raise LicenceError(spec.name, spec.licence)
        return spec


@public
def load_catalogue(extra: Path | None = None) -> Catalogue:
    """Read the shipped rows and the imported ones.

    Parameters
    ----------
    extra : Path, optional
        Another file of the same form instead of ``MASKWORKS_HOME/imported.toml``.
        A file that does not exist adds nothing.

    Raises
    ------
    ModelError
        If a file cannot be decoded (with the path inside it) or two rows share a name.

    Examples
    --------
    >>> load_catalogue().find("u2netp").licence
    'Apache-2.0'
    """
    imported = settings.home() / IMPORTED if extra is None else extra
    shipped = read_rows(ROWS)
    added = read_rows(imported) if imported.is_file() else ()
    built = read_weights(WEIGHTS / "weights.toml")
    fits = read_fits(imported.with_name(FITS))
    models = tuple(_with_more(spec, built, fits) for spec in (*shipped, *added))
    counts = Counter(spec.name for spec in models)
    if twice := [name for name, count in counts.items() if count > 1]:
        message = (
            f"{imported}: {', '.join(twice)} is in the catalogue already; "
            "remove that row or give it another name"
        )
        raise ModelError(message)
    return Catalogue(models)


def read_rows(path: Path) -> tuple[ModelSpec, ...]:
    """Decode one file of ``[[models]]`` rows; raise ModelError naming the key that is wrong."""
    if path == ROWS:
        return _shipped()
    return _decode(path)


@lru_cache(maxsize=1)
def _shipped() -> tuple[ModelSpec, ...]:
    return _decode(ROWS)


def _decode(path: Path) -> tuple[ModelSpec, ...]:
    try:
        return Rows.model_validate(_toml(path)).models
    except ValidationError as error:
        raise ModelError(_first(path, error)) from error


def read_weights(path: Path) -> dict[str, Built]:
    """Decode ``weights.toml``: ``[NAME]`` with sha256 and bytes; no file means none built."""
    if not path.is_file():
        return {}
    try:
        return {name: Built.model_validate(row) for name, row in _toml(path).items()}
    except ValidationError as error:
        raise ModelError(_first(path, error)) from error


def _toml(path: Path) -> dict[str, object]:
    try:
        return parse_toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{path}: cannot be read ({error}); correct it or delete it"
        raise ModelError(message) from error


def _first(path: Path, error: ValidationError) -> str:
    found = error.errors()[0]
    where = ".".join(str(part) for part in found["loc"]) or "row"
    return f"{path}: {where}: {found['msg']} ({error.error_count()} wrong); correct it"


def _with_more(
    spec: ModelSpec, built: dict[str, Built], fits: dict[str, ConfidenceFit]
) -> ModelSpec:
    """Return the row with what is known beside it: its file, the fit of its confidence."""
    more: dict[str, object] = {}
    if spec.embedded and (row := built.get(spec.name)):
        more |= {"sha256": row.sha256, "bytes": row.bytes}
    if fit := fits.get(spec.name):
        more |= {"calibration": fit}
    return spec.model_copy(update=more) if more else spec
