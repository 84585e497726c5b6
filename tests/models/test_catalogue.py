from __future__ import annotations

import pytest

from maskworks.core.errors import LicenceError, ModelError, UnknownModelError, UsageError
from maskworks.models import catalogue, settings
from maskworks.models.catalogue import ROWS, load_catalogue, read_rows, read_weights

MD5 = {
    "u2net": ("u2net.onnx", "60024c5c889badc19c04ad937298a77b"),
    "u2netp": ("u2netp.onnx", "8e83ca70e441ab06c318d82300c84806"),
    "u2net_human_seg": ("u2net_human_seg.onnx", "c09ddc2e0104f800e3e1bb4652583d1f"),
    "silueta": ("silueta.onnx", "55e59e0d8062d2f5d013f4725ee84782"),
    "isnet-general-use": ("isnet-general-use.onnx", "fc16ebd8b0c10d971d3513d564d01e29"),
    "birefnet-general": ("BiRefNet-general-epoch_244.onnx", "7a35a0141cbbc80de11d9c9a28f52697"),
    "birefnet-general-lite": (
        "BiRefNet-general-bb_swin_v1_tiny-epoch_232.onnx",
        "4fab47adc4ff364be1713e97b7e66334",
    ),
    "birefnet-portrait": ("BiRefNet-portrait-epoch_150.onnx", "c3a64a6abf20250d090cd055f12a3b67"),
    "birefnet-dis": ("BiRefNet-DIS-epoch_590.onnx", "2d4d44102b446f33a4ebb2e56c051f2b"),
    "birefnet-hrsod": ("BiRefNet-HRSOD_DHU-epoch_115.onnx", "c017ade5de8a50ff0fd74d790d268dda"),
    "birefnet-cod": ("BiRefNet-COD-epoch_125.onnx", "f6d0d21ca89d287f17e7afe9f5fd3b45"),
    "birefnet-massive": (
        "BiRefNet-massive-TR_DIS5K_TR_TEs-epoch_420.onnx",
        "33e726a2136a3d59eb0fdf613e31e3e9",
    ),
}
"""What rembg asks for, from its source."""


YOLOX = {"yolox-nano": 416, "yolox-tiny": 416, "yolox-s": 640}
"""Detectors of Megvii's release 0.1.1rc0, and the side of what they see."""


@pytest.mark.parametrize(("name", "side"), YOLOX.items())
def test_detectors_see_what_their_authors_show_them(name, side):
    """In the top left corner on grey 114, blue first, 0 to 255."""
    spec = load_catalogue().row(name)
    shown = spec.input
    assert (shown.height, shown.width, shown.resize, shown.corner) == (side, side, "pad", True)
    assert (shown.fill, shown.order, shown.mean, shown.std) == (114, "bgr", (0, 0, 0), (1, 1, 1))
    assert (spec.output.kind, spec.output.masks, spec.taxonomy) == (
        "yolox",
        "cutout",
        "coco-things",
    )
    assert spec.remote_name == name.replace("-", "_") + ".onnx"


@pytest.mark.parametrize(("name", "file", "md5"), [(n, *row) for n, row in MD5.items()], ids=MD5)
def test_catalogue_names_the_files_rembg_publishes(name, file, md5):
    spec = load_catalogue().row(name)
    assert spec.url == f"https://github.com/danielgatis/rembg/releases/download/v0.0.0/{file}"
    assert (spec.remote_name, spec.local_name, spec.md5) == (file, f"{name}.onnx", md5)


def test_catalogue_has_ours_and_every_rembg_file():
    ours = {"cutout", "cutout-live", "street"}
    assert set(load_catalogue().names) == {*ours, *MD5, "bria-rmbg", *YOLOX}


SALIENCY = [spec for spec in read_rows(ROWS) if spec.family == "saliency"]


@pytest.mark.parametrize("spec", SALIENCY, ids=lambda spec: spec.name)
def test_catalogue_rows_are_as_their_families_need(spec):
    kind, side, scale = ("matte", 320, "max")
    if spec.name.startswith(("birefnet", "isnet", "bria")):
        side = 1024
    if spec.name.startswith("birefnet"):
        kind = "logits"
    if spec.embedded:
        side, scale = (384, "255")
    if spec.input.previous:
        side = 192
    assert (spec.input.height, spec.input.width, spec.input.scale) == (side, side, scale)
    assert spec.input.resize == ("area" if spec.embedded else "squash")
    assert spec.output.kind == kind
    judged = spec.embedded and not spec.input.previous
    assert spec.output.confidence == spec.output.presence == judged
    assert spec.licence in {"Apache-2.0", "MIT", "CC-BY-NC-4.0"}
    assert spec.commercial == ("NC" not in spec.licence)


@pytest.mark.parametrize("name", ["isnet-general-use", "birefnet-dis", "birefnet-general"])
def test_catalogue_says_what_dis5k_allows(name):
    assert "non-commercial research" in load_catalogue().row(name).data


