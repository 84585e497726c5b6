"""What the OpenAPI document says of bodies and answers, with an example of each."""

from __future__ import annotations

from typing import Any

from maskworks.apps.http.pictures.removebg_fields import FORMATS, SHADOWS, SIZES, TYPE_LEVELS, TYPES

Schema = dict[str, Any]

FILE: Schema = {"type": "string", "format": "binary", "description": "A picture."}
ADDRESS: Schema = {"type": "string", "description": "Address of a picture, if that is allowed."}
PICTURE: Schema = {"schema": {"type": "string", "format": "binary"}}

NAMED = "x-name"
"""Of a schema: what it is called in the document's components, where it moves."""

_EDGES = ["auto", "fine", "fast", "off"]


def words(values: tuple[str, ...] | list[str], default: str, description: str) -> Schema:
    """Return the schema of a field that is one of a few words."""
    return {
        "type": "string", "enum": list(values), "default": default, "description": description
    }  # fmt: skip


def text(description: str, example: str) -> Schema:
    """Return the schema of a field in words."""
    return {"type": "string", "description": description, "examples": [example]}


def truth(description: str, *, default: bool = False) -> Schema:
    """Return the schema of a field that is true or false."""
    return {"type": "boolean", "default": default, "description": description}


def named(name: str, schema: Schema) -> Schema:
    """Return a schema that stands in the document once, under a name."""
    return {NAMED: name, **schema}


def like(example: object, may_be_null: tuple[str, ...] = ()) -> Schema:
    """Return the schema of values such as `example`; null stands for text that may be missing.

    Parameters
    ----------
    may_be_null : names of members that are null where there is nothing to say

    Examples
    --------
    >>> like({"score": 0.5, "tags": ["a"]}, ("score",))["properties"]
    {'score': {'type': ['number', 'null']}, 'tags': {'type': 'array', 'items': {'type': 'string'}}}
    """
    if isinstance(example, dict):
        return {
            "type": "object",
            "properties": {
                name: _or_null(like(value, may_be_null)) if name in may_be_null
                else like(value, may_be_null)
                for name, value in example.items()
            },
        }  # fmt: skip
    if isinstance(example, list):
        return {"type": "array", "items": like(example[0], may_be_null) if example else {}}
    if isinstance(example, bool):
        return {"type": "boolean"}
    if isinstance(example, int):
        return {"type": "integer"}
    if isinstance(example, float):
        return {"type": "number"}
    return {"type": "string" if isinstance(example, str) else ["string", "null"]}


def _or_null(schema: Schema) -> Schema:
    if isinstance(schema["type"], list):
        return schema
    return schema | {"type": [schema["type"], "null"]}


def named_like(name: str, example: object, *, may_be_null: tuple[str, ...] = ()) -> Schema:
    """Return the schema of an answer such as `example`, whose members are always there."""
    schema = like(example, may_be_null)
    return named(name, schema | {"required": list(schema["properties"])})


def body(*types: str, name: str, fields: Schema, required: tuple[str, ...] = ()) -> Schema:
    """Return the part of an operation that describes its body, for `openapi_extra`."""
    schema = named(name, {"type": "object", "properties": fields})
    if required:
        schema["required"] = list(required)
    return {"requestBody": {"required": True, "content": {t: {"schema": schema} for t in types}}}


def json_answer(
    name: str, example: object, description: str = "Done", *, may_be_null: tuple[str, ...] = ()
) -> Schema:
    """Return an answer in JSON that is an object such as `example`."""
    schema = named_like(name, example, may_be_null=may_be_null)
    content = {"application/json": {"schema": schema, "example": example}}
    return {"description": description, "content": content}


def failure(description: str, code: str, message: str) -> Schema:
    """Return an answer in the one shape that errors have."""
    told = {"code": code, "message": message, "request_id": "5c1f0e9d2b7a4e63"}
    schema = named_like("Error", {"error": told})
    content = {"application/json": {"schema": schema, "example": {"error": told}}}
    return {"description": description, "content": content}


