"""How the classes of one taxonomy become those of another."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UsageError
from maskworks.core.public import public
from maskworks.core.taxonomy import FOLDER, MOST_IDS, Taxonomy, load_taxonomy, read_toml


@dataclass(frozen=True)
class Mapping:
    """Which class of `target` each class of `source` becomes; what is not named has no label.

    Raises
    ------
    UsageError
        If an id is of neither taxonomy, or a class is left out and `target` has no `ignore`.
    """

    source: Taxonomy
    target: Taxonomy
    ids: MappingOf[int, int]

    def __post_init__(self) -> None:
        for before, after in self.ids.items():
            self.source.category(before)
            self.target.category(after)
        if self.target.ignore is None and set(self.source.ids) - set(self.ids):
            raise UsageError(
                f"the mapping from {self.source.name} to {self.target.name} leaves classes out, "
                f"and {self.target.name} has no id for pixels without a label; set its `ignore`"
            )

    def table(self) -> NDArray[np.uint16]:
        """Return the new id of every old one: uint16 (65536,)."""
        rest = 0 if self.target.ignore is None else self.target.ignore
        table = np.full(MOST_IDS, rest, np.uint16)
        for before, after in self.ids.items():
            table[before] = after
        return table


@public
def load_mapping(source: str | Path, target: str | Path | None = None) -> Mapping:
    """Return how one taxonomy becomes another.

    Parameters
    ----------
    source : str or Path
        The name of a taxonomy, or with no `target` the path of a TOML file that holds `source`,
        `target` (both as `load_taxonomy` takes them) and `classes`, a table of names to names.
    target : str, optional

    Raises
    ------
    UsageError
        If there is no such mapping, or the file is not of this form.

    Examples
    --------
    >>> mapping = load_mapping("cityscapes-19", "camvid-11")
    >>> mapping.target.category(mapping.ids[0]).name
    'road'
    """
    if target is None:
        path = Path(source)
    else:
        path = FOLDER / "mappings" / f"{source}.to.{target}.toml"
        if not path.is_file():
            known = ", ".join(sorted(p.stem for p in path.parent.glob("*.toml")))
            raise UsageError(
                f"there is no mapping from {source} to {target}; there are {known}, or name a "
                ".toml file"
            )
    record = read_toml(path)
    if not all(isinstance(record.get(key), str) for key in ("source", "target")):
        raise UsageError(f"{path}: `source` and `target` must name taxonomies")
    before, after = load_taxonomy(record["source"]), load_taxonomy(record["target"])
    classes = record.get("classes")
    if not isinstance(classes, dict) or not all(isinstance(v, str) for v in classes.values()):
        raise UsageError(f"{path}: `classes` must be a table of names to names")
    return Mapping(
        before, after, {before.named(old).id: after.named(new).id for old, new in classes.items()}
    )
