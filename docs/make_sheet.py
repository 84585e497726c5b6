"""Make the sheets of docs/models/cutout.md: `python docs/make_sheet.py [--u2net FILE]`.

24 photos, half of them hard, cut out with default settings beside what rembg makes of them with
U2-NetP and, where `--u2net` names its file, the full U2-Net: the photo, then a part of it at 100 %
as it is, ours, and theirs. Photos are scikit-image's, the demo's and those of docs/images/photos,
whose credits are in CREDITS.md beside them. What rembg makes is kept in bench/out/sheet.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from skimage import data

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))

from peer import MissingError, Peer, prepare_peer  # noqa: E402 - beside bench/run.py

from maskworks import cutout, load_model  # noqa: E402

IMAGES = ROOT / "docs/images"
WEIGHTS = ROOT.parent / "shared/weights/u2netp_bnfolded.safetensors"
KEPT = ROOT / "bench/out/sheet"
BUNDLED = ROOT / "src/maskworks/apps/demo/bundled"
SIDE = 224  # of a part, pixels of the photo
GAP, CAPTION = 4, 20
ROWS = 6  # of one sheet
BEHIND = (47, 111, 222)  # a colour that no photo here has, so that a halo shows
NAMES = {"u2netp": "rembg, U2-NetP", "u2net": "rembg, U2-Net"}


@dataclass(frozen=True)
class Subject:
    """A photo, and the middle of the part to look at, (row, column) in [0, 1]."""

    name: str
    at: tuple[float, float]


EASY = (
    Subject("coffee", (0.55, 0.45)),
    Subject("astronaut", (0.25, 0.45)),
    Subject("dress", (0.35, 0.5)),
    Subject("jacket", (0.25, 0.5)),
    Subject("boots", (0.4, 0.5)),
    Subject("slippers", (0.5, 0.4)),
    Subject("bobble-hat", (0.35, 0.55)),
    Subject("t-shirt", (0.3, 0.5)),
    Subject("clogs", (0.45, 0.5)),
    Subject("volleyball", (0.5, 0.5)),
    Subject("pan", (0.5, 0.6)),
    Subject("screwdriver", (0.5, 0.5)),
)
HARD = (
    Subject("chelsea", (0.6, 0.6)),
    Subject("stereo_motorcycle", (0.6, 0.35)),
    Subject("rocket", (0.55, 0.5)),
    Subject("camera", (0.6, 0.55)),
    Subject("clock", (0.5, 0.4)),
    Subject("fur-hat", (0.4, 0.75)),
    Subject("fringe-skirt", (0.6, 0.3)),
    Subject("windmill", (0.35, 0.5)),
    Subject("moose", (0.35, 0.55)),
    Subject("crocodile", (0.5, 0.6)),
    Subject("cup", (0.6, 0.5)),
    Subject("panda", (0.4, 0.55)),
)


def photo_of(name: str) -> Image.Image:
    """Return a photo in RGB."""
    for path in (BUNDLED / f"{name}.jpg", IMAGES / f"photos/{name}.webp"):
        if path.is_file():
            with Image.open(path) as opened:
                return opened.convert("RGB")
    pixels = getattr(data, name)()
    return Image.fromarray(pixels[0] if isinstance(pixels, tuple) else pixels).convert("RGB")


def part_of(picture: Image.Image, at: tuple[float, float]) -> Image.Image:
    """Return the part around a point at 100 %, SIDE square; what the picture lacks is white."""
    width, height = picture.size
    left = max(0, min(width - SIDE, round(at[1] * width - SIDE / 2)))
    top = max(0, min(height - SIDE, round(at[0] * height - SIDE / 2)))
    part = Image.new("RGB", (SIDE, SIDE), "white")
    part.paste(picture.crop((left, top, min(width, left + SIDE), min(height, top + SIDE))))
    return part


def over(rgba: Image.Image) -> Image.Image:
    """Return a cut-out on the colour that shows halos."""
    behind = Image.new("RGBA", rgba.size, (*BEHIND, 255))
    behind.alpha_composite(rgba.convert("RGBA"))
    return behind.convert("RGB")


def theirs(peer: Peer) -> None:
    """Let rembg cut every photo out that it has not yet."""
    for subject in (*EASY, *HARD):
        path = KEPT / f"photos/{subject.name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        photo_of(subject.name).save(path)
    for model in peer.models:
        out = KEPT / model
        if all((out / f"{subject.name}.png").is_file() for subject in (*EASY, *HARD)):
            continue
        command = [peer.program("rembg"), "p", "-m", model, str(KEPT / "photos"), str(out)]
        subprocess.run(command, env=peer.environment(2), check=True, capture_output=True)


def row_of(subject: Subject, models: tuple[str, ...]) -> tuple[list[Image.Image], str]:
    """Return the pictures of a row, and what we say of ours."""
    photo = photo_of(subject.name)
    whole = photo.copy()
    whole.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    found = cutout(photo, load_model("cutout"))
    pictures = [photo, over(found.to_pil())]
    for model in models:
        with Image.open(KEPT / model / f"{subject.name}.png") as opened:
            pictures.append(over(opened))
    sure = "" if found.confidence is None else f", confidence {found.confidence:.2f}"
    score = "" if found.score is None else f", score {found.score:.2f}"
    said = f"{subject.name.replace('stereo_', '')}: {found.status}{sure}{score}"
    print(f"  {said}")
    return [whole, *(part_of(picture, subject.at) for picture in pictures)], said


def sheet(subjects: tuple[Subject, ...], models: tuple[str, ...]) -> Image.Image:
    """Lay rows out under a heading."""
    headings = ["the photo", "at 100 %", "Maskworks", *(NAMES[model] for model in models)]
    wide, high = len(headings) * (SIDE + GAP) - GAP, SIDE + CAPTION
    page = Image.new("RGB", (wide, CAPTION + len(subjects) * high), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(14)
    for at, heading in enumerate(headings):
        middle = (at * (SIDE + GAP) + SIDE / 2, CAPTION / 2)
        pen.text(middle, heading, fill=(40, 40, 40), font=font, anchor="mm")
    for number, subject in enumerate(subjects):
        pictures, said = row_of(subject, models)
        top = CAPTION + number * high
        for at, picture in enumerate(pictures):
            page.paste(picture, (at * (SIDE + GAP), top))
        pen.text((2, top + SIDE + CAPTION / 2), said, fill=(70, 70, 70), font=font, anchor="lm")
    return page


def main(arguments: list[str]) -> None:
    """Write docs/images/sheet-easy-1.webp and so on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="published U2-NetP weights")
    parser.add_argument("--u2net", type=Path, help="the full U2-Net as ONNX")
    options = parser.parse_args(arguments)
    models: tuple[str, ...] = ()
    try:
        peer = prepare_peer(options.weights, ROOT / "bench/out/u2net-home", options.u2net)
        theirs(peer)
        models = peer.models
    except MissingError as error:
        print(f"without rembg: {error}")
    for name, subjects in (("easy", EASY), ("hard", HARD)):
        for start in range(0, len(subjects), ROWS):
            path = IMAGES / f"sheet-{name}-{start // ROWS + 1}.webp"
            sheet(subjects[start : start + ROWS], models).save(path, quality=78, method=6)
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
