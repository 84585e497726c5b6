"""The two files of `maskworks.client` that say what the service takes and answers.

They are written from the service's own OpenAPI document, so the client is typed as it is.
"""

from __future__ import annotations

import json
import re
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

Schema = dict[str, Any]

HEAD = '''"""{what}

Written by docs/generate.py from the OpenAPI document; change the service, then `make fix`.
"""
'''
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
GROUPS = {
    "remove.bg": "removebg",
    "rembg": "rembg",
    "maskworks": "picture",
    "campaigns": "campaign",
    "suitability": "suitability",
    "operation": "operation",
}
"""The file of each tag."""
REFERENCE = "#/components/schemas/"
WIDTH = 96


class Operation(NamedTuple):
    """One function of the client."""

    name: str
    verb: str
    path: str
    said: Schema
    body: Schema
    as_json: bool
    """Whether the body is JSON rather than a form."""
    answer: str
    kind: str
    """json, file, text or events."""


def document() -> Schema:
    """Return the OpenAPI document of a service that was started with nothing."""
    from maskworks.apps.http.app import create_app
    from maskworks.apps.http.settings import ServerSettings

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(ServerSettings(data=Path(folder), threads=1))
        found: Schema = app.openapi()
        app.state.service.store.close()
    return found


def client_files(root: Path) -> dict[Path, str]:
    """Return the text of answers.py and of the files of calls, by their paths."""
    found = document()
    folder = root / "src/maskworks/client"
    files = {"answers.py": answers_source(found)}
    groups: dict[str, list[Operation]] = {}
    for each in operations(found):
        groups.setdefault(GROUPS[each.said["tags"][0]], []).append(each)
    for group, made in groups.items():
        files[f"{group}_calls.py"] = calls_source(made)
    files["calls.py"] = names_source(groups)
    return {folder / name: text for name, text in files.items()}


# ------------------------------------------------------------------ answers


def answers_source(found: Schema) -> str:
    """Return the module with a TypedDict for each answer in JSON."""
    schemas = found["components"]["schemas"]
    classes: dict[str, str] = {}
    for name in sorted(_answered(found)):
        _class_of(f"{name}Answer", schemas[name], classes)
    parts = [
        HEAD.format(what="What the service answers in JSON: a type for each schema."),
        "from __future__ import annotations\n\nfrom typing import TypedDict\n",
        *(f"\n{text}" for text in classes.values()),
    ]
    return "\n".join(parts)


def _answered(found: Schema) -> set[str]:
    """Return the schemas that operations answer."""
    return {
        name
        for operation in operations(found)
        if operation.kind == "json"
        for name in re.findall(r"(\w+)Answer", operation.answer)
    }


def _class_of(name: str, schema: Schema, classes: dict[str, str]) -> None:
    members = {
        member: _type_of(part, f"{name.removesuffix('Answer')}{_camel(member)}", classes)
        for member, part in schema.get("properties", {}).items()
    }
    if not members:  # a document of another format
        members = dict.fromkeys(schema["required"], "list[dict[str, object]]")
    lines = [f"class {name}(TypedDict):", f'    """{_told(name)}"""', ""]
    lines += [f"    {member}: {kind}" for member, kind in members.items()]
    classes[name] = "\n".join(lines) + "\n"


def _told(name: str) -> str:
    words = re.findall("[A-Z][a-z]*", name.removesuffix("Answer"))
    return f"{' '.join(words).capitalize()}, as the service answers."


def _type_of(schema: Schema, name: str, classes: dict[str, str]) -> str:
    kinds = schema.get("type", "any")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return " | ".join(_one_type(kind, schema, name, classes) for kind in kinds)


def _one_type(kind: str, schema: Schema, name: str, classes: dict[str, str]) -> str:
    if kind == "object" and schema.get("properties"):
        _class_of(f"{name}Answer", schema, classes)
        return f"{name}Answer"
    if kind == "array":
        one = name.removesuffix("s")
        return f"list[{_type_of(schema.get('items', {}), one, classes)}]"
    return PLAIN.get(kind, "object")


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


# -------------------------------------------------------------------- calls


def calls_source(made: list[Operation]) -> str:
    """Return a module with a function for each of some operations."""
    texts: list[str] = []
    for each in made:
        first = next(one for one in made if one.said is each.said and one.body is each.body)
        texts.append(_function(each, first))
    answers = sorted({name for each in made for name in re.findall(r"\w+Answer", each.answer)})
    local = ("EventAnswer", "FileAnswer")
    code = "\n".join(texts)
    plain = [name for name in ("Call", *local, "Upload") if re.search(rf"\b{name}\b", code)]
    typed = [name for name in answers if name not in local]
    imports = [
        f"from {module} import {name}"
        for module, names in (("collections.abc", ["Sequence"]), ("typing", ["Literal"]))
        for name in names
        if f"{name}[" in code
    ]
    ours = [f"from maskworks.client.answers import ({', '.join(typed)})"] if typed else []
    ours.append(f"from maskworks.client.call import {', '.join(plain)}")
    return "\n".join([
        "# fmt: off",
        HEAD.format(what="One function for each operation of the service; it makes a `Call`."),
        "from __future__ import annotations\n",
        *imports,
        "",
        *ours,
        *(f"\n\n{text}" for text in texts),
    ]) + "\n"  # fmt: skip


def names_source(groups: dict[str, list[Operation]]) -> str:
    """Return the module that has every call by its name."""
    lines = sorted(
        f"from maskworks.client.{group}_calls import {each.name} as {each.name}"
        for group, made in groups.items()
        for each in made
    )
    head = HEAD.format(what="Every operation of the service, as a function that makes a `Call`.")
    return "\n".join([head, "from __future__ import annotations\n", *lines, ""])


