"""Colours that a file states by codes or by gamma and primaries, brought to sRGB.

Codes are those of ITU-T H.273: in HEIF and AVIF as nclx, in PNG as cICP. Curves: sRGB of IEC
61966-2-1, PQ of SMPTE ST 2084, HLG of ITU-R BT.2100; HDR white is 203 cd/m2 as in ITU-R BT.2408,
and what is brighter is clipped. The curve of BT.709 is taken as sRGB's, as viewers do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import ImageError

Floats = NDArray[np.float64]
Light = NDArray[np.float32]
Pixels = NDArray[np.uint8]

_D65 = (0.3127, 0.3290)
_SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_WHITE_NITS = 203.0
_LUMINANCE_2020 = np.array([0.2627, 0.6780, 0.0593])
_ROWS = 256

SRGB_CURVE = "sRGB"
_CURVES: Mapping[int, str | float] = {
    1: SRGB_CURVE, 2: SRGB_CURVE, 4: 2.2, 5: 2.8, 6: SRGB_CURVE, 8: 1.0, 13: SRGB_CURVE,
    14: SRGB_CURVE, 15: SRGB_CURVE, 16: "PQ", 18: "HLG",
}  # fmt: skip
_NAMES = {1: "BT.709", 9: "BT.2020", 12: "Display P3", 5: "BT.601 (625)", 6: "BT.601 (525)"}
_PRIMARIES: Mapping[int, tuple[tuple[float, float], ...]] = {
    1: _SRGB,
    2: _SRGB,
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}


class CodeError(ImageError):
    """Codes that are not known here; never leaves `core`."""


@dataclass(frozen=True)
class Colours:
    """What a file says of its colours.

    `primaries` are x and y of red, green and blue, `white` those of white; `curve` is "sRGB",
    "PQ", "HLG" or the exponent that makes values light. `name` is for a note.
    """

    name: str
    primaries: tuple[tuple[float, float], ...] = _SRGB
    curve: str | float = SRGB_CURVE
    white: tuple[float, float] = _D65

    @property
    def plain(self) -> bool:
        """Whether that is sRGB."""
        return self.primaries == _SRGB and self.curve == SRGB_CURVE and self.white == _D65


def of_codes(primaries: int, transfer: int) -> Colours:
    """Return the colours that two codes of H.273 mean.

    Raises
    ------
    CodeError
        If one of them is not known here.

    Examples
    --------
    >>> of_codes(1, 13).plain, of_codes(12, 13).name
    (True, 'Display P3')
    """
    if primaries not in _PRIMARIES or transfer not in _CURVES:
        raise CodeError(f"colours of the codes {primaries} and {transfer} are not known here")
    curve = _CURVES[transfer]
    name = _NAMES.get(primaries, "its own primaries")
    shown = name if curve == SRGB_CURVE else f"{name} with {curve}"
    return Colours(shown, _PRIMARIES[primaries], curve)


def of_png(chunks: Mapping[bytes, bytes]) -> Colours | None:
    """Return what the chunks cICP, sRGB, gAMA and cHRM of a PNG say, None if nothing.

    Raises
    ------
    CodeError
        If cICP has codes that are not known here, or a chunk has another length.

    Examples
    --------
    >>> of_png({b"cICP": bytes([12, 13, 0, 1])}).name, of_png({}) is None
    ('Display P3', True)
    """
    if b"cICP" in chunks:
        codes = chunks[b"cICP"]
        if len(codes) != 4 or codes[2] != 0:
            raise CodeError("its cICP chunk is not four bytes for RGB")
        return of_codes(codes[0], codes[1])
    if b"sRGB" in chunks:
        return Colours("sRGB")
    curve: str | float = SRGB_CURVE
    primaries: tuple[tuple[float, float], ...] = _SRGB
    white = _D65
    if len(gamma := chunks.get(b"gAMA", b"")) == 4 and int.from_bytes(gamma, "big"):
        exponent = 1e5 / int.from_bytes(gamma, "big")
        curve = SRGB_CURVE if abs(exponent - 2.2) < 0.05 else exponent
    if len(points := chunks.get(b"cHRM", b"")) == 32:
        numbers = [int.from_bytes(points[at : at + 4], "big") / 1e5 for at in range(0, 32, 4)]
        white, *rest = zip(numbers[::2], numbers[1::2], strict=True)
        primaries = tuple(rest)
    found = Colours("gamma and primaries of its own", primaries, curve, white)
    if np.allclose((*primaries, white), (*_SRGB, _D65), atol=2e-3):
        found = Colours(found.name, curve=curve)
    return None if found.plain else found


def to_srgb_pixels(pixels: Pixels, colours: Colours) -> Pixels:
    """Return sRGB values of a picture in other colours; what sRGB cannot show is clipped.

    Parameters
    ----------
    pixels : uint8 (H, W, 3)

    Raises
    ------
    CodeError
        If its primaries are none.

    Examples
    --------
    >>> red = np.array([[[255, 0, 0]]], np.uint8)
    >>> to_srgb_pixels(np.array([[[188, 188, 188]]], np.uint8), of_codes(1, 8)).tolist()
    [[[223, 223, 223]]]
    >>> to_srgb_pixels(red, of_codes(12, 13)).tolist()
    [[[255, 0, 0]]]
    """
    matrix = _matrix(colours).astype(np.float32)
    table = _light(colours.curve).astype(np.float32)
    found = np.empty_like(pixels)
    for top in range(0, len(pixels), _ROWS):
        light: Light = table[pixels[top : top + _ROWS]]
        if colours.curve == "HLG":
            luminance = light @ _LUMINANCE_2020.astype(np.float32)
            light *= (np.power(luminance, 0.2) * (1000 / _WHITE_NITS))[..., None]
        found[top : top + _ROWS] = _encoded(light @ matrix.T)
    return found


def _encoded(light: Light) -> Pixels:
    clipped = light.clip(0, 1)
    curved = np.where(
        clipped <= 0.0031308, 12.92 * clipped, 1.055 * np.power(clipped, 1 / 2.4) - 0.055
    )
    found: Pixels = np.rint(curved * 255).astype(np.uint8)
    return found


def _light(curve: str | float) -> Floats:
    """Return the light of each of 256 values, 1 the white of a picture that is not HDR."""
    values = np.arange(256) / 255
    curves: Mapping[str, Callable[[Floats], Floats]] = {
        SRGB_CURVE: lambda v: np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4),
        "PQ": pq_light,
        "HLG": hlg_light,
    }
    return curves[curve](values) if isinstance(curve, str) else values**curve


def pq_light(values: Floats) -> Floats:
    """Return the light of PQ values in [0, 1], 1 being 203 cd/m2.

    Examples
    --------
    >>> (pq_light(np.array([0.0, 0.508078, 1.0])) * 203).round(1).tolist()
    [0.0, 100.0, 10000.0]
    """
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    powered = np.power(values, 1 / m2)
    nits = 10_000 * np.power(np.maximum(powered - c1, 0) / (c2 - c3 * powered), 1 / m1)
    return np.asarray(nits / _WHITE_NITS)


def hlg_light(values: Floats) -> Floats:
    """Return the scene light in [0, 1] of HLG values in [0, 1].

    Examples
    --------
    >>> hlg_light(np.array([0.0, 0.5, 0.75, 1.0])).round(4).tolist()
    [0.0, 0.0833, 0.265, 1.0]
    """
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)


def _matrix(colours: Colours) -> Floats:
    """Return what brings light of these primaries to light of sRGB's: (3, 3)."""
    try:
        theirs = _to_xyz(colours.primaries, colours.white)
        return np.asarray(np.linalg.inv(_to_xyz(_SRGB, _D65)) @ _adaptation(colours.white) @ theirs)
    except (np.linalg.LinAlgError, ZeroDivisionError) as error:
        raise CodeError("its primaries are no colours") from error


def _to_xyz(primaries: tuple[tuple[float, float], ...], white: tuple[float, float]) -> Floats:
    columns = np.array([_xyz(*point) for point in primaries]).T
    return np.asarray(columns * np.linalg.solve(columns, _xyz(*white)))


def _xyz(x: float, y: float) -> Floats:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _adaptation(white: tuple[float, float]) -> Floats:
    before, after = _BRADFORD @ _xyz(*white), _BRADFORD @ _xyz(*_D65)
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(after / before) @ _BRADFORD)
