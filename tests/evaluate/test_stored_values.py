"""Masks where mattes or ids are meant, and the reverse, give no figure by themselves."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli.main import main
from maskworks.core.errors import EvaluationError, ImageError
from maskworks.core.taxonomy import plain_taxonomy
from maskworks.evaluate.confidences import read_confidences
from maskworks.evaluate.fairness import Measuring, Reading, evaluate_fairness
from maskworks.evaluate.label_masks import LabelMeaning
from maskworks.evaluate.label_pictures import read_ids
from maskworks.evaluate.mattes import score_pairs
from maskworks.evaluate.pairing import pair_files
from maskworks.evaluate.reading import read_matte
from maskworks.evaluate.saliency import evaluate_saliency
from maskworks.evaluate.semantic import evaluate_semantic
from maskworks.evaluate.video import evaluate_video

ROWS, COLUMNS = np.mgrid[:60, :80]
TRUTH = (COLUMNS - 40) ** 2 + (ROWS - 30) ** 2 < 400
OURS = (COLUMNS - 55) ** 2 + (ROWS - 30) ** 2 < 300
IOU = np.count_nonzero(TRUTH & OURS) / np.count_nonzero(TRUTH | OURS)
TWO = plain_taxonomy(["ground", "thing"])


@pytest.fixture
def folders(tmp_path):
    """Write truth and predictions with the value that stands for inside, and return them."""

    def write(inside, truth=TRUTH, ours=OURS, *, kind=np.uint8):
        sides = []
        for name, mask in (("truth", truth), ("ours", ours)):
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            for number in (1, 2):
                Image.fromarray(mask.astype(kind) * kind(inside)).save(folder / f"{number}.png")
            sides.append(folder)
        return sides

    return write


def first_iou(truth, ours, binary):
    return next(score_pairs(pair_files(truth, ours).pairs, binary=binary))


@pytest.mark.parametrize("inside", [1, 100, 127, 255])
def test_masks_that_are_said_to_be_masks_give_the_true_iou(folders, tmp_path, inside):
    truth, ours = folders(inside)
    assert first_iou(truth, ours, True).iou == pytest.approx(IOU)
    fair = evaluate_fairness(
        truth, ours, measuring=Measuring(("size",)), rules=Reading(binary=True)
    ).record()
    assert fair["IoU"] == pytest.approx(IOU)
    table = tmp_path / "manifest.json"
    rows = [{"name": f"{n}.png", "confidence": 0.9, "output": str(ours / f"{n}.png")} for n in "12"]
    table.write_text(json.dumps(rows))
    found = read_confidences(table, truth=truth, binary=True)
    assert [each.iou for each in found.pictures] == pytest.approx([IOU, IOU])
    labels = evaluate_semantic(truth, ours, TWO, meaning=LabelMeaning(binary=True)).record()
    assert labels["IoU"]["thing"] == pytest.approx(IOU)
    video = evaluate_video(truth, ours, holds="mask").record()
    assert video["J"] == pytest.approx(IOU)


def test_saliency_of_masks_of_1_is_that_of_masks_of_255(folders):
    bright = evaluate_saliency(*folders(255)).record()
    dim = evaluate_saliency(*folders(1), binary=True).record()
    for name in ("MAE", "maxF", "wF", "S", "maxE"):
        assert dim[name] == pytest.approx(bright[name])
    assert bright["MAE"] == pytest.approx(np.mean(TRUTH != OURS))


@pytest.mark.parametrize(
    ("inside", "kind"),
    [(1, np.uint8), (3, np.uint8), (1, np.uint16), (255, np.uint16)],
)
def test_a_mask_of_1_is_no_matte_unless_somebody_says_so(folders, inside, kind):
    truth, _ = folders(inside, kind=kind)
    with pytest.raises(ImageError, match=r"1\.png: holds .* read such masks with --binary"):
        read_matte(truth / "1.png")
    assert np.array_equal(read_matte(truth / "1.png", binary=True).alpha > 0.5, TRUTH)
    assert read_matte(truth / "1.png", binary=False).alpha.max() == pytest.approx(
        round(inside / (257 if kind == np.uint16 else 1)) / 255
    )


def test_a_mask_of_1_drawn_in_alpha_or_two_bits_is_told_too(tmp_path):
    drawn = np.dstack([np.full((60, 80, 3), 90, np.uint8), TRUTH.astype(np.uint8)])
    Image.fromarray(drawn).save(tmp_path / "alpha.png")
    Image.fromarray(TRUTH.astype(np.uint8)).save(tmp_path / "bits.png", bits=2)
    for name in ("alpha.png", "bits.png"):
        with pytest.raises(ImageError, match="the values 0 and 1"):
            read_matte(tmp_path / name)
        assert np.array_equal(read_matte(tmp_path / name, binary=True).alpha > 0.5, TRUTH)


def test_a_mask_in_the_colours_of_a_palette_is_read_by_its_places(tmp_path):
    picture = Image.fromarray(TRUTH.astype(np.uint8) * 15)
    picture.putpalette([0, 0, 0, *[at * 37 % 256 for at in range(3, 768)]])
    picture.save(tmp_path / "voc.png")
    with pytest.raises(ImageError, match="in colours"):
        read_matte(tmp_path / "voc.png")
    assert np.array_equal(read_matte(tmp_path / "voc.png", binary=True).alpha > 0.5, TRUTH)


@pytest.mark.parametrize("command", ["mattes", "saliency", "fairness --property size"])
@pytest.mark.parametrize("options", ["", "--binary"])
def test_no_command_calls_masks_of_1_perfect(folders, capsys, command, options):
    truth, ours = folders(1)
    words = ["evaluate", *command.split(), "--truth", str(truth), "--predictions", str(ours)]
    code = main([*words, *options.split()])
    told = capsys.readouterr()
    assert "1.0000" not in told.out
    if options:
        assert code == 0
        assert command == "saliency" or f"{IOU:.4f}" in told.out
    else:
        assert code == 1
        assert "--binary" in told.err


@pytest.mark.parametrize("side", ["truth", "ours"])
def test_masks_of_255_are_no_ids(folders, side):
    truth, ours = folders(1)
    for path in (truth if side == "truth" else ours).iterdir():
        Image.fromarray(TRUTH.astype(np.uint8) * 255).save(path)
    with pytest.raises(EvaluationError, match=rf"--binary.*\n.*{side}/1\.png: holds 0 and 255"):
        evaluate_semantic(truth, ours, TWO)
    found = evaluate_semantic(truth, ours, TWO, meaning=LabelMeaning(binary=True))
    expected = 1.0 if side == "ours" else IOU
    assert found.record()["IoU"]["thing"] == pytest.approx(expected)


def test_a_class_that_is_not_in_the_truth_is_told_and_gives_no_perfect_mean(folders, capsys):
    truth, ours = folders(1, truth=np.zeros_like(TRUTH), ours=np.zeros_like(TRUTH))
    words = ["evaluate", "semantic", "--truth", str(truth), "--predictions", str(ours)]
    assert main([*words, "--classes", "2"]) == 0
    told = capsys.readouterr().out
    assert "mIoU - over 1 of the 2 classes" in told
    assert "Mind: the truth has no pixel of 1 of 2 classes: class 1." in told
    record = evaluate_semantic(truth, ours, TWO).record()
    assert record["mIoU"] is None
    assert record["mIoU_interval"] is None
    assert record["IoU"] == {"ground": 1.0, "thing": None}


def test_more_than_half_of_the_pixels_left_out_is_told(folders, capsys):
    truth, ours = folders(1)
    for path in truth.iterdir():
        ids = TRUTH.astype(np.uint8)
        ids[:, :50] = 255
        Image.fromarray(ids).save(path)
    words = ["evaluate", "semantic", "--truth", str(truth), "--predictions", str(ours)]
    assert main([*words, "--classes", "2"]) == 0
    assert "Mind: 62.5% of the true pixels have no label (id 255)" in capsys.readouterr().out


def test_no_id_is_left_out_with_ignore_none(folders, capsys):
    truth, ours = folders(255)
    words = ["evaluate", "semantic", "--truth", str(truth), "--predictions", str(ours)]
    assert main([*words, "--classes", "256", "--ignore", "none"]) == 0
    assert "Left out: nothing." in capsys.readouterr().out
    assert main([*words, "--classes", "2", "--ignore", "none"]) == 1
    assert "holds id 255" in capsys.readouterr().err
    assert main([*words, "--classes", "2", "--ignore", "some"]) == 2


def test_truths_without_a_subject_are_told(folders, capsys):
    truth, ours = folders(255, truth=np.zeros_like(TRUTH), ours=np.zeros_like(TRUTH))
    assert main(["evaluate", "mattes", "--truth", str(truth), "--predictions", str(ours)]) == 0
    assert "Mind: 2 of 2 truths hold no subject" in capsys.readouterr().out


@pytest.mark.parametrize("binary", [True, False])
def test_a_palette_that_begins_with_white_is_refused_as_ids(binary, tmp_path):
    picture = Image.fromarray((~TRUTH).astype(np.uint8), "P")  # the thing is white, its number 0
    picture.putpalette([255, 255, 255, 0, 0, 0])
    picture.save(tmp_path / "1.png")
    with pytest.raises(ImageError, match=r"1.png: its palette shows 0 white and 1 black"):
        read_ids(tmp_path / "1.png", binary=binary)
    with pytest.raises(ImageError, match=r"in white$"):
        read_matte(tmp_path / "1.png", binary=True)
    assert np.array_equal(read_matte(tmp_path / "1.png").alpha == 1, TRUTH)  # alpha is a grey


@pytest.mark.parametrize("palette", [[0, 0, 0, 255, 255, 255], [255, 255, 255, 200, 0, 0]])
def test_any_other_palette_counts_by_its_places(palette, tmp_path):
    picture = Image.fromarray(TRUTH.astype(np.uint8), "P")
    picture.putpalette(palette)
    picture.save(tmp_path / "1.png")
    assert np.array_equal(read_ids(tmp_path / "1.png", binary=True), TRUTH)
