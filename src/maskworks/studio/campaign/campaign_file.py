"""Reading campaign.toml: every mistake at once, each with its line and a way out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from maskworks.core.errors import ModelError, UsageError
from maskworks.core.public import public
from maskworks.core.toml_text import parse_toml
from maskworks.cutouts.scoring.score_model import DEFAULT_FILE, digest_of, load_score_model
from maskworks.studio.campaign.approved_backgrounds import Scenery, variants_of
from maskworks.studio.campaign.campaign import Campaign, canonical_hash, pictures_hash, routing_hash
from maskworks.studio.campaign.exceptions import Rule, read_exceptions
from maskworks.studio.campaign.mistakes import Mistake, mistakes_of
from maskworks.studio.campaign.toml_lines import Place, line_of, toml_lines
from maskworks.studio.spreadsheets import read_text


@dataclass(frozen=True, kw_only=True)
class CampaignFile:
    """A campaign that was read and checked, with everything beside it that it names.

    `path` and `input` are absolute; `input` is a folder or a CSV file. `scenery` holds the
    backgrounds of each concept by its name, `rules` the exception list, in order; `scorer` is
    the file of the score model.
    """

    path: Path
    text: str
    campaign: Campaign
    input: Path
    scenery: dict[str, tuple[Scenery, ...]]
    rules: tuple[Rule, ...]
    scorer: Path

    @property
    def folder(self) -> Path:
        """Where relative paths begin."""
        return self.path.parent

    @cached_property
    def lines(self) -> dict[Place, int]:
        """At which line each key of the file stands."""
        return toml_lines(self.text)

    def pictures_hash(self, concept: str, extra: Mapping[str, str]) -> str:
        """Return the digest of what changes the pictures of one concept (`campaign.pictures_hash`).

        Parameters
        ----------
        concept : str
            The name of a concept, or `DEFAULT_CONCEPT`.
        extra : what else counts, such as the checksum of the model's weights
        """
        backgrounds = {s.variant: s.digest for s in self.scenery.get(concept, ())}
        return pictures_hash(self.campaign, concept, backgrounds, extra)

    @property
    def routing_hash(self) -> str:
        """The digest of what changes routes and prices only (`campaign.routing_hash`)."""
        rules = [[rule.kind, rule.pattern, rule.reason] for rule in self.rules]
        return routing_hash(
            self.campaign, canonical_hash({"rules": rules}), scorer=digest_of(self.scorer)
        )

    def where(self, *place: str | int) -> str:
        """Return "FILE:LINE" of a place, such as ``("concept", 1, "match")``."""
        return f"{self.path}:{line_of(self.lines, place)}"


@public
def read_campaign(path: Path, *, today: date | None = None) -> CampaignFile:
    """Read a campaign file, its exception list, and look for the backgrounds it names.

    No picture to be cut out is looked for; `assignment.assign` does that.

    Parameters
    ----------
    path : Path
        The file, or the folder that holds a ``campaign.toml``.
    today : date, optional
        The day whose preset rules hold, if the file does not say (`as_of`); by default today.

    Raises
    ------
    UsageError
        If the file cannot be read, is no TOML or breaks a rule. The message has one line for
        every mistake: the file, the line, the key, what is wrong and what would be right.

    Examples
    --------
    >>> read_campaign(Path("spring/campaign.toml")).campaign.name  # doctest: +SKIP
    'spring'
    """
    path = path.absolute()
    path = path / "campaign.toml" if path.is_dir() else path
    text = read_text(path)
    tables = _tables(path, text)
    lines = toml_lines(text)
    try:
        campaign = Campaign.model_validate(
            _preset_from_here(tables, path.parent), context={"today": today}
        )
    except ValidationError as error:
        raise UsageError(_together(path, lines, mistakes_of(error, Campaign))) from error
    mistakes: list[Mistake] = []
    scenery = _scenery(campaign, path.parent, mistakes)
    source = _input(campaign, path.parent, mistakes)
    _model(campaign, mistakes)
    rules = _rules(campaign, path.parent, mistakes)
    scorer = _scorer(campaign, path.parent, mistakes)
    if mistakes:
        raise UsageError(_together(path, lines, mistakes))
    return CampaignFile(
        path=path, text=text, campaign=campaign, input=source, scenery=scenery, rules=rules,
        scorer=scorer,
    )  # fmt: skip


def _tables(path: Path, text: str) -> dict[str, Any]:
    try:
        return parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        what, _, place = str(error).partition(" (at ")
        line = place.removeprefix("line ").partition(",")[0]
        if not line.isdigit():
            line = str(text.count("\n") + 1)  # "at end of document"
        raise UsageError(
            f"{path}:{line}: is not TOML ({what}); write `key = value`, and put text into "
            "quotation marks"
        ) from error


def _preset_from_here(tables: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Let the path of an own preset count from the campaign file."""
    output = tables.get("output")
    preset = output.get("preset") if isinstance(output, dict) else None
    if isinstance(preset, str) and preset.endswith(".toml"):
        return {**tables, "output": {**tables["output"], "preset": str(folder / preset)}}
    return tables


def _together(path: Path, lines: dict[Place, int], mistakes: list[Mistake]) -> str:
    """Return one line a mistake, in the order of the file."""
    found = sorted((line_of(lines, mistake.place), mistake.text) for mistake in mistakes)
    return "\n".join(f"{path}:{line}: {text}" for line, text in found)


def _scenery(
    campaign: Campaign, folder: Path, mistakes: list[Mistake]
) -> dict[str, tuple[Scenery, ...]]:
    found: dict[str, tuple[Scenery, ...]] = {}
    for number, concept in enumerate(campaign.concept):
        at: Place = ("concept", number, "backgrounds")
        found[concept.name] = variants_of(concept.backgrounds, folder, at, mistakes)
    return found


def _input(campaign: Campaign, folder: Path, mistakes: list[Mistake]) -> Path:
    given = campaign.input.folder
    path = (folder / given).absolute()
    if not path.is_dir() and not (path.is_file() and path.suffix.lower() == ".csv"):
        what = "is neither a folder nor a .csv file" if path.exists() else "does not exist"
        text = f"input.folder: {given} {what}; name a folder or a CSV file, relative to this file"
        mistakes.append(Mistake(("input", "folder"), text))
    return path


def _model(campaign: Campaign, mistakes: list[Mistake]) -> None:
    from maskworks.models.catalogue import load_catalogue

    try:
        load_catalogue().find(campaign.input.model)
    except ModelError as error:
        mistakes.append(Mistake(("input", "model"), f"input.model: {error}"))


def _scorer(campaign: Campaign, folder: Path, mistakes: list[Mistake]) -> Path:
    """Return the file of the score model, which must be one."""
    given = campaign.quality.score_file
    path = DEFAULT_FILE if given is None else (folder / given).absolute()
    try:
        load_score_model(path)
    except UsageError as error:
        text = f"quality.score_file: {error}; `maskworks calibrate` writes such a file"
        mistakes.append(Mistake(("quality", "score_file"), text))
    return path


def _rules(campaign: Campaign, folder: Path, mistakes: list[Mistake]) -> tuple[Rule, ...]:
    if campaign.exceptions is None:
        return ()
    path = folder / campaign.exceptions.file
    if path.is_file():
        return read_exceptions(path)
    text = (
        f"exceptions.file: {campaign.exceptions.file} does not exist; write a CSV file with the "
        "columns rule, pattern and reason, or leave [exceptions] out"
    )
    mistakes.append(Mistake(("exceptions", "file"), text))
    return ()
