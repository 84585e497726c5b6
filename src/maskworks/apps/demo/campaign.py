"""The demo's campaign: a producer's folder with everything that a real one has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskworks.apps.demo.backdrops import BACKDROPS, jpeg_of
from maskworks.apps.demo.photos import DemoPhoto
from maskworks.batch.writing import write_file
from maskworks.core.writing import write_text_atomic
from maskworks.studio import output_folder
from maskworks.studio.campaign.campaign_file import CampaignFile
from maskworks.studio.route import Route
from maskworks.studio.run.filing import out_of, photo_of
from maskworks.studio.store import CampaignRow, Filter, Store, deliverables, list_items

CORRUPT = "product/damaged.png"
"""A file that ends after its first kilobyte, as a broken transfer leaves it."""

PHOTOS: dict[str, tuple[str, str, str]] = {
    "lifestyle/astronaut.png": ("astronaut.png", "LOOK-01", "portrait"),
    "lifestyle/chelsea.png": ("chelsea.png", "LOOK-02", "fur"),
    "product/dress.jpg": ("dress.jpg", "DRS-100", "garments"),
    "product/slippers.jpg": ("slippers.jpg", "SHO-200", "shoes"),
    "product/boots.jpg": ("boots.jpg", "SHO-201", "shoes"),
    "product/motorcycle.png": ("motorcycle_left.png", "MOT-400", "vehicles"),
    "product/fur-hat.jpg": ("fur-hat.jpg", "HAT-301", "long-fur"),
    "product/wall.png": ("brick.png", "MOT-401", "vehicles"),
    CORRUPT: ("coffee.png", "CUP-500", "tableware"),
}
"""Path below the campaign's photos: the sample it is made of, its SKU and its tag."""

CAMPAIGN = """\
# The demo's campaign. Change something and run it again: only what changed is made again.
#   maskworks run campaign.toml

[campaign]
name = "spring"
currency = "USD"

[input]
folder = "pictures.csv"
model = {model}

[[concept]]
name = "lifestyle"
match = "photos/lifestyle/**"
backgrounds = [{{file = "bg/marble.jpg", focus = [0.5, 0.8]}}, "bg/dusk.jpg", "#f4f1ec"]

[[concept]]
name = "product"
match = "photos/product/**"
backgrounds = ["bg/linen.jpg", "bg/sand.jpg", "#ffffff"]

[output]
ratio = "4:5"
padding = 0.08
shadow = "soft"
format = "jpg"

[quality]
deliver_at = 0.85
spot_check = 0.05

[exceptions]
file = "exceptions.csv"

[cost]
manual = 22.00
automated = 3.40
baseline = 22.00
"""

EXCEPTIONS = "rule,pattern,reason\ntag,long-fur,long fur is cut by hand\n"


@dataclass(frozen=True, kw_only=True)
class DemoItem:
    """What became of one picture, to be shown: its photo and the files made of it."""

    source: str
    photo: Path
    route: Route
    why: str
    outputs: tuple[Path, ...]


def write_campaign(folder: Path, samples: Sequence[DemoPhoto], *, model: str) -> Path:
    """Write the campaign into a folder, what is there already replaced; return its file.

    Photos that this installation lacks are left out.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    known = {sample.name: sample.content for sample in samples}
    rows = ["file,sku,tags,concept"]
    for place, (name, sku, tag) in PHOTOS.items():
        if name in known:
            content = known[name][:1024] if place == CORRUPT else known[name]
            write_file(folder / "photos" / place, content, may_replace=True)
            rows.append(f"photos/{place},{sku},{tag},")
    for name, draw in BACKDROPS.items():
        write_file(folder / "bg" / name, jpeg_of(draw()), may_replace=True)
    write_text_atomic(folder / "pictures.csv", "\n".join([*rows, ""]))
    write_text_atomic(folder / "exceptions.csv", EXCEPTIONS)
    file = folder / "campaign.toml"
    write_text_atomic(file, CAMPAIGN.format(model=json.dumps(model)))
    return file


def shown_of(file: CampaignFile, store: Store, campaign: CampaignRow) -> list[DemoItem]:
    """Return what became of every picture, in the order of the list."""
    out = out_of(file)
    made: dict[int, list[Path]] = {}
    for one in deliverables(store, campaign, route=None):
        folder = output_folder.FOLDERS.get(one.route)
        if folder is not None:
            made.setdefault(one.item_id, []).append(out / folder / one.output.path)
    return [
        DemoItem(
            source=item.source.removeprefix("photos/"),
            photo=photo_of(file, item.source),
            route=item.route or "failed",
            why=item.error.message if item.error else "; ".join(r.text for r in item.reasons),
            outputs=tuple(made.get(item.id, [])),
        )
        for item in list_items(store, campaign, Filter(states=["done"]))
    ]
