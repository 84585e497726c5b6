"""The ML backend, spoken to as Label Studio does; masks decoded by its own converter."""

from __future__ import annotations

import numpy as np
import pytest

from maskworks.apps.http.pictures.brush_rle import encode_brush
from maskworks.apps.http.settings import Bounds
from maskworks.core.values import Mask

BRUSH = (
    '<View><Image name="img" value="$image"/><BrushLabels name="tag" toName="img">'
    '<Label value="shoe"/><Label value="bag"/></BrushLabels>'
    '<KeyPointLabels name="point" toName="img" smart="true"><Label value="bag"/></KeyPointLabels>'
    "</View>"
)
POLYGON = BRUSH.replace("BrushLabels", "PolygonLabels")


@pytest.fixture(scope="module")
def decode():
    """Label Studio's own decoder: the values of all four channels in one row."""
    brush = pytest.importorskip("label_studio_converter.brush", exc_type=ImportError)
    return lambda rle, size: brush.decode_rle(rle).reshape(*size, 4)


@pytest.fixture
def files(tmp_path, photo):
    folder = tmp_path / "files"
    (folder / "upload/1").mkdir(parents=True)
    (folder / "upload/1/a b.png").write_bytes(photo.data)
    (folder / "cat.png").write_bytes(photo.data)
    (tmp_path / "secret.png").write_bytes(photo.data)
    return folder


@pytest.fixture
def backend(starting, files):
    return starting(label_files=files).client


