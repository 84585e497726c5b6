"""Data sets as people keep them, drawn small: each goes from its folder to a trained model."""

from __future__ import annotations

import base64
import io
import json
import shutil
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

pytest.importorskip("torch", reason="training needs the extra [torch]")

from maskworks.apps.cli.main import main
from maskworks.core.errors import RecipeError, UsageError
from maskworks.core.rle import encode_mask
from maskworks.core.rle_coco import to_coco
from maskworks.core.taxonomy import load_taxonomy
from maskworks.train.importing.gather import Wishes, gather
from maskworks.train.importing.shapes import brush_runs
from maskworks.train.importing.writing import write_set
from maskworks.train.labels.finding import find_pairs
from maskworks.train.labels.recipe import load_label_recipe

SIZE = (48, 64)
SQUARE = [10.0, 8.0, 30.0, 8.0, 30.0, 28.0, 10.0, 28.0]
NAMES = ("one", "two", "three", "four")


def truth():
    """Return the ids of the square of class 1: uint8 (48, 64)."""
    canvas = Image.new("L", SIZE[::-1])
    ImageDraw.Draw(canvas).polygon(list(zip(SQUARE[::2], SQUARE[1::2], strict=True)), fill=1)
    return np.asarray(canvas)


def photo(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 80, (*SIZE, 3)).astype(np.uint8)
    pixels[truth() == 1] += 150
    Image.fromarray(pixels).save(path, quality=95)


def mask(path, ids):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(ids).save(path)


def photos(root, folder="images"):
    for seed, name in enumerate(NAMES):
        photo(root / folder / f"{name}.jpg", seed)


