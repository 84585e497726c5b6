"""No warning of a library reaches the terminal, even where Python is asked to show all."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from skimage import data


def shown(*words, cwd, code=None):
    """What `maskworks WORDS` says under ``-W default``, its exit code first."""
    program = ["-c", code] if code else ["-m", "maskworks.apps.cli", *map(str, words)]
    done = subprocess.run(
        [sys.executable, "-W", "default", *program],
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def photos(tmp_path):
    """Pictures that make Pillow, tifffile and NumPy warn."""
    folder = tmp_path / "photos"
    folder.mkdir()
    cat = data.chelsea()[::4, ::4]
    Image.fromarray(cat).save(folder / "exif.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01")
    palette = Image.fromarray(cat).quantize(16)
    palette.save(folder / "palette.png", transparency=bytes(range(16)))
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(folder / "black.png")
    whole = (folder / "exif.jpg").read_bytes()
    (folder / "short.jpg").write_bytes(whole[: len(whole) // 2])
    Image.fromarray(cat).save(folder / "short.tif")
    (folder / "short.tif").write_bytes((folder / "short.tif").read_bytes()[:-200])
    return folder


def test_these_pictures_make_pillow_warn(photos):
    code = (
        "from PIL import Image; Image.open('exif.jpg').getexif().get(274);"
        "Image.open('palette.png').convert('RGB')"
    )
    assert "UserWarning" in shown(cwd=photos, code=code)[1]


def test_cutting_out_what_makes_libraries_warn_shows_no_warning(photos, tmp_path):
    _, said = shown("cutout", photos, "-o", tmp_path / "out", "--json", cwd=tmp_path)
    assert said.count('"status"') == 5
    assert "Warning" not in said
    assert "site-packages" not in said


def test_labelling_with_a_plain_network_shows_no_warning(photos, tmp_path, tiny_models):
    model = tiny_models["semantic"]
    code, said = shown("segment", photos / "black.png", "-o", "out", "--model", model, cwd=tmp_path)
    assert code == 0, said
    assert "Warning" not in said
    assert "site-packages" not in said


@pytest.mark.parametrize("kind", ["UserWarning", "DeprecationWarning", "FutureWarning"])
def test_a_warning_of_any_kind_is_kept_from_the_terminal(kind, tmp_path):
    code = (
        "import warnings; from maskworks.apps.cli import main; main(['--version']);"
        f"warnings.warn_explicit('odd', {kind}, '/site-packages/torch/x.py', 7)"
    )
    status, said = shown(cwd=tmp_path, code=code)
    assert (status, said.split()[0]) == (0, "maskworks")
    assert "odd" not in said
