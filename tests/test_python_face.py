"""What the command does, a program does in three lines: all of it from the top of the package."""

from __future__ import annotations

import asyncio
import inspect
import io
import logging
import multiprocessing
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image as PillowImage
from skimage import data

import maskworks as mw
from maskworks.apps.cli.main import COMMANDS

PACKAGES = {
    "apps",
    "batch",
    "core",
    "cutouts",
    "evaluate",
    "labels",
    "models",
    "quality",
    "refine",
    "video",
}
FUNCTION_OF = {
    "cutout": "cutout",
    "video": "cutout_video",
    "segment": "segment",
    "suitability": "assess_suitability",
    "sites": "run_sites",
    "track": "track",
    "run": "run_campaign",
    "review": "decide",
    "ingest": "ingest_folder",
    "report": "report_campaign",
    "check": "check_output",
    "evaluate": "evaluate_labels",
    "init": "campaign_text",
    "exceptions": "suggest_rules",
    "calibrate": "calibrate",
    "audit": "list_events",
    "serve": "run_server",
    "keys": "add_key",
    "models": "load_catalogue",
    "data": "check_split",
    "train": "train_model",
    "export": "export_model",
}
NO_FUNCTION = {
    "demo": "shows what the command can do, to people",
    "mcp": "speaks to an assistant that starts it",
}


@pytest.fixture(scope="module")
def cat():
    return data.chelsea()[::2, ::2].copy()


@pytest.fixture(scope="module")
def cut(cat):
    return mw.cutout(cat, "cutout")


def test_every_command_has_its_function():
    assert set(FUNCTION_OF) | set(NO_FUNCTION) == set(COMMANDS)
    assert [name for name in FUNCTION_OF.values() if not callable(getattr(mw, name))] == []


def test_every_public_name_is_where_it_is_said_to_be():
    assert mw.__all__ == sorted(mw.__all__, key=mw.__all__.index)
    for name in mw.__all__:
        value = getattr(mw, name)
        home = sys.modules[getattr(value, "__module__", "maskworks")]
        assert getattr(home, name, value) is value, name


def test_every_function_at_the_top_shows_how_it_is_called():
    functions = [name for name in mw.__all__ if inspect.isfunction(getattr(mw, name))]
    assert len(functions) > 35
    assert [name for name in functions if ">>>" not in getattr(mw, name).__doc__] == []


def test_no_name_at_the_top_is_that_of_a_package(root):
    packages = {path.parent.name for path in (root / "src/maskworks").glob("*/__init__.py")}
    assert packages & set(mw.__all__) == set()


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'cut_everything'"):
        _ = mw.cut_everything


def test_a_cutout_shows_itself_on_a_checkerboard(cut):
    shown = np.asarray(PillowImage.open(io.BytesIO(cut._repr_png_())))
    assert shown.shape == (*cut.matte.size, 3)
    corner = cut.matte.alpha[:24, :24].max()
    if corner < 0.01:
        assert set(np.unique(shown[:24, :24])) <= {213, 214, 215, 254, 255}
    assert f"confidence {cut.confidence:.2f}" in cut._repr_html_()


def test_many_are_in_order_and_a_bad_one_is_a_result(cat):
    small = cat[::2, ::2].copy()
    sources = (source for source in (small, b"no picture", cat, "missing.jpg"))
    results = list(mw.cutout_many(sources, "cutout", workers=2))
    assert [r.error and r.error.code for r in results] == [None, "unreadable", None, "unreadable"]
    assert [r.cutout.matte.size for r in results if r.cutout] == [small.shape[:2], cat.shape[:2]]
    with pytest.raises(mw.ImageError):
        results[1].unwrap()


def test_many_take_no_more_sources_than_are_in_hand(cat):
    taken = []

    def sources():
        for at in range(6):
            taken.append(at)
            yield cat[::4, ::4].copy()

    results = mw.cutout_many(sources(), "cutout", workers=2)
    next(results)
    assert len(taken) <= 3
    results.close()


def test_a_negative_number_of_workers_is_refused():
    with pytest.raises(mw.UsageError, match="workers is -1"):
        next(mw.cutout_many([], workers=-1))


def test_a_mask_made_elsewhere_gets_a_matte_of_its_size(cat, cut):
    inside = cut.matte.threshold().inside
    fine = mw.refine_mask(cat, inside)
    assert (fine.status, fine.confidence, fine.matte.size) == ("ok", None, cat.shape[:2])
    agree = np.logical_and(fine.matte.alpha >= 0.5, inside).sum() / inside.sum()
    assert agree > 0.97
    assert 0 < np.mean((fine.matte.alpha > 0.02) & (fine.matte.alpha < 0.98)) < 0.2


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        pytest.param(np.zeros((3, 4), bool), "the mask is 3 by 4, the picture", id="size"),
        pytest.param(np.full((150, 225), 3), "as ids of classes do", id="ids"),
        pytest.param(np.full((150, 225), 1.5), r"float64 in \[1.5, 1.5\]", id="range"),
    ],
)
def test_a_mask_that_is_none_is_refused(cat, mask, message):
    with pytest.raises(mw.ImageError, match=message):
        mw.refine_mask(cat, mask)


