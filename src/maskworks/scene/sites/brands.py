"""brands.toml: names and logos to look for around a screen, one's own and competitors'."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from maskworks.core.errors import UsageError
from maskworks.core.toml_text import parse_toml
from maskworks.scene.signals.logos import LogoTemplate, read_logo
from maskworks.scene.sites.words import WordList, word_list

BrandKind = Literal["own", "competitor", "other"]


class _BrandRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    kind: BrandKind
    words: tuple[str, ...] = ()
    logos: tuple[str, ...] = ()


class _BrandFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    brands: Annotated[tuple[_BrandRow, ...], Field(min_length=1)]


@dataclass(frozen=True, eq=False)
class Brands:
    """What is looked for: words by brand, logos by brand, and which kind each brand is."""

    kinds: dict[str, BrandKind]
    words: tuple[WordList, ...]
    logos: tuple[tuple[str, str, LogoTemplate], ...]  # brand, file, features
    sha256: str


def read_brands(path: Path | None) -> Brands:
    """Read a brands file; without one nothing is looked for.

    Raises
    ------
    UsageError
        If it cannot be read, breaks a rule, or a logo has too few features.
    ImageError
        If a logo cannot be read.
    """
    if path is None:
        return Brands({}, (), (), "")
    try:
        data = path.read_bytes()
        rows = parse_toml(data.decode("utf-8-sig"))
        file = _BrandFile.model_validate(rows)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as TOML in UTF-8: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {at}: {first['msg']}; see docs/sites.md") from error
    names = [each.name for each in file.brands]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{path}: the brand {twice!r} stands there twice; give it one table")
    digest = hashlib.sha256(data)
    logos = []
    for each in file.brands:
        for logo in each.logos:
            logos.append((each.name, logo, read_logo(path.parent / logo)))
            digest.update((path.parent / logo).read_bytes())
    return Brands(
        {each.name: each.kind for each in file.brands},
        tuple(word_list(each.name, each.words or (each.name,)) for each in file.brands),
        tuple(logos),
        digest.hexdigest(),
    )
