from __future__ import annotations

import tomllib

import pytest

from maskworks.studio.campaign.assignment import assign
from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.campaign.template import campaign_text, preset_for, scan_folder
from maskworks.studio.output.presets import load_presets


@pytest.fixture
def look(campaign_folder):
    """Write pictures into an otherwise empty folder and look around there."""

    def run(*names):
        folder = type(campaign_folder)(campaign_folder.path.parent / "new")
        folder.path.mkdir()
        for name in names:
            if name.endswith(".csv"):
                folder.write("File,sku\nx/a.jpg,1\n" if name != "exceptions.csv" else "", name)
            else:
                folder.picture(name)
        return scan_folder(folder.path)

    return run


@pytest.mark.parametrize(
    ("names", "source", "pictures", "groups"),
    [
        pytest.param(["photos/a.jpg", "photos/x/b.jpg"], "photos", 2, ("x",), id="one-folder"),
        pytest.param(["a.jpg", "x/b.jpg"], ".", 2, ("x",), id="loose-and-folder"),
        pytest.param(["x/a.jpg", "y/b.jpg"], ".", 2, ("x", "y"), id="two-folders"),
        pytest.param(["a.jpg", ".cache/b.jpg"], ".", 1, (), id="hidden"),
        pytest.param([], "photos", 0, (), id="nothing"),
        pytest.param(["list.csv", "x/a.jpg", "y/b.jpg"], "list.csv", 0, (), id="list"),
        pytest.param(["x/a.jpg", "bg/b.jpg"], "x", 1, (), id="backgrounds-are-no-photos"),
    ],
)
def test_input_is_where_the_pictures_are(look, names, source, pictures, groups):
    around = look(*names)
    assert (around.input, around.pictures, around.groups) == (source, pictures, groups)


def test_backgrounds_are_found_and_get_a_preset_that_allows_them(look):
    around = look("photos/a.jpg", "Backgrounds/b.jpg", "Backgrounds/c.png")
    assert around.backgrounds == ("Backgrounds/b.jpg", "Backgrounds/c.png")
    campaign = tomllib.loads(campaign_text("x", around, preset=preset_for(around)))
    assert campaign["concept"][0]["backgrounds"] == ["Backgrounds/b.jpg", "Backgrounds/c.png"]
    assert campaign["output"]["preset"] == "shopify"


@pytest.mark.parametrize("preset", [preset.name for preset in load_presets()])
@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["photos/a.jpg"], id="photos"),
        pytest.param(
            ["a.jpg", 'x "y"/b.jpg', "bg/\u00fc 1.png", "exceptions.csv"], id="everything"
        ),
    ],
)
def test_what_is_written_is_a_campaign_that_runs_as_it_is(look, campaign_folder, preset, names):
    around = look(*names)
    folder = campaign_folder.path.parent / "new"
    if (folder / "exceptions.csv").exists():
        (folder / "exceptions.csv").write_text("rule,pattern,reason\n")
    (folder / "campaign.toml").write_text(campaign_text("New & odd: \u00e9", around, preset=preset))
    opened = read_campaign(folder)
    assert opened.campaign.campaign.name == "New-odd-\u00e9"
    assert len(assign(opened).items) == around.pictures
    assert bool(opened.rules == () and opened.campaign.exceptions) == bool(around.exceptions)


def test_every_line_that_is_commented_out_is_valid_too(look, campaign_folder):
    text = campaign_text("x", look("photos/a.jpg"), preset="ebay")
    keys = ("# shadow", "# align", "# padding", "# size", "# max_bytes", "# review",
            "# [[concept]]", "# name", "# [exceptions]", "# file")  # fmt: skip
    lines = [line[2:] if line.startswith(keys) else line for line in text.splitlines()]
    folder = campaign_folder.path.parent / "new"
    (folder / "exceptions.csv").write_text("rule,pattern,reason\ntag,x,y\n")
    (folder / "campaign.toml").write_text("\n".join(lines))
    opened = read_campaign(folder)
    assert (opened.campaign.output.align, opened.campaign.concept[0].name) == ("bottom", "marble")
