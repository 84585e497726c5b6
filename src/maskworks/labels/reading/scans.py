"""DICOM and NIfTI: slices as pictures, labels as a volume where the scan lies. Extra `[medical]`.

A slice is shown as it is read in radiology: front up, the patient's right on the left. Values
become brightness by a window: black and white are half a width away from the centre.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import (
    MaskworksError,
    ModelError,
    TooLargeError,
    UnreadableError,
    UsageError,
)
from maskworks.core.extras import how_to_install
from maskworks.core.formats import SUFFIXES, scan_ending

if TYPE_CHECKING:
    from maskworks.core.reading import Limits
    from maskworks.core.values import Pixels

MOST_VOXELS = 1_000_000_000
"""A scan with more values is refused before it is read."""

STRETCH = (1.0, 99.0)
"""Percentiles that become black and white where nothing says a window."""

_SAMPLE = 1_000_000
_READERS = {"nibabel": "nifti", "pydicom": "dicom"}


@dataclass(frozen=True)
class Window:
    """What is shown of a scan's range: `centre` and `width` > 0, in its units.

    A `sigmoid` has no hard ends (DICOM PS3.3, C.11.2.1.3.1).

    Examples
    --------
    >>> Window.parse("40,400").levels(np.array([-160.0, 40, 240, 900])).tolist()
    [0, 128, 255, 255]
    """

    centre: float
    width: float
    shape: Literal["linear", "sigmoid"] = "linear"

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read CENTRE,WIDTH.

        Raises
        ------
        UsageError
            If it is something else, or the width is not above 0.
        """
        try:
            centre, width = (float(part) for part in text.split(","))
        except ValueError:
            centre, width = 0.0, 0.0
        if not (np.isfinite(centre) and np.isfinite(width) and width > 0):
            raise UsageError(
                f"--window is a centre and a width above 0 such as 40,400, got {text!r}"
            )
        return cls(centre, width)

    def levels(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Return brightness of values, uint8; what is no number is black."""
        away = (values.astype(np.float32) - np.float32(self.centre)) / np.float32(self.width)
        away = np.nan_to_num(away, nan=-1e3, posinf=1e3, neginf=-1e3)
        if self.shape == "sigmoid":
            share = 1 / (1 + np.exp(-4 * np.clip(away, -20, 20)))
        else:
            share = np.clip(away + 0.5, 0, 1)
        levels: NDArray[np.uint8] = np.rint(255 * share).astype(np.uint8)
        return levels


@dataclass(frozen=True, eq=False, kw_only=True)
class Scan:
    """An open scan of `slices` pictures of `size` (H, W).

    `read` gives the pixels of a slice, counted from 0. `volume` takes ids (slices, H, W), uint8
    or uint16, and their taxonomy's name, and gives the bytes of a NIfTI file that lies where
    the scan lies. `values` gives float32 (H, W) of a slice as the file means them, and
    `spacing_mm` how far slices, rows and columns are apart; None of a file whose slices are
    pictures, or that is read in another process.
    """

    slices: int
    size: tuple[int, int]
    read: Callable[[int], Pixels]
    volume: Callable[[NDArray[np.integer[Any]], str], bytes]
    close: Callable[[], None] = lambda: None
    values: Callable[[int], NDArray[np.float32]] | None = None
    spacing_mm: tuple[float, float, float] | None = None


def is_scan(path: Path, *, label: str) -> bool:
    """Whether a file is a scan by its name.

    Raises
    ------
    UnreadableError
        If it is DICOM by its content and has no ending that says so.
    """
    if scan_ending(path.name) is not None:
        return True
    if path.suffix.lower() not in SUFFIXES and path.is_file():
        with path.open("rb") as stream:
            if stream.read(132)[128:] == b"DICM":
                raise UnreadableError(
                    label,
                    "is DICOM, and its name does not say so",
                    f"name it {path.name}.dcm, so that its labels become a volume",
                )
    return False


def open_scan(path: Path, window: Window | None, *, limits: Limits, label: str) -> Scan:
    """Open a scan.

    Parameters
    ----------
    window : Window, optional
        By default the one that the file names, else from its 1st to its 99th percentile.
    limits : Limits
        Of one slice; all slices together have at most `MOST_VOXELS`.
    label : str
        What error messages call it.

    Raises
    ------
    ModelError
        If the library that reads it is not here.
    UnreadableError
        If it is no scan, one of more than three dimensions, or compressed in a way that
        nothing here decodes.
    TooLargeError
        If a slice has more pixels than `limits` allows.
    """
    library = need_reader(path, label=label)
    reader = import_module(f"maskworks.labels.reading.{_READERS[library]}").open_file
    try:
        scan: Scan = reader(path, window, label=label, limits=limits)
    except MaskworksError:
        raise
    except MemoryError as error:
        reason = "needs more memory than its reader may take"
        raise UnreadableError(label, reason, "cut the volume into parts") from error
    except Exception as error:  # decoders of hostile bytes raise anything
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UnreadableError(
            label, f"{library} cannot read it ({reason})", "copy it again"
        ) from error
    return scan


def need_reader(path: Path, *, label: str) -> str:
    """Return the library that reads a scan.

    Raises
    ------
    ModelError
        If it is not here.
    """
    library = "pydicom" if path.name.lower().endswith((".dcm", ".dicom")) else "nibabel"
    if find_spec(library) is None:
        raise ModelError(
            f"{label}: reading it needs {library}, which is not installed; "
            f"{how_to_install('medical')}"
        )
    return library


def check_extent(label: str, slices: int, size: tuple[int, int], limits: Limits) -> None:
    """Refuse a scan that is too large, before its values are read.

    Raises
    ------
    UnreadableError, TooLargeError
    """
    pixels = size[0] * size[1]
    if slices < 1 or pixels < 1:
        raise UnreadableError(label, f"has {slices} slices of {pixels} pixels", "copy it again")
    if pixels > limits.max_pixels:
        raise TooLargeError(label, pixels, limits.max_pixels)
    if slices * pixels > MOST_VOXELS:
        raise UnreadableError(
            label,
            f"has {slices * pixels:,} values, at most {MOST_VOXELS:,} fit",
            "cut the volume into parts",
        )


def stretched(values: NDArray[Any]) -> Window:
    """Return the window from the 1st to the 99th percentile of thinned values.

    Examples
    --------
    >>> stretched(np.arange(101))
    Window(centre=50.0, width=98.0, shape='linear')
    """
    flat = values.reshape(-1)[:: max(1, values.size // _SAMPLE)].astype(np.float64)
    flat = flat[np.isfinite(flat)]
    low, high = np.percentile(flat, STRETCH) if flat.size else (0.0, 1.0)
    if high <= low and flat.size:  # next to all is one value: show what differs from it
        low, high = flat.min(), flat.max()
    return Window(float(low + high) / 2, max(float(high - low), 1e-6))


def grey(levels: NDArray[np.uint8]) -> Pixels:
    """Return brightness (H, W) as pixels (H, W, 3)."""
    return np.ascontiguousarray(np.repeat(levels[..., np.newaxis], 3, axis=2))
