"""A field that nothing is done with is refused, or told of; never passed over in silence."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("path", "fields", "message"),
    [
        pytest.param("cutout", {"fromat": "jpg"}, "no field 'fromat'; 'format' may", id="cutout"),
        pytest.param("segment", {"edges": "off"}, "no field 'edges'", id="segment"),
        pytest.param("matte", {"size": "hd"}, "there are edges, image, image_url", id="matte"),
        pytest.param("campaigns", {"delivr_at": "1"}, "'deliver_at' may be meant", id="campaign"),
    ],
)
def test_unknown_field_of_our_own_addresses_is_refused(server, photo, path, fields, message):
    name = "pictures" if path == "campaigns" else "image"
    files = {name: ("a.png", photo.data)}
    answer = server.client.post(f"/v1/{path}", files=files, data=fields)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "unknown_field"
    assert message in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["cutout", "campaigns"])
def test_file_under_another_name_is_refused(server, photo, path):
    answer = server.client.post(f"/v1/{path}", files={"photo": ("a.png", photo.data)})
    assert "no field 'photo'" in answer.json()["error"]["message"]


def test_field_in_the_address_is_refused(server, photo):
    answer = server.client.post("/v1/cutout?format=webp", files={"image": photo.data})
    assert "'format' is in the address" in answer.json()["error"]["message"]


def test_field_that_is_there_twice_is_refused(server, photo):
    files = [("image", photo.data), ("image", photo.data)]
    answer = server.client.post("/v1/cutout", files=files)
    assert answer.json()["error"]["code"] == "repeated_field"


def test_misspelt_name_of_an_operators_campaign_is_refused(server):
    answer = server.client.post("/v1/campaigns", json={"campaign": "a", "web_hook": "x"})
    assert "'webhook' may be meant" in answer.json()["error"]["message"]


def test_removebg_tells_which_fields_it_did_not_know(server, photo):
    answer = server.client.post(
        "/v1.0/removebg?crop=true",
        files={"image_file": photo.data},
        data={"size": "preview", "colour": "red", "päd": "1"},
    )
    assert answer.status_code == 200
    assert answer.headers["X-Ignored-Fields"] == "colour,p%C3%A4d,crop"


def test_removebg_refuses_two_files(server, photo):
    files = [("image_file", photo.data), ("image_file", photo.data)]
    answer = server.client.post("/v1.0/removebg", files=files)
    assert answer.json()["errors"][0]["code"] == "multiple_sources"


def test_rembg_tells_which_parameters_it_did_not_know(server, photo):
    answer = server.client.post("/api/remove?om=true&size=hd", files={"file": photo.data})
    assert answer.status_code == 200
    assert answer.headers["X-Ignored-Fields"] == "size"


def test_what_is_all_used_is_not_told(server, photo):
    answer = server.client.post("/api/remove?om=true", files={"file": photo.data})
    assert "X-Ignored-Fields" not in answer.headers


@pytest.mark.parametrize("form", ["jpg", "jpeg"])
def test_jpeg_is_jpg(server, photo, opened, form):
    fields = {"format": form, "background": "white"}
    answer = server.client.post("/v1/cutout", files={"image": photo.data}, data=fields)
    assert answer.headers["content-type"] == "image/jpeg"
    assert opened(answer.content).format == "JPEG"
