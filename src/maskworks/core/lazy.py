"""Lazy public names: a package lists what it holds and imports it when it is first asked for."""

from __future__ import annotations

import _ast
import sys
from collections.abc import Callable
from importlib import import_module


def lazy_names(
    package: str,
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Return a package's `__getattr__`, `__dir__` and `__all__`; nothing else is imported.

    The names are those that its ``__init__.py`` imports under ``if TYPE_CHECKING:``, so type
    checkers and this read one list. (`lazy_loader` wants a stub beside each package, and 8 ms.)

    Parameters
    ----------
    package : the package's ``__name__``

    Examples
    --------
    >>> get, _, names = lazy_names("maskworks.core")
    >>> get("parse_colour").__name__, "parse_colour" in names
    ('parse_colour', True)
    >>> get("darkness")
    Traceback (most recent call last):
    AttributeError: module 'maskworks.core' has no attribute 'darkness'
    """
    homes = _imported(package)

    def get(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return get, names, sorted(homes)


def _imported(package: str) -> dict[str, str]:
    """Return the names under ``if TYPE_CHECKING:`` and the module each comes from."""
    spec = sys.modules[package].__spec__
    source = spec.loader.get_source(package) if spec and spec.loader else None  # type: ignore[attr-defined]
    tree = compile(source or "", package, "exec", _ast.PyCF_ONLY_AST)
    assert isinstance(tree, _ast.Module)  # noqa: S101 - what this flag compiles to
    return {
        alias.name: line.module
        for block in tree.body
        if isinstance(block, _ast.If)
        for line in block.body
        if isinstance(line, _ast.ImportFrom) and line.module
        for alias in line.names
        if alias.asname
    }
