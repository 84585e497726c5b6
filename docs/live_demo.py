"""The page /live of the service as files that any static host can serve: the site's demo.

Page, code, descriptions, weights and runtime are the service's own, taken from its routes; only
addresses and the policy, which a static host does not send as a header, are written anew.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

HERE = "live"
"""The folder of the site, as on the server; its code finds its files from where it lies."""

_ADDRESSES = {
    'href="/static/': 'href="static/',
    'src="/live/': 'src="',
    'href="/review"': 'href="../index.html"',
    "the page may talk to this server only": "the page may talk to where it came from only",
}


def demo_files() -> Iterator[tuple[str, bytes | Path]]:
    """Yield the demo's files by their place in the site: their bytes, or where they lie.

    Raises
    ------
    ValueError
        If the page has an address that a static host would not have.
    """
    from maskworks.apps.http.routes import live

    yield f"{HERE}/index.html", _page().encode()
    for route in live.router.routes:
        path = route.path  # type: ignore[attr-defined]
        if path.startswith("/live/") and "{" not in path:
            answer = asyncio.run(_answered(route.endpoint))  # type: ignore[attr-defined]
            yield path.removeprefix("/"), answer
    for name, file in live._files().items():  # noqa: SLF001 - what the service sends, no more
        yield f"{HERE}/files/{name}", file
    static = Path(live.__file__).resolve().parents[1] / "static"
    for name in ("icon.svg", "style.css"):
        yield f"{HERE}/static/{name}", static / name


async def _answered(endpoint: object) -> bytes:
    answer = endpoint()  # type: ignore[operator]
    if inspect.isawaitable(answer):
        answer = await answer
    return bytes(answer.body)


def _page() -> str:
    from maskworks.apps.http.routes import live
    from maskworks.apps.http.routes.review import page

    values = {"visitor": None, "missing": live.missing_runtime()}
    text = bytes(page("live.html", values).body).decode()
    for before, after in _ADDRESSES.items():
        text = text.replace(before, after)
    if left := re.findall(r'(?:href|src|action)="(/[^"]*)"', text):
        raise ValueError(
            f"live.html: {left[0]} is an address of the service; see docs/live_demo.py"
        )
    policy = "; ".join(  # what a page may not say of itself, its host says or nobody
        part
        for part in live._LIVE_POLICY.split("; ")  # noqa: SLF001
        if not part.startswith(("frame-ancestors", "report-", "sandbox"))
    )
    told = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return text.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n  {told}', 1)