def ask(client, config, *places, context=()):
    body = {
        "tasks": [{"id": n, "data": {"image": place}} for n, place in enumerate(places)],
        "label_config": config,
        "params": {"context": {"result": list(context)}},
    }
    answer = client.post("/label-studio/predict", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


@pytest.mark.parametrize("kind", ["noise", "empty", "full", "disc", "one pixel"])
def test_a_brush_is_decoded_by_label_studios_converter(rng, kind, decode):
    rows, columns = np.mgrid[0:150, 0:131]
    inside = {
        "noise": rng.random((37, 53)) < 0.5,
        "empty": np.zeros((150, 131), bool),
        "full": np.ones((150, 131), bool),  # longer than the longest run
        "disc": np.hypot(rows - 70, columns - 60) < 40,
        "one pixel": np.ones((1, 1), bool),
    }[kind]
    found = decode(encode_brush(Mask(inside)), inside.shape)
    assert (found == np.where(inside, 255, 0)[..., np.newaxis]).all()


def test_health_and_setup_say_what_answers(backend):
    assert backend.get("/label-studio/health").json() == {
        "status": "UP",
        "model_class": "maskworks bright",
    }
    body = {"project": "1.2", "schema": BRUSH, "hostname": "http://127.0.0.1:8080"}
    assert backend.post("/label-studio/setup", json=body).json() == {"model_version": "bright"}


@pytest.mark.parametrize("place", ["/data/local-files/?d=cat.png", "/data/upload/1/a%20b.png"])
def test_a_task_gets_its_subject_as_a_brush_with_our_confidence(backend, photo, decode, place):
    (found,) = ask(backend, BRUSH, place)
    (region,) = found["result"]
    assert (region["type"], region["from_name"], region["to_name"]) == ("brushlabels", "tag", "img")
    assert region["value"]["brushlabels"] == ["shoe"]
    assert (region["original_height"], region["original_width"]) == (120, 160)
    assert 0.5 < found["score"] <= 1
    inside = decode(region["value"]["rle"], (120, 160))[..., 3] > 0
    top, left, bottom, right = photo.box
    truth = np.zeros((120, 160), bool)
    truth[top:bottom, left:right] = True
    assert (inside & truth).sum() / (inside | truth).sum() > 0.9


def test_a_task_gets_polygons_in_percent(backend, photo):
    (found,) = ask(backend, POLYGON, "/data/local-files/?d=cat.png")
    (region,) = found["result"]
    assert region["type"] == "polygonlabels"
    points = np.array(region["value"]["points"])
    top, left, bottom, right = photo.box
    low, high = np.array([left / 160, top / 120]) * 100, np.array([right / 160, bottom / 120]) * 100
    assert np.abs(points.min(axis=0) - low).max() < 3
    assert np.abs(points.max(axis=0) - high).max() < 3


def test_a_point_and_a_box_say_what_is_meant(backend, decode):
    at = {"type": "keypointlabels", "value": {"x": 50, "y": 50, "keypointlabels": ["bag"]}}
    (found,) = ask(backend, BRUSH, "/data/local-files/?d=cat.png", context=[at])
    (region,) = found["result"]
    assert region["value"]["brushlabels"] == ["bag"]
    inside = decode(region["value"]["rle"], (120, 160))[..., 3] > 0
    assert inside[60, 80]
    assert not inside[5, 5]

    half = {"x": 0, "y": 0, "width": 50, "height": 100, "rectanglelabels": ["shoe"]}
    box = {"type": "rectanglelabels", "value": half}
    (found,) = ask(backend, BRUSH, "/data/local-files/?d=cat.png", context=[box])
    inside = decode(found["result"][0]["value"]["rle"], (120, 160))[..., 3] > 0
    assert inside[60, 60]
    assert not inside[:, 84:].any()


def test_several_tasks_are_answered_in_order_and_an_event_is_noted(backend):
    assert len(ask(backend, BRUSH, *["/data/local-files/?d=cat.png"] * 2)) == 2
    answer = backend.post("/label-studio/webhook", json={"action": "ANNOTATION_CREATED"})
    assert answer.json() == {"status": "ok", "trained": False}


@pytest.mark.parametrize("path", ["setup", "webhook", "predict"])
def test_a_body_takes_a_place_like_any_other(starting, path):
    """Or one caller has as many bodies of 22 MB in the memory as there are connections."""
    server = starting(bounds=Bounds(places=1))
    url = f"/label-studio/{path}"
    with server.service.work_queue.place(None):
        assert server.client.post(url, json={"action": "x"}).status_code == 429
    assert server.client.post(url, json={"action": "x"}).status_code != 429
    assert server.service.work_queue.taken == 0


@pytest.mark.parametrize(
    ("place", "config", "why"),
    [
        ("/data/local-files/?d=../secret.png", BRUSH, "there is no file"),
        ("/data/../secret.png", BRUSH, "there is no file"),
        ("/data/upload/1/none.png", BRUSH, "there is no file"),
        ("s3://bucket/a.png", BRUSH, "--label-files"),
        ("http://127.0.0.1:9/a.png", BRUSH, "--allow-urls"),
        (7, BRUSH, "has no data.image"),
        ("/data/local-files/?d=cat.png", "<View/>", "no BrushLabels or PolygonLabels"),
        ("/data/local-files/?d=cat.png", "<View", "is not XML"),
        ("/data/local-files/?d=cat.png", '<!DOCTYPE x [<!ENTITY a "b">]><View/>', "entities"),
    ],
)
def test_what_cannot_be_answered_is_told_in_words(backend, place, config, why):
    body = {"tasks": [{"data": {"image": place}}], "label_config": config}
    answer = backend.post("/label-studio/predict", json=body)
    assert answer.status_code == 400
    assert why in answer.text
    assert "Traceback" not in answer.text


def test_a_hint_outside_the_picture_is_refused(backend):
    body = {
        "tasks": [{"data": {"image": "/data/local-files/?d=cat.png"}}],
        "label_config": BRUSH,
        "params": {
            "context": {"result": [{"type": "keypointlabels", "value": {"x": 120, "y": 1}}]}
        },
    }
    answer = backend.post("/label-studio/predict", json=body)
    assert answer.status_code == 400
    assert "0 to 100 percent, got 120" in answer.text