def test_an_empty_mask_has_no_subject(cat):
    assert mw.refine_mask(cat, np.zeros(cat.shape[:2], bool)).status == "no-subject"


def test_composing_by_a_preset_gives_a_file_that_the_preset_accepts(cut, tmp_path):
    out = mw.compose(cut, "transparent-png")
    path = out.save(tmp_path / "cat")
    assert path.suffix == ".png"
    rules = mw.find_preset("transparent-png").rules_on(__import__("datetime").date(2026, 11, 30))
    assert mw.check_output(path, rules).passed
    with pytest.raises(mw.UsageError, match=r"the rules ask for \.png"):
        out.save(tmp_path / "cat.webp")


def test_composing_on_a_colour_leaves_that_colour_in_the_corner(cut):
    rules = mw.OutputRules(size="200x200", fill=0.6, format="png")
    out = mw.compose(cut, rules=rules, background="#ff0000")
    assert out.image.pixels[0, 0].tolist() == [255, 0, 0]
    assert out.image.size == (200, 200)


def test_a_cutout_without_a_subject_is_not_composed(cat):
    nothing = mw.refine_mask(cat, np.zeros(cat.shape[:2], bool))
    with pytest.raises(mw.ImageError, match="no subject"):
        mw.compose(nothing, "amazon-main")


def test_segmenting_gives_what_the_task_asks_for(tiny_models):
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, 32:] = 255
    found = mw.segment(pixels, str(tiny_models["semantic"]))
    assert isinstance(found.value, mw.LabelMap)
    assert found.labels.counts() == {0: 64 * 32, 1: 64 * 32}
    assert found.show().size[1] == 64
    with pytest.raises(mw.UsageError, match="to_coco is for objects"):
        found.to_coco()


def test_objects_go_to_coco_and_to_supervision(tiny_models):
    supervision = pytest.importorskip("supervision")
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[8:24, 16:48, 0] = 255
    found = mw.segment(pixels, str(tiny_models["instance"]))
    assert isinstance(found.value, mw.Instances)
    red = [each for each in found.to_coco() if each["area"] > 0]
    assert [each["bbox"] for each in red] == [[16, 8, 32, 16]]
    detections = found.to_supervision()
    assert isinstance(detections, supervision.Detections)
    big = detections[detections.mask.any(axis=(1, 2))]
    assert big.xyxy.tolist() == [[16, 8, 48, 24]]
    assert big.data["class_name"].tolist() == ["red"]


def test_label_arrays_are_measured_as_by_hand():
    truth = np.array([[0, 0, 1, 1], [2, 2, 255, 1]], np.uint8)
    ours = np.array([[0, 1, 1, 1], [2, 0, 0, 1]], np.uint8)
    record = mw.evaluate_labels([truth], [ours], classes=3).record()
    assert record["mIoU"] == pytest.approx(np.mean([1 / 3, 3 / 4, 1 / 2]))


def test_matte_arrays_are_measured_as_by_hand():
    truth = np.zeros((4, 4))
    truth[1:3, 1:3] = 1
    ours = truth.copy()
    ours[1, 1] = 0.5
    assert mw.evaluate_mattes([truth], [ours]).means()["sad"] == pytest.approx(
        0.127 / 255, abs=1e-9
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda a: mw.evaluate_labels([a], [a]), "either classes=19", id="neither"),
        pytest.param(
            lambda a: mw.evaluate_labels([a / 2], [a], classes=2), "integer array", id="floats"
        ),
        pytest.param(lambda a: mw.evaluate_mattes([a * 1.5], [a / 1.0]), "float in", id="range"),
        pytest.param(lambda a: mw.evaluate_masks([a * 3], [a]), "ids of classes", id="ids"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, message):
    with pytest.raises(mw.MaskworksError, match=message):
        call(np.ones((3, 3), np.int64))


def test_a_web_handler_cuts_in_a_thread_and_the_loop_goes_on(cat):
    async def handler(limit):
        async with limit:
            return await asyncio.to_thread(mw.cutout, cat, "cutout")

    async def serve():
        limit, ticks = asyncio.Semaphore(1), 0
        jobs = [asyncio.create_task(handler(limit)) for _ in range(2)]
        while not all(job.done() for job in jobs):
            await asyncio.sleep(0.005)
            ticks += 1
        return [job.result() for job in jobs], ticks

    cuts, ticks = asyncio.run(serve())
    assert np.array_equal(cuts[0].matte.alpha, cuts[1].matte.alpha)
    assert ticks > 1


@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_another_process_gives_the_same(cat, cut, method):
    """`cut` was made here before: a fork must not use this process's session."""
    with multiprocessing.get_context(method).Pool(1) as pool:
        there = pool.apply_async(mw.cutout, (cat, "cutout")).get(timeout=240)
    assert np.array_equal(there.matte.alpha, cut.matte.alpha)


def test_the_library_is_silent_until_it_is_asked():
    code = (
        "import logging, maskworks; logging.getLogger('maskworks').warning('hidden');"
        "logging.basicConfig(); logging.getLogger('maskworks').warning('shown')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "hidden" not in done.stderr
    assert "shown" in done.stderr
    assert logging.getLogger("maskworks").handlers
