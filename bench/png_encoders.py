"""Measure PNG encoders on cut-outs of real photos; see docs/decisions/0001-png-encoder.md.

    pip install isal zlib-ng opencv-python-headless scikit-image
    python bench/png_encoders.py --megapixels 2 6 12

The photos are scikit-image's astronaut, coffee and rocket, enlarged, with sensor noise, cut
out by a soft ellipse that leaves half of each transparent. Processor time, best of `--repeats`,
mean of the three photos; sizes relative to Pillow level 1. Encoders that are not installed are
named and left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from maskworks.core.png import encode_png

Pixels = NDArray[np.uint8]
Encoder = Callable[[Pixels], bytes]

BAND_BYTES = 1 << 18


def cut_out(name: str, megapixels: float, noise: float) -> Pixels:
    """Return an RGBA cut-out of about this size, uint8 (H, W, 4)."""
    photo = getattr(data, name)()[..., :3]
    scale = (megapixels * 1e6 / (photo.shape[0] * photo.shape[1])) ** 0.5
    height, width = (round(side * scale) for side in photo.shape[:2])
    large = np.asarray(Image.fromarray(photo).resize((width, height), Image.Resampling.BICUBIC))
    rng = np.random.default_rng(0)
    pixels = np.clip(large + rng.normal(0, noise, large.shape), 0, 255).astype(np.uint8)
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    radius = np.hypot(x / 0.8, y / 0.8)
    alpha = np.rint(np.clip((1 - radius) / 0.02 + 0.5, 0, 1) * 255).astype(np.uint8)
    pixels[alpha == 0] = 0
    return np.dstack([pixels, alpha])


def filtered(pixels: Pixels, kind: str) -> Iterator[Pixels]:
    """Yield bands of rows under one of the PNG filters none, sub, up, average."""
    height, width, channels = pixels.shape
    flat = pixels.reshape(height, width * channels)
    rows = max(1, BAND_BYTES // (width * channels))
    band = np.empty((rows, 1 + width * channels), np.uint8)
    for top in range(0, height, rows):
        current = flat[top : top + rows]
        out, body = band[: len(current)], band[: len(current), 1:]
        first = flat[top - 1 : top] if top else np.zeros_like(flat[:1])
        above = np.concatenate([first, current[:-1]])
        left = np.zeros_like(current)
        left[:, channels:] = current[:, :-channels]
        if kind == "average":
            guess = (left & above) + ((left ^ above) >> 1)
        else:
            guess = {"none": np.zeros_like(current), "sub": left, "up": above}[kind]
        out[:, 0] = ("none", "sub", "up", "average").index(kind)
        np.subtract(current, guess, out=body)
        yield out


def streamed(kind: str, make: Callable[[], object]) -> Encoder:
    """Return an encoder of the pixel data alone: filter, then deflate band by band."""

    def encode(pixels: Pixels) -> bytes:
        stream = make()
        parts = [stream.compress(band) for band in filtered(pixels, kind)]
        return b"".join([*parts, stream.flush()])

    return encode


def pillow(level: int) -> Encoder:
    """Return Pillow's encoder."""

    def encode(pixels: Pixels) -> bytes:
        stream = BytesIO()
        Image.fromarray(pixels).save(stream, "PNG", compress_level=level)
        return stream.getvalue()

    return encode


def encoders() -> dict[str, Encoder]:
    """Return every encoder that is installed, the reference first."""
    found: dict[str, Encoder] = {"pillow level 1": pillow(1)}
    found["maskworks (RGB + alpha)"] = lambda p: encode_png(
        p[..., :3], np.ascontiguousarray(p[..., 3])
    )
    found["pillow level 6"] = pillow(6)
    try:
        import cv2

        found["opencv"] = lambda p: cv2.imencode(".png", p)[1].tobytes()
    except ImportError:
        print("opencv is not installed: left out")
    from isal import isal_zlib

    for kind in ("none", "sub", "up", "average"):
        for level in (0, 1, 2, 3):
            make = lambda level=level: isal_zlib.compressobj(level)  # noqa: E731
            found[f"isal {level} {kind}"] = streamed(kind, make)
    try:
        from zlib_ng import zlib_ng
    except ImportError:
        print("zlib-ng is not installed: left out")
        return found
    for kind in ("sub", "up", "average"):
        for level in (1, 2):
            make = lambda level=level: zlib_ng.compressobj(level)  # noqa: E731
            found[f"zlib-ng {level} {kind}"] = streamed(kind, make)
        make = lambda: zlib_ng.compressobj(1, zlib_ng.DEFLATED, 15, 9, zlib_ng.Z_RLE)  # noqa: E731
        found[f"zlib-ng RLE {kind}"] = streamed(kind, make)
    return found


def measure(encode: Encoder, pictures: list[Pixels], repeats: int) -> tuple[float, int]:
    """Return the mean processor time, seconds, and the summed size, bytes."""
    seconds, size = 0.0, 0
    for picture in pictures:
        times = []
        for _ in range(repeats):
            start = time.process_time()
            content = encode(picture)
            times.append(time.process_time() - start)
        seconds += min(times) / len(pictures)
        size += len(content)
    return seconds, size


def main() -> None:
    """Print one table per size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[2.0])
    parser.add_argument("--noise", type=float, default=2.0, help="standard deviation, levels")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names that must occur, for example `isal 1`")
    options = parser.parse_args()
    for megapixels in options.megapixels:
        names = ("astronaut", "coffee", "rocket")
        pictures = [cut_out(name, megapixels, options.noise) for name in names]
        print(
            f"\n{megapixels:g} MP, noise {options.noise:g}\n{'encoder':26} {'ms':>7} {'x':>6} size"
        )
        reference = None
        for name, encode in encoders().items():
            wanted = options.only is None or any(part in name for part in options.only)
            if reference is not None and not wanted:
                continue
            seconds, size = measure(encode, pictures, options.repeats)
            reference = reference or (seconds, size)
            ratio = reference[0] / seconds
            print(
                f"{name:26} {seconds * 1e3:7.1f} {ratio:6.2f} {size / reference[1]:.3f}", flush=True
            )


if __name__ == "__main__":
    main()
