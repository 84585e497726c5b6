from __future__ import annotations

import tomllib
from datetime import date

import pytest
from pydantic import BaseModel, ValidationError

from maskworks.core.errors import UsageError
from maskworks.studio.output.presets import (
    ROWS,
    Output,
    Preset,
    find_preset,
    load_presets,
    read_preset,
    rules_from,
)
from maskworks.studio.output.rules import OutputRules

TODAY = date(2026, 11, 21)


class Campaign(BaseModel):
    output: Output = OutputRules()


def test_every_promised_preset_is_there_with_its_source_and_day():
    presets = {preset.name: preset for preset in load_presets()}
    assert set(presets) == {
        "amazon-main", "google-merchant", "walmart", "ebay", "shopify", "etsy", "meta-feed",
        "meta-story", "transparent-png",
    }  # fmt: skip
    for preset in presets.values():
        assert preset.checked_on >= date(2026, 1, 1)
        assert all(source.startswith("https://") for source in preset.source) or (
            preset.evidence == "own"
        )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            "amazon-main",
            {"background": ("#ffffff",), "fill_min": 0.85, "min_side": 500, "max_side": 10_000},
            id="amazon",
        ),
        pytest.param(
            "walmart",
            {"advised_side": 2200, "min_side": 1500, "max_bytes": 5_000_000},
            id="walmart",
        ),
        pytest.param(
            "google-merchant",
            {"fill_min": 0.75, "fill_max": 0.9, "max_pixels": 64_000_000, "max_bytes": 16_000_000},
            id="google",
        ),
        pytest.param("ebay", {"min_quality": 90, "max_bytes": 12_000_000}, id="ebay"),
        pytest.param("shopify", {"max_side": 5000, "advised_side": 2048}, id="shopify"),
        pytest.param("etsy", {"side": "shortest", "max_bytes": 10_000_000}, id="etsy"),
        pytest.param("meta-feed", {"ratio": ("4:5", "1:1"), "min_side": 600}, id="meta-feed"),
        pytest.param("meta-story", {"ratio": ("9:16",)}, id="meta-story"),
        pytest.param("transparent-png", {"written": "png", "sharpen": 0}, id="transparent"),
    ],
)
def test_preset_says_what_its_owner_asks(name, expected):
    rules = find_preset(name).rules_on(TODAY)
    assert {field: getattr(rules, field) for field in expected} == expected


def test_story_keeps_the_zones_of_the_apps_buttons_clear():
    zones = find_preset("meta-story").rules_on(TODAY).keep_clear
    assert (zones.top, zones.right, zones.bottom, zones.left) == (0.14, 0.06, 0.35, 0.06)


@pytest.mark.parametrize(
    ("day", "least"),
    [
        pytest.param(date(2027, 1, 30), 250, id="the-day-before"),
        pytest.param(date(2027, 1, 31), 500, id="from-that-day"),
        pytest.param(date(2030, 1, 1), 500, id="years-later"),
    ],
)
def test_rule_with_a_date_holds_from_that_day(day, least):
    assert find_preset("google-merchant").rules_on(day).min_side == least


def test_campaign_overrides_single_fields_of_its_preset():
    given = {"output": {"preset": "amazon-main", "shadow": "soft", "size": "2000x2000"}}
    output = Campaign.model_validate(given, context={"today": TODAY}).output
    assert (output.shadow, output.exact_size, output.fill_min) == ("soft", (2000, 2000), 0.85)
    assert (output.preset, output.as_of) == ("amazon-main", "2026-11-21")


def test_campaign_may_name_the_day_itself():
    given = {"output": {"preset": "google-merchant", "as_of": "2027-02-01"}}
    assert Campaign.model_validate(given, context={"today": TODAY}).output.min_side == 500


def test_rules_need_no_preset():
    rules = rules_from({"size": 800, "format": "webp", "background": "white"}, today=TODAY)
    assert (rules.exact_size, rules.written, rules.background) == ((800, 800), "webp", ("#ffffff",))
    assert rules.formats == ("webp",)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"preset": "amazone"}, "no preset is named 'amazone'; choose one of amazon",
                     id="unknown-preset"),
        pytest.param({"filll": 0.5}, "filll: Extra inputs", id="unknown-key"),
        pytest.param({"size": "big"}, r"1080x1350 \(width x height\), got 'big'", id="size"),
        pytest.param({"ratio": "wide"}, '"4:5"', id="ratio"),
        pytest.param({"background": "whit"}, "is not a colour", id="background"),
        pytest.param({"fill": 0.9, "fill_max": 0.8}, "fill 0.9 lies above fill_max 0.8", id="fill"),
        pytest.param({"preset": "amazon-main", "padding": 0.2},
                     "fill_min 0.85 cannot be met with padding 0.2", id="padding"),
        pytest.param({"preset": "walmart", "size": 900},
                     "size 900x900 breaks the rule that the shortest side has 15", id="small-size"),
        pytest.param({"preset": "meta-feed", "size": "1080x1920"},
                     "has none of the ratios 4:5, 1:1", id="ratio-of-size"),
        pytest.param({"preset": "amazon-main", "format": "webp"},
                     "format webp is not one of formats jpg, png", id="format"),
        pytest.param({"background": "transparent", "format": "jpg"},
                     "a JPEG has no transparency", id="jpeg-with-alpha"),
        pytest.param({"formats": ["gif"]}, "none of the formats gif can be written", id="gif"),
        pytest.param({"keep_clear": {"top": 0.6, "bottom": 0.5}}, "leaves no room", id="zones"),
        pytest.param({"preset": "etsy", "as_of": "soon"}, "'soon' is no date", id="day"),
        pytest.param({"quality": 70}, "min_quality 75 lies above quality 70", id="quality"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_are_refused_with_the_way_out(fields, message):
    with pytest.raises(UsageError, match=message):
        rules_from(fields, today=TODAY)


def test_error_in_a_campaign_carries_the_path():
    with pytest.raises(ValidationError) as caught:
        Campaign.model_validate({"output": {"preset": "etsy", "padding": 3}})
    assert caught.value.errors()[0]["loc"] == ("output", "padding")


def test_own_preset_file_is_read_by_its_path(tmp_path):
    path = tmp_path / "client.toml"
    path.write_text(
        'title = "Client"\nsource = ["brand book"]\nevidence = "own"\nchecked_on = 2026-05-01\n'
        '[rules]\nsize = 1200\nbackground = "#f4f1ec"\n'
    )
    preset = find_preset(str(path))
    assert preset.name == "client"
    assert preset.rules_on(TODAY).colours == ((244, 241, 236),)


def test_preset_file_with_a_wrong_field_is_refused_by_name(tmp_path):
    path = tmp_path / "client.toml"
    path.write_text(
        'title = "Client"\nsource = []\nevidence = "hearsay"\nchecked_on = 2026-05-01\n'
    )
    with pytest.raises(UsageError, match=r"client\.toml: evidence: Input should be"):
        read_preset(path)
    with pytest.raises(UsageError, match=r"gone\.toml: cannot be read"):
        read_preset(tmp_path / "gone.toml")


def test_changes_have_to_be_in_the_order_of_their_days():
    table = tomllib.loads((ROWS / "google-merchant.toml").read_text())
    change = {"valid_from": date(2026, 1, 1), "source": "x", "rules": {"min_side": 300}}
    table["changes"].append(change)
    with pytest.raises(ValidationError, match="in the order of valid_from"):
        Preset.model_validate({"name": "google", **table})


def test_rules_survive_json():
    rules = find_preset("meta-story").rules_on(TODAY)
    assert OutputRules.model_validate_json(rules.model_dump_json()) == rules