def operations(found: Schema) -> Iterator[Operation]:
    """Yield the operations of a document, once for each kind of body and of answer."""
    for path, verbs in found["paths"].items():
        for verb, said in verbs.items():
            for as_json, body, name in _bodies(said, found["components"]["schemas"]):
                for answer, kind, ending in _answers(said):
                    yield Operation(
                        name + ending, verb.upper(), path, said, body, as_json, answer, kind
                    )


def _bodies(said: Schema, schemas: Schema) -> Iterator[tuple[bool, Schema, str]]:
    """Yield whether a body is JSON, its schema and the function's name."""
    content = said.get("requestBody", {}).get("content", {})
    names = {kind: each["schema"]["$ref"].removeprefix(REFERENCE) for kind, each in content.items()}
    if not names:
        yield False, {}, said["operationId"]
        return
    first = next(iter(names.values()))
    for name in dict.fromkeys(names.values()):
        kinds = [kind for kind, each in names.items() if each == name]
        words = re.findall("[A-Z][a-z]*", name.removesuffix("Request"))
        verb = said["operationId"].partition("_")[0]
        other = "_".join([verb, *(word.lower() for word in words)])
        yield (
            "multipart/form-data" not in kinds,
            schemas[name],
            said["operationId"] if name == first else other,
        )


def _answers(said: Schema) -> Iterator[tuple[str, str, str]]:
    """Yield the type of an answer, its kind, and the ending of the function's name."""
    good = next(each for status, each in said["responses"].items() if status.startswith("2"))
    content = good["content"]
    told = content.get("application/json")
    others = [kind for kind in content if kind != "application/json"]
    if "text/event-stream" in others:
        yield "EventAnswer", "events", ""
    elif others == ["text/plain"]:
        yield "str", "text", ""
    elif others:
        yield "FileAnswer", "file", ""
    if told is not None:
        schema = told["schema"]
        names = [
            each["$ref"].removeprefix(REFERENCE) + "Answer"
            for each in schema.get("anyOf", [schema])
        ]
        yield " | ".join(names), "json", "_json" if others else ""


def _function(one: Operation, first: Operation) -> str:
    """Return a function; one that differs from `first` in its answer alone refers to it."""
    fields = one.body.get("properties", {})
    needed = set(one.body.get("required", ()))
    given = [each for each in one.said.get("parameters", []) if each["name"] not in fields]
    places = {e["name"]: e["schema"] for e in given if e["in"] == "path"}
    query = {e["name"]: e for e in given if e["in"] == "query"}
    needed |= {*places, *(name for name, each in query.items() if each.get("required"))}
    files = {name: part for name, part in fields.items() if _is_file(part)}
    form = {name: part for name, part in fields.items() if name not in files}
    asked = {name: {**each["schema"], **_words(each)} for name, each in query.items()}
    before = places | files
    behind = dict(sorted((form | asked).items(), key=lambda each: each[0] not in needed))
    arguments = [_argument(name, part, needed) for name, part in before.items()]
    if behind:
        arguments += ["*", *(_argument(name, part, needed) for name, part in behind.items())]
    inner = "".join(f"\n    {each}," for each in arguments)
    head = f"def {one.name}({inner}{chr(10) if inner else ''}) -> Call[{one.answer}]:"
    parts = {"places": places, "query": asked, "json" if one.as_json else "form": form}
    said = [f'"{one.verb}"', f'"{one.path}"', f'"{one.kind}"']
    for name, held in (parts | {"files": files}).items():
        if held:
            said.append(f"{name}={{{', '.join(f'{json.dumps(key)}: {key}' for key in held)}}}")
    told = _docstring(one, first, before | behind)
    return "\n".join([head, told, f"    return Call({', '.join(said)})"])


def _words(each: Schema) -> Schema:
    return {"description": each["description"]} if "description" in each else {}


def _is_file(schema: Schema) -> bool:
    return "binary" in (schema.get("format"), schema.get("items", {}).get("format"))


def _argument(name: str, schema: Schema, needed: set[str]) -> str:
    kind = _given_type(schema)
    return f"{name}: {kind}" if name in needed else f"{name}: {kind} | None = None"


def _given_type(schema: Schema) -> str:
    if "enum" in schema:
        return f"Literal[{', '.join(json.dumps(word) for word in schema['enum'])}]"
    if schema.get("type") == "array":
        return f"Sequence[{_given_type(schema['items'])}]"
    if schema.get("format") == "binary":
        return "Upload"
    if "anyOf" in schema:
        kinds = [each for each in schema["anyOf"] if each.get("type") != "null"]
        return " | ".join(map(_given_type, kinds))
    return PLAIN[schema["type"]]


def _docstring(one: Operation, first: Operation, arguments: Schema) -> str:
    summary = one.said["summary"].rstrip(".")
    lines = [f'"""{summary}: `{one.verb} {one.path}`.']
    if one.name != first.name:
        lines[0] = f'"""As `{first.name}`, answered as JSON."""'
    elif arguments:
        lines += ["", "Parameters", "----------"]
        for name, part in arguments.items():
            text = part.get("description") or part.get("items", {}).get("description") or ""
            if "default" in part:
                text = f"{text} By default {json.dumps(part['default'])}.".strip()
            lines += [name, *(f"    {line}" for line in textwrap.wrap(text, WIDTH - 8))]
        lines.append('"""')
    else:
        lines[0] += '"""'
    return textwrap.indent("\n".join(lines), "    ")
