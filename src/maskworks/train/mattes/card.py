"""Model cards: what a model is made of, what it reaches, where it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from maskworks.core.writing import write_atomic
from maskworks.train.exported import Exported
from maskworks.train.mattes.recipe import Recipe
from maskworks.train.mattes.run import open_run

TERMS = {
    "subjects/train/duts": "10,553 photos, hand-made masks; DUTS-TR (Wang et al., CVPR 2017), "
    "from public copies; no licence stated, photos are from ImageNet: research, non-commercial",
    "subjects/train/animals": "722 wild animals, union of hand polygons; "
    "KomaHomu/Applying-Mask-RCNN-in-endangered-animals-detection, its json says CC BY 4.0; photos "
    "are Open Images', COCO's and the web's",
    "subjects/train/cats": "521 outdoor photos of cats, hand polygons; "
    "pcashman21/feral-cat-segmentation-dataset-and-model, MIT; its data file says Public Domain",
    "subjects/train/cars": "391 cars for sale, hard masks; itastylt/car-announcements-helper, "
    "none stated",
    "subjects/train/cutouts": "75 photographic cut-outs, for composites; Debian's "
    "tuxpaint-stamps-default, GPL-2, parts public domain",
    "subjects/train/ccp_alpha": "447 full-body people with machine-made soft mattes; "
    "arianzahir/BG over bearpaw/clothing-co-parsing, Apache-2.0 file there, photos are third-party",
    "subjects/train/ccp": "432 people, hand-made masks; bearpaw/clothing-co-parsing, as above",
    "subjects/train/people": "81 people; VikramShenoy97/Human-Segmentation-Dataset, none stated",
    "subjects/train/pets": "2000 cats and dogs; Oxford-IIIT Pet by way of "
    "Mohammed14324/Pet-image-segmentation, CC BY-SA 4.0",
    "photos/rooms": "555 interiors and house fronts, no subject; emanhamed/Houses-dataset, "
    "asks to be cited",
    "photos/packshots": "85 products on white; marcusklasson/GroceryStoreDataset, MIT",
    "photos/tailwind": "71 household goods; microsoft/TailwindTraders-Backend, MIT",
    "photos/eshop": "101 outdoor products, generated pictures; dotnet/eShop, MIT",
    "photos/vendure": "54 products in scenes; vendure-ecommerce/vendure, GPL-3.0 repository, "
    "photos from Unsplash",
    "photos/magento": "people in clothes, bags and watches on white; "
    "magento/magento2-sample-data, OSL-3.0 / AFL-3.0",
    "photos/natural": "938 photos; EliSchwartz/imagenet-sample-images, research, non-commercial",
    "photos/imagen": "906 photos; ajschumacher/imagen, none stated; ImageNet: research, "
    "non-commercial",
    "photos/bsds": "468 photos; BIDS/BSDS500, research, non-commercial",
    "photos/clothes": "garments photographed by phones; alexeygrigorev/clothing-dataset-small, CC0",
}


NOTES = "\n## Notes\n"
"""From this heading on a card is written by hand and kept."""


def reliability_svg(bins: list[dict[str, float]]) -> str:
    """Draw the mean IoU reached over the confidence said, dots sized by count."""
    side, margin = 320, 44
    span = side - 2 * margin

    def x(value: float) -> float:
        return margin + value * span

    def y(value: float) -> float:
        return side - margin - value * span

    most = max((b["count"] for b in bins), default=1) or 1
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}">',
        '<g font-family="sans-serif" font-size="11">',
        f'<rect width="{side}" height="{side}" fill="#fff"/>',
        f'<path d="M{x(0)} {y(0)}L{x(1)} {y(1)}" stroke="#999" stroke-dasharray="4 4"/>',
        f'<path d="M{x(0)} {y(1)}V{y(0)}H{x(1)}" fill="none" stroke="#333"/>',
    ]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(
            f'<text x="{x(tick)}" y="{side - margin + 16}" text-anchor="middle">{tick:g}</text>'
        )
        parts.append(f'<text x="{margin - 6}" y="{y(tick) + 4}" text-anchor="end">{tick:g}</text>')
    for b in bins:
        if b["count"]:
            radius = 3 + 9 * (b["count"] / most) ** 0.5
            parts.append(
                f'<circle cx="{x(b["confidence"]):.1f}" cy="{y(b["outcome"]):.1f}" '
                f'r="{radius:.1f}" fill="#0072b2" fill-opacity="0.7"/>'
            )
    parts.append(f'<text x="{side / 2}" y="{side - 8}" text-anchor="middle">confidence said</text>')
    parts.append(
        f'<text transform="translate(12 {side / 2}) rotate(-90)" text-anchor="middle">'
        "IoU reached</text>"
    )
    return "\n".join([*parts, "</g></svg>", ""])


def _sources(recipe: Recipe) -> list[str]:
    lines = ["| pictures | label used | weight | origin and terms |", "|---|---|---|---|"]
    teacher = Path(recipe.teacher.weights).stem if recipe.teacher else ""
    for source in recipe.source:
        terms = TERMS.get(source.folder, "stated by whoever ran the recipe")
        label = f"{teacher} as teacher" if source.label == "teacher" else source.label
        lines.append(f"| {source.folder} | {label} | {source.weight:g} | {terms} |")
    return lines


def _answers(recipe: Recipe) -> str:
    """Return what the network sees beside a picture, and what it answers."""
    if recipe.remembers:
        return " and the matte of\n  the frame before; it answers a matte alone"
    return """; it answers a matte, its confidence (its own
  prediction of its IoU) and the presence of a subject"""


def _confidence(recipe: Recipe, found: dict[str, Any]) -> str:
    """Return how far the network knows itself, and the diagram of it."""
    if recipe.remembers:
        return "Each picture was seen once, with nothing before it. There is no confidence."
    auroc = found["auroc"]
    return f"""Confidence over all {found["pictures"]}: AUROC against IoU < 0.85 {auroc:.3f}, rank
