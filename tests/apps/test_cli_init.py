from __future__ import annotations

from datetime import date

import pytest
from PIL import Image

from maskworks.apps.cli import main
from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.output.presets import find_preset


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spring/shots").mkdir(parents=True)
    Image.new("RGB", (4, 3)).save(tmp_path / "spring/shots/a.jpg")
    return tmp_path / "spring"


def test_init_writes_a_campaign_that_is_valid_as_it_is(photos, capsys):
    assert main(["init", "spring"]) == 0
    out = capsys.readouterr().out
    assert "spring/campaign.toml written\n1 picture in shots\n" in out
    assert "next: maskworks run --check spring/campaign.toml" in out
    opened = read_campaign(photos / "campaign.toml")
    assert (opened.campaign.campaign.name, opened.input) == ("spring", photos / "shots")
    assert sorted(path.name for path in photos.iterdir()) == ["campaign.toml", "shots"]


@pytest.mark.parametrize(
    ("preset", "size", "side"),
    [
        pytest.param("shopify", (1000, 1250), 1000, id="smaller"),
        pytest.param("shopify", (2048, 3000), None, id="large-enough"),
        pytest.param("shopify", (700, 900), None, id="less-than-the-rules-accept"),
        pytest.param("meta-feed", (1200, 1200), 960, id="two-sides"),
        pytest.param("amazon-main", (900, 900), None, id="no-picture-is-allowed"),
    ],
)
def test_init_makes_the_output_fit_the_smallest_background(photos, capsys, preset, size, side):
    (photos / "bg").mkdir()
    Image.new("RGB", size).save(photos / "bg/small.png")
    Image.new("RGB", (3000, 3000)).save(photos / "bg/large.png")
    before = find_preset(preset).rules_on(date(2026, 11, 21)).advised_side
    assert main(["init", "spring", "--preset", preset]) == 0
    rules = read_campaign(photos).campaign.output
    assert rules.advised_side == (side or before)
    assert (f"at most {side or 0:,} pixels: " in capsys.readouterr().out) is (side is not None)


def test_init_does_not_replace_a_campaign_without_being_asked(photos, capsys):
    (photos / "campaign.toml").write_text("mine")
    assert main(["init", "spring"]) == 1
    assert "exists already; give --overwrite" in capsys.readouterr().err
    assert (photos / "campaign.toml").read_text() == "mine"
    assert main(["init", "spring", "--overwrite", "--preset", "ebay"]) == 0
    assert read_campaign(photos).campaign.output.preset == "ebay"


def test_init_makes_a_folder_that_is_not_there(tmp_path, capsys):
    assert main(["init", str(tmp_path / "a/b")]) == 0
    assert "no pictures yet: put them into" in capsys.readouterr().out
    assert (tmp_path / "a/b/photos").is_dir()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["--preset", "none"], 2, "no preset is named 'none'", id="preset"),
        pytest.param([], 1, "cannot be made", id="a-file"),
    ],
)
def test_init_that_cannot_be_leaves_nothing_behind(tmp_path, capsys, arguments, code, message):
    (tmp_path / "file").touch()
    assert main(["init", str(tmp_path / "file/x"), *arguments]) == code
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
