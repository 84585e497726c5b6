from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from maskworks.core.rle_coco import from_coco


def test_cutout_answers_with_picture_and_opinion(server, photo, opened):
    answer = server.client.post("/v1/cutout", files={"image": photo.data})
    assert opened(answer.content).mode == "RGBA"
    assert 0 < float(answer.headers["X-Confidence"]) <= 1
    assert answer.headers["X-Route"] in ("deliver", "review")
    assert answer.headers["X-Model"] == "bright"


def test_cutout_in_json_has_reasons_and_box(server, photo, opened):
    answer = server.client.post(
        "/v1/cutout",
        files={"image": photo.data},
        data={"format": "webp", "background": "white"},
        headers={"Accept": "application/json"},
    )
    told = answer.json()
    assert told["size"] == [120, 160]
    assert abs(told["box"]["left"] - 40) < 8
    assert all(set(reason) == {"name", "value", "limit", "text"} for reason in told["reasons"])
    assert opened(base64.b64decode(told["result_b64"])).format == "WEBP"


def test_no_subject_is_an_answer(server, draw, opened):
    answer = server.client.post("/v1/cutout", files={"image": draw(level=5).data})
    assert answer.status_code == 200
    assert answer.headers["X-Status"] == "no-subject"
    assert answer.headers["X-Route"] == "review"
    assert "no-subject" in answer.headers["X-Reasons"]


@pytest.mark.parametrize("form", ["rle", "coco", "png"])
def test_segments_agree_in_every_form(server, photo, opened, form):
    answer = server.client.post("/v1/segment", files={"image": photo.data}, data={"format": form})
    if form == "png":
        inside = np.asarray(opened(answer.content)) == 1
    else:
        record = answer.json()
        one = record["annotations"][0] if form == "coco" else record["segments"][0]
        inside = from_coco(one["segmentation" if form == "coco" else "rle"]).to_mask().inside
        assert one["area"] == inside.sum()
    assert inside.shape == (120, 160)
    assert abs(int(inside.sum()) - 60 * 80) < 700


def test_segments_of_other_families_have_their_classes(server, photo):
    fields = {"model": "otsu", "format": "rle"}
    answer = server.client.post("/v1/segment", files={"image": photo.data}, data=fields)
    found = {one["label"]: one["area"] for one in answer.json()["segments"]}
    assert found == {"background": 120 * 160 - 60 * 80, "object": 60 * 80}


@pytest.mark.parametrize("name", ["/etc/passwd", "hf:owner/name", "./keep", "none-such"])
def test_nobody_names_a_file_over_http(server, photo, name):
    fields = {"model": name}
    answer = server.client.post("/v1/segment", files={"image": photo.data}, data=fields)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "unknown-model"


def test_matte_takes_a_trimap(server, draw, photo, opened):
    trimap = np.zeros((120, 160), np.uint8)
    trimap[24:96, 34:126] = 128
    trimap[36:84, 46:114] = 255
    from io import BytesIO

    from PIL import Image

    written = BytesIO()
    Image.fromarray(trimap).save(written, "PNG")
    answer = server.client.post(
        "/v1/matte", files={"image": photo.data, "trimap": written.getvalue()}
    )
    alpha = np.asarray(opened(answer.content))
    assert abs(int((alpha > 128).sum()) - 60 * 80) < 60  # to the pixel, not as the network sees it


def test_models_are_listed(server):
    names = [row["name"] for row in server.client.get("/v1/models").json()["models"]]
    assert {"bright", "plain", "cutout"} <= set(names)


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        pytest.param({"format": "gif"}, 400, "usage", id="format"),
        pytest.param({"edges": "soft"}, 400, "usage", id="edges"),
        pytest.param({"background": "nocolour"}, 400, "usage", id="background"),
        pytest.param({"model": "none-such"}, 404, "unknown-model", id="model"),
        pytest.param({"image_url": "http://a/b"}, 400, "usage", id="two"),
    ],
)
def test_wrong_field_is_told_in_the_one_shape(server, photo, fields, status, code):
    answer = server.client.post("/v1/cutout", files={"image": photo.data}, data=fields)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "request_id"}
    assert error["code"] == code
    assert error["request_id"] == answer.headers["X-Request-Id"]


def test_every_shape_of_garbage_is_told(server, photo):
    post = server.client.post
    assert post("/v1/cutout", files={"image": b"Dear Sir"}).status_code == 422
    assert post("/v1/cutout").status_code == 400
    assert post("/v1/cutout", content=b"x", headers={"content-type": "a/b"}).status_code == 415
    damaged = {"content-type": "multipart/form-data; boundary=x"}
    assert post("/v1/cutout", content=b"--y\r\n", headers=damaged).status_code == 400
    kind = {"content-type": "application/json"}
    assert post("/v1.0/removebg", content=b"[1", headers=kind).status_code == 400
    assert server.client.get("/nowhere").json()["error"]["code"] == "not_found"


def test_document_is_openapi_with_examples(server):
    document = server.client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    cutout = document["paths"]["/v1/cutout"]["post"]
    example = cutout["responses"]["200"]["content"]["application/json"]["example"]
    assert json.dumps(example)
    assert "multipart/form-data" in cutout["requestBody"]["content"]
