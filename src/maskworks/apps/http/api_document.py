"""The OpenAPI document: schemas by name, who may call, where; and the page that shows it."""

from __future__ import annotations

import copy
from typing import Any

from fastapi import FastAPI

from maskworks.apps.http.openapi import NAMED, Schema
from maskworks.apps.http.settings import ServerSettings

SCHEMES: Schema = {
    "ApiKey": {
        "type": "apiKey", "in": "header", "name": "X-Api-Key",
        "description": "A key of `maskworks keys add`; on the service's own machine none is "
        "needed unless it was started with --require-keys.",
    },
    "Bearer": {
        "type": "http", "scheme": "bearer", "description": "The same key as a bearer token."
    },
}  # fmt: skip
"""How a caller says who it is; either will do."""

_ANYBODY = ("/healthz", "/readyz")
_GENERATED = ("HTTPValidationError", "ValidationError")
_VERBS = ("get", "post")


class Api(FastAPI):
    """The application; its document has names for what bodies and answers are made of.

    `settings` says whose address is named in the document.
    """

    settings = ServerSettings()

    def openapi(self) -> Schema:
        """Return the document; made once."""
        if self.openapi_schema is None:
            self.openapi_schema = finished(super().openapi(), self.settings)
        return self.openapi_schema


def finished(document: Schema, settings: ServerSettings) -> Schema:
    """Return FastAPI's document with servers, security and named schemas.

    Every schema that has a name (`openapi.named`) moves to the components, and a reference
    stays in its place.
    """
    schemas: Schema = {}
    document = copy.deepcopy(document)
    paths: Schema = _referred(document["paths"], schemas)
    for path, verbs in paths.items():
        for verb in _VERBS:
            if verb in verbs:
                verbs[verb]["security"] = (
                    [] if path in _ANYBODY else [*({name: []} for name in SCHEMES), {}]
                )
    components = document.get("components", {}).get("schemas", {})
    kept = {name: made for name, made in components.items() if name not in _GENERATED}
    port = settings.port or 7000
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    servers = [
        {"url": "/", "description": "Where this document came from"},
        {"url": f"http://{host}:{port}", "description": "As the service was started"},
    ]
    named = dict(sorted((kept | schemas).items()))
    return document | {
        "servers": servers,
        "paths": paths,
        "components": {"schemas": named, "securitySchemes": SCHEMES},
    }


def _referred(value: Any, schemas: Schema) -> Any:  # noqa: ANN401
    """Return a part of the document with its named schemas moved into `schemas`."""
    if isinstance(value, list):
        return [_referred(each, schemas) for each in value]
    if not isinstance(value, dict):
        return value
    made = {name: _referred(each, schemas) for name, each in value.items() if name != NAMED}
    if NAMED not in value:
        return made
    name = value[NAMED]
    if schemas.setdefault(name, made) != made:
        raise ValueError(f"two schemas are named {name!r}")
    return {"$ref": f"#/components/schemas/{name}"}


def operations(document: Schema) -> dict[str, list[dict[str, Any]]]:
    """Return what the page of the document shows, by tag: an address each.

    Of each: verb, path, summary, description, fields (name, kind, default, what it is), the
    types of the body and of the answer, the statuses of errors.
    """
    schemas = document["components"]["schemas"]
    found: dict[str, list[dict[str, Any]]] = {}
    for path, verbs in document["paths"].items():
        for verb, what in verbs.items():
            content = what.get("requestBody", {}).get("content", {})
            fields: Schema = {}
            for kind in content.values():
                fields |= _resolved(kind["schema"], schemas).get("properties", {})
            asked = {one["name"]: one.get("schema", {}) for one in what.get("parameters", [])}
            good = {
                kind
                for status, answer in what["responses"].items()
                if status.startswith("2")
                for kind in answer.get("content", {})
            }
            found.setdefault(what["tags"][0], []).append({
                "verb": verb.upper(), "path": path, "summary": what["summary"],
                "description": what.get("description", ""), "id": what["operationId"],
                "fields": [_field(name, schema) for name, schema in (asked | fields).items()],
                "takes": list(content), "answers": sorted(good),
                "errors": sorted(s for s in what["responses"] if not s.startswith("2")),
            })  # fmt: skip
    return found


def _resolved(schema: Schema, schemas: Schema) -> Schema:
    name = schema.get("$ref", "").rpartition("/")[2]
    return schemas[name] if name else schema


def _field(name: str, schema: Schema) -> dict[str, str]:
    words = schema.get("enum")
    kind = " | ".join(words) if words else schema.get("type", "")
    kind = "file" if schema.get("format") == "binary" else kind
    default = schema.get("default", "")
    return {
        "name": name,
        "kind": kind if isinstance(kind, str) else " | ".join(kind),
        "default": str(default).lower() if isinstance(default, bool) else str(default),
        "what": schema.get("description", ""),
    }
