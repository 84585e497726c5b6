from __future__ import annotations

import base64
import io
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

PATH = "/v1.0/removebg"


@pytest.fixture
def ask(server, photo):
    """Send the photo with these fields as multipart; `data` replaces the photo."""

    def asked(data=None, *, accept="*/*", files=None, **fields):
        sent = {"image_file": ("a.png", photo.data if data is None else data), **(files or {})}
        return server.client.post(PATH, files=sent, data=fields, headers={"Accept": accept})

    return asked


def test_answer_is_a_png_with_the_headers(ask, opened):
    answer = ask(size="auto")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    picture = opened(answer.content)
    assert (picture.mode, picture.size) == ("RGBA", (160, 120))
    alpha = np.asarray(picture)[..., 3]
    assert alpha[60, 80] == 255
    assert alpha[5, 5] == 0
    names = ("X-Type", "X-Width", "X-Height", "X-Max-Width", "X-Max-Height", "X-Credits-Charged")
    assert [answer.headers[n] for n in names] == ["other", "160", "120", "160", "120", "1"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({}, "other", id="auto"),
        pytest.param({"type": "person"}, "person", id="person"),
        pytest.param({"type": "graphic", "type_level": "latest"}, "graphics", id="graphic"),
        pytest.param({"type": "car", "type_level": "none"}, None, id="not-wanted"),
    ],
)
def test_type_is_the_callers_own_word_or_other(ask, fields, said):
    assert ask(**fields).headers.get("X-Type") == said


def test_type_is_what_a_model_calls_most_of_the_subject(starting, tiny_models, photo, tmp_path):
    folder = Path(shutil.copytree(tiny_models["semantic"], tmp_path / "names"))
    row = folder / "model.toml"
    row.write_text(row.read_text().replace('"bright"', '"teddy dog"'))
    server = starting(names=str(folder))

    def said(**fields):
        files = {"image_file": photo.data}
        return server.client.post(PATH, files=files, data=fields).headers.get("X-Type")

    assert said() == "animal"
    assert said(type="car") == "car", "the caller knows better"
    assert said(type_level="none") is None
    row.write_text(row.read_text().replace('"teddy dog"', '"thing"'))
    assert starting(names=str(folder)).client.post(
        PATH, files={"image_file": photo.data}
    ).headers["X-Type"] == "other"  # fmt: skip


def test_foreground_is_told_in_the_coordinates_of_the_input(ask, draw):
    large = draw(1200, 1600, (300, 400, 900, 1200))
    answer = ask(large.data, size="preview")
    assert answer.headers["X-Width"] == "577"  # a quarter of a megapixel
    found = [int(answer.headers[f"X-Foreground-{n}"]) for n in ("Top", "Left", "Height", "Width")]
    assert np.allclose(found, [300, 400, 600, 800], atol=60)  # the test's network sees 64 pixels
    assert answer.headers["X-Credits-Charged"] == "0.25"


@pytest.mark.parametrize("how", ["multipart", "urlencoded", "json"])
def test_every_kind_of_body_is_understood(server, photo, how):
    encoded = base64.b64encode(photo.data).decode()
    fields = {"image_file_b64": encoded, "size": "auto", "crop": "true"}
    kinds = {
        "multipart": {"files": {k: (None, v) for k, v in fields.items()}},
        "urlencoded": {"data": fields},
        "json": {"json": {**fields, "crop": True}},
    }
    answer = server.client.post(PATH, **kinds[how])
    assert answer.status_code == 200
    assert int(answer.headers["X-Width"]) < 160


def test_json_is_answered_where_it_is_accepted(ask, opened):
    answer = ask(accept="application/json")
    data = answer.json()["data"]
    assert set(data) == {
        "result_b64", "foreground_top", "foreground_left", "foreground_width", "foreground_height"
    }  # fmt: skip
    assert opened(base64.b64decode(data["result_b64"])).size == (160, 120)


@pytest.mark.parametrize(
    ("fields", "kind", "mode"),
    [
        pytest.param({"format": "png"}, "image/png", "RGBA", id="png"),
        pytest.param({"format": "jpg"}, "image/jpeg", "RGB", id="jpg"),
        pytest.param({"format": "webp"}, "image/webp", "RGBA", id="webp"),
        pytest.param({"bg_color": "red"}, "image/jpeg", "RGB", id="auto-opaque"),
        pytest.param({"bg_color": "#ff000080"}, "image/png", "RGBA", id="auto-half-clear"),
        pytest.param({"channels": "alpha"}, "image/png", "L", id="alpha"),
        pytest.param({"format": "png", "bg_color": "81d4fa"}, "image/png", "RGB", id="png-opaque"),
    ],
)
def test_format(ask, opened, fields, kind, mode):
    answer = ask(**fields)
    assert answer.headers["content-type"] == kind
    assert opened(answer.content).mode == mode


