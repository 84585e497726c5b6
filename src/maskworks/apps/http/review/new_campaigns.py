"""Campaigns made over HTTP: a folder, pictures, and a campaign.toml that only we write."""

from __future__ import annotations

import json
import mmap
import re
import secrets
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.review.campaigns import FILE
from maskworks.core.atomic import write_atomic, write_text_atomic
from maskworks.core.colour import parse_colour
from maskworks.core.errors import UsageError
from maskworks.core.formats import SUFFIXES, open_format, sniff
from maskworks.core.structure import MOST_TAIL_BYTES, StructureError, tail_of
from maskworks.models import load_catalogue
from maskworks.studio.campaign.campaign_file import CampaignFile, read_campaign
from maskworks.studio.output.presets import load_presets
from maskworks.studio.output_folder import make_folder

PHOTOS = "photos"
IMPROVE = "improve"
"""The campaign of what callers of remove.bg's API were not content with."""

_LONGEST_NAME = 40
_LONGEST_FILE_BYTES = 160  # of the 255 that a file system takes
_HEAD_BYTES = 64


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
    stem = re.sub(r"[^\w .-]", "_", PurePosixPath(last).stem).strip(" .")
    stem = stem.encode()[:_LONGEST_FILE_BYTES].decode(errors="ignore").strip(" .")
    suffix = suffix if suffix in SUFFIXES else ".jpg"
    stem = stem or "picture"
    chosen, number = f"{stem}{suffix}", 2
    while chosen.casefold() in taken:
        chosen, number = f"{stem}-{number}{suffix}", number + 1
    taken.add(chosen.casefold())
    return folder / PHOTOS / chosen


def without_tail(data: bytes, name: str = "picture") -> bytes:
    """Return a picture without what a telephone puts behind its end.

    Raises
    ------
    ApiError
        422 if something else lies there: the service keeps pictures, not what hides in them.
    """
    kind = sniff(data[:_HEAD_BYTES])
    behind = 0 if kind is None else _tail(data, kind, name)
    return data[: len(data) - behind]


def measure_pictures(folder: Path, most_pixels: int) -> float:
    """Truncate trailing bytes of every picture of a new campaign; return their megapixels.

    One that cannot be read counts nothing here; its item says what is wrong with it.

    Raises
    ------
    ApiError
        As `without_tail`.
    """
    megapixels = 0.0
    for path in sorted((folder / PHOTOS).iterdir()):
        if not path.stat().st_size:
            continue
        with path.open("r+b") as stream:
            kind = sniff(stream.read(_HEAD_BYTES))
            if kind is None:
                continue
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                behind = _tail(content, kind, path.name)
            if behind:
                stream.truncate(path.stat().st_size - behind)
            stream.seek(0)
            try:
                opened = open_format(kind, stream)
            except Exception:  # noqa: BLE001, S112 - it fails as an item
                continue
            megapixels += min(opened.width * opened.height, most_pixels) / 1e6
    return megapixels


def _tail(content: bytes | mmap.mmap, kind: str, name: str) -> int:
    """Return how much of a file's end is to be cut off."""
    try:
        behind = tail_of(content, kind) or 0
    except StructureError:
        return 0  # it is refused where it is read
    if behind <= MOST_TAIL_BYTES:
        return 0
    end = len(content) - behind
    start = bytes(content[end : end + 12])
    is_gain_map, is_film = start.startswith(b"\xff\xd8\xff"), start[4:8] == b"ftyp"
    if is_gain_map or is_film:
        return behind
    said = f"{name}: {behind:,} bytes lie behind the end of the picture; export it again"
    raise ApiError(422, "tail", said)


def put_into_improve(
    desks_folder: Path, data: bytes, *, name: str, tag: str, model: str
) -> tuple[Path, str]:
    """Add a picture to the campaign `improve`, all of which is reviewed.

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
