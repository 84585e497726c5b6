"""Read a recipe from its file: what is wrong with one is said in one way, whatever it trains."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from maskworks.core.bounded import text_of
from maskworks.core.errors import RecipeError
from maskworks.core.toml_text import parse_toml

Kind = TypeVar("Kind", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a recipe's file.

    Raises
    ------
    RecipeError
        If the file is missing or is not TOML.
    """
    try:
        return parse_toml(text_of(path))
    except OSError as error:
        raise RecipeError(path, error.strerror or str(error), "name an existing recipe") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(path, f"is not TOML: {error}", "mend the line it names") from error


def read_recipe(path: Path, kind: type[Kind], examples: str) -> Kind:
    """Return a checked recipe.

    Parameters
    ----------
    kind : type
        Of the recipe.
    examples : where to find a good one, for the message

    Raises
    ------
    RecipeError
        If the file is missing, is not TOML or breaks a rule; the message names the key.
    """
    try:
        return kind.model_validate(read_toml(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"]) or "the recipe"
        raise RecipeError(path, f"{place}: {first['msg']}", f"see {examples}") from error
