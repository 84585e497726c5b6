"""Campaigns made over HTTP: a folder, pictures, and a campaign.toml that only we write."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from maskworks.apps.http.review.campaigns import FILE
from maskworks.core.atomic import write_atomic, write_text_atomic
from maskworks.core.colour import parse_colour
from maskworks.core.errors import UsageError
from maskworks.core.formats import SUFFIXES
from maskworks.models import load_catalogue
from maskworks.studio.campaign.campaign_file import CampaignFile, read_campaign
from maskworks.studio.output.presets import load_presets
from maskworks.studio.output_folder import make_folder

PHOTOS = "photos"
IMPROVE = "improve"
"""The campaign of what callers of remove.bg's API were not content with."""

_LONGEST_NAME = 40
_LONGEST_FILE = 80


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a caller wants of a campaign; texts are as they came."""

    name: str = "campaign"
    model: str = "cutout"
    preset: str = ""
    background: str = ""
    currency: str = "USD"
    deliver_at: float = 0.85
    spot_check: float = 0.05


def campaign_toml(name: str, order: Order) -> str:
    """Return the campaign.toml of an order.

    Raises
    ------
    UsageError
        If model, preset or background are none. A preset is one of ours, never a file's path.

    Examples
    --------
    >>> print(campaign_toml("spring-1", Order(background="white")).splitlines()[1])
    name = "spring-1"
    """
    presets = [preset.name for preset in load_presets()]
    if order.preset and order.preset not in presets:
        raise UsageError(f"no preset is named {order.preset!r}; there are {', '.join(presets)}")
    load_catalogue().find(order.model)
    lines = [
        "[campaign]",
        f"name = {json.dumps(name)}",
        f"currency = {json.dumps(order.currency)}",
        "[input]",
        f'folder = "{PHOTOS}"',
        f"model = {json.dumps(order.model)}",
        "[quality]",
        f"deliver_at = {order.deliver_at!r}",
        f"spot_check = {order.spot_check!r}",
    ]
    if order.background:
        colour = "#{:02x}{:02x}{:02x}".format(*parse_colour(order.background))
        lines += ["[[concept]]", 'name = "default"', f'backgrounds = ["{colour}"]']
    if order.preset:
        lines += ["[output]", f'preset = "{order.preset}"']
    return "\n".join([*lines, ""])


def incoming_folder(desks_folder: Path) -> Path:
    """Make a folder for pictures whose campaign has no name yet; return it."""
    folder = desks_folder / f".incoming-{secrets.token_hex(8)}"
    make_folder(folder / PHOTOS)
    return folder


def named_folder(folder: Path, order: Order) -> Path:
    """Give the folder of a new campaign a name of its own; return it."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", order.name).strip("-")[:_LONGEST_NAME] or "campaign"
    return folder.rename(folder.parent / f"{stem.lower()}-{secrets.token_hex(4)}")


def found(folder: Path, order: Order) -> CampaignFile:
    """Write the campaign file of a folder and read it back, with everything checked.

    Raises
    ------
    UsageError
        If the order asks for something there is not.
    """
    write_text_atomic(folder / FILE, campaign_toml(folder.name, order))
    return read_campaign(folder / FILE)


def photo_path(folder: Path, name: str, taken: set[str]) -> Path:
    """Return where a picture called `name` by its sender is put: inside, and not on another.

    Examples
    --------
    >>> photo_path(Path("c"), "../../etc/Shoe 1.JPG", set()).as_posix()
    'c/photos/Shoe 1.jpg'
    >>> photo_path(Path("c"), "a.jpg", {"a.jpg"}).as_posix()
    'c/photos/a-2.jpg'
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    suffix = PurePosixPath(last).suffix.lower()
    stem = re.sub(r"[^\w .-]", "_", PurePosixPath(last).stem).strip(" .")[:_LONGEST_FILE]
    suffix = suffix if suffix in SUFFIXES else ".jpg"
    stem = stem or "picture"
    chosen, number = f"{stem}{suffix}", 2
    while chosen.casefold() in taken:
        chosen, number = f"{stem}-{number}{suffix}", number + 1
    taken.add(chosen.casefold())
    return folder / PHOTOS / chosen


def put_into_improve(
    desks_folder: Path, data: bytes, *, name: str, tag: str, model: str
) -> tuple[Path, str]:
    """Add a picture to the campaign `improve`, all of which a person looks at.

    Returns
    -------
    campaign file, number of the picture
    """
    folder = desks_folder / IMPROVE
    make_folder(folder / PHOTOS)
    if not (folder / FILE).exists():
        order = Order(name=IMPROVE, model=model, deliver_at=1.0, spot_check=1.0)
        write_text_atomic(folder / FILE, campaign_toml(IMPROVE, order))
    number = secrets.token_hex(8)
    group = re.sub(r"[^\w-]+", "-", tag).strip("-")[:_LONGEST_NAME]
    home = folder / PHOTOS / group if group else folder / PHOTOS
    make_folder(home)
    called = photo_path(folder, name, set()).name
    write_atomic(home / f"{number}-{called}", data)
    return folder / FILE, number
