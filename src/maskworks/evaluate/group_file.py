"""Which picture belongs to which group: the user's own CSV. Groups are never guessed."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path, PurePosixPath

from maskworks.core.errors import EvaluationError, UnreadableError, UsageError
from maskworks.core.formats import SUFFIXES

COLUMNS = ("picture", "name", "file", "image", "stem")
"""Names that the column with the picture may have; otherwise it is the first one."""

MONK = ("monk", "monk_tone", "mst")
"""Names of a column that holds tones of the Monk scale, 1 (lightest) to 10 (darkest)."""

_TONES = frozenset(str(tone) for tone in range(1, 11))


@dataclass(frozen=True)
class Groups:
    """By attribute, by picture: the group. A picture may be missing where nothing is known."""

    attributes: Mapping[str, Mapping[str, str]]

    def crossed(self, among: Collection[str]) -> Groups:
        """Return every pair of attributes as one, such as "tone x hair"; one at least of `among`.

        Examples
        --------
        >>> groups = Groups({"tone": {"a": "3"}, "size": {"a": "low"}, "blur": {"a": "low"}})
        >>> list(groups.crossed({"tone"}).attributes)
        ['tone x size', 'tone x blur']
        """
        crossings: dict[str, dict[str, str]] = {}
        for (one, first), (other, second) in combinations(self.attributes.items(), 2):
            if one not in among and other not in among:
                continue
            both = first.keys() & second.keys()
            crossings[f"{one} x {other}"] = {
                name: f"{first[name]} x {second[name]}" for name in sorted(both)
            }
        return Groups(crossings)

    def joined(self, other: Groups) -> Groups:
        """Return the attributes of both; those of `other` must have other names.

        Raises
        ------
        UsageError
            If a name is in both.
        """
        twice = self.attributes.keys() & other.attributes.keys()
        if twice:
            raise UsageError(f"the attribute {min(twice)!r} is given twice; rename the column")
        return Groups({**self.attributes, **other.attributes})


def read_groups(path: Path, pictures: Sequence[str]) -> Groups:
    """Read a CSV with one row a picture: its name, then one column an attribute.

    Parameters
    ----------
    path : Path
        UTF-8, with a heading. Names are paths below the folder of truth, with or without the
        suffix. An empty cell says that nothing is known. A column of `MONK` holds 1 to 10.
    pictures : names without suffix

    Raises
    ------
    UsageError
        If there is no such file.
    UnreadableError
        If it is no such CSV.
    EvaluationError
        If it names pictures that are not there, or one twice, or a tone that is none.
    """
    if not path.is_file():
        raise UsageError(f"--groups {path}: there is no such file; name a CSV file")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableError(
            str(path), f"is not a CSV file ({error})", "save it as UTF-8"
        ) from error
    headings = [heading for heading in (rows[0] if rows else {}) if heading]
    if len(headings) < 2:
        raise UnreadableError(
            str(path), "needs a heading, a column of pictures and one an attribute", "add them"
        )
    key = next((h for h in headings if h.strip().lower() in COLUMNS), headings[0])
    known = set(pictures)
    attributes: dict[str, dict[str, str]] = {h.strip(): {} for h in headings if h != key}
    problems: list[str] = []
    seen: set[str] = set()
    for number, row in enumerate(rows, start=2):
        name = _name(str(row[key] or ""))
        if name not in known or name in seen:
            what = "is listed twice" if name in seen else "is not among the pictures of --truth"
            problems.append(f"{path}: line {number}: {row[key]!r} {what}")
            continue
        seen.add(name)
        for heading in headings:
            value = str(row[heading] or "").strip()
            if heading != key and value:
                if heading.strip().lower() in MONK and value not in _TONES:
                    problems.append(
                        f"{path}: line {number}: {value!r} is no tone of the Monk scale, 1 to 10"
                    )
                attributes[heading.strip()][name] = value
    if problems:
        raise EvaluationError(problems, "correct the file of groups")
    return Groups(attributes)


def _name(text: str) -> str:
    path = PurePosixPath(text.strip().replace("\\", "/"))
    return str(path.with_suffix("") if path.suffix.lower() in SUFFIXES else path)
