"""The names a form may have: what is none of them is refused, or told of in a header."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote

from starlette.requests import Request

from maskworks.apps.http.bodies import FormFields
from maskworks.apps.http.errors import ApiError

IGNORED = "X-Ignored-Fields"
"""Header with the names that nothing was done with, percent-encoded, separated by commas."""

_MOST_NAMES = 20
_LONGEST_NAME = 60


def names_of(described: Mapping[str, Any]) -> frozenset[str]:
    """Return the names that a body's description (of `openapi.body`) has."""
    kinds = described["requestBody"]["content"].values()
    return frozenset(name for kind in kinds for name in kind["schema"]["properties"])


def refuse_unknown(request: Request, form: FormFields, known: frozenset[str]) -> None:
    """Return if every field is one of the address's, there once, and none is in the query.

    Raises
    ------
    ApiError
        400, with the name, and the one that was probably meant.
    """
    refuse_names([*form.fields, *form.files], known)
    refuse_repeated(form.repeated)
    for name in request.query_params:
        raise ApiError(400, "unknown_field", f"{_shown(name)} is in the address; this address "
                       "takes its fields in the body")  # fmt: skip


def refuse_names(given: Iterable[str], known: frozenset[str]) -> None:
    """Return if every name is known.

    Raises
    ------
    ApiError
        400.
    """
    for name in given:
        if name not in known:
            near = get_close_matches(name.lower(), known, 1)
            meant = f"; {near[0]!r} may be meant" if near else ""
            raise ApiError(400, "unknown_field", f"there is no field {_shown(name)}{meant}; "
                           f"there are {', '.join(sorted(known))}")  # fmt: skip


def refuse_repeated(names: Iterable[str]) -> None:
    """Return if there is no name, else say that one was there twice.

    Raises
    ------
    ApiError
        400.
    """
    for name in names:
        raise ApiError(400, "repeated_field", f"{_shown(name)} was given more than once; give it "
                       "once")  # fmt: skip


def ignored_header(
    request: Request, form: FormFields, known: frozenset[str], *, query: bool
) -> dict[str, str]:
    """Return the header that tells of what nothing was done with; none if all was used.

    Parameters
    ----------
    query : the address takes fields in its query too

    Examples
    --------
    >>> request = Request({"type": "http", "query_string": b"size=hd", "headers": []})
    >>> form = FormFields({"crop": "true", "sizes": "hd"}, {})
    >>> ignored_header(request, form, frozenset({"crop", "size"}), query=False)
    {'X-Ignored-Fields': 'sizes,size'}
    """
    given = [name for name in (*form.fields, *form.files) if name not in known]
    given += [name for name in request.query_params if not query or name not in known]
    unused = [*dict.fromkeys([*given, *form.repeated])][:_MOST_NAMES]
    if not unused:
        return {}
    return {IGNORED: ",".join(quote(name[:_LONGEST_NAME], safe="") for name in unused)}


def _shown(name: str) -> str:
    return repr(name[:_LONGEST_NAME])