FAILURES: dict[int | str, Schema] = {
    400: failure("A field is wrong", "usage", "edges must be one of auto, fine, fast, off"),
    401: failure("No key", "auth_failed", "send a key in the header X-Api-Key"),
    402: failure("The quota is used up", "insufficient_credits", "the month's quota is used up"),
    403: failure("The key may not", "auth_failed", "there is no such key, or it was revoked"),
    404: failure("There is no such thing", "unknown-model", "no model is named 'x'"),
    408: failure("The body came too slowly", "slow_upload", "the body took longer than 60 s"),
    413: failure("Too many bytes or pixels", "file_too_large", "the upload is too large"),
    415: failure("No form", "unsupported_media_type", "send multipart/form-data"),
    422: failure("The picture cannot be used", "unreadable", "picture: is not a picture"),
    429: failure("Full, or beyond the rate; see Retry-After", "busy", "try again in 2 s"),
    500: failure("A mistake in here", "internal", "something went wrong here"),
    503: failure("Stopping, or the model is not here", "stopping", "the service is about to stop"),
    504: failure("Out of time", "deadline", "the time for this request has run out"),
    507: failure("The data folder is full", "data_full", "there is no room here"),
}
"""What can go wrong with a picture at any of our own addresses."""

OPINION_HEADERS: Schema = {
    "X-Confidence": {
        "description": "IoU the model expects of its mask", "schema": {"type": "number"}
    },
    "X-Score": {"description": "Probability that it is good", "schema": {"type": "number"}},
    "X-Route": {"description": "deliver or review", "schema": {"type": "string"}},
    "X-Reasons": {"description": "What speaks against it", "schema": {"type": "string"}},
}  # fmt: skip

REMOVEBG_BODY = body(
    "multipart/form-data",
    "application/x-www-form-urlencoded",
    "application/json",
    name="RemoveBgRequest",
    fields={
        "image_file": FILE,
        "image_file_b64": text("The picture in base64.", "iVBORw0KGgo="),
        "image_url": ADDRESS,
        "size": words(list(SIZES), "preview", "Most megapixels of the answer."),
        "type": words(TYPES, "auto", "What is in front; taken note of."),
        "type_level": words(TYPE_LEVELS, "1", "none leaves X-Type out."),
        "format": words(FORMATS, "auto", "auto is PNG if something is clear, else JPEG."),
        "roi": text("x1 y1 x2 y2 in px or %: all else is background.", "0% 0% 100% 100%"),
        "crop": truth("Crop to the subject."),
        "crop_margin": text("One, two or four lengths in px or %.", "10%"),
        "scale": text("original, or 10% to 100% of the frame.", "80%"),
        "position": text("original, center, or one or two of 0% to 100%.", "center"),
        "channels": words(["rgba", "alpha"], "rgba", "alpha is the matte alone."),
        "add_shadow": truth("A soft shadow."),
        "shadow_type": words(SHADOWS, "none", "Which shadow."),
        "shadow_opacity": {"type": "number", "minimum": 0, "maximum": 100, "default": 100},
        "semitransparency": truth("Keep what is see-through inside the subject.", default=True),
        "bg_color": text("A name, or 3, 4, 6 or 8 hex digits.", "81d4fa"),
        "bg_image_url": ADDRESS,
        "bg_image_file": FILE,
    },
)


def removebg_failures() -> dict[int | str, Schema]:
    """Return the errors of remove.bg's addresses."""
    told = {"title": "No image given", "code": "missing_source", "detail": "..."}
    schema = named_like("RemoveBgErrors", {"errors": [told]})
    content = {"application/json": {"schema": schema, "example": {"errors": [told]}}}
    said = {
        400: "A field or the picture is wrong",
        402: "Insufficient credits",
        403: "API key invalid",
        408: "Too slow",
        413: "Too large",
        415: "No form",
        422: "Not a picture",
        429: "Rate limit exceeded",
        500: "A mistake in here",
        503: "Stopping",
        504: "Out of time",
        507: "The data folder is full",
    }
    return {status: {"description": what, "content": content} for status, what in said.items()}


def removebg_answers() -> dict[int | str, Schema]:
    """Return the answers of remove.bg's address."""
    names = ("Width", "Height", "Foreground-Top", "Foreground-Left", "Foreground-Width",
             "Foreground-Height")  # fmt: skip
    sizes = {f"X-{name}": {"schema": {"type": "integer"}} for name in names}
    kinds = ("image/png", "image/jpeg", "image/webp", "application/zip")
    place = {"foreground_top": 80, "foreground_left": 40, "foreground_width": 660,
             "foreground_height": 1020}  # fmt: skip
    example = {"data": {"result_b64": "iVBORw0KGgo...", **place}}
    schema = named_like("RemoveBgResult", example)
    told = {"application/json": {"schema": schema, "example": example}}
    content = {**dict.fromkeys(kinds, PICTURE), **told}
    good = {"description": "The picture", "content": content, "headers": sizes | OPINION_HEADERS}
    return {200: good, **removebg_failures()}


def edges_field() -> Schema:
    """Return the schema of the field `edges`."""
    return words(_EDGES, "auto", "How the edge is refined; by default as the service was started.")
