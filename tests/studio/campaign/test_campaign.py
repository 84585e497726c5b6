from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from maskworks.core.errors import UsageError
from maskworks.studio.campaign.campaign_file import read_campaign


def test_the_campaign_of_the_manual_is_read(campaign_folder):
    opened = read_campaign(campaign_folder.file)
    campaign = opened.campaign
    assert (campaign.campaign.name, campaign.campaign.currency) == ("spring-skincare", "USD")
    assert (opened.input, campaign.input.model) == (campaign_folder.path / "photos", "cutout")
    assert campaign.concept[0].match == "lifestyle/**"
    assert (campaign.output.preset, campaign.output.shadow) == ("shopify", "soft")
    assert (campaign.quality.deliver_at, campaign.quality.spot_check) == (0.85, 0.05)
    assert [rule.name for rule in opened.rules] == ["tag:clear packaging"]
    assert campaign.cost is not None
    assert campaign.cost.automated == Decimal("3.4")


def test_a_folder_means_the_campaign_file_in_it(campaign_folder):
    assert read_campaign(campaign_folder.path).path == campaign_folder.file


def test_a_short_campaign_has_defaults(campaign_folder):
    campaign_folder.write('[campaign]\nname = "a"\n[input]\nfolder = "photos"\n')
    campaign = read_campaign(campaign_folder.file).campaign
    assert (campaign.quality.deliver_at, campaign.quality.spot_check) == (0.85, 0.05)
    assert (campaign.campaign.currency, campaign.input.model) == ("USD", "cutout")
    assert (campaign.cost, campaign.exceptions, campaign.concept) == (None, None, ())


