from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskworks.studio.campaign.toml_lines import line_of, toml_lines


def leaves(value, place=()):
    """Every number in a parsed file, with its place."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from leaves(below, (*place, key))
    elif isinstance(value, list):
        for at, below in enumerate(value):
            yield from leaves(below, (*place, at))
    elif isinstance(value, int):
        yield place, value


DOCUMENT = '''\
# a comment with [brackets] and = signs
top = 100  # ] }
"quoted key" = 101
a.b.c = 102
text = """
looks = 1
[like.a.table]
\\""" = ["
"""
raw = \'\'\'
x = 2 # no\'\'\'
after = 103
list = [ 104, "]", 105,
  106, # ],
  [107,
   108], { x = 109, y.z = 110 }
]
empty = []
date = 1979-05-27 07:32:00
after_date = 111

[table]
inner = 112
[table.below]
inner = 113
[[rows]]
n = 114
[rows.sub]
n = 115
[[rows]]
n = 116
  [[rows.sub.deep]]
  n = 117
  [[rows.sub.deep]]
  n = { a = [ 118 ] }
'''


def check_lines(text):
    """Each number is written once, so the line it stands in is known without a parser."""
    lines = toml_lines(text)
    written = text.splitlines()
    found = list(leaves(tomllib.loads(text)))
    for place, number in found:
        at = next(n for n, line in enumerate(written, start=1) if str(number) in line)
        assert lines[place] == at, place
    return len(found)


def test_every_value_is_found_in_its_line():
    assert check_lines(DOCUMENT) == 19


def test_line_ends_of_windows_do_not_matter():
    assert toml_lines(DOCUMENT.replace("\n", "\r\n")) == toml_lines(DOCUMENT)


KEY = st.one_of(st.text("ab-_9", min_size=1, max_size=3), st.text("a. #\"'[=é", max_size=3))
TEXT = st.text(st.sampled_from("a#[]{}=,\"'\\\n é"), max_size=8)


def written_key(key):
    bare = key and all(c in "ab-_9" for c in key)
    return key if bare else json.dumps(key, ensure_ascii=False)


def value_text(draw, counter, depth=0):
    kind = draw(st.sampled_from(["number", "text", "list", "table"] if depth < 2 else ["number"]))
    if kind == "text":
        return json.dumps(draw(TEXT), ensure_ascii=False)
    if kind == "list":
        parts = [value_text(draw, counter, depth + 1) for _ in range(draw(st.integers(0, 3)))]
        gap = draw(st.sampled_from([",", ", ", ",\n  ", ", # ],\n"]))
        return f"[{draw(st.sampled_from(['', chr(10)]))}{gap.join(parts)}{'' if parts else ' '}]"
    if kind == "table":
        keys = draw(st.lists(KEY, max_size=2, unique=True))
        pairs = [f"{written_key(k)} = {value_text(draw, counter, 2)}" for k in keys]
        return f"{{ {', '.join(pairs)} }}"
    counter.append(1000 + len(counter))
    return str(counter[-1])


@st.composite
def documents(draw):
    """TOML with tables, arrays of tables, nested values and hard keys; numbers count up."""
    counter, parts = [], []
    heads = draw(st.lists(KEY, max_size=4, unique=True))
    for head in [None, *heads]:
        array = head is not None and draw(st.booleans())
        for _ in range(draw(st.integers(1, 3)) if array else 1):
            if head is not None:
                key = written_key(head)
                parts.append(f"[[{key}]]" if array else f"[ {key} ]")
            keys = draw(st.lists(KEY.filter(lambda k: k not in heads), max_size=3, unique=True))
            parts += [f"{written_key(key)} = {value_text(draw, counter)}" for key in keys]
    return "\n".join(parts)


@settings(max_examples=60, deadline=None)
@given(documents())
def test_every_value_of_any_file_is_found_in_its_line(text):
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        pytest.fail(f"the test wrote what is no TOML:\n{text}")
    check_lines(text)


def test_a_missing_key_is_in_the_line_of_its_table():
    lines = toml_lines("[a]\nb = 1\n[[c]]\n[[c]]\nd = 2\n")
    assert line_of(lines, ("c", 1, "gone")) == 4
    assert line_of(lines, ("a", "gone", "deeper")) == 1
    assert line_of(lines, ("nowhere",)) == 1
