"""What `--html` draws: each page's parts, its bars as long as its figures, the worst first."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main
from maskworks.core.rle import encode_mask
from maskworks.core.rle_coco import to_coco

SIZE = (30, 40)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Each command's page and record, over three pictures of which the last is worst."""
    here = tmp_path_factory.mktemp("reports")
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    for side in ("truth", "ours"):
        results = []
        for at in range(3):
            shift = 3 * at if side == "ours" else 0
            disc = np.hypot(rows - 15, columns - 15 - shift) < 9
            save(here / "labels" / side / f"{at}.png", np.where(disc, 2, rows < 12))
            save(here / "mattes" / side / f"run{at}" / "0.png", 255 * disc)
            save(here / side / f"{at}.png", np.dstack([disc + 1, disc & False, disc & False]))
            mask = to_coco(encode_mask(disc))
            results.append({"image_id": at, "category_id": 6, "segmentation": mask, "score": 0.9})
        segments = [{"id": 1, "category_id": 5}, {"id": 2, "category_id": 6}]
        head = {
            "images": [{"id": at, "file_name": f"p{at}.jpg", "height": 30, "width": 40}
                       for at in range(3)],
            "categories": [{"id": 5, "name": "road", "isthing": 0},
                           {"id": 6, "name": "car", "isthing": 1}],
        }  # fmt: skip
        whole = [
            {"image_id": at, "file_name": f"{at}.png", "segments_info": segments} for at in range(3)
        ]
        (here / f"{side}.json").write_text(json.dumps(head | {"annotations": whole}))
        (here / f"{side}-objects.json").write_text(json.dumps(head | {"annotations": results}))
    files = {
        "semantic": ("labels/truth", "labels/ours", "--classes", "3"),
        "instances": ("truth-objects.json", "ours-objects.json", "--boundary"),
        "panoptic": ("truth.json", "ours.json"),
        "saliency": ("mattes/truth", "mattes/ours"),
        "video": ("mattes/truth", "mattes/ours"),
        "mattes": ("mattes/truth", "mattes/ours"),
    }
    found = {}
    for name, (truth, ours, *more) in files.items():
        out, page = here / f"{name}-report.json", here / f"{name}-report.html"
        words = ["--truth", str(here / truth), "--predictions", str(here / ours), *more]
        code = main(["evaluate", name, *words, "--json", str(out), "--html", str(page)])
        assert code == 0
        found[name] = page.read_text(), json.loads(out.read_text())
    return found


def headings(page):
    return re.findall(r"<h2>(.*?)</h2>", page)


def worst(page):
    """The name and figure over each row of pictures, in order."""
    return [tuple(text.split(": ", 1)) for text in re.findall(r"<p><b>(.*?)</b></p>", page)]


def bars(page, title):
    """The name, the figure and the length in per cent of each bar below a heading."""
    part = page.split(f"<h2>{title}</h2>")[1].split("</table>")[0]
    row = (
        r'<tr><td>([^<]*)</td><td class="n">([\d.]+)</td>'
        r'<td class="bar"><i style="width:([\d.]+)%">'
    )
    return [(name, float(figure), float(wide)) for name, figure, wide in re.findall(row, part)]


def drawn(page):
    """Every picture of a page, decoded."""
    uris = re.findall(r'<img src="data:image/png;base64,([^"]+)"', page)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(uri)))) for uri in uris]


FACTS = "What was measured, and how"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("semantic", ["Classes", "Confusion matrix", "Largest confusions", "Worst pictures"]),
        ("instances", ["The twelve figures of COCO", "Classes", "Worst pictures"]),
        ("panoptic", ["Classes", "Worst pictures"]),
        ("saliency", ["F and E over the threshold", "Lowest S-measures", "Worst pictures"]),
        ("video", ["Sequences", *(f"run{at}: J and F by frame" for at in (2, 1, 0)),
                   "Worst frames"]),
        ("mattes", ["Largest SAD", "Worst pictures"]),
    ],
)  # fmt: skip
def test_a_page_has_the_parts_of_its_task_and_says_what_was_measured(pages, name, expected):
    page, record = pages[name]
    assert headings(page) == [*expected, FACTS]
    assert str(record["truth"]) in page
    assert str(record["resize_rule"]) in page


@pytest.mark.parametrize("name", ["semantic", "instances", "panoptic", "saliency", "video",
                                  "mattes"])  # fmt: skip
def test_the_worst_pictures_come_first_each_with_truth_and_prediction(pages, name):
    page = pages[name][0]
    found = worst(page)
    assert "2" in found[0][0]
    assert len(found) == 3
    figures = [float(text.split()[1]) for _, text in found]
    ordered = sorted(figures, reverse=name == "mattes")
    assert figures == ordered
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    assert captions.count("truth") == 3
    assert sum(each.startswith("prediction") for each in captions) == 3
    assert len(drawn(page)) == len(captions)
    assert all(picture.shape == (*SIZE, 3) for picture in drawn(page))


@pytest.mark.parametrize(
    ("name", "title", "key"),
    [
        ("semantic", "Classes", "IoU"),
        ("panoptic", "Classes", "PQ"),
        ("instances", "Classes", None),
    ],
)
def test_a_bar_of_each_class_is_as_long_as_its_figure(pages, name, title, key):
    page, record = pages[name]
    if key is None:
        expected = {n: v for n, v in record["per_class"].items() if v is not None}
    else:
        expected = {row["name"]: row[key] for row in record["per_class"]}
    found = bars(page, title)
    assert [each[0] for each in found] == list(expected)
    for class_name, figure, wide in found:
        assert figure == pytest.approx(expected[class_name], abs=6e-5)
        assert wide == pytest.approx(100 * expected[class_name], abs=6e-3)


def test_the_confusion_matrix_holds_shares_of_each_true_class(pages, tmp_path):
    page = pages["semantic"][0]
    table = page.split('<table class="matrix">')[1].split("</table>")[0]
    body = table.split("<tbody>")[1]
    cells = [
        [float(text or 0) for text in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        for row in body.split("</tr>")[:-1]
    ]
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    counts = np.zeros((3, 4))
    for at in range(3):
        ids = [
            np.where(np.hypot(rows - 15, columns - 15 - shift) < 9, 2, rows < 12)
            for shift in (0, 3 * at)
        ]
        np.add.at(counts, (ids[0], ids[1]), 1)
    expected = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(cells, expected, atol=0.0051)
    largest = page.split("<h2>Largest confusions</h2>")[1].split("</table>")[0]
    first = re.search(r"<tr><td>(.*?)</td><td>(.*?)</td><td class=\"n\">([\d,]+)", largest)
    off = counts.copy()
    np.fill_diagonal(off[:, :3], 0)
    truth, predicted = np.unravel_index(off.argmax(), off.shape)
    names = [row["name"] for row in pages["semantic"][1]["per_class"]]
    assert first.groups() == (names[truth], names[predicted], f"{int(off.max()):,}")


def test_mistakes_are_drawn_where_they_are(pages):
    page = pages["semantic"][0]
    truth, ours, mistakes = drawn(page)[:3]
    wrong = (truth != ours).any(axis=2)
    assert wrong.any()
    np.testing.assert_array_equal((mistakes == (200, 60, 20)).all(axis=2), wrong)


def test_curves_are_drawn_over_the_thresholds(pages):
    page = pages["saliency"][0]
    lines = re.findall(r'<polyline points="([^"]+)"', page)
    assert [len(line.split()) for line in lines] == [256, 256]
