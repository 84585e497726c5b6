from __future__ import annotations

import json
import shutil
from datetime import date

import pytest

from maskworks.apps.cli import main
from maskworks.core.errors import ModelError, UsageError
from maskworks.evaluate.model_card import PARTS, model_card
from maskworks.evaluate.pages.card import card_page
from maskworks.evaluate.pages.markdown import html_of
from maskworks.models.card_file import add_report, read_reports
from maskworks.models.catalogue import WEIGHTS, load_catalogue

OURS = ("cutout", "street")
TODAY = date(2026, 11, 21)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKWORKS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def fairness(**more):
    row = {"n": 40, "too_small": False}
    row |= dict.fromkeys(("IoU", "boundary_IoU", "SAD"), 0.9)
    row |= {f"{key}_interval": [0.88, 0.92] for key in ("IoU", "boundary_IoU", "SAD")}
    low = row | {"n": 3, "IoU": 0.7, "boundary_IoU": None, "too_small": True}
    attribute = {"groups": {"dark <b>": low, "light": row}, "gap": 0.2, "p_value": 0.01}
    attribute |= {"worst_group": "dark <b>", "best_group": "light", "exceeds_chance": True}
    return {
        "task": "fairness", "rules": "by group", "IoU": 0.89, "IoU_interval": [0.87, 0.91],
        "attributes": {"luminance": attribute | {"warnings": ["too small"]}}, "crossings": {},
        "counts": {"pictures": 43}, "command": "maskworks evaluate fairness ...", "missing": [],
    } | more  # fmt: skip


def write(path, record):
    path.write_text(json.dumps(record))
    return path


@pytest.mark.parametrize("name", OURS)
def test_our_models_say_everything(name):
    card = model_card(load_catalogue().row(name))
    said = dict(card.parts)
    assert [*said][: len(PARTS) + 1] == ["At a glance", *PARTS]
    for heading in set(PARTS) - {"Can its confidence be trusted"}:
        assert "Not stated" not in said[heading], heading
        assert "Not measured" not in said[heading], heading
    assert load_catalogue().row(name).sha256 in said["At a glance"]
    assert "kWh" in said["Energy and time of training"]
    assert "art. 50" in said["EU AI Act"] or name == "street"
    assert "personal data" in said["GDPR"]


def test_the_groups_of_cutout_stand_in_its_card():
    spec = load_catalogue().row("cutout")
    (groups,) = [r for r in read_reports(spec) if r.record["task"] == "fairness"]
    assert groups.shipped
    assert groups.is_of(spec), "measure again: the file is another one"
    part = dict(model_card(spec).parts)["For whom it fails"]
    for measured in ("luminance", "contrast", "size", "blur"):
        assert f"By {measured} (measured)" in part
    assert "maskworks evaluate fairness" in part
    assert "Gap in IoU" in part


def test_the_card_of_street_has_intervals_and_groups_of_its_file():
    spec = load_catalogue().row("street")
    reports = {each.record["task"]: each for each in read_reports(spec)}
    assert all(each.is_of(spec) for each in reports.values()), "measure again: another file"
    low, high = reports["semantic"].record["mIoU_interval"]
    assert low < reports["semantic"].record["mIoU"] < high
    part = dict(model_card(spec).parts)["For whom it fails"]
    for measured in ("drive", "luminance (measured)", "contrast (measured)", "blur (measured)"):
        assert f"### By {measured}\n" in part
    assert "properties are those of the whole picture" in part


def test_a_card_holds_each_heading_once():
    for name in OURS:
        headings = [heading for heading, _ in model_card(load_catalogue().row(name)).parts]
        assert len(headings) == len(set(headings))
        assert (WEIGHTS / f"{name}.md").read_text().count("## Learnt from") == 1


def test_a_model_nobody_described_says_so():
    said = dict(model_card(load_catalogue().row("u2net")).parts)
    assert "Not stated" in said["Intended use"]
    assert "Not measured" in said["For whom it fails"]
    assert said["Can its confidence be trusted"] == "It gives none."
    assert "DUTS-TR" in said["Data and terms"]