correlation with IoU {found["spearman"]:.3f}, expected calibration error {found["ece"]:.3f}.

![confidence said against IoU reached]({recipe.name}-reliability.svg)"""


def card_text(run: Path, exported: Exported, found: dict[str, Any]) -> str:
    """Render the measured part of a card as Markdown."""
    done = open_run(run)
    recipe = done.recipe
    kinds = "\n".join(f"| {kind} | {value:.3f} |" for kind, value in found["iou"].items())
    sources = "\n".join(_sources(recipe))
    empty = found["no_subject_on_empty"]
    answered = "not measured" if empty is None else f"{100 * empty:.0f} %"
    init = recipe.init.weights.rsplit("/", 1)[-1] if recipe.init else "nothing"
    passes = "one pass"
    if recipe.mirrored_pass:
        passes = "two passes, the second mirrored and at 7/12 of the size,"
    return f"""# {recipe.name}

Written by `maskworks export` from the run; what follows the heading Notes is kept.

- File: `{exported.path.name}`, {exported.bytes / 1e6:.2f} MB, sha256 `{exported.sha256}`
- Network: {recipe.network}, {passes} over a rectangle of the photo's aspect with the area of
  {recipe.input_size} x {recipe.input_size} px{_answers(recipe)}
- Recipe: `recipes/{recipe.name}.toml`, seed {recipe.seed}; started from {init}
- Trained: {done.minutes:.0f} minutes on one core of a shared machine, {done.steps} steps,
  {done.pictures} pictures drawn
- ONNX against PyTorch: largest difference {exported.difference:.1e}
- Licence of these weights: Apache-2.0. The pictures they learnt from have terms of their own,
  below; some are for research or non-commercial use. Whether that binds weights is for your
  counsel; we say what was used.

## Learnt from

{sources}

## Scores on dev pictures that training never saw

| kind | mean IoU |
|---|---|
{kinds}

{_confidence(recipe, found)}

"No subject" is answered for {answered} of {found["empty_pictures"]} rooms kept out of training
and for {100 * found["no_subject_on_subjects"]:.1f} % of the dev subjects.

"""


def write_card(run: Path, exported: Exported, found: dict[str, Any]) -> Path:
    """Write the card and its diagram beside the exported file; hand-written notes are kept.

    Returns
    -------
    Path of the card, NAME.md
    """
    folder, name = exported.path.parent, exported.path.stem
    card = folder / f"{name}.md"
    old = card.read_text("utf-8") if card.exists() else ""
    notes = old[old.index(NOTES) + 1 :] if NOTES in old else "## Notes\n\nNone yet.\n"
    if open_run(run).judge is not None:
        svg = reliability_svg(found["reliability"])
        write_atomic(folder / f"{name}-reliability.svg", svg.encode())
    write_atomic(card, (card_text(run, exported, found) + notes).encode())
    (run / "summary.json").write_text(json.dumps(found, indent=1))
    return card
