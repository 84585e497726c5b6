"""The recipe of the network that redraws edges."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from maskworks.core.errors import RecipeError


class EdgeRecipe(BaseModel):
    """What edges are learnt from, as read from a TOML file; an unknown key is an error.

    `mattes` is a folder of pictures with true mattes, of which `hold_out` are never learnt
    from; `composites` more pictures are drawn from them over photos of `backdrops`, a share
    `objects` of them with a made-up object instead of a person, each `size` pixels large.
    Training sees views of `view` pixels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    task: Literal["edge"]
    mattes: str
    hold_out: int = Field(40, ge=1)
    backdrops: tuple[str, ...]
    composites: int = Field(ge=0)
    objects: float = Field(0.2, ge=0, le=1)
    size: int = Field(576, ge=64)
    view: int = Field(256, multiple_of=32)
    batch: int = Field(8, ge=1)
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    lr: float = Field(2e-3, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    ema: float = Field(0.998, ge=0, lt=1)
    seed: int = 7


def load_edge_recipe(path: Path) -> EdgeRecipe:
    """Read and check a recipe.

    Raises
    ------
    RecipeError
        If the file is missing, is not TOML or breaks a rule; the message names the key.
    """
    try:
        return EdgeRecipe.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise RecipeError(path, error.strerror or str(error), "name an existing recipe") from error
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(path, f"is not TOML: {error}", "mend the line it names") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(p) for p in first["loc"])
        raise RecipeError(path, f"{place}: {first['msg']}", "see recipes/edge.toml") from error
