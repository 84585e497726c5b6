"""The exception list: pictures that go straight to a person, known by their names alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, get_args

from maskworks.core.errors import UsageError
from maskworks.studio.campaign.patterns import name_matches, path_matches
from maskworks.studio.spreadsheets import read_table

RuleKind = Literal["glob", "sku", "tag"]
KINDS: tuple[RuleKind, ...] = get_args(RuleKind)

COLUMNS = ("rule", "pattern", "reason")


@dataclass(frozen=True)
class Rule:
    """One exception rule: the field it tests, the pattern, and the reason.

    `glob` looks at the file's path below the input folder (`patterns.path_matches`), `sku` and
    `tag` at those (`patterns.name_matches`). `line` is 0 for a rule that no file holds yet.
    """

    kind: RuleKind
    pattern: str
    reason: str
    line: int = 0

    @property
    def name(self) -> str:
        """What a hit is called.

        Examples
        --------
        >>> Rule("tag", "glass", "see-through").name
        'tag:glass'
        """
        return f"{self.kind}:{self.pattern}"

    def fits(self, path: str, sku: str, tags: Sequence[str]) -> bool:
        """Say whether a picture is meant; nothing of it is read.

        Examples
        --------
        >>> Rule("sku", "GLS-*", "glass").fits("a.jpg", "GLS-1", ())
        True
        >>> Rule("tag", "glass", "glass").fits("glass.jpg", "glass", ("wood",))
        False
        """
        if self.kind == "glob":
            return path_matches(path, self.pattern)
        names = [sku] if self.kind == "sku" else tags
        return any(name_matches(name, self.pattern) for name in names if name)


def find_rule(rules: Sequence[Rule], *, path: str, sku: str, tags: Sequence[str]) -> Rule | None:
    """Return the first rule, in the order of the list, that a picture hits; None if none.

    Parameters
    ----------
    rules : as `read_exceptions` returns them
    path : relative to the input folder, with ``/``
    sku : may be empty; then no rule for SKUs fits
    tags : may be empty
    """
    return next((rule for rule in rules if rule.fits(path, sku, tags)), None)


def read_exceptions(path: Path) -> tuple[Rule, ...]:
    """Read a list: CSV with the columns rule, pattern and reason.

    Raises
    ------
    UsageError
        With the line: an unknown rule, an empty pattern or reason, a rule that stands there
        twice, or what `read_table` refuses.
    """
    rules: list[Rule] = []
    seen: dict[str, int] = {}
    for row in read_table(path, required=COLUMNS).rows:
        kind, pattern, reason = (row.cells[name] for name in COLUMNS)
        rule = Rule(_kind(kind, f"{path}:{row.line}"), pattern, reason, row.line)
        if not pattern or not reason:
            missing = "reason" if pattern else "pattern"
            raise UsageError(f"{path}:{row.line}: the {missing} is empty; say {_ASK[missing]}")
        first = seen.setdefault(rule.name.casefold(), row.line)
        if first != row.line:
            raise UsageError(
                f"{path}:{row.line}: the rule {rule.name} is already in line {first}; keep one"
            )
        rules.append(rule)
    return tuple(rules)


_ASK = {
    "pattern": "which files, SKUs or tags are meant, such as GLS-*",
    "reason": "why these pictures go to a person; the retoucher reads it",
}


def _kind(text: str, where: str) -> RuleKind:
    for kind in KINDS:
        if text.lower() == kind:
            return kind
    near = get_close_matches(text.lower(), KINDS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"write one of {', '.join(KINDS)}"
    raise UsageError(f"{where}: there is no rule {text!r}; {hint}")
