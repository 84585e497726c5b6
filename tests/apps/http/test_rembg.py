from __future__ import annotations

import numpy as np
import pytest

PATH = "/api/remove"


def test_answer_is_a_png_of_the_picture(server, photo, opened):
    answer = server.client.post(PATH, files={"file": ("a.png", photo.data)})
    assert answer.headers["content-type"] == "image/png"
    picture = opened(answer.content)
    assert (picture.mode, picture.size) == ("RGBA", (160, 120))


@pytest.mark.parametrize("where", ["query", "fields"])
def test_parameters_may_stand_in_the_address_or_in_the_form(server, photo, opened, where):
    options = {"om": "true", "model": "bright"}
    how = {"params": options} if where == "query" else {"data": options}
    answer = server.client.post(PATH, files={"file": photo.data}, **how)
    assert opened(answer.content).mode == "L"


def test_background_colour_lies_behind(server, photo, opened):
    answer = server.client.post(PATH, files={"file": photo.data}, params={"bgc": "255,0,0,255"})
    assert opened(answer.content).convert("RGB").getpixel((2, 2)) == (255, 0, 0)


def test_alpha_matting_refines_between_the_thresholds(server, draw, opened):
    soft = draw(200, 260, (60, 70, 140, 190))
    answer = server.client.post(
        PATH, files={"file": soft.data}, data={"a": "true", "ae": "4", "om": "true"}
    )
    alpha = np.asarray(opened(answer.content))
    assert alpha[100, 130] == 255
    assert alpha[3, 3] == 0
    assert abs(int((alpha > 128).sum()) - 80 * 120) < 300


def test_post_processing_makes_it_hard(server, photo, opened):
    answer = server.client.post(
        PATH, files={"file": photo.data}, data={"ppm": "true", "om": "true"}
    )
    assert set(np.unique(np.asarray(opened(answer.content)))) <= {0, 255}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"af": "300"}, "af must be a whole number 0 to 255", id="af"),
        pytest.param({"a": "perhaps"}, "a must be true or false", id="a"),
        pytest.param({"bgc": "1,2"}, "bgc must be red,green,blue,alpha", id="bgc"),
        pytest.param({"extras": "{"}, "extras is not JSON", id="extras"),
        pytest.param({"model": "none-such"}, "no model is named 'none-such'", id="model"),
    ],
)
def test_wrong_parameter_is_told(server, photo, fields, message):
    answer = server.client.post(PATH, files={"file": photo.data}, data=fields)
    assert answer.status_code in (400, 422)
    assert message in answer.json()["error"]["message"]


def test_address_is_not_fetched_unless_that_is_allowed(server):
    answer = server.client.get(PATH, params={"url": "http://127.0.0.1/a.png"})
    assert answer.json()["error"]["code"] == "urls_not_allowed"
