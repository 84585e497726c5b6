"""What EU law asks about a model of this kind: the notes of ``governance.toml`` that apply."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from maskworks.models.spec import ModelSpec

FILE = Path(__file__).with_name("governance.toml")

Law = Literal["ai-act", "gdpr"]


class GovernanceNote(BaseModel):
    """One note: of which law, about which models, and what it says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    law: Law
    about: Literal["all", "saliency", "semantic", "instance", "streets"]
    text: str


class Notes(BaseModel):
    """The form of ``governance.toml``; `checked_on` is when it was last held against the law."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checked_on: date
    notes: tuple[GovernanceNote, ...]


@lru_cache(maxsize=1)
def every_note() -> Notes:
    """Return all notes."""
    return Notes.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))


def notes_on(spec: ModelSpec, law: Law) -> tuple[str, ...]:
    """Return the notes of one law that apply to a model, in the order of the file.

    Examples
    --------
    >>> from maskworks.models.catalogue import load_catalogue
    >>> sum("art. 50(2)" in note for note in notes_on(load_catalogue().row("cutout"), "ai-act"))
    1
    """
    about = {"all", spec.family} | ({"streets"} if sees_streets(spec) else set())
    return tuple(n.text for n in every_note().notes if n.law == law and n.about in about)


def sees_streets(spec: ModelSpec) -> bool:
    """Whether the classes of a model are those of streets."""
    return (spec.taxonomy or "").startswith(("camvid", "cityscapes")) or "road" in spec.classes
