"""SAM and SAM 2: points, boxes, everything; a tiny one learns one drawing by heart."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image as Pil

from maskworks.apps.cli import main
from maskworks.core.errors import UsageError
from maskworks.core.rle_coco import from_coco
from maskworks.core.values import Box, Image
from maskworks.models.families.hub_input import HubInput
from maskworks.models.families.prompted import Prompted, open_prompted
from maskworks.models.labelling import label_picture
from maskworks.models.opening import Opening
from maskworks.models.prompts import Prompt
from maskworks.models.segmenters import load_segmenter

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own

SAM = ("transformers/sam", 150)
BOTH = [
    pytest.param("SamModel", ("transformers/sam", 0), id="sam"),
    pytest.param("Sam2Model", ("transformers/sam2", 0), id="sam2"),
]
LEARNT = [
    pytest.param(SAM, id="sam"),
    pytest.param(("transformers/sam2", 120), id="sam2", marks=pytest.mark.slow),
]


@pytest.fixture
def picture(rng):
    return Image(rng.integers(0, 256, (60, 90, 3)).astype(np.uint8))


@pytest.fixture
def looks():
    """How often an encoder of a picture was run, by its name."""
    seen = []

    def hook(module, *_):
        if type(module).__name__ in ("SamVisionEncoder", "Sam2VisionModel"):
            seen.append(type(module).__name__)

    handle = torch.nn.modules.module.register_module_forward_hook(hook)
    yield seen
    handle.remove()


def overlap(mask, truth):
    inside = mask.to_mask().inside
    return (inside & truth).sum() / (inside | truth).sum()


def middle_of(truth):
    rows, columns = np.nonzero(truth)
    return float(rows.mean() + 0.5), float(columns.mean() + 0.5)


@pytest.mark.parametrize(("architecture", "model"), BOTH)
def test_picture_is_looked_at_once_for_many_prompts(made, picture, looks, architecture, model):
    opened = open_prompted(made(*model), architecture)
    seen = opened.encode(picture)
    prompts = [
        Prompt(inside=((30, 40),)),
        Prompt(inside=((10, 10),), outside=((50, 80),)),
        Prompt(box=Box(5, 5, 40, 60)),
    ]
    found = opened.answer(seen, prompts * 3)
    opened.everything(seen, grid=4)
    assert len(looks) == 1
    assert len(found) == 9
    assert found.size == (60, 90)


@pytest.mark.parametrize("model", LEARNT)
def test_point_gives_the_object_under_it(made, shapes, model):
    pixels, ids = shapes.one
    prompts = tuple(Prompt(inside=(middle_of(ids == kind),)) for kind in (1, 2))
    opening = Opening(choices=_choices(prompts))
    segmenter = load_segmenter(str(made(*model)), opening)
    found = label_picture(Image(pixels), segmenter, "instance").instances
    assert [overlap(found.masks[at], ids == kind) > 0.85 for at, kind in enumerate((1, 2))] == [
        True, True]  # fmt: skip


@pytest.mark.parametrize("model", LEARNT)
def test_everything_gives_each_object_once(made, shapes, model):
    pixels, ids = shapes.one
    segmenter = load_segmenter(str(made(*model)))
    found = label_picture(Image(pixels), segmenter, "instance").instances
    assert len(found) == 2
    best = [max(overlap(mask, ids == kind) for mask in found.masks) for kind in (1, 2)]
    assert min(best) > 0.8


def _choices(prompts):
    from maskworks.models.classical_methods import Choices

    return Choices(prompts=prompts)


@pytest.fixture
def segment(made, shapes, tmp_path):
    """Run `maskworks segment` with a SAM on its drawing, twice as large; return its objects."""
    pixels, ids = shapes.one
    Pil.fromarray(pixels).resize((128, 128), Pil.Resampling.NEAREST).save(tmp_path / "a.png")

    def run(*options):
        command = ["segment", str(tmp_path / "a.png"), "-o", str(tmp_path / "out"), "--overwrite"]
        code = main([*command, "--model", str(made(*SAM)), "--write", "coco", *options])
        if code:
            return code, []
        written = json.loads((tmp_path / "out/instances.json").read_text())["annotations"]
        return 0, [from_coco(each["segmentation"]) for each in written]

    run.ids = np.kron(ids, np.ones((2, 2), np.uint8))
    run.folder = tmp_path
    return run


def test_command_takes_points_and_looks_once(segment, looks):
    row, column = middle_of(segment.ids == 1)
    away = ",".join(map(str, middle_of(segment.ids == 2)))
    code, found = segment("--point", f"{row},{column}", "--point", f"{away},out")
    assert code == 0
    assert len(looks) == 1
    assert len(found) == 1
    assert overlap(found[0], segment.ids == 1) > 0.6


def test_command_takes_a_file_of_prompts_and_everything(segment, looks):
    prompts = [{"inside": [list(middle_of(segment.ids == kind))]} for kind in (2, 1, 2)]
    file = segment.folder / "prompts.json"
    file.write_text(json.dumps(prompts))
    code, found = segment("--prompts", str(file))
    assert (code, len(found)) == (0, 3)
    assert overlap(found[0], segment.ids == 2) > 0.8
    assert overlap(found[1], segment.ids == 1) > 0.8
    assert len(looks) == 1
    code, found = segment()
    assert (code, len(found)) == (0, 2)
    assert len(looks) == 2


def test_command_takes_a_box(segment):
    code, found = segment("--box", "4,4,60,60")
    assert (code, len(found)) == (0, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(["--point", "here"], "--point is ROW,COLUMN", id="words"),
        pytest.param(["--point", "1,2,maybe"], "--point is ROW,COLUMN", id="third"),
        pytest.param(["--point", "1,2,out"], "needs a point inside", id="outside-only"),
        pytest.param(["--prompts", "FILE", "--point", "1,2"], "leave --point", id="both"),
        pytest.param(["--prompts", "no.json"], "no.json: cannot be read", id="missing"),
        pytest.param(["--prompts", "FILE"], 'number 1: is not of the form [{"inside"', id="form"),
    ],
)
def test_prompts_that_cannot_be_are_refused(segment, capsys, options, message):
    file = segment.folder / "prompts.json"
    file.write_text('[{"where": [1, 2]}]')
    code, _ = segment(*(str(file) if each == "FILE" else each for each in options))
    assert code == 2
    assert message in capsys.readouterr().err


def test_point_beside_the_picture_fails_that_picture(segment, capsys):
    assert segment("--point", "500,20")[0] == 1
    assert "the picture has 128 rows and 128 columns" in capsys.readouterr().out


def test_prompts_are_for_sam_alone(tmp_path):
    opening = Opening(choices=_choices((Prompt(inside=((1, 1),)),)))
    with pytest.raises(UsageError, match="are for SAM; otsu takes none"):
        load_segmenter("otsu", opening)


@pytest.mark.parametrize(("architecture", "model"), BOTH)
def test_masks_are_those_of_the_library(made, picture, architecture, model):
    opened = open_prompted(made(*model), architecture)
    seen = opened.encode(picture)
    found = opened.answer(seen, [Prompt(inside=((30, 40),))])
    with torch.inference_mode():
        whole = opened.module(
            pixel_values=torch.from_numpy(seen.ready.batch),
            input_points=torch.tensor([[[[40 * 64 / 90, 30 * 64 / 60]]]]),
            input_labels=torch.tensor([[[1]]]),
        )
    best = int(whole.iou_scores[0, 0].argmax())
    logits = whole.pred_masks[0, :, best : best + 1]
    sized = torch.nn.functional.interpolate(logits, (64, 64), mode="bilinear")
    expected = torch.nn.functional.interpolate(sized, (60, 90), mode="bilinear")[0, 0] > 0
    assert (found.masks[0].to_mask().inside == expected.numpy()).mean() > 0.99


def test_sam2_of_the_hub_names_its_video_class(made, picture, tmp_path):
    folder = tmp_path / "sam2"
    shutil.copytree(made("transformers/sam2"), folder)
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["Sam2VideoModel"]
    (folder / "config.json").write_text(json.dumps(config))
    segmenter = load_segmenter(str(folder), Opening(min_score=1.0))
    assert len(label_picture(picture, segmenter, "instance").instances) == 0


def test_many_points_are_answered_in_a_few_goes(picture):
    """A stand-in for the network answers a disc around the left or the right middle."""
    calls = []

    class Two:
        def get_image_embeddings(self, batch):
            self.shape = batch.shape[-2:]
            return batch

        def __call__(self, *, input_points, **_given):
            calls.append(input_points.shape[1])
            rows, columns = np.mgrid[: self.shape[0], : self.shape[1]]
            logits = []
            for point in input_points[0, :, 0, 0].tolist():
                middle = self.shape[1] * (0.25 if point < self.shape[1] / 2 else 0.75)
                disc = 10 - np.hypot(rows - self.shape[0] / 2, columns - middle)
                logits.append(np.stack([disc * 8] * 3))
            masks = torch.tensor(np.array(logits)[None], dtype=torch.float32)
            scores = torch.tensor([[[0.9, 0.8, 0.1]] * len(logits)])
            return type("Answer", (), {"pred_masks": masks, "iou_scores": scores})

    model = Prompted(Two(), HubInput(square=(60, 90)), "two")
    found = model.everything(model.encode(picture), grid=10)
    assert len(found) == 2
    assert abs(found.areas - np.pi * 100).max() < 20
    assert calls == [64, 36]
