"""Lazy public names: a package names what it holds and imports it when it is first asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def lazy_names(
    package: str, modules: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return a package's `__getattr__` and `__dir__`, so that importing it imports nothing else.

    Parameters
    ----------
    package : the package's ``__name__``
    modules : the public names by the module that holds them, relative to the package

    Examples
    --------
    >>> get, names = lazy_names("maskworks.core", {"colour": ["parse_colour"]})
    >>> get("parse_colour").__name__
    'parse_colour'
    >>> get("darkness")
    Traceback (most recent call last):
    AttributeError: module 'maskworks.core' has no attribute 'darkness'
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return get, names
