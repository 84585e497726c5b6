from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main
from maskworks.core.errors import EvaluationError, UnreadableError, UsageError
from maskworks.core.values import Image as Picture
from maskworks.core.values import Mask
from maskworks.evaluate.fairness import Measuring, evaluate_fairness
from maskworks.evaluate.properties import measured_properties, property_groups


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Forty pictures; those of the fourth tone are predicted four pixels off, the rest one."""
    folder = tmp_path_factory.mktemp("fair")
    rows, columns = np.mgrid[:30, :40]
    lines = ["picture,tone,region"]
    for at in range(40):
        tone, region = at % 4 + 1, ("north", "south")[at % 3 > 0]
        disc = np.hypot(rows - 15, columns - 20) < 8 + at % 5
        save(folder / "truth" / f"p/{at}.png", 255 * disc)
        save(folder / "ours" / f"p/{at}.png", 255 * np.roll(disc, 4 if tone == 4 else 1, 1))
        save(folder / "photos" / f"p/{at}.jpg", np.stack([disc * (90 + 4 * at) + 20] * 3, axis=2))
        lines.append(f"p/{at}.jpg,{tone},{region if at else ''}")
    (folder / "groups.csv").write_text("\n".join(lines) + "\n")
    return folder


def evaluate(made, **options):
    options.setdefault("groups", made / "groups.csv")
    return evaluate_fairness(made / "truth", made / "ours", **options)


def test_the_worst_group_is_found_and_its_gap_is_no_chance(made):
    record = evaluate(made).record()
    tone = record["attributes"]["tone"]
    assert (tone["worst_group"], tone["exceeds_chance"]) == ("4", True)
    worst = tone["groups"]["4"]
    assert worst["n"] == 10
    assert worst["IoU_interval"][0] <= worst["IoU"] <= worst["IoU_interval"][1]
    best = tone["groups"][tone["best_group"]]
    assert tone["gap"] == pytest.approx(best["IoU"] - worst["IoU"])
    assert worst["SAD"] > best["SAD"]
    assert record["widest"]["attribute"] == "tone"
    assert json.loads(json.dumps(record)) == record


def test_a_group_by_chance_is_no_finding(made):
    region = evaluate(made).record()["attributes"]["region"]
    assert region["exceeds_chance"] is False
    assert "1 pictures have no group" in region["warnings"]


def test_small_groups_are_marked_and_attributes_crossed(made):
    record = evaluate(made).record()
    assert "too small to tell" in record["attributes"]["tone"]["warnings"][0]
    crossing = record["crossings"]["tone x region"]
    assert sum(group["n"] for group in crossing["groups"].values()) == 39
    assert crossing["worst_group"].startswith("4 x ")


def test_measured_properties_can_be_groups(made):
    names = ("size", "luminance", "contrast", "blur")
    measuring = Measuring(names, made / "photos")
    report = evaluate(made, groups=None, measuring=measuring)
    assert [each.name for each in report.attributes] == [f"{name} (measured)" for name in names]
    assert sum(group.n for group in report.attributes[1].groups) == 40
    assert report.crossings == ()


def test_properties_are_what_they_say():
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[5:15, 5:15] = 255
    inside = np.zeros((20, 20), bool)
    inside[5:15, 5:15] = True
    found = measured_properties(Picture(pixels), Mask(inside))
    assert found["size"] == 0.25
    assert found["luminance"] == pytest.approx(100, abs=0.1)
    assert found["contrast"] == pytest.approx(100, abs=0.1)
    assert found["blur"] > 0
    empty = Mask(np.zeros((20, 20), bool))
    assert measured_properties(Picture(pixels), empty) == {"size": 0}
    groups = property_groups({"a": {"size": 0.1}, "b": {"size": 0.2}, "c": {}}, ["size", "blur"])
    assert list(groups.attributes) == ["size (measured)"]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        pytest.param(
            "name,tone\np/99,1\np/0,2\n", EvaluationError, "line 2: 'p/99' is not", id="unknown"
        ),
        pytest.param(
            "name,tone\np/0.png,1\np/0,2\n", EvaluationError, "line 3: 'p/0' is listed", id="twice"
        ),
        pytest.param("name\np/0\n", UnreadableError, "one an attribute", id="column"),
        pytest.param("", UnreadableError, "needs a heading", id="empty"),
    ],
)
def test_a_file_of_groups_that_does_not_fit_is_named(made, tmp_path, text, error, message):
    path = tmp_path / "groups.csv"
    path.write_text(text)
    with pytest.raises(error, match=message):
        evaluate(made, groups=path)


def test_the_command_names_the_line_of_an_unknown_picture_and_measures_nothing(
    made, tmp_path, capsys
):
    path, out = tmp_path / "groups.csv", tmp_path / "o.json"
    path.write_text("picture,tone\np/0,1\nnobody.png,2\n")
    folders = ["--truth", str(made / "truth"), "--predictions", str(made / "ours")]
    assert main(["evaluate", "fairness", *folders, "--groups", str(path), "--json", str(out)]) == 1
    said = capsys.readouterr().err
    assert "nothing was measured; correct the file of groups" in said
    assert "line 3: 'nobody.png' is not among the pictures of --truth" in said
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"groups": None}, "never guessed", id="none"),
        pytest.param({"groups": "no.csv"}, "no such file", id="file"),
    ],
)
def test_groups_are_never_guessed(made, options, message):
    options = {k: made / v if v else v for k, v in options.items()}
    with pytest.raises(UsageError, match=message):
        evaluate(made, **options)
    with pytest.raises(UsageError, match="there are size, luminance"):
        Measuring(("colour",))
    with pytest.raises(UsageError, match="never guessed from pictures"):
        Measuring(("skin tone",))
    with pytest.raises(UsageError, match="needs the pictures"):
        Measuring(("blur",))


def test_a_photo_that_is_missing_is_named(made, tmp_path):
    save(tmp_path / "p/0.jpg", np.zeros((30, 40, 3)))
    with pytest.raises(EvaluationError, match="p/1: there is no such picture"):
        evaluate(made, groups=None, measuring=Measuring(("blur",), tmp_path))


@pytest.fixture
def manifest(made, tmp_path):
    """A manifest whose confidence is near the IoU that is reached."""
    random = np.random.default_rng(1)
    rows = []
    for at in range(40):
        ours, truth = (
            np.asarray(Image.open(made / side / f"p/{at}.png")) > 0 for side in ("ours", "truth")
        )
        reached = (ours & truth).sum() / (ours | truth).sum()
        said = float(np.clip(reached + random.normal(0, 0.02), 0, 1))
        output = str(made / "ours" / f"p/{at}.png")
        rows.append({"source": f"/shop/p/{at}.jpg", "output": output, "confidence": said})
    path = tmp_path / "manifest.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(*words, out):
    code = main(["evaluate", *map(str, words), "--json", str(out), "--html"])
    return code, json.loads(out.read_text())


def test_fairness_is_told_as_table_json_and_page(made, tmp_path, capsys):
    common = ["--truth", made / "truth", "--predictions", made / "ours"]
    code, record = run(
        "fairness", *common, "--groups", made / "groups.csv", out=tmp_path / "o.json"
    )
    assert code == 0
    assert "tone: gap" in capsys.readouterr().out
    assert record["widest"]["worst_group"] == "4"
    assert "more than chance explains" in (tmp_path / "o.html").read_text()


def test_a_manifest_is_held_against_the_truth(made, manifest, tmp_path, capsys):
    words = ["--manifest", manifest, "--truth", made / "truth", "--bar", 0.8]
    code, record = run("calibration", *words, out=tmp_path / "o.json")
    assert code == 0
    assert record["counts"]["pictures"] == 40
    assert record["ECE"] < 0.05
    assert record["AUROC"] > 0.9
    assert record["risk_coverage"][-1]["coverage"] == 1
    assert "you deliver" in capsys.readouterr().out
    again = run("calibration", *words, "--predictions", made / "ours", out=tmp_path / "again.json")[
        1
    ]
    assert again["ECE"] == record["ECE"]


def test_a_threshold_comes_with_its_interval(made, manifest, tmp_path, capsys):
    words = ["--manifest", manifest, "--truth", made / "truth", "--target-precision", 0.9]
    code, record = run("threshold", *words, "--bar", 0.8, out=tmp_path / "o.json")
    assert code == 0
    assert record["precision"] >= 0.9
    low, high = record["precision_interval"]
    assert low < record["precision"] <= high
    assert record["threshold_interval"][0] <= record["threshold"]
    assert record["pictures_needed"] == 29
    code, record = run("threshold", *words, "--bar", 1, out=tmp_path / "o.json")
    assert (code, record["threshold"]) == (1, None)
    assert "No threshold" in capsys.readouterr().out
    assert "No threshold delivers 90 % at IoU 1" in (tmp_path / "o.html").read_text()


def test_the_page_of_a_threshold_leads_with_it_and_marks_it(made, manifest, tmp_path):
    words = ["--manifest", manifest, "--truth", made / "truth", "--target-precision", 0.6]
    code, record = run("threshold", *words, "--bar", 0.8, out=tmp_path / "o.json")
    assert code == 0
    page = (tmp_path / "o.html").read_text()
    assert "From which confidence on 60 % are good" in page
    said = f"From a confidence of {record['threshold']:.4f} on, {record['delivered']} of 40"
    assert said in page
    assert f"One can be sure of it from {record['sure_threshold']:.4f} on" in page
    assert f">from {record['threshold']:.3f}<" in page
    assert page.count("coverage: share delivered") == 1


def test_the_page_of_a_calibration_names_its_axes_and_its_fit(tmp_path):
    rows = [{"name": str(at), "confidence": at % 10 / 10, "iou": at % 10 / 20} for at in range(80)]
    path = tmp_path / "m.json"
    path.write_text(json.dumps(rows))
    words = ["--manifest", path, "--fit", "isotonic", "--model", "cutout"]
    code, record = run("calibration", *words, out=tmp_path / "o.json")
    assert code == 0
    page = (tmp_path / "o.html").read_text()
    for name in ("mean confidence", "mean IoU", "coverage: share delivered", "risk: share of"):
        assert f">{name}" in page
    before, after = (record["fit"][key] for key in ("error_before", "error_after"))
    assert f"goes from {before:.4f} to {after:.4f}" in page


# ---------------------------------------------------------------- label maps


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Twelve label maps of two classes and one without a label; in dark ones, class 1 is short."""
    folder = tmp_path_factory.mktemp("labels")
    text = 'source = "drawn"\nignore = 9\ncategories = [\n'
    text += '[0, "soil", "stuff", "#090909"],\n[1, "crop", "stuff", "#00c800"],\n]\n'
    (folder / "two.toml").write_text(text)
    lines = ["picture,field"]
    for at in range(12):
        truth = np.zeros((20, 30), np.uint8)
        truth[5:15, 5:25] = 1
        truth[0] = 9
        ours = truth.copy()
        if at < 6:
            ours[5:15, 15:25] = 0
        save(folder / "truth" / f"{at}.png", truth)
        save(folder / "ours" / f"{at}.png", ours)
        save(folder / "photos" / f"{at}.png", np.full((20, 30, 3), 20 * at))
        lines.append(f"{at},{'near' if at < 6 else 'far'}")
    (folder / "fields.csv").write_text("\n".join(lines))
    return folder