def test_a_report_is_kept_with_the_file_it_measured(tmp_path, home):
    spec = load_catalogue().row("u2netp")
    report = write(tmp_path / "r.json", fairness(pictures=[1, 2], missing=["a"]))
    path = add_report(spec, report, measured="our shop", today=TODAY)
    add_report(spec, report, measured="our shop", today=TODAY)
    assert path == home / "models/u2netp.reports.json"
    (kept,) = read_reports(spec)
    assert "pictures" not in kept.record
    assert kept.is_of(spec)
    text = model_card(spec).markdown()
    assert "Measured on our shop, 2026-11-21, added by this installation." in text
    assert "| IoU | 0.8900 | 0.8700 to 0.9100 | 43 |" in text
    assert "| dark <b> | 3, too few to tell | 0.700 (0.880 to 0.920) | – |" in text
    other = spec.model_copy(update={"sha256": "0" * 64})
    assert "Measured on an earlier file" in model_card(other).markdown()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{", "is not JSON", id="json"),
        pytest.param('{"task": "panoptic"}', "no report a card can show", id="task"),
        pytest.param("[1]", "no report a card can show", id="list"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path, text, message):
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        add_report(load_catalogue().row("cutout"), path, measured="x", today=TODAY)


def test_damaged_reports_are_named(home):
    (home / "models").mkdir(parents=True)
    (home / "models/u2netp.reports.json").write_text("[{}]")
    with pytest.raises(ModelError, match="is damaged"):
        read_reports(load_catalogue().row("u2netp"))


def test_the_page_is_one_file_that_runs_and_loads_nothing(tmp_path):
    spec = load_catalogue().row("cutout")
    report = write(tmp_path / "r.json", fairness())
    add_report(spec, report, measured="<script>alert(1)</script>", today=TODAY)
    page = card_page(model_card(spec))
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert "dark &lt;b&gt;" in page
    assert 'src="data:image/svg+xml;base64,' in page
    assert 'src="http' not in page


def test_markdown_of_strangers_is_text():
    assert html_of("<img src=x onerror=y>") == "<p>&lt;img src=x onerror=y&gt;</p>"
    assert "href" not in html_of("[a](javascript:x)")
    assert 'href="https://a.b/c"' in html_of("[a](https://a.b/c)")
    assert html_of("![a cat](../../secret.png)") == "<p><i>a cat</i></p>"
    assert html_of("- a\n- c") == "<ul>\n<li>a</li>\n<li>c</li>\n</ul>"
    assert html_of("1. a\n   - b").count("<ol>") == 1
    assert "<h2>" not in html_of("```\n## no heading\n```")
    assert html_of("[a](docs/b.md)") == "<p>a</p>"
    table = html_of("| a | b |\n|---|---|\n| x \\| y | 0.5 |")
    assert "<td>x | y</td>" in table
    assert '<td class="n">0.5</td>' in table


def test_the_command_prints_writes_and_adds(tmp_path, capsys):
    assert main(["models", "card", "cutout"]) == 0
    assert capsys.readouterr().out.startswith("# cutout\n")
    page = tmp_path / "card.html"
    assert main(["models", "card", "street", "-o", str(page)]) == 0
    assert page.read_text().startswith("<!doctype html>")
    report = write(tmp_path / "r.json", fairness())
    words = ["models", "card", "u2netp", "--add", str(report)]
    assert main(words) == 2
    assert "belong together" in capsys.readouterr().err
    assert main([*words, "--on", "43 lamps"]) == 0
    assert "Measured on 43 lamps" in capsys.readouterr().out
    assert main(["models", "card", "nothing"]) == 1


def test_an_imported_model_brings_its_card(tmp_path, capsys):
    shutil.copy(WEIGHTS / "cutout.onnx", tmp_path / "mine.onnx")
    card = tmp_path / "mine.md"
    card.write_text("# Mine\n\n## Intended use\n\nLamps.\n\n## Limitations\n\nGlass.\n")
    words = ["models", "import", str(tmp_path / "mine.onnx"), "--name", "lamps"]
    words += ["--input-size", "320", "--normalise", "half", "--card", str(card)]
    assert main(words) == 0
    assert main(["models", "card", "lamps"]) == 0
    said = capsys.readouterr().out
    assert "## Intended use\n\nLamps." in said
    assert "## Known failures\n\nGlass." in said
    words[-1] = str(tmp_path / "none.md")
    assert main([*words, "--force"]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_model_that_is_a_folder_has_a_card(tmp_path, capsys):
    folder = tmp_path / "mine"
    folder.mkdir()
    shutil.copy(WEIGHTS / "street.onnx", folder / "m.onnx")
    (folder / "model.toml").write_text(
        'name = "mine"\nfamily = "semantic"\ntask = "semantic"\nfile = "m.onnx"\n'
        'taxonomy = "camvid-11"\n'
        "input = { height = 540, width = 720, resize = 'pad', scale = '255', mean = [0, 0, 0], "
        "std = [1, 1, 1] }\noutput = { kind = 'class-logits' }\n"
    )
    (folder / "README.md").write_text("## Intended use\n\nTrams.\n")
    assert main(["models", "card", f"{folder}/"]) == 0
    assert "Trams." in capsys.readouterr().out
    assert main(["models", "card", f"{tmp_path}/"]) == 2
    assert "has no model.toml" in capsys.readouterr().err
