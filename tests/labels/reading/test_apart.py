"""Rasters and scans that are read in a process of their own: ended, bounded, and the same."""

from __future__ import annotations

import os
import signal
import zlib
from contextlib import closing

import numpy as np
import pytest
import tifffile

from maskworks.core import apart
from maskworks.core.deadline import deadline
from maskworks.core.errors import TooSlowError, UnreadableError
from maskworks.core.reading import Limits
from maskworks.core.values import Box
from maskworks.labels.reading import windows
from maskworks.labels.reading.apart import scan_apart, windows_apart
from maskworks.labels.reading.windows import open_windows

EVERYTHING = Box(0, 0, 150, 131)


@pytest.fixture(autouse=True)
def helpers(monkeypatch):
    """Those that were started since; none before."""
    apart.end_helpers()
    started = []

    class Noted(apart.Helper):
        def __init__(self, module):
            super().__init__(module)
            started.append(self)

    monkeypatch.setattr(apart, "Helper", Noted)
    monkeypatch.setattr(windows, "WINDOWED_PIXELS", 1000)
    yield started
    apart.end_helpers()


@pytest.fixture
def raster(tmp_path, rng):
    """A TIFF in tiles, and its pixels."""
    pixels = rng.integers(0, 256, (150, 131, 3)).astype(np.uint8)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="rgb", compression="zlib", tile=(64, 64))
    return path, pixels


@pytest.fixture
def volume(tmp_path):
    nib = pytest.importorskip("nibabel")
    values = np.arange(4 * 40 * 60, dtype=np.int16).reshape(60, 40, 4)
    nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "a.nii.gz")
    return tmp_path / "a.nii.gz"


def opened(path, limits=None):
    return windows_apart(path, bands=None, label="a.tif", limits=limits or Limits())


def test_parts_are_the_same_and_the_process_is_kept_for_the_next_file(raster, volume, helpers):
    path, pixels = raster
    with deadline(60):
        for _ in range(2):
            with closing(opened(path)) as there:
                assert there.size == (150, 131)
                assert (there.read(EVERYTHING) == pixels).all()
                assert (there.read(Box(3, 5, 40, 99)) == pixels[3:40, 5:99]).all()
        with closing(scan_apart(volume, None, limits=Limits(), label="a")) as scan:
            assert (scan.slices, scan.read(3).shape) == (4, (*scan.size, 3))
    assert len(helpers) == 1
    assert helpers[0].lives


def test_georeference_comes_over_whole(tmp_path, rng):
    rasterio = pytest.importorskip("rasterio")
    path = tmp_path / "a.tif"
    transform = rasterio.Affine(0.5, 0.1, 600_000, -0.1, -0.5, 5_800_000)
    form = {"driver": "GTiff", "height": 60, "width": 50, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", crs="EPSG:32633", transform=transform, **form) as made:
        made.write(rng.integers(0, 256, (3, 60, 50)).astype(np.uint8))
    with closing(open_windows(path)) as here, deadline(60), closing(opened(path)) as there:
        assert there.geo == here.geo
        assert there.geo["crs"].to_authority() == ("EPSG", "32633")
        assert (there.read(Box(0, 0, 60, 50)) == here.read(Box(0, 0, 60, 50))).all()


def test_small_file_is_left_to_the_reader_of_pictures(raster, monkeypatch):
    monkeypatch.setattr(windows, "WINDOWED_PIXELS", 1_000_000)
    with deadline(60):
        assert opened(raster[0]) is None


def test_nothing_is_started_where_there_is_no_time_limit(raster, volume, helpers):
    with closing(opened(raster[0])) as here:
        assert (here.read(EVERYTHING) == raster[1]).all()
    with closing(scan_apart(volume, None, limits=Limits(), label="a")) as scan:
        assert scan.slices == 4
    assert not helpers


def test_decoder_is_ended_in_the_middle_of_a_part(raster, volume, helpers):
    """The process is stopped, as a decoder that never comes back would be."""
    with deadline(60):
        there = opened(raster[0])
    os.kill(helpers[0]._process.pid, signal.SIGSTOP)
    with deadline(1), pytest.raises(TooSlowError, match=r"a\.tif: takes longer than 1 s"):
        there.read(EVERYTHING)
    assert helpers[0]._process.returncode == -signal.SIGKILL
    with pytest.raises(UnreadableError, match="its reader was ended"):
        there.read(EVERYTHING)
    there.close()
    with deadline(60):
        scan = scan_apart(volume, None, limits=Limits(), label="a.nii.gz")
    os.kill(helpers[1]._process.pid, signal.SIGSTOP)
    with deadline(1), pytest.raises(TooSlowError, match=r"a\.nii\.gz: takes longer than 1 s"):
        scan.read(0)
    assert helpers[1]._process.returncode == -signal.SIGKILL


def test_opening_is_ended_too(raster, volume):
    with deadline(60):
        opened(raster[0]).close()
        (waiting,) = apart._idle
        os.kill(waiting._process.pid, signal.SIGSTOP)
    with deadline(1), pytest.raises(TooSlowError):
        opened(raster[0])
    with deadline(1e-6), pytest.raises(TooSlowError):
        scan_apart(volume, None, limits=Limits(), label="a")


def test_decoder_that_breaks_costs_its_file_and_nothing_else(raster, helpers):
    with deadline(60):
        there = opened(raster[0])
        os.kill(helpers[0]._process.pid, signal.SIGSEGV)
        with pytest.raises(UnreadableError, match=r"a\.tif: the decoder broke on it"):
            there.read(EVERYTHING)
        with closing(opened(raster[0])) as again:
            assert (again.read(EVERYTHING) == raster[1]).all()


def test_what_is_wrong_is_told_in_words(raster, volume):
    data = bytearray(raster[0].read_bytes())
    with tifffile.TiffFile(raster[0]) as file:
        at = file.pages[0].dataoffsets[0]
    data[at : at + 40] = bytes(40)
    raster[0].write_bytes(data)
    told = r"a\.tif: cannot be read \(.*\); copy or export"
    with (
        deadline(60),
        closing(opened(raster[0])) as there,
        pytest.raises(UnreadableError, match=told),
    ):
        there.read(EVERYTHING)
    volume.write_bytes(volume.read_bytes()[:-200])
    with deadline(60), pytest.raises(UnreadableError, match=r"a: nibabel cannot read it"):
        scan_apart(volume, None, limits=Limits(), label="a")


def test_deflated_scan_that_inflates_to_more_than_it_may_is_refused(tmp_path):
    """1.5 MB that inflate to 1.5 GB, more than a reader of small pictures may take."""
    pydicom = pytest.importorskip("pydicom")
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    deflate = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    block = deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    bomb = 1536 * block + deflate.flush()
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = meta.MediaStorageSOPInstanceUID = "1.2.3"
    path = tmp_path / "a.dcm"
    with path.open("wb") as stream:
        stream.write(bytes(128) + b"DICM")
        pydicom.filewriter.write_file_meta_info(stream, meta, enforce_standard=True)
        stream.write(bomb)
    with deadline(120), pytest.raises(UnreadableError, match=r"a\.dcm: .*more memory"):
        scan_apart(path, None, limits=Limits(10_000), label="a.dcm")