def words_of(labelled, *more):
    folders = ("--truth", labelled / "truth", "--predictions", labelled / "ours")
    return ("fairness", *folders, "--taxonomy", labelled / "two.toml", *more)


def test_label_maps_are_held_against_groups_by_the_mean_iou_of_each_picture(labelled, tmp_path):
    photos = ("--property", "luminance", "--photos", labelled / "photos")
    words = words_of(labelled, "--groups", labelled / "fields.csv", *photos)
    code, record = run(*words, out=tmp_path / "o.json")
    assert code == 0
    field = record["attributes"]["field"]
    soil, crop = 370 / 470, 100 / 200  # 570 pixels have a label, 100 of crop are called soil
    assert field["groups"]["near"]["IoU"] == pytest.approx((soil + crop) / 2)
    assert field["groups"]["far"]["IoU"] == 1
    assert field["groups"]["near"]["SAD"] is None
    assert field["groups"]["far"]["boundary_IoU"] == 1 > field["groups"]["near"]["boundary_IoU"]
    assert field["exceeds_chance"]
    assert record["attributes"]["luminance (measured)"]["worst_group"].startswith("low")
    assert (record["taxonomy"], record["ignore_label"]) == ("two", 9)
    assert "not the mIoU of the set" in record["rules"]


def test_the_size_of_a_subject_is_nothing_of_label_maps(labelled, capsys):
    words = words_of(labelled, "--property", "size")
    assert main(["evaluate", *map(str, words)]) == 2
    assert "label maps have none" in capsys.readouterr().err