def test_find_refuses_a_name_nobody_has():
    with pytest.raises(UnknownModelError, match=r"no model is named 'u3net'.*u2net.*models import"):
        load_catalogue().find("u3net")


def test_find_names_the_network_that_took_over_from_the_fast_one():
    with pytest.raises(UnknownModelError, match="'cutout-fast'; choose one of cutout, "):
        load_catalogue().find("cutout-fast")


def test_find_refuses_non_commercial_weights_when_asked_to(monkeypatch):
    rows = load_catalogue()
    assert rows.find("bria-rmbg").name == "bria-rmbg"
    with pytest.raises(LicenceError, match=r"'bria-rmbg' are licensed CC-BY-NC-4.0"):
        rows.find("bria-rmbg", commercial_only=True)
    assert rows.find("u2net", commercial_only=True).name == "u2net"
    monkeypatch.setenv("MASKWORKS_COMMERCIAL_ONLY", "1")
    with pytest.raises(LicenceError):
        rows.find("bria-rmbg")
    assert rows.row("bria-rmbg").name == "bria-rmbg"  # to show it


@pytest.mark.parametrize(
    ("value", "wanted"), [("1", True), ("On", True), ("0", False), ("", False)]
)
def test_a_setting_is_yes_or_no(monkeypatch, value, wanted):
    monkeypatch.setenv("MASKWORKS_OFFLINE", value)
    assert settings.offline() is wanted


def test_a_misspelt_setting_is_an_error(monkeypatch):
    monkeypatch.setenv("MASKWORKS_COMMERCIAL_ONLY", "ja")
    with pytest.raises(UsageError, match=r"MASKWORKS_COMMERCIAL_ONLY is 'ja'.*set it to 1 or 0"):
        load_catalogue().find("bria-rmbg")


def test_weights_that_were_exported_are_merged_in(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "WEIGHTS", tmp_path)
    assert load_catalogue().row("cutout").sha256 is None
    (tmp_path / "weights.toml").write_text(f'[cutout]\nsha256 = "{"a" * 64}"\nbytes = 12\n')
    spec = load_catalogue().row("cutout")
    assert (spec.sha256, spec.bytes) == ("a" * 64, 12)
    assert load_catalogue().row("street").sha256 is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[cutout]\nsha256 = 'a'\nbytes = 1", "sha256: String should match", id="hash"),
        pytest.param("cutout = 1", "row: Input should be", id="shape"),
        pytest.param("[cutout", "cannot be read", id="toml"),
    ],
)
def test_a_wrong_weights_file_is_named(tmp_path, text, message):
    (tmp_path / "weights.toml").write_text(text)
    with pytest.raises(ModelError, match=rf"weights.toml: {message}"):
        read_weights(tmp_path / "weights.toml")


GOOD = """
[[models]]
name = "mine"
title = "Mine"
family = "saliency"
task = "cutout"
file = "mine.onnx"
sha256 = "{hash}"
licence = "MIT"
commercial = true
data = "mine"
source = "me"
output = {{ kind = "matte" }}
[models.input]
height = 8
width = 8
resize = "pad"
scale = "255"
mean = [0, 0, 0]
std = [1, 1, 1]
""".format(hash="a" * 64)


def test_imported_rows_are_merged_in(cache):
    cache.mkdir()
    (cache / "imported.toml").write_text(GOOD)
    spec = load_catalogue().find("mine")
    assert (spec.origin, spec.input.mean, spec.local_name) == ("imported", (0, 0, 0), "mine.onnx")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            '"pad"',
            '"crop"',
            r"models\.0\.input\.resize: .*'pad', 'squash', 'area' or 'keep'",
            id="value",
        ),
        pytest.param(
            "height = 8", "height = 0", r"models\.0\.input\.height: .*greater", id="range"
        ),
        pytest.param("std = [1, 1, 1]", "std = [1, 0, 1]", "std must be greater than 0", id="std"),
        pytest.param(
            "commercial = true", "comercial = true", r"comercial: Extra inputs|Field", id="key"
        ),
        pytest.param('file = "mine.onnx"\n', "", "give either file or url", id="no file"),
        pytest.param('"mine.onnx"', '"../mine.onnx"', r"file: .*pattern", id="path"),
        pytest.param(
            'sha256 = "' + "a" * 64 + '"\n', "", "no unchecked file is ever used", id="no hash"
        ),
        pytest.param(
            'name = "mine"', 'name = "u2net"', "u2net is in the catalogue already", id="twice"
        ),
    ],
)
def test_a_wrong_row_is_named_with_its_path(cache, old, new, message):
    cache.mkdir()
    assert old in GOOD
    (cache / "imported.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(ModelError, match=rf"imported\.toml: .*{message}|{message}"):
        load_catalogue()
