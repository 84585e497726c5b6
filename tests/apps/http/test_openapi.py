"""The OpenAPI document holds what the service really answers."""

from __future__ import annotations

import pytest

from maskworks.apps.http.app import create_app
from maskworks.apps.http.settings import ServerSettings


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    app = create_app(ServerSettings(data=tmp_path_factory.mktemp("documents"), threads=1))
    found = app.openapi()
    app.state.service.store.close()
    return found


@pytest.fixture(scope="module")
def paths(document):
    return document["paths"]


def parts_of(value):
    """Return every record within a document."""
    if isinstance(value, list):
        return [part for each in value for part in parts_of(each)]
    if not isinstance(value, dict):
        return []
    return [value, *(part for each in value.values() for part in parts_of(each))]


def test_bodies_and_answers_in_json_are_named_schemas(document):
    named = document["components"]["schemas"]
    assert {"CutoutRequest", "RemoveBgRequest", "Job", "Opinion", "Error"} <= set(named)
    referred = {part["$ref"] for part in parts_of(document) if "$ref" in part}
    assert referred == {f"#/components/schemas/{name}" for name in named}
    assert not [part for part in parts_of(document) if "x-name" in part]
    assert named["Job"]["properties"]["counts"]["properties"]["deliver"] == {"type": "integer"}
    assert named["Opinion"]["properties"]["score"] == {"type": ["number", "null"]}


def test_every_operation_has_a_short_name_of_its_own(paths):
    names = [operation["operationId"] for verbs in paths.values() for operation in verbs.values()]
    assert len(names) == len(set(names))
    assert {"cutout", "removebg", "rembg", "run_campaign", "get_job"} <= set(names)
    assert max(map(len, names)) <= 16


def test_document_says_how_a_key_is_sent_and_where_to(document, paths):
    schemes = document["components"]["securitySchemes"]
    assert (schemes["ApiKey"]["in"], schemes["ApiKey"]["name"]) == ("header", "X-Api-Key")
    assert schemes["Bearer"]["scheme"] == "bearer"
    assert paths["/v1/cutout"]["post"]["security"] == [{"ApiKey": []}, {"Bearer": []}, {}]
    assert paths["/healthz"]["get"]["security"] == []
    assert [one["url"] for one in document["servers"]] == ["/", "http://127.0.0.1:7000"]


def test_wrong_number_in_an_address_has_the_one_shape_of_errors(server):
    answer = server.client.get("/v1/campaigns/x/items", params={"after": "soon"})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith("after: ")


MAY_BE_NOTHING = {"error", "ended_at", "decision"}
"""The document leaves names out whose example is null."""


def good_answers(paths):
    return [
        (f"{method} {path}", content)
        for path, methods in paths.items()
        for method, operation in methods.items()
        for status, answer in operation["responses"].items()
        if status.startswith("2")
        for kind, content in answer.get("content", {}).items()
        if kind == "application/json"
    ]


def test_every_answer_in_json_has_an_example(paths):
    found = good_answers(paths)
    assert len(found) >= 12
    assert [name for name, content in found if not content.get("example")] == []


def test_what_answers_with_a_picture_does_not_say_json(paths):
    named = {name for name, _ in good_answers(paths)}
    assert named.isdisjoint({"post /v1/matte", "get /api/remove", "post /api/remove"})


def names_in(value, where=""):
    """Return every name in records within records; of lists the first counts."""
    if isinstance(value, list):
        return names_in(value[0], where) if value else set()
    if not isinstance(value, dict):
        return set()
    deeper = (names_in(each, f"{where}{name}.") for name, each in value.items())
    return {f"{where}{name}" for name in value}.union(*deeper)


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/v1.0/account", "/v1/models", "/v1/campaigns"]
)
def test_example_has_the_names_of_the_real_answer(paths, server, photo, path):
    if path == "/v1/campaigns":
        server.client.post(path, files={"pictures": ("a.png", photo.data)})
    answer = paths[path]["get"]["responses"]["200"]["content"]["application/json"]
    real = names_in(server.client.get(path).json())
    told = names_in(answer["example"])
    assert told <= real
    assert {name.rpartition(".")[2] for name in real - told} <= MAY_BE_NOTHING


def test_example_of_a_job_has_the_names_of_the_real_one(paths, server, photo):
    told = server.client.post("/v1/campaigns", files={"pictures": ("a.png", photo.data)}).json()
    answer = paths["/v1/campaigns"]["post"]["responses"]["202"]["content"]["application/json"]
    assert set(answer["example"]) | MAY_BE_NOTHING == set(told) | MAY_BE_NOTHING
    items = server.client.get(f"/v1/campaigns/{told['job']}/items").json()
    answer = paths["/v1/campaigns/{job}/items"]["get"]["responses"]["200"]["content"]
    assert set(answer["application/json"]["example"]) == set(items)


@pytest.mark.parametrize("path", ["/v1/cutout", "/v1/segment"])
def test_example_of_a_picture_has_the_names_of_the_real_answer(paths, server, photo, path):
    kind = {"Accept": "application/json"}
    told = server.client.post(path, files={"image": photo.data}, headers=kind).json()
    answer = paths[path]["post"]["responses"]["200"]["content"]["application/json"]
    assert set(answer["example"]) == set(told)
