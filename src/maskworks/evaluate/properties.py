"""Groups that pictures themselves give: light, contrast, size and sharpness of the subject.

These are properties of pictures, measured; attributes of people are never derived from pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from maskworks.core.values import Image, Mask
from maskworks.evaluate.group_file import Groups

PROPERTIES: Mapping[str, str] = {
    "size": "share of the picture that the true subject covers",
    "luminance": "mean lightness L* of the true subject, 0 to 100",
    "contrast": "difference in L* between the subject and what lies around it",
    "blur": "sharpness: standard deviation of the Laplacian of L* over the subject",
}
"""What can be measured, and how."""

PARTS = ("low", "middle", "high")
_AROUND = 0.05  # how far "around" reaches, as a share of the diagonal


def measured_properties(image: Image | None, truth: Mask) -> dict[str, float]:
    """Measure the properties of one picture.

    Parameters
    ----------
    image : Image of shape (H, W), or None
        Without it only the size can be told.
    truth : Mask of shape (H, W)

    Returns
    -------
    dict
        By name; what cannot be told, such as the light of an empty subject, is left out.

    Examples
    --------
    >>> measured_properties(None, Mask(np.array([[True, False]])))
    {'size': 0.5}
    """
    found = {"size": float(truth.inside.mean())}
    if image is None or not truth.inside.any():
        return found
    light = _lightness(image)
    found["luminance"] = float(light[truth.inside].mean())
    around = _around(truth.inside)
    if around.any():
        found["contrast"] = abs(found["luminance"] - float(light[around].mean()))
    import cv2

    edges = cv2.Laplacian(light, cv2.CV_32F, ksize=3)
    found["blur"] = float(np.asarray(edges)[truth.inside].std())
    return found


def whole_properties(image: Image) -> dict[str, float]:
    """Measure a whole picture, where there is no one subject: of label maps.

    Returns
    -------
    dict
        "luminance", the mean of L*, "contrast", its standard deviation, and "blur" as of subjects.

    Examples
    --------
    >>> whole_properties(Image(np.full((4, 4, 3), 255, np.uint8)))
    {'luminance': 100.0, 'contrast': 0.0, 'blur': 0.0}
    """
    import cv2

    light = _lightness(image)
    edges = np.asarray(cv2.Laplacian(light, cv2.CV_32F, ksize=3))
    return {
        "luminance": float(light.mean()),
        "contrast": float(light.std()),
        "blur": float(edges.std()),
    }


def property_groups(values: Mapping[str, Mapping[str, float]], wanted: Sequence[str]) -> Groups:
    """Split pictures into three parts of equal number by each property.

    Parameters
    ----------
    values : by picture, what `measured_properties` says of it
    wanted : names of `PROPERTIES`

    Returns
    -------
    Groups
        The name of a group says its bounds, such as "low (up to 0.12)".
    """
    attributes: dict[str, dict[str, str]] = {}
    for name in wanted:
        known = {picture: row[name] for picture, row in values.items() if name in row}
        if not known:
            continue
        first, second = np.quantile(list(known.values()), [1 / 3, 2 / 3])
        names = (
            f"{PARTS[0]} (up to {first:.3g})",
            f"{PARTS[1]}",
            f"{PARTS[2]} (above {second:.3g})",
        )
        attributes[f"{name} (measured)"] = {
            picture: names[int(value > first) + int(value > second)]
            for picture, value in known.items()
        }
    return Groups(attributes)


def _lightness(image: Image) -> NDArray[np.float32]:
    import cv2

    lab = cv2.cvtColor(image.pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return np.ascontiguousarray(lab[..., 0], np.float32)


def _around(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import cv2

    away = cv2.distanceTransform((~inside).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(~inside & (away <= _AROUND * float(np.hypot(*inside.shape))))