def dump(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def tiles(root):
    """Magnetic tiles: JPEG photos and PNG masks of 0 and 255 of the same name, side by side."""
    for seed, name in enumerate(NAMES):
        photo(root / "MT_Blowhole" / "Imgs" / f"{name}.jpg", seed)
        mask(root / "MT_Blowhole" / "Imgs" / f"{name}.png", truth() * 255)
    return "object"


def weeds(root):
    """Weeds: masks in colours with a table."""
    photos(root, "Images")
    colours = np.array([[0, 0, 0], [0, 255, 0]], np.uint8)
    for name in NAMES:
        mask(root / "Masks" / f"{name}.png", colours[truth()])
    (root / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\nweed:0,255,0::\n"
    )
    return "weed"


def leaves(root):
    """Leaves: masks called like the photos and _mask, of antialiased grey as JPEG."""
    for seed, name in enumerate(NAMES):
        photo(root / f"{name}.jpg", seed)
        soft = Image.fromarray(truth() * 255).resize((640, 480)).resize(SIZE[::-1])
        soft.save(root / f"{name}_mask.jpg", quality=98)
    return "object"


def labelme(root):
    """Office items: LabelMe beside the photos."""
    photos(root, ".")
    points = list(zip(SQUARE[::2], SQUARE[1::2], strict=True))
    for name in NAMES:
        shape = {"label": "stapler", "points": points, "shape_type": "polygon"}
        dump(root / f"{name}.json", {"shapes": [shape], "imagePath": f"{name}.jpg"})
    return "stapler"


def cvat(root):
    """Food from CVAT: XML of polygons, boxes and masks."""
    photos(root)
    rows = []
    points = ";".join(f"{x},{y}" for x, y in zip(SQUARE[::2], SQUARE[1::2], strict=True))
    inside = truth()[8:29, 10:31]
    runs = np.diff(np.flatnonzero(np.diff(np.r_[0, inside.ravel(), 0], prepend=0))).tolist()
    for at, name in enumerate(NAMES):
        body = f'<polygon label="food" points="{points}" z_order="0"/>'
        if at == 1:
            flat = inside.ravel()
            change = np.flatnonzero(np.diff(flat)) + 1
            runs = np.diff([0, *change, flat.size]).tolist()
            runs = runs if flat[0] == 0 else [0, *runs]
            words = ", ".join(map(str, runs))
            body = f'<mask label="food" rle="{words}" left="10" top="8" width="21" height="21"/>'
        rows.append(f'<image id="{at}" name="{name}.jpg" width="64" height="48">{body}</image>')
    (root / "annotations.xml").write_text(f"<annotations>{''.join(rows)}</annotations>")
    return "food"


def football(root):
    """Football: masks in colours that no table explains."""
    photos(root, "images")
    colours = np.array([[0, 0, 0], [137, 126, 126]], np.uint8)
    for name in NAMES:
        mask(root / "images" / f"{name}___fuse.png", colours[truth()])
        mask(root / "annotations" / f"{name}.png", colours[truth()])
        (root / "images" / f"{name}___fuse.png").unlink()
    return "colour-897e7e"


def roboflow(root):
    """COCO as Roboflow exports it: a file in each split's folder, polygons and an RLE."""
    for split, names in (("train", NAMES[:2]), ("valid", NAMES[2:])):
        images, rows = [], []
        for at, name in enumerate(names):
            photo(root / split / f"{name}.jpg", at)
            images.append({"id": at, "file_name": f"{name}.jpg", "height": 48, "width": 64})
            shape = [SQUARE] if at else to_coco(encode_mask(truth() == 1))
            rows.append({"id": at, "image_id": at, "category_id": 3, "segmentation": shape})
        content = {"images": images, "annotations": rows}
        content["categories"] = [{"id": 3, "name": "bolt"}]
        dump(root / split / "_annotations.coco.json", content)
    return "bolt"


def via(root):
    photos(root)
    region = {"name": "polygon", "all_points_x": SQUARE[::2], "all_points_y": SQUARE[1::2]}
    rows = {
        name: {
            "filename": f"{name}.jpg",
            "regions": [{"shape_attributes": region, "region_attributes": {"kind": "cell"}}],
        }
        for name in NAMES
    }
    dump(root / "via_project.json", {"_via_img_metadata": rows})
    return "cell"


def studio(root):
    photos(root)
    tasks = []
    for at, name in enumerate(NAMES):
        points = [
            [100 * x / 64, 100 * y / 48] for x, y in zip(SQUARE[::2], SQUARE[1::2], strict=True)
        ]
        value = {"points": points, "polygonlabels": ["tree"]}
        kind = "polygonlabels"
        if at == 0:
            value = {"format": "rle", "rle": packed(truth()), "brushlabels": ["tree"]}
            kind = "brushlabels"
        row = {"type": kind, "value": value, "original_width": 64, "original_height": 48}
        source = f"/data/upload/1/0a1b2c3d-{name}.jpg"
        tasks.append({"data": {"image": source}, "annotations": [{"result": [row]}]})
    dump(root / "project.json", tasks)
    return "tree"


def yolo(root):
    photos(root, "train/images")
    for name in NAMES:
        numbers = " ".join(
            f"{x / 64:.6f} {y / 48:.6f}" for x, y in zip(SQUARE[::2], SQUARE[1::2], strict=True)
        )
        path = root / "train" / "labels" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"0 {numbers}\n")
    (root / "data.yaml").write_text("train: train/images\nnames: ['crack']\n")
    return "crack"


def supervisely(root):
    photos(root, "ds/img")
    bitmap = np.zeros((21, 21, 4), np.uint8)
    bitmap[truth()[8:29, 10:31] == 1] = 255
    written = io.BytesIO()
    Image.fromarray(bitmap).save(written, "PNG")
    data = base64.b64encode(zlib.compress(written.getvalue())).decode()
    points = list(zip(SQUARE[::2], SQUARE[1::2], strict=True))
    for at, name in enumerate(NAMES):
        row = {"classTitle": "ship", "geometryType": "polygon"}
        row |= {"points": {"exterior": points, "interior": []}}
        if at == 0:
            row = {"classTitle": "ship", "bitmap": {"data": data, "origin": [10, 8]}}
        content = {"size": {"height": 48, "width": 64}, "objects": [row]}
        dump(root / "ds" / "ann" / f"{name}.jpg.json", content)
    dump(root / "meta.json", {"classes": [{"title": "ship"}]})
    return "ship"