def test_backgrounds_are_named_for_their_files_and_colours(campaign_folder):
    campaign_folder.picture("other/marble-a.png")
    campaign_folder.change('"#f4f1ec"]', '"#F4F1EC", "other/marble-a.png"]')
    scenery = read_campaign(campaign_folder.file).scenery["marble"]
    assert [s.variant for s in scenery] == ["marble-a", "marble-b", "f4f1ec", "marble-a-2"]
    assert scenery[0].path == campaign_folder.path / "bg/marble-a.png"
    assert (scenery[2].path, scenery[2].colour) == (None, (0xF4, 0xF1, 0xEC))


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        pytest.param("currency", "curency", 3, r"campaign\.curency: .* did you mean currency\?",
                     id="unknown-key"),
        pytest.param("[exceptions]", "[exeptions]", 22,
                     r"exeptions: there is no such table; did you mean exceptions\?",
                     id="unknown-table"),
        pytest.param("shadow", "shadows", 16, r"output\.shadows: .* did you mean shadow\?",
                     id="unknown-rule"),
        pytest.param("match =", "mach =", 11, r"concept 1, mach: .* did you mean match\?",
                     id="unknown-key-of-a-concept"),
        pytest.param('name = "spring-skincare"\n', "", 1, r"campaign\.name: is missing",
                     id="missing-key"),
        pytest.param('[input]\nfolder = "photos"\nmodel = "cutout"\n', "", 1,
                     r"\[input\]: is missing", id="missing-table"),
        pytest.param('"USD"', '"usd"', 3, r'currency: is "usd"; .*ISO 4217.* did you mean USD\?',
                     id="currency"),
        pytest.param('"spring-skincare"', '"a/b"', 2, r'name: is "a/b"; it must begin with',
                     id="name-with-slash"),
        pytest.param("0.85", "1.2", 19, r"deliver_at: is 1\.2; it must be less than or equal to 1",
                     id="above-one"),
        pytest.param("0.85", "nan", 19, r"deliver_at: is NaN; it must be greater than", id="nan"),
        pytest.param("0.05", "true", 20, r"spot_check: is true; it must be a number from 0 to 1",
                     id="truth"),
        pytest.param("0.85", '"high"', 19, r'deliver_at: is "high"; it must be a valid number',
                     id="wrong-type"),
        pytest.param("3.40", "-3.40", 27, r"cost\.automated: is -3\.4; .* greater than or equal",
                     id="negative-money"),
        pytest.param('"shopify"', '"shopyfi"', 15, r"output\.preset: no preset is named 'shopyfi'",
                     id="preset"),
        pytest.param('"soft"', '"hard"', 16, r"output\.shadow: is \"hard\"; it must be 'none'",
                     id="choice"),
        pytest.param('"cutout"', '"cutuot"', 7, r"input\.model: no model is named 'cutuot'",
                     id="model"),
        pytest.param('"photos"', '"fotos"', 6, r"input\.folder: fotos does not exist", id="input"),
        pytest.param('"photos"', '"bg/marble-a.png"', 6, "is neither a folder nor a .csv file",
                     id="input-is-a-picture"),
        pytest.param('"bg/marble-b.png", ', '\n\n "bg/none.png", ', 14,
                     r"backgrounds 2: bg/none\.png is no picture .*No such file",
                     id="missing-background"),
        pytest.param('"#f4f1ec"', '"#f4f1e"', 12, "backgrounds 3: #f4f1e is no colour",
                     id="no-colour"),
        pytest.param('"bg/marble-b.png"', '"campaign.toml"', 12, "campaign.toml is not a picture",
                     id="no-picture"),
        pytest.param('"bg/marble-b.png"', '"bg/../bg/marble-a.png"', 12, "same as bg/marble-a",
                     id="same-background-twice"),
        pytest.param('"exceptions.csv"', '"none.csv"', 23, "file: none.csv does not exist",
                     id="exception-file"),
        pytest.param("0.05", '0.05\nscore_file = "none.toml"', 21,
                     r"quality\.score_file: .*none\.toml: cannot be read .*calibrate` writes",
                     id="missing-score-file"),
        pytest.param("0.05", '0.05\nscore_file = "campaign.toml"', 21,
                     r"quality\.score_file: .*campaign\.toml: ", id="no-score-file"),
        pytest.param('"#f4f1ec"', '{file = "#f4f1ec", focus = [0.5, 0.5]}', 12,
                     "backgrounds 3: #f4f1ec is a colour, which has no focus",
                     id="focus-of-a-colour"),
        pytest.param('"#f4f1ec"', '{file = "bg/marble-a.png", focus = [0.5, 1.5]}', 12,
                     "backgrounds 3, focus 2: is 1.5; it must be less than", id="focus-outside"),
        pytest.param('"#f4f1ec"', '{file = "bg/marble-a.png", focus = [0.5]}', 12,
                     "backgrounds 3, focus 2: is missing", id="half-a-focus"),
        pytest.param('"#f4f1ec"', '{flie = "bg/marble-a.png"}', 12,
                     r"backgrounds 3, flie: there is no such key; did you mean file\?",
                     id="unknown-key-of-a-background"),
        pytest.param('"#f4f1ec"', "7", 12, "backgrounds 3: is 7; it must be a colour, a picture",
                     id="background-is-a-number"),
        pytest.param('"cutout"', '"cutout"\nrefine = "hard"', 8,
                     r"input\.refine: is \"hard\"; it must be 'off', 'fast'", id="refine"),
        pytest.param("[[concept]]", "[concept]", 9, r"concept: .* write \[\[concept\]\]",
                     id="one-table"),
        pytest.param("[quality]", '[[concept]]\nname = "Marble"\n[quality]', 9,
                     "two are named 'marble'", id="two-of-a-name"),
        pytest.param('match = "lifestyle/**"', "[[concept]]\nname = 'b'", 9,
                     "'marble' and 'b' have no match", id="two-without-match"),
        pytest.param('"marble"', '"default"', 9, "'default' is the concept of pictures that",
                     id="reserved-name"),
        pytest.param("= 0.05", "=", 20, "is not TOML", id="no-toml"),
        pytest.param("baseline = 22.00", "x = [", 29, "is not TOML", id="no-toml-at-the-end"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_line_and_a_way_out(campaign_folder, old, new, line, message):
    campaign_folder.change(old, new)
    with pytest.raises(UsageError, match=message) as caught:
        read_campaign(campaign_folder.file)
    assert str(caught.value).startswith(f"{campaign_folder.file}:{line}: ")


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(campaign_folder):
    campaign_folder.change("22.00\nauto", "-1\nauto")
    campaign_folder.change("currency", "curency")
    campaign_folder.change("0.85", "85")
    with pytest.raises(UsageError) as caught:
        read_campaign(campaign_folder.file)
    lines = [line.split(":")[1] for line in str(caught.value).splitlines()]
    assert lines == ["3", "19", "26"]


def test_one_picture_with_two_focus_points_is_two_backgrounds(campaign_folder):
    focused = '{file = "bg/marble-a.png", focus = [0.0, 0.25]}'
    campaign_folder.change('"#f4f1ec"', focused)
    before, _, after = read_campaign(campaign_folder.file).scenery["marble"]
    assert (before.variant, before.focus) == ("marble-a", (0.5, 0.5))
    assert (after.variant, after.focus) == ("marble-a-2", (0.25, 0.0))
    campaign_folder.change(focused, f"{focused}, {focused}")
    with pytest.raises(UsageError, match=r"backgrounds 4: bg/marble-a\.png is the same as"):
        read_campaign(campaign_folder.file)


def test_a_mistake_in_the_exception_list_names_that_file(campaign_folder):
    path = campaign_folder.write("rule,pattern,reason\nskus,A*,x\n", "exceptions.csv")
    with pytest.raises(UsageError, match=r"there is no rule 'skus'; did you mean sku\?") as caught:
        read_campaign(campaign_folder.file)
    assert str(caught.value).startswith(f"{path}:2: ")


def test_a_missing_campaign_says_so(tmp_path):
    with pytest.raises(UsageError, match=r"none\.toml: cannot be read \(No such file"):
        read_campaign(tmp_path / "none.toml")


def test_an_own_preset_counts_from_the_campaign_file(campaign_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    campaign_folder.write(
        'title = "Ours"\nsource = ["us"]\nevidence = "own"\nchecked_on = 2026-11-01\n'
        "[rules]\nmin_side = 321\n",
        "ours.toml",
    )
    campaign_folder.change('"shopify"', '"ours.toml"')
    assert read_campaign(campaign_folder.file).campaign.output.min_side == 321


# ------------------------------------------------------------------ digests


def pictures_of(folder, concept="marble", today=date(2026, 11, 21), weights="abc"):
    return read_campaign(folder.file, today=today).pictures_hash(concept, {"weights": weights})


@pytest.mark.parametrize(
    ("old", "new", "pictures", "routing"),
    [
        pytest.param("spring-skincare", "summer", False, False, id="name"),
        pytest.param("# x", "# a remark", False, False, id="remark"),
        pytest.param("lifestyle/**", "**", False, False, id="match"),
        pytest.param('"soft"', '"none"', True, False, id="shadow"),
        pytest.param('"marble"', '"stone"', True, False, id="concept"),
        pytest.param('"bg/marble-b.png", ', "", True, False, id="background"),
        pytest.param('"#f4f1ec"', '"#F4F1EC"', False, False, id="spelling-of-a-colour"),
        pytest.param("0.85", "0.9", False, True, id="threshold"),
        pytest.param("0.05", "0.5", False, True, id="spot-check"),
        pytest.param("3.40", "3.50", False, True, id="cost"),
        pytest.param("USD", "EUR", False, True, id="currency"),
        pytest.param('[exceptions]\nfile = "exceptions.csv"', "", False, True, id="exceptions"),
    ],
)
def test_digests_change_with_what_they_are_about(campaign_folder, old, new, pictures, routing):
    campaign_folder.change("[cost]", "# x\n[cost]")
    before = read_campaign(campaign_folder.file)
    campaign_folder.change(old, new)
    after = read_campaign(campaign_folder.file)
    concept = after.campaign.concept[0].name
    changed = after.pictures_hash(concept, {}) != before.pictures_hash("marble", {})
    assert changed is pictures
    assert (after.routing_hash != before.routing_hash) is routing


def test_pictures_change_with_the_content_of_a_background(campaign_folder):
    before = pictures_of(campaign_folder)
    campaign_folder.picture("bg/other.png").rename(campaign_folder.path / "bg/marble-a.png")
    assert pictures_of(campaign_folder) != before


def test_pictures_of_one_concept_do_not_change_with_another_one(campaign_folder):
    before = pictures_of(campaign_folder)
    campaign_folder.change("[quality]", '[[concept]]\nname = "linen"\n[quality]')
    assert pictures_of(campaign_folder) == before
    assert pictures_of(campaign_folder, "linen") != before


def test_a_new_day_changes_nothing_but_a_new_rule_of_the_market_place_does(campaign_folder):
    campaign_folder.change('"shopify"', '"google-merchant"')
    first = pictures_of(campaign_folder, today=date(2026, 11, 21))
    assert pictures_of(campaign_folder, today=date(2026, 11, 22)) == first
    assert pictures_of(campaign_folder, today=date(2027, 2, 1)) != first


def test_other_weights_change_the_pictures(campaign_folder):
    assert pictures_of(campaign_folder, weights="abd") != pictures_of(campaign_folder)
