"""Pictures cut out in the visitor's own browser: the page `/live`, and the files it needs.

The page, its code, the network and the runtime come from here; pictures and camera frames go
nowhere. The runtime (ONNX Runtime Web, MIT) is fetched by `make web`, see
docs/decisions/0009-the-browsers-runtime.md.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.requests import Request

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.middleware import PAGE_POLICY
from maskworks.apps.http.routes.review import page
from maskworks.apps.http.service import service_of
from maskworks.models import load_catalogue
from maskworks.models.checksum import digest
from maskworks.models.store import ready, sharpening

router = APIRouter(include_in_schema=False)

MODEL, CAMERA = "cutout", "cutout-live"
"""The models of photos and of the camera, by their names in the catalogue; named here alone."""

WEB = Path(__file__).resolve().parent.parent / "web"
CODE = ("index.js", "resampling.js", "video.js", "live.js")

_LIVE_POLICY = (
    PAGE_POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
    + "; worker-src 'self'; media-src 'self' blob:"
)
_ISOLATED = {
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
_KINDS = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}
_KEPT = "no-cache"  # a browser keeps a file and asks whether it is still the same


@router.get("/live")
async def live(request: Request) -> Response:
    """Show the page on which a browser cuts out by itself."""
    values = {"visitor": None, "missing": missing_runtime()}
    answer = await service_of(request).pages.run(page, "live.html", values)
    answer.headers.update({"Content-Security-Policy": _LIVE_POLICY, **_ISOLATED})
    return answer


@router.get("/live/model.json")
async def model() -> Response:
    """Say what the network of photos takes and gives, and where its files lie."""
    return JSONResponse(description(MODEL))


@router.get("/live/camera.json")
async def camera() -> Response:
    """Say the same of the network of the camera."""
    return JSONResponse(description(CAMERA))


@router.get("/live/files/{name}")
async def file(name: str, request: Request) -> Response:
    """Send a file of the page, its code, the runtime or the weights, unless it is known there."""
    path = _files().get(name)
    if path is None:
        raise ApiError(404, "not_found", f"the page has no file {name!r}")
    headers = {"Cache-Control": _KEPT, "Content-Security-Policy": _LIVE_POLICY, **_ISOLATED}
    kind = _KINDS.get(path.suffix, "application/octet-stream")
    answer = FileResponse(path, headers=headers, media_type=kind, stat_result=path.stat())
    if request.headers.get("If-None-Match") == answer.headers["ETag"]:
        return Response(status_code=304, headers=headers | {"ETag": answer.headers["ETag"]})
    return answer


def description(name: str) -> dict[str, Any]:
    """Return what `load` of the browser's package reads: files by address and SHA-256."""
    spec = load_catalogue().find(name)
    second = spec.sharpening
    return {
        "name": spec.name,
        "url": f"files/{spec.local_name}",
        "sha256": spec.sha256,
        "input": {
            "height": spec.input.height,
            "width": spec.input.width,
            "resize": spec.input.resize,
            "previous": spec.input.previous,
            "scale": spec.input.scale,
            "mean": spec.input.mean,
            "std": spec.input.std,
        },
        "output": {
            "kind": spec.output.kind,
            "confidence": spec.output.confidence,
            "presence": spec.output.presence,
        },
        "sharpening": second and {"url": f"files/{second.file}", "sha256": second.sha256},
    }


def runtime_digests() -> dict[str, str]:
    """Return the SHA-256 of each file of the runtime, by its name."""
    package = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    digests: dict[str, str] = package["maskworks"]["runtime"]
    return digests


@lru_cache(maxsize=1)
def missing_runtime() -> str:
    """Return which file of the runtime is not here, or not the one that was looked at."""
    for name, expected in runtime_digests().items():
        path = WEB / "runtime" / name
        if not path.is_file():
            return name
        if digest(path, "sha256") != expected:
            return f"{name}, of another content"
    return ""


@lru_cache(maxsize=1)
def _files() -> dict[str, Path]:
    weights = []
    for name in (MODEL, CAMERA):
        spec = load_catalogue().find(name)
        weights.append(ready(spec))
        if spec.sharpening is not None:
            weights.append(sharpening(spec.sharpening))
    runtime = [WEB / "runtime" / name for name in runtime_digests()]
    every = [*(WEB / name for name in CODE), *runtime, *weights]
    return {path.name: path for path in every if path.is_file()}