def packed(inside):
    """Pack a mask as Label Studio's brush does: values one by one."""
    values = np.repeat(inside.ravel().astype(np.uint8) * 255, 4)
    bits = [f"{values.size:032b}", f"{7:05b}", "".join(f"{n:04b}" for n in (2, 3, 7, 15))]
    for start in range(0, values.size, 256):
        part = values[start : start + 256]
        same = bool((part == part[0]).all())
        bits.append(f"{int(same)}10{part.size - 1:08b}")
        bits += [f"{value:08b}" for value in (part[:1] if same else part)]
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return [int(text[at : at + 8], 2) for at in range(0, len(text), 8)]


KINDS = [tiles, weeds, leaves, labelme, cvat, football, roboflow, via, studio, yolo, supervisely]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_kind_is_brought_to_ids_and_names(kind, tmp_path):
    root, out = tmp_path / "as it lies", tmp_path / "data"
    name = kind(root)
    done = write_set(gather(root), out)
    assert (done.pictures, done.failed) == (4, ())
    assert load_taxonomy(out / "taxonomy.toml").names == ("background", name)
    labels = sorted((out / "labels").glob("*.png"))
    assert len(labels) == 4
    assert sorted(p.stem for p in (out / "pictures").iterdir()) == [p.stem for p in labels]
    for path in labels:
        ids = np.asarray(Image.open(path))
        assert set(np.unique(ids)) == {0, 1}
        apart = np.mean(ids != truth())
        assert apart < (0.03 if kind is leaves else 0.005)


def test_splits_of_folders_are_kept(tmp_path):
    roboflow(tmp_path / "set")
    done = write_set(gather(tmp_path / "set"), tmp_path / "data")
    assert done.splits == {"train": 2, "dev": 2}
    assert (tmp_path / "data/dev.txt").read_text() == "valid__four\nvalid__three\n"


def test_palettes_that_begin_with_white_are_read_by_their_colours(tmp_path):
    tiles(tmp_path / "set")
    for path in sorted((tmp_path / "set").rglob("*.png")):
        mask = Image.fromarray((np.asarray(Image.open(path).convert("L")) < 128).astype(np.uint8))
        mask.putpalette([255, 255, 255, 0, 0, 0])
        mask.save(path)
    read = gather(tmp_path / "set")
    assert "4 masks are palettes of black and white that begin with white" in "".join(read.notes)
    write_set(read, tmp_path / "data")
    for path in (tmp_path / "data/labels").glob("*.png"):
        assert np.array_equal(np.asarray(Image.open(path)), truth())


