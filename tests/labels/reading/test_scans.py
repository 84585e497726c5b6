from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main
from maskworks.core.errors import UsageError
from maskworks.labels.reading.scans import Window, stretched

nib = pytest.importorskip("nibabel")
pydicom = pytest.importorskip("pydicom")

from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.uid import (  # noqa: E402
    CTImageStorage,
    ExplicitVRLittleEndian,
    JPEGLossless,
    RLELossless,
    generate_uid,
)

SIZE = (40, 60)  # rows, columns
SPACING = (0.7, 1.3)  # mm between rows, between columns


@pytest.fixture
def head():
    """Hounsfield units (slices, rows, columns): air, a disc of tissue that grows, a bone in it."""
    at, rows, columns = np.mgrid[:4, : SIZE[0], : SIZE[1]]
    away = np.hypot(rows - 18, columns - 25)
    return np.where(away < 3, 900, np.where(away < 8 + 2 * at, 40, -1000)).astype(np.int16)


@pytest.fixture
def segment(tmp_path, capsys):
    def run(*arguments, out="out"):
        code = main(["segment", *map(str, arguments), "-o", str(tmp_path / out)])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def write_nifti(path, head, affine):
    """Write slices as a volume whose voxel (column, row, slice) lies where the affine says."""
    nib.save(nib.Nifti1Image(np.ascontiguousarray(head.transpose(2, 1, 0)), affine), path)
    return path


