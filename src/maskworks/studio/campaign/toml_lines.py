"""At which line of a TOML file each key stands; the standard reader does not say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

Place = tuple[str | int, ...]
"""Keys and positions from the top: ``("concept", 1, "name")``."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]*")
_STRINGS = (
    re.compile(r'"""(?:\\.|[^\\])*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\\n])*"'),
    re.compile(r"'[^'\n]*'"),
)


def toml_lines(text: str) -> dict[Place, int]:
    r"""Return the line (from 1) of every table, key and array element.

    Parameters
    ----------
    text : str
        TOML that `tomllib` reads; of anything else the answer is undefined.

    Examples
    --------
    >>> lines = toml_lines('a = 1\n[[b]]\nc = [\n  "x",\n  "y",\n]\n')
    >>> lines["a",], lines["b", 0], lines["b", 0, "c", 1]
    (1, 2, 5)
    """
    reader = _Reader(text.replace("\r\n", "\n"))
    reader.document()
    return reader.lines


def line_of(lines: dict[Place, int], place: Place) -> int:
    """Return the line of a place, or of the nearest place above it that is written.

    Examples
    --------
    >>> line_of({("a",): 3}, ("a", "missing")), line_of({}, ("a",))
    (3, 1)
    """
    for length in range(len(place), 0, -1):
        if place[:length] in lines:
            return lines[place[:length]]
    return 1


@dataclass
class _Reader:
    """Walks through the text once; `at` is the next character."""

    text: str
    at: int = 0
    lines: dict[Place, int] = field(default_factory=dict)
    lengths: dict[Place, int] = field(default_factory=dict)

    def document(self) -> None:
        table: Place = ()
        while self._skip(_BLANK):
            if self.text.startswith("[", self.at):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Place:
        line = self._line()
        array = self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        keys = self._keys()
        self.at += 2 if array else 1
        place = self._place((), keys, line, enter_last=not array)
        if array:
            number = self.lengths.get(place, 0)
            self.lengths[place] = number + 1
            place = (*place, number)
            self.lines[place] = line
        return place

    def _place(self, table: Place, keys: list[str], line: int, *, enter_last: bool) -> Place:
        """Record each step of a dotted key; an array of tables means its last table."""
        place = table
        for number, key in enumerate(keys):
            place = (*place, key)
            self.lines.setdefault(place, line)
            last = number == len(keys) - 1
            if place in self.lengths and (enter_last or not last):
                place = (*place, self.lengths[place] - 1)
        return place

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_SPACE)
            string = self._string()
            if string is None:
                found = _BARE.match(self.text, self.at)
                keys.append(found[0] if found else "")
                self.at = found.end() if found else self.at + 1
            else:
                keys.append(_plain(string))
            self._skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1

    def _pair(self, table: Place) -> None:
        line = self._line()
        place = self._place(table, self._keys(), line, enter_last=False)
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(place)

    def _value(self, place: Place) -> None:
        if self._string() is not None:
            return
        opening = self.text[self.at : self.at + 1]
        if opening not in ("[", "{"):
            found = _SCALAR.match(self.text, self.at)
            self.at = found.end() if found else len(self.text)
            return
        self.at += 1
        number = 0
        while self._skip(_BLANK) and self.text[self.at] not in "]}":
            if self.text[self.at] == ",":
                self.at += 1
            elif opening == "{":
                self._pair(place)
            else:
                self.lines[(*place, number)] = self._line()
                self._value((*place, number))
                number += 1
        self.at += 1

    def _string(self) -> str | None:
        for kind in _STRINGS:
            found = kind.match(self.text, self.at)
            if found:
                self.at = found.end()
                return found[0]
        return None

    def _skip(self, what: re.Pattern[str]) -> bool:
        """Step over `what`; False at the end of the text."""
        found = what.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at < len(self.text)

    def _line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1


def _plain(quoted: str) -> str:
    """Return the key that a quoted key means."""
    import tomllib

    key: str = tomllib.loads(f"key = {quoted}")["key"]
    return key
