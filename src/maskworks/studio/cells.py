"""Texts in a CSV file that a spreadsheet opens: none of them may run."""

from __future__ import annotations

import re

_FORMULA = re.compile(r" *(?:[=@\t\r\n＝＠]|[+\-＋－](?![\w.\-]*\Z))")
"""The wide signs begin a formula in East Asian editions."""


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula: such a one gets an apostrophe.

    A number or an SKU with a sign before it stays as it is: it can call nothing. What no text
    can hold (NUL) is left out.

    Examples
    --------
    >>> safe_cell("=HYPERLINK(A1)"), safe_cell(" -1+1"), safe_cell("-12-A"), safe_cell("a=b")
    ("'=HYPERLINK(A1)", "' -1+1", '-12-A', 'a=b')
    """
    cleaned = text.replace("\0", "")
    return f"'{cleaned}" if _FORMULA.match(cleaned) else cleaned