def test_zip_holds_the_colours_and_the_alpha(ask, opened):
    answer = ask(format="zip")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert sorted(archive.namelist()) == ["alpha.png", "color.jpg"]
        assert opened(archive.read("color.jpg")).mode == "RGB"
        assert opened(archive.read("alpha.png")).mode == "L"


def test_background_colour_lies_behind(ask, opened):
    pixels = np.asarray(opened(ask(bg_color="00f", format="png").content).convert("RGB"))
    assert pixels[2, 2].tolist() == [0, 0, 255]
    assert pixels[60, 80].min() > 200


def test_background_picture_fills_the_frame(ask, draw, opened):
    behind = draw(50, 50, (0, 0, 50, 50), level=99)
    answer = ask(files={"bg_image_file": ("b.png", behind.data)}, format="png")
    assert np.asarray(opened(answer.content).convert("RGB"))[2, 2].tolist() == [99, 99, 99]


def test_crop_keeps_the_subject_and_its_margins(ask):
    tight = ask(crop="true", size="auto")
    wide = ask(crop="true", crop_margin="10px 20px", size="auto")
    width, height = (int(tight.headers[n]) for n in ("X-Width", "X-Height"))
    assert abs(width - 80) < 12
    assert abs(height - 60) < 12
    assert int(wide.headers["X-Width"]) == width + 40
    assert int(wide.headers["X-Height"]) == height + 20


def test_scale_and_position_place_the_subject(ask, opened):
    answer = ask(scale="50%", position="0% 100%", channels="alpha", size="auto")
    alpha = np.asarray(opened(answer.content)) > 128
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    assert alpha.shape == (120, 160)
    assert columns[0] <= 3
    assert rows[-1] >= 116
    assert abs(len(columns) - 80) < 8


def test_region_of_interest_makes_the_rest_background(ask, opened):
    answer = ask(roi="0px 0px 80px 120px", channels="alpha", size="auto")
    alpha = np.asarray(opened(answer.content))
    assert alpha[:, 81:].max() == 0
    assert alpha[60, 70] > 200


def test_shadow_darkens_the_ground(ask, opened):
    plain = np.asarray(opened(ask(bg_color="white", format="png").content).convert("L"))
    shaded = np.asarray(
        opened(ask(bg_color="white", format="png", add_shadow="true").content).convert("L")
    )
    assert shaded[92:100, 60:100].mean() < plain[92:100, 60:100].mean() - 5


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"size": "huge"}, "invalid_size", id="size"),
        pytest.param({"format": "gif"}, "invalid_format", id="format"),
        pytest.param({"channels": "rgb"}, "invalid_channels", id="channels"),
        pytest.param({"bg_color": "notacolour"}, "invalid_bg_color", id="colour"),
        pytest.param({"crop_margin": "60%"}, "invalid_crop_margin", id="margin"),
        pytest.param({"crop_margin": "1 2 3"}, "invalid_crop_margin", id="margins"),
        pytest.param({"scale": "5%"}, "invalid_scale", id="scale"),
        pytest.param({"position": "left"}, "invalid_position", id="position"),
        pytest.param({"roi": "0 0 9"}, "invalid_roi", id="roi"),
        pytest.param({"roi": "0 0 999 9"}, "roi_exceeds_bounds", id="roi-outside"),
        pytest.param({"roi": "5 5 5 9"}, "roi_region_empty", id="roi-empty"),
        pytest.param({"semitransparency": "maybe"}, "invalid_semitransparency", id="semi"),
        pytest.param({"type": "dog"}, "invalid_type", id="type"),
        pytest.param({"type_level": "9"}, "invalid_type_level", id="type-level"),
        pytest.param({"crop": "maybe"}, "invalid_crop", id="crop"),
        pytest.param({"shadow_type": "round"}, "invalid_shadow_type", id="shadow"),
        pytest.param({"shadow_opacity": "200"}, "invalid_shadow_opacity", id="opacity"),
        pytest.param({"bg_image_url": "ftp://a/b"}, "invalid_bg_image_url", id="bg-address"),
        pytest.param({"bg_image_url": "http://127.0.0.1/b"}, "failed_bg_download", id="bg-away"),
        pytest.param({"image_url": "http://a.b/c"}, "multiple_sources", id="two-sources"),
        pytest.param(
            {"bg_color": "red", "bg_image_url": "http://a.b/c"}, "multiple_bg_sources", id="two-bg"
        ),
    ],
)
def test_wrong_field_has_its_code(ask, fields, code):
    answer = ask(**fields)
    assert answer.status_code == 400
    errors = answer.json()["errors"]
    assert [set(one) >= {"title", "code"} for one in errors] == [True]
    assert errors[0]["code"] == code


