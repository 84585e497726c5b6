"""Make the pictures of docs/edges.md: `python docs/make_edges.py [WEIGHTS]`.

Edges at 100 %, side by side: the photo, the network alone, ours, and `rembg i -a` with the
published U2-NetP (its closed-form path) where the benchmark's environment and WEIGHTS are there.
Photos are scikit-image's; glass and letters are drawn.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))

from drawings import bottle  # noqa: E402 - beside this script
from peer import MissingError, Peer, prepare_peer  # noqa: E402 - beside bench/run.py

from maskworks import cutout, load_model  # noqa: E402
from maskworks.refine import RefineOptions  # noqa: E402

IMAGES = ROOT / "docs/images"
WEIGHTS = ROOT.parent / "shared/weights/u2netp_bnfolded.safetensors"
SIDE = 240  # of a part, pixels of the photo
GAP, CAPTION = 6, 24
BEHIND = (47, 111, 222)  # a colour that no photo here has, so that a halo shows


@dataclass(frozen=True)
class Subject:
    """A picture and the part of its edge to look at."""

    name: str
    picture: Image.Image
    top: int
    left: int


def letters() -> Image.Image:
    """Draw a word in dark letters on a pale wall."""
    rows, columns = np.mgrid[0:420, 0:640]
    wall = 214 + 8 * np.sin(columns / 90) + 6 * (rows / 420)
    noise = np.random.default_rng(3).normal(0, 2, (420, 640))
    picture = Image.fromarray((wall + noise)[..., None].repeat(3, 2).clip(0, 255).astype(np.uint8))
    ink = Image.new("L", (1280, 840), 0)
    font = ImageFont.load_default(330)
    ImageDraw.Draw(ink).text((640, 420), "Boa8e", fill=255, font=font, anchor="mm")
    picture.paste((150, 32, 40), (0, 0), ink.resize((640, 420), Image.Resampling.LANCZOS))
    return picture


def subjects() -> list[Subject]:
    """Return what is shown."""
    left_eye = data.stereo_motorcycle()[0]
    return [
        Subject("hair", Image.fromarray(data.astronaut()), 0, 90),
        Subject("fur", Image.fromarray(data.chelsea()), 20, 190),
        Subject("cup handle", Image.fromarray(data.coffee()), 110, 60),
        Subject("spoked wheel", Image.fromarray(left_eye), 230, 60),
        Subject("glass", bottle(), 300, 180),
        Subject("letters", letters(), 100, 120),
    ]


def over(rgba: Image.Image) -> Image.Image:
    """Return a cut-out on the colour that shows halos."""
    behind = Image.new("RGBA", rgba.size, (*BEHIND, 255))
    behind.alpha_composite(rgba)
    return behind.convert("RGB")


def ours(picture: Image.Image, method: str) -> Image.Image:
    """Cut a picture out with our default model."""
    cut = cutout(picture, load_model("cutout"), refinement=RefineOptions(method=method))
    print(f"  {method}: {cut.refined}, {cut.status}, confidence {cut.confidence}")
    return over(Image.fromarray(cut.rgba()))


def rembg(picture: Image.Image, peer: Peer) -> Image.Image:
    """Cut a picture out with rembg's alpha matting."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.png", Path(folder) / "out.png"
        picture.save(source)
        command = [peer.program("rembg"), "i", "-a", "-m", "u2netp", str(source), str(target)]
        subprocess.run(command, env=peer.environment(2), check=True, capture_output=True)
        with Image.open(target) as opened:
            return over(opened.convert("RGBA"))


def sheet(subject: Subject, peer: Peer | None) -> Image.Image:
    """Lay the parts of one subject side by side."""
    pictures = {
        "photo": subject.picture.convert("RGB"),
        "network alone": ours(subject.picture, "off"),
        "Maskworks": ours(subject.picture, "auto"),
    }
    if peer:
        pictures["rembg -a, u2netp"] = rembg(subject.picture, peer)
    box = (subject.left, subject.top, subject.left + SIDE, subject.top + SIDE)
    wide = len(pictures) * (SIDE + GAP) - GAP
    page = Image.new("RGB", (wide, SIDE + CAPTION), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(15)
    for at, (caption, picture) in enumerate(pictures.items()):
        left = at * (SIDE + GAP)
        page.paste(picture.crop(box), (left, 0))
        middle = (left + SIDE / 2, SIDE + CAPTION / 2)
        pen.text(middle, caption, fill=(70, 70, 70), font=font, anchor="mm")
    return page


def main(weights: Path) -> None:
    """Write one picture a subject."""
    try:
        peer = prepare_peer(weights, ROOT / "bench/out/u2net-home")
    except MissingError as error:
        print(f"without rembg: {error}")
        peer = None
    for subject in subjects():
        print(subject.name)
        path = IMAGES / f"edge-{subject.name.replace(' ', '-')}.png"
        sheet(subject, peer).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else WEIGHTS)
