"""How an extra is installed: the package's name on the index is not ours yet."""

from __future__ import annotations


def how_to_install(extra: str) -> str:
    """Return the words that stand in messages.

    Examples
    --------
    >>> print(how_to_install("serve"))
    run `pip install -e ".[serve]"` in the checkout, or `pip install "WHEEL[serve]"` with the wheel
    """
    return (
        f'run `pip install -e ".[{extra}]"` in the checkout, or `pip install "WHEEL[{extra}]"` '
        "with the wheel"
    )