def test_wrong_picture_has_its_code(ask, server, draw, photo):
    assert ask(b"Dear Sir").json()["errors"][0]["code"] == "invalid_file_type"
    assert ask(photo.data[:200]).json()["errors"][0]["code"] == "failed_to_read_image"
    nothing = ask(draw(level=5).data)
    assert (nothing.status_code, nothing.json()["errors"][0]["code"]) == (400, "unknown_foreground")
    no_base64 = server.client.post(PATH, json={"image_file_b64": "%%%"})
    assert no_base64.json()["errors"][0]["code"] == "failed_to_read_image"
    no_backdrop = ask(files={"bg_image_file": ("b.png", b"Dear Sir")})
    assert no_backdrop.json()["errors"][0]["code"] == "failed_bg_download"
    empty = server.client.post(PATH, data={"size": "auto"})
    assert empty.json()["errors"][0]["code"] == "missing_source"
    by_url = server.client.post(PATH, data={"image_url": "ftp://a/b"})
    assert by_url.json()["errors"][0]["code"] == "invalid_image_url"
    off = server.client.post(PATH, data={"image_url": "http://127.0.0.1/a.png"})
    assert off.json()["errors"][0]["code"] == "failed_image_download"


def test_limits_hold_before_anything_is_decoded(starting, photo):
    from maskworks.apps.http.settings import Bounds

    server = starting(bounds=Bounds(upload_bytes=1000, pixels=10_000))
    few = server.client.post(PATH, files={"image_file": photo.data})
    assert few.json()["errors"][0]["code"] == "resolution_too_high"
    heavy = server.client.post(PATH, files={"image_file": bytes(100_000)})
    assert heavy.json()["errors"][0]["code"] == "file_too_large"
    padded = base64.b64encode(photo.data + bytes(2000)).decode()
    again = server.client.post(PATH, json={"image_file_b64": padded})
    assert again.json()["errors"][0]["code"] == "file_too_large"


def test_account_tells_what_is_left(server, photo):
    key = server.key(name="account", monthly_credits=1.25)
    headers = {"X-Api-Key": key}

    def credits_left():
        attributes = server.client.get("/v1.0/account", headers=headers).json()["data"][
            "attributes"
        ]
        assert attributes["api"]["sizes"] == "all"
        return attributes["credits"]["total"]

    assert credits_left() == 1.25
    for size in ("preview", "auto"):
        files = {"image_file": photo.data}
        done = server.client.post(PATH, files=files, data={"size": size}, headers=headers)
        assert done.status_code == 200
    assert credits_left() == 0
    over = server.client.post(PATH, files={"image_file": photo.data}, headers=headers)
    assert over.status_code == 402
    assert over.json()["errors"][0]["code"] == "insufficient_credits"


def test_rate_is_limited_and_told(server, photo):
    headers = {"X-Api-Key": server.key(name="rate", megapixels_per_minute=0.03)}
    first = server.client.post(PATH, files={"image_file": photo.data}, headers=headers)
    assert first.status_code == 200
    assert int(first.headers["X-RateLimit-Reset"]) > 0
    more = [
        server.client.post(PATH, files={"image_file": photo.data}, headers=headers)
        for _ in range(3)
    ]
    refused = [answer for answer in more if answer.status_code == 429]
    assert refused, "a minute may turn once, not three times"
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert refused[0].json()["errors"][0]["code"] == "rate_limit_exceeded"


def test_wrong_key_is_refused_as_remove_bg_does(server, photo):
    answer = server.client.post(
        PATH, files={"image_file": photo.data}, headers={"X-Api-Key": "mw_12345678_wrong"}
    )
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["title"] == "API Key invalid"
    assert answer.json()["errors"][0]["code"] == "auth_failed"