@pytest.mark.parametrize(
    "kind",
    [weeds, *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS if kind is not weeds)],
    ids=lambda kind: kind.__name__,
)
def test_five_commands_lead_from_a_folder_to_an_exported_model(kind, tmp_path, capsys):
    root, data = tmp_path / "set", tmp_path / "data"
    kind(root)
    assert main(["data", "import", str(root), "-o", str(data)]) == 0
    assert "next: maskworks init" in capsys.readouterr().out
    assert main(["init", str(data), "--train", "--split", "0.25"]) == 0
    recipe = data / "recipe.toml"
    assert main(["data", "check", str(data), "--recipe", str(recipe)]) in (0, 1)
    text = recipe.read_text().replace("steps = 600", "steps = 2")
    recipe.write_text(text.replace("batch = 8", "batch = 2").replace("batch = 4", "batch = 2"))
    loaded = load_label_recipe(recipe)
    assert loaded.class_names[0] == "background"
    run = ["train", str(recipe), "--data", str(data), "-o", str(data / "run"), "--minutes", "5"]
    assert main(run) == 0
    assert "started from maskworks:street" in capsys.readouterr().out
    assert main(["export", str(data / "run"), "--data", str(data)]) == 0
    assert list((data / "run").rglob("*.onnx"))
    card = next((data / "run").rglob("*.md")).read_text()
    assert "mIoU" in card  # it is evaluated where it is exported
    drawn = ["-o", str(tmp_path / "drawn"), "--model", str(data / "run"), "--write", "none"]
    assert main(["segment", str(data / "pictures"), *drawn]) == 0
    capsys.readouterr()
    sides = ["--truth", str(data / "labels"), "--predictions", str(tmp_path / "drawn")]
    assert main(["evaluate", "semantic", *sides, "--taxonomy", str(data), "--json", "-"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["counts"]["pictures"] == 4
    assert 0 <= record["mIoU"] <= 1


def test_a_run_says_which_classes_it_has_to_evaluate(tmp_path, capsys):
    root, data = tmp_path / "set", tmp_path / "data"
    weeds(root)
    assert main(["data", "import", str(root), "-o", str(data)]) == 0
    assert main(["init", str(data), "--train"]) == 0
    capsys.readouterr()
    shutil.copytree(data / "labels", tmp_path / "same")
    same = ["evaluate", "semantic", "--truth", str(data / "labels"), "--predictions"]
    for taxonomy in (data, data / "recipe.toml", data / "taxonomy.toml"):
        assert main([*same, str(tmp_path / "same"), "--taxonomy", str(taxonomy)]) == 0
        said = capsys.readouterr().out
        assert "weed" in said
        assert "mIoU 1.0000" in said


def test_a_recipe_starts_from_an_encoder_by_name(tmp_path, capsys, monkeypatch):
    smp = pytest.importorskip("segmentation_models_pytorch")
    from safetensors.torch import save_file

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MASKWORKS_OFFLINE", "1")
    root, data = tmp_path / "set", tmp_path / "data"
    weeds(root)
    write_set(gather(root), data)
    assert main(["init", str(data), "--train", "--encoder", "resnet18"]) == 0
    assert "models pull hf:smp-hub/resnet18.imagenet" in capsys.readouterr().out
    recipe = data / "recipe.toml"
    text = recipe.read_text().replace("steps = 600", "steps = 1")
    text = text.replace("batch = 8", "batch = 2").replace("batch = 4", "batch = 2")
    recipe.write_text(text)
    run = ["train", str(recipe), "--data", str(data), "-o", str(data / "run"), "--minutes", "5"]
    assert main(run) == 1
    assert "fetch it: `maskworks models pull hf:smp-hub/resnet18" in capsys.readouterr().err
    held = tmp_path / "cache/models--smp-hub--resnet18.imagenet/snapshots/abc"
    held.mkdir(parents=True)
    encoder = smp.encoders.get_encoder("resnet18", weights=None)
    save_file(encoder.state_dict(), held / "model.safetensors")
    assert main(run) == 0
    assert "started from hf:smp-hub/resnet18.imagenet" in capsys.readouterr().out
    shutil.copytree(data / "labels", tmp_path / "same")
    same = ["--truth", str(data / "labels"), "--predictions", str(tmp_path / "same")]
    assert main(["evaluate", "semantic", *same, "--taxonomy", str(data / "run")]) == 0
    assert "weed" in capsys.readouterr().out


def test_an_unknown_encoder_is_met_with_those_of_near_names(tmp_path, capsys):
    weeds(tmp_path / "set")
    write_set(gather(tmp_path / "set"), tmp_path / "data")
    assert main(["init", str(tmp_path / "data"), "--train", "--encoder", "resnet19"]) == 2
    assert "such as resnet1" in capsys.readouterr().err


def test_a_recipe_may_say_its_split_itself(tmp_path):
    root, data = tmp_path / "set", tmp_path / "data"
    for patient in range(6):
        for number in range(2):
            photo(root / "images" / f"p{patient}_{number}.jpg", 10 * patient + number)
            mask(root / "masks" / f"p{patient}_{number}.png", truth())
    write_set(gather(root), data)
    assert main(["init", str(data), "--train"]) == 0
    recipe = data / "recipe.toml"
    text = recipe.read_text()
    start, end = text.index("\n[dev]"), text.index("\n[start]")
    text = text[:start] + text[end:]
    text = text.replace('list = "train.txt"\n', "").replace("lr = 1e-3", "lr = 1e-3\nsplit = 0.3")
    recipe.write_text(text)
    loaded = load_label_recipe(recipe)
    train, dev = (
        {pair.name for pair in find_pairs(data, side)} for side in (loaded.train, loaded.dev)
    )
    assert len(train) + len(dev) == 12
    assert not {name.rpartition("_")[0] for name in train} & {n.rpartition("_")[0] for n in dev}
    assert 3 <= len(dev) <= 5
    recipe.write_text(text.replace("split = 0.3", "split = 0.3\nseed = 8"))
    other = {pair.name for pair in find_pairs(data, load_label_recipe(recipe).dev)}
    assert other != dev


def test_a_split_beside_a_dev_table_is_refused(tmp_path):
    weeds(tmp_path / "set")
    write_set(gather(tmp_path / "set"), tmp_path / "data")
    assert main(["init", str(tmp_path / "data"), "--train"]) == 0
    recipe = tmp_path / "data/recipe.toml"
    recipe.write_text(recipe.read_text().replace("lr = 1e-3", "lr = 1e-3\nsplit = 0.3"))
    with pytest.raises(RecipeError, match="take split or dev out"):
        load_label_recipe(recipe)


def test_a_split_is_drawn_by_groups_that_names_show(tmp_path, capsys):
    root = tmp_path / "set"
    for patient in range(6):
        for number in range(3):
            photo(root / "images" / f"p{patient}_{number}.jpg", 10 * patient + number)
            mask(root / "masks" / f"p{patient}_{number}.png", truth())
    write_set(gather(root), tmp_path / "data")
    assert main(["init", str(tmp_path / "data"), "--train"]) == 0
    assert "whole groups of names" in capsys.readouterr().out
    sides = [
        {line.rpartition("_")[0] for line in (tmp_path / "data" / f"{s}.txt").read_text().split()}
        for s in ("train", "dev")
    ]
    assert not sides[0] & sides[1]


def test_names_thresholds_and_tables_may_be_given(tmp_path):
    photos(tmp_path / "set")
    for name in NAMES:
        mask(tmp_path / "set/masks" / f"{name}.png", truth() * 40 + 60)
    wishes = Wishes(names=("cell",), threshold=90)
    done = write_set(gather(tmp_path / "set", wishes), None)
    assert done.classes == ("background", "cell")
    assert done.pixels["cell"] == 4 * int(truth().sum())


def test_a_dry_run_writes_nothing(tmp_path, capsys):
    weeds(tmp_path / "set")
    assert main(["data", "import", str(tmp_path / "set"), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "masks in colours: 4 pictures" in said
    assert "weed: 14.36 %" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(photos, "no labels were found", id="photos alone"),
        pytest.param(lambda root: dump(root / "a.json", {}), "no picture in it", id="no photo"),
    ],
)
def test_what_is_no_data_set_is_told(tmp_path, make, message):
    make(tmp_path / "set")
    with pytest.raises(UsageError, match=message):
        gather(tmp_path / "set")


def test_colours_that_the_table_lacks_are_named(tmp_path):
    weeds(tmp_path / "set")
    (tmp_path / "set/labelmap.txt").write_text("background:0,0,0::\nweed:255,0,0::\n")
    with pytest.raises(UsageError, match=r"14\.4% of the pixels .*\(0, 255, 0\)"):
        gather(tmp_path / "set")


def test_brushes_that_end_too_early_are_told():
    with pytest.raises(ValueError, match="end too early"):
        brush_runs(packed(truth())[:40], SIZE)
