"""A drawn CT volume into air, soft tissue and bone, in millilitres: `python examples/medical.py`.

Needs the extra `[medical]`. The labels are a NIfTI volume that lies where the scan lies.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nibabel as nib
import numpy as np

import maskworks as mw

SPACING_MM = (1.5, 1.5, 4.0)
UNITS = {"air": -1000, "tissue": 40, "bone": 700}
"""Hounsfield units."""


def volume(folder: Path) -> Path:
    """Write a head of soft tissue in a skull of bone, with the noise of a scanner."""
    x, y, z = np.mgrid[-70:70, -80:80, -6:6] * np.reshape(SPACING_MM, (3, 1, 1, 1))
    away = np.sqrt((x / 85) ** 2 + (y / 100) ** 2 + (z / 90) ** 2)
    values = np.select([away < 0.88, away < 1], [UNITS["tissue"], UNITS["bone"]], UNITS["air"])
    noise = np.random.default_rng(0).normal(0, 12, values.shape)
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = -105, -120, 30
    path = folder / "head.nii.gz"
    nib.save(nib.Nifti1Image(np.rint(values + noise).astype(np.int16), affine), path)
    return path


def millilitres(path: Path) -> list[float]:
    """Return how much of a label volume each of three classes takes."""
    labels = nib.load(path)
    voxel_ml = abs(np.linalg.det(labels.affine[:3, :3])) / 1000
    counts = np.bincount(np.asarray(labels.dataobj).ravel(), minlength=3)
    return [round(float(count * voxel_ml), 1) for count in counts]


if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "example-out")
    out.mkdir(parents=True, exist_ok=True)
    request = mw.LabelRequest(
        inputs=(str(volume(out)),),
        output=str(out / "labels"),
        model="multi-otsu",
        window=mw.Window.parse("0,2200"),
        existing="overwrite",
    )
    for row in mw.open_labelling(request).rows():
        print(f"{row.status}: {row.output}")
    air, tissue, bone = millilitres(out / "labels/head.nii.gz")
    print(f"air {air} ml, soft tissue {tissue} ml, bone {bone} ml")