def write_dicom(path, frames, **fields):
    """Write values (rows, columns) or (frames, rows, columns) as CT."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.Rows, dataset.Columns = SIZE
    if frames.ndim == 3:
        dataset.NumberOfFrames = len(frames)
    bits = 8 * frames.dtype.itemsize
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, int(frames.dtype.kind == "i")
    dataset.PixelSpacing, dataset.SliceThickness = list(SPACING), 2.5
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [5, 6, 7], [1, 0, 0, 0, 1, 0]
    dataset.PatientName = "Doe^Jane"
    dataset.PixelData = np.ascontiguousarray(frames).tobytes()
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    for name, value in fields.items():
        setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


def pixels_of(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def ids_of(path):
    """Ids (slices, rows, columns) as the file holds them, and the image."""
    image = nib.load(path)
    return np.asarray(image.dataobj).transpose(2, 1, 0), image


LPS = np.array([[-1.3, 0, 0, -5], [0, -0.7, 0, -6], [0, 0, 2.5, 7], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    "affine",
    [
        pytest.param(LPS, id="as-shown"),
        pytest.param(np.diag([1.3, 0.7, 2.5, 1]), id="mirrored"),
        pytest.param(
            np.array([[0, 0, 2.5, -9], [1.3, 0, 0, 4], [0, -0.7, 0, 3], [0, 0, 0, 1.0]]),
            id="sagittal",
        ),
        pytest.param(
            np.array([[1.2, 0.1, 0, 1], [-0.1, 0.7, 0.2, 2], [0, -0.1, 2.5, 3], [0, 0, 0, 1]]),
            id="oblique",
        ),
    ],
)
def test_nifti_labels_lie_where_the_scan_lies(segment, tmp_path, head, affine, tiny_models):
    source = write_nifti(tmp_path / "head.nii.gz", head, affine)
    words = ("--model", tiny_models["semantic"], "--window", "0,200", "--write", "none")
    code, said = segment(source, *words)
    assert code == 0, said
    ids, image = ids_of(tmp_path / "out/head.nii.gz")
    np.testing.assert_array_equal(ids == 1, head > -500)
    assert image.get_data_dtype() == np.uint8
    assert image.header.get_intent()[0] == "label"
    np.testing.assert_array_equal(image.affine, nib.load(source).affine)
    assert image.header.get_zooms() == nib.load(source).header.get_zooms()


def test_slices_are_pictures_with_all_that_pictures_have(segment, tmp_path, head):
    (tmp_path / "in").mkdir()
    write_nifti(tmp_path / "in/head.nii", head, LPS)
    write_dicom(tmp_path / "in/one.DCM", head[1])
    Image.new("RGB", (20, 10), "white").save(tmp_path / "in/photo.png")
    code, said = segment(tmp_path / "in", "--model", "watershed", "--window", "0,200")
    assert code == 0, said
    out = tmp_path / "out"
    assert sorted(p.name for p in out.glob("*.*")) == [
        "classes.csv", "classes.json", "head.nii", "head.nii.gz", "instances.json",
        "manifest.jsonl", "one.nii.gz", "one.png", "photo.png",
    ]  # fmt: skip
    assert len(list((out / "overlay/head.nii").glob("*.jpg"))) == 4
    coco = json.loads((out / "instances.json").read_text())
    assert [each["file_name"] for each in coco["images"]] == [
        *(f"head.nii#{at:04d}" for at in (1, 2, 3, 4)), "one.DCM", "photo.png",
    ]  # fmt: skip
    drawn = pixels_of(out / "head.nii/0002.png")
    np.testing.assert_array_equal(drawn, ids_of(out / "head.nii.gz")[0][1])


def test_one_slice_is_a_picture_of_its_own_beside_the_volume(segment, tmp_path, head):
    (tmp_path / "in").mkdir()
    write_dicom(tmp_path / "in/a.dcm", head[1])
    Image.new("RGB", (20, 10), "white").save(tmp_path / "in/a.jpg")
    code, said = segment(tmp_path / "in", "--model", "otsu", "--window", "0,200")
    assert code == 0, said
    out = tmp_path / "out"
    assert pixels_of(out / "a.png").shape == (10, 20)
    drawn = pixels_of(out / "a.dcm.png")
    np.testing.assert_array_equal(drawn, ids_of(out / "a.dcm.nii.gz")[0][0])
    assert (out / "overlay/a.dcm.jpg").is_file()
    assert segment(tmp_path / "in/a.dcm", "--model", "otsu", out="alone.png")[0] == 0
    assert pixels_of(tmp_path / "alone.png").shape == SIZE


def test_several_slices_do_not_fit_one_png(segment, tmp_path, head):
    source = write_nifti(tmp_path / "head.nii", head, LPS)
    code, said = segment(source, "--model", "otsu", out="alone.png")
    assert code == 1
    assert "labels of 4 slices are a volume" in said


def test_dicom_and_nifti_of_one_head_are_labelled_alike(segment, tmp_path, head):
    write_nifti(tmp_path / "a.nii.gz", head[2:3], LPS)
    write_dicom(tmp_path / "b.dcm", head[2])
    for name in ("a.nii.gz", "b.dcm"):
        code, said = segment(tmp_path / name, "--model", "kmeans", "--window", "40,400")
        assert code == 0, said
    (one, first), (two, second) = (ids_of(tmp_path / f"out/{name}.nii.gz") for name in "ab")
    np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(first.affine, second.affine, rtol=1e-6)


def test_stored_values_are_rescaled_before_the_window(segment, tmp_path, head, tiny_models):
    raw = ((head[0].astype(np.int32) + 1024) // 2).astype(np.uint16)
    write_dicom(tmp_path / "ct.dcm", raw, RescaleSlope=2, RescaleIntercept=-1024,
                WindowCenter=[300, 40], WindowWidth=[1000, 400])  # fmt: skip
    code, said = segment(tmp_path / "ct.dcm", "--model", tiny_models["semantic"])
    assert code == 0, said
    bone = ids_of(tmp_path / "out/ct.nii.gz")[0][0]
    np.testing.assert_array_equal(bone == 1, head[0] > 300)  # the first window is that of bone


def test_monochrome1_is_shown_inverted(segment, tmp_path):
    from maskworks.core.reading import Limits
    from maskworks.labels.reading.scans import open_scan

    ramp = np.tile(np.arange(SIZE[1], dtype=np.uint8), (SIZE[0], 1))
    levels = []
    for kind in ("MONOCHROME1", "MONOCHROME2"):
        path = write_dicom(tmp_path / f"{kind}.dcm", ramp, PhotometricInterpretation=kind)
        levels.append(open_scan(path, Window(30, 60), limits=Limits(), label="x").read(0))
    np.testing.assert_array_equal(levels[0], 255 - levels[1])


def test_window_of_a_file_is_that_of_pydicom(tmp_path, head):
    from maskworks.core.reading import Limits
    from maskworks.labels.reading.scans import open_scan

    for function in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        path = write_dicom(
            tmp_path / "w.dcm", head[0], WindowCenter=40, WindowWidth=1999,
            VOILUTFunction=function, RescaleSlope=1, RescaleIntercept=0,
        )  # fmt: skip
        dataset = pydicom.dcmread(path)
        shown = pydicom.pixels.apply_windowing(dataset.pixel_array, dataset).astype(float)
        lowest, highest = -(2**15), 2**15 - 1
        expected = 255 * (shown - lowest) / (highest - lowest)
        found = open_scan(path, None, limits=Limits(), label="w").read(0)[..., 0]
        assert np.abs(found - expected).max() <= 1, function


def test_frames_of_one_file_are_a_volume(segment, tmp_path, head):
    def groups(at):
        plane, whole = Dataset(), Dataset()
        plane.ImagePositionPatient = [5, 6, 7 + 2.5 * at]
        whole.PlanePositionSequence = [plane]
        return whole

    turned, measures, values, shared = Dataset(), Dataset(), Dataset(), Dataset()
    turned.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing, measures.SliceThickness = list(SPACING), 2.5
    values.RescaleSlope, values.RescaleIntercept = 1, -1024
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [turned], [measures]
    shared.PixelValueTransformationSequence = [values]
    path = write_dicom(tmp_path / "enhanced.dcm", (head + 1024).astype(np.uint16))
    dataset = pydicom.dcmread(path)
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        delattr(dataset, name)
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.PerFrameFunctionalGroupsSequence = [groups(at) for at in range(4)]
    dataset.save_as(path)
    code, said = segment(path, "--model", "otsu", "--window", "0,200", "--write", "none")
    assert code == 0, said
    ids, image = ids_of(tmp_path / "out/enhanced.nii.gz")
    assert (ids == (head > -500)).mean() > 0.995
    np.testing.assert_allclose(image.affine, LPS, rtol=1e-6)
    assert image.header["sform_code"] == 1
    dataset.PerFrameFunctionalGroupsSequence[3] = groups(9)
    dataset.save_as(path)
    assert segment(path, "--model", "otsu", "--write", "none", "--overwrite")[0] == 0
    uneven = ids_of(tmp_path / "out/enhanced.nii.gz")[1]
    assert uneven.header["sform_code"] == 0
    np.testing.assert_allclose(uneven.header.get_zooms(), (1.3, 0.7, 2.5), rtol=1e-6)


def write_series(folder, head, heights, **fields):
    """Write a file a slice, at these heights in mm."""
    folder.mkdir()
    uid = generate_uid()
    for at, height in enumerate(heights):
        write_dicom(
            folder / f"IM{at}.dcm", head[at], ImagePositionPatient=[5, 6, height],
            SeriesInstanceUID=uid, SeriesNumber=3, **fields,
        )  # fmt: skip


def test_files_of_one_slice_that_are_a_series_are_also_one_volume(
    segment, tmp_path, head, tiny_models
):
    write_series(tmp_path / "ct", head, [9.5, 7, 14.5, 12])  # names in another order than places
    words = ("--model", tiny_models["semantic"], "--window", "0,200", "--write", "none")
    code, said = segment(tmp_path / "ct", *words)
    assert code == 0, said
    assert "series-3.nii.gz" in said
    ids, image = ids_of(tmp_path / "out/series-3.nii.gz")
    np.testing.assert_array_equal(ids == 1, head[[1, 0, 3, 2]] > -500)
    np.testing.assert_allclose(image.affine, LPS, rtol=1e-6)
    assert len(list((tmp_path / "out").glob("IM*.nii.gz"))) == 4


def test_series_with_a_gap_is_left_as_slices_and_said(segment, tmp_path, head):
    write_series(tmp_path / "ct", head, [7, 9.5, 12, 17])
    code, said = segment(tmp_path / "ct", "--model", "otsu", "--write", "none")
    assert code == 0, said
    assert "series 3: its 4 slices are not evenly spaced" in said
    assert not list((tmp_path / "out").glob("series*"))


@pytest.mark.parametrize("kind", ["RGB", "YBR_FULL"])
def test_colours_are_taken_as_they_are(tmp_path, kind):
    from pydicom.pixels import convert_color_space

    from maskworks.core.reading import Limits
    from maskworks.labels.reading.scans import open_scan

    rgb = np.zeros((*SIZE, 3), np.uint8)
    rgb[:, :30], rgb[:, 30:] = (200, 40, 90), (20, 160, 60)
    stored = rgb if kind == "RGB" else convert_color_space(rgb, "RGB", kind)
    path = write_dicom(
        tmp_path / "c.dcm", stored[..., 0], SamplesPerPixel=3, PhotometricInterpretation=kind,
        PlanarConfiguration=0, PixelData=stored.tobytes(),
    )  # fmt: skip
    found = open_scan(path, None, limits=Limits(), label="c").read(0)
    assert np.abs(found.astype(int) - rgb).max() <= 3


def test_compression_that_is_decoded_here_is_read(segment, tmp_path, head):
    path = write_dicom(tmp_path / "rle.dcm", head[0])
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path)
    code, said = segment(path, "--model", "otsu", "--window", "0,200", "--write", "none")
    assert code == 0, said
    assert (ids_of(tmp_path / "out/rle.nii.gz")[0][0] == (head[0] > -500)).mean() > 0.995


def test_result_is_kept_by_resume_and_one_scan_fits_one_file(segment, tmp_path, head):
    source = write_nifti(tmp_path / "head.nii.gz", head, LPS)
    words = (source, "--model", "otsu")
    assert segment(*words)[0] == 0
    code, said = segment(*words)
    assert code == 1
    assert "exists already" in said
    code, said = segment(*words, "--resume")
    assert code == 0
    assert "1 done before" in said
    assert len(json.loads((tmp_path / "out/classes.json").read_text())["pictures"]) == 4
    assert segment(*words, out="alone.nii.gz")[0] == 0
    assert (ids_of(tmp_path / "alone.nii.gz")[0] == ids_of(tmp_path / "out/head.nii.gz")[0]).all()


def _lossless(path, head):
    dataset = pydicom.dcmread(write_dicom(path, head[0]))
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xc3" + bytes(60)])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGLossless
    dataset.save_as(path)
    return path


def _without_pixels(path, head):
    dataset = pydicom.dcmread(write_dicom(path, head[0]))
    del dataset.PixelData
    dataset.save_as(path)
    return path


def _four_dimensions(path, head):
    nib.save(nib.Nifti1Image(np.zeros((3, 4, 5, 6), np.int16), np.eye(4)), path)
    return path


def _bomb(path, head):
    header = nib.Nifti1Header()
    header.set_data_shape((4000, 4000, 1000))
    path.write_bytes(header.binaryblock + bytes(4))
    return path


def _words(path, head):
    path.write_bytes(b"Dear Sir")
    return path


def _nameless(path, head):
    write_dicom(path, head[0])
    return path


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        pytest.param("j.dcm", _lossless, "JPEG Lossless.*not decoded here.*dcmdjpeg", id="jpeg"),
        pytest.param("p.dcm", _without_pixels, "holds no pixels", id="no-pixels"),
        pytest.param("t.dcm", _words, "pydicom cannot read it", id="words"),
        pytest.param("t.nii.gz", _words, "nibabel cannot read it", id="nifti-words"),
        pytest.param("f.nii", _four_dimensions, "has 3 x 4 x 5 x 6 values", id="4d"),
        pytest.param("b.nii", _bomb, "at most 1,000,000,000 fit", id="bomb"),
        pytest.param("IM0001", _nameless, "name it IM0001.dcm", id="no-ending"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why_and_the_way_out(segment, tmp_path, head, name, make, message):
    code, said = segment(make(tmp_path / name, head), "--model", "otsu")
    assert code == 1
    row = json.loads((tmp_path / "out/manifest.jsonl").read_text())
    assert row["status"] == "failed"
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(row["error"]["message"])
    assert "Traceback" not in said


@pytest.mark.parametrize(("name", "library"), [("a.dcm", "pydicom"), ("a.nii.gz", "nibabel")])
def test_missing_library_is_named_with_its_extra(
    segment, tmp_path, head, monkeypatch, name, library
):
    (tmp_path / name).write_bytes(b"")
    monkeypatch.setitem(sys.modules, library, None)  # as if it were not installed
    code, said = segment(tmp_path / name, "--model", "otsu", "--json")
    assert code == 1
    assert f"needs {library}" in said
    assert "[medical]" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["--window", "40"], "--window is a centre", id="one-number"),
        pytest.param(["--window", "40,0"], "width above 0", id="no-width"),
        pytest.param(["--max-pixels", "100"], "has 2,400 pixels", id="limit"),
        pytest.param(["--bands", "1"], "--bands chooses bands of a TIFF", id="bands"),
    ],
)
def test_wrong_use_is_said(segment, tmp_path, head, words, message):
    source = write_nifti(tmp_path / "head.nii", head, LPS)
    code, said = segment(source, "--model", "otsu", *words)
    assert code in {1, 2}
    assert message in said


def test_window_without_a_scan_is_wrong_use(segment, tmp_path):
    Image.new("RGB", (20, 10)).save(tmp_path / "photo.png")
    code, said = segment(tmp_path / "photo.png", "--model", "otsu", "--window", "40,400")
    assert code == 2
    assert "--window is for DICOM and NIfTI" in said
    code, said = segment(tmp_path / "photo.png", "--model", "otsu", out="photo.nii.gz")
    assert code == 2
    assert "labels are PNG" in said


def test_window_of_nothing_and_of_one_value():
    assert stretched(np.full(9, np.nan)).width > 0
    assert stretched(np.full(9, 7)).levels(np.full(2, 7.0)).tolist() == [128, 128]
    assert Window(0, 2).levels(np.array([np.nan, -np.inf, np.inf])).tolist() == [0, 0, 255]
    with pytest.raises(UsageError, match="got 'wide'"):
        Window.parse("wide")


def test_slice_has_a_time_limit(segment, tmp_path, head):
    write_nifti(tmp_path / "a.nii.gz", head, np.eye(4))
    code, said = segment(tmp_path / "a.nii.gz", "--model", "otsu", "--picture-seconds", "1e-6")
    assert code == 1
    assert "a.nii.gz: takes longer than 1e-06 s" in said
