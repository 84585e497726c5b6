"""PyAV, where it is installed; the only place besides reading and writing that knows of it."""

from __future__ import annotations

from types import ModuleType

from maskworks.core.errors import UsageError


def pyav() -> ModuleType:
    """Return the library that reads and writes clips.

    Raises
    ------
    UsageError
        If the extra is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise UsageError("clips need the extra: pip install 'maskworks[video]'") from error
    return av