def test_a_table_of_confidence_and_iou_needs_no_truth(tmp_path, capsys):
    path = tmp_path / "scores.csv"
    path.write_text("picture,score,iou\na,0.9,0.95\nb,0.2,0.1\nc,,0.5\n")
    code, record = run("calibration", "--manifest", path, out=tmp_path / "o.json")
    assert code == 0
    assert record["without_confidence"] == ["c"]
    assert record["AUROC"] == 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        pytest.param("m.csv", "picture,score\na,0.5\n", "a has no `iou`", id="iou"),
        pytest.param("m.csv", "picture,score,iou\na,7,1\n", "`confidence` is '7'", id="range"),
        pytest.param("m.csv", "x,score,iou\na,0.5,1\n", "row 1 has no name", id="name"),
        pytest.param("m.json", "{", "is neither JSON nor CSV", id="json"),
        pytest.param("m.json", '{"a": 1}', "no list of pictures", id="list"),
        pytest.param("m.json", "[]", "nothing to tell", id="empty"),
    ],
)
def test_a_table_that_does_not_fit_is_named(tmp_path, capsys, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    assert main(["evaluate", "calibration", "--manifest", str(path)]) in (1, 2)
    assert message in capsys.readouterr().err


def test_a_truth_without_a_row_is_named(made, tmp_path, capsys):
    path = tmp_path / "m.json"
    path.write_text('[{"source": "p/0.jpg", "confidence": 0.5}]')
    words = ["--manifest", str(path), "--truth", str(made / "truth")]
    assert main(["evaluate", "calibration", *words]) == 1
    assert "p/1: no row of the manifest" in capsys.readouterr().err
