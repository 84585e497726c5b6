"""Clients that nobody here wrote, with nothing changed but the address."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image


def mode(path):
    with Image.open(path) as picture:
        return picture.mode


@pytest.fixture
def removebg(server, tmp_path, monkeypatch):
    """The client of PyPI."""
    module = pytest.importorskip(
        "removebg.removebg", reason="pip install removebg for the test with the real client"
    )
    monkeypatch.setattr(module, "API_ENDPOINT", f"{server.url}/v1.0/removebg")
    return module.RemoveBg("their-key", str(tmp_path / "error.log"))


def test_python_client_sends_a_file(removebg, photo, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(photo.data)
    removebg.remove_background_from_img_file(str(path), size="regular")
    assert mode(f"{path}_no_bg.png") == "RGBA"


def test_python_client_sends_base64_with_a_colour(removebg, photo, tmp_path):
    target = tmp_path / "done.png"
    encoded = base64.b64encode(photo.data)
    removebg.remove_background_from_base64_img(
        encoded, size="hd", new_file_name=str(target), bg_color="81d4fa"
    )
    with Image.open(target) as picture:
        assert picture.convert("RGB").getpixel((2, 2))[2] > 240


PROGRAM = """
const removebg = require("remove.bg");
const [how, source, output] = process.argv.slice(2);
const call = {
  file: removebg.removeBackgroundFromImageFile,
  base64: removebg.removeBackgroundFromImageBase64,
  url: removebg.removeBackgroundFromImageUrl,
}[how];
const picture = how === "file" ? {path: source} : how === "url" ? {url: source}
  : {base64img: require("fs").readFileSync(source, "base64")};
call({...picture, apiKey: "their-key", size: "regular", crop: true, scale: "50%",
      outputFile: output})
  .then(r => console.log(JSON.stringify({...r, base64img: r.base64img.length})))
  .catch(e => { console.log(JSON.stringify({failed: e})); process.exit(1); });
"""


@pytest.fixture(scope="session")
def node_client(tmp_path_factory):
    """A folder with the package remove.bg of npm 1.3.0."""
    given = os.environ.get(
        "MASKWORKS_TEST_NPM"
    )  # a folder into which it was installed, or "required"
    folder = tmp_path_factory.mktemp("node")
    if given and given != "required":
        return Path(given)
    if not shutil.which("npm"):
        _missing(given, "npm was not found (Debian: apt-get install npm)")
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "remove.bg@1.3.0"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=100)
    if done.returncode:
        _missing(given, "npm could not install remove.bg@1.3.0")
    return folder


def _missing(given, why):
    if given == "required":
        pytest.fail(why)
    pytest.skip(why)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["file", "base64"])
def test_node_client_understands_the_answer(server, node_client, photo, tmp_path, how):
    library = node_client / "node_modules/remove.bg/dist/index.js"
    text = library.read_text().replace("https://api.remove.bg", server.url)
    copy = tmp_path / "node_modules/remove.bg"
    copy.mkdir(parents=True)
    (copy / "index.js").write_text(text)
    path, output, program = (tmp_path / n for n in ("photo.png", "out.png", "program.js"))
    path.write_bytes(photo.data)
    program.write_text(PROGRAM)
    done = subprocess.run(
        ["node", program, how, path, output],
        capture_output=True, check=False, timeout=60,
        env={**os.environ, "NODE_PATH": str(node_client / "node_modules"), "NODE_NO_WARNINGS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["detectedType"] == "other"
    assert told["creditsCharged"] == "0.25"
    assert mode(output) == "RGBA"


@pytest.mark.slow
def test_node_client_reads_our_errors(server, node_client, tmp_path):
    library = node_client / "node_modules/remove.bg/dist/index.js"
    copy = tmp_path / "node_modules/remove.bg"
    copy.mkdir(parents=True)
    (copy / "index.js").write_text(library.read_text().replace("https://api.remove.bg", server.url))
    (tmp_path / "program.js").write_text(PROGRAM)
    done = subprocess.run(
        ["node", tmp_path / "program.js", "url", "http://127.0.0.1/a.png", tmp_path / "no.png"],
        capture_output=True, check=False, timeout=60,
        env={**os.environ, "NODE_PATH": str(node_client / "node_modules"), "NODE_NO_WARNINGS": "1"},
    )  # fmt: skip
    assert json.loads(done.stdout)["failed"][0]["code"] == "failed_image_download"
