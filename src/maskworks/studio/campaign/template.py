"""The campaign.toml that `maskworks init` writes: it fits the folder and explains itself."""

from __future__ import annotations

import json
import os
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskworks.core.formats import SUFFIXES
from maskworks.core.public import public
from maskworks.studio.output.presets import load_presets

_BACKGROUNDS = re.compile(r"bg|bgs|back(ground|drop)s?", re.IGNORECASE)
_MOST_BACKGROUNDS = 12


@dataclass(frozen=True, kw_only=True)
class FolderContents:
    """What lies in the folder of a new campaign; paths relative to it, with ``/``.

    `pictures` are how many lie in the input; `groups` are the folders right below it that hold
    some; `backgrounds` are pictures in a folder called bg, backgrounds or backdrops.
    """

    input: str
    pictures: int
    groups: tuple[str, ...] = ()
    backgrounds: tuple[str, ...] = ()
    exceptions: str | None = None


@public
def scan_folder(folder: Path) -> FolderContents:
    """Find out what a campaign in this folder would be about.

    The input is a CSV file whose first line has a column `file`, if there is just one; else
    the one folder with pictures below it, if all are in one; else the folder itself; and
    ``photos`` if there is none at all.

    Examples
    --------
    >>> scan_folder(Path("spring")).source  # doctest: +SKIP
    'photos'
    """
    pictures = [path for path in _pictures(folder) if not _is_background(path)]
    backgrounds = [path for path in _pictures(folder) if _is_background(path)]
    lists = [path.name for path in sorted(folder.glob("*.csv")) if _lists_files(path)]
    tops = {path.split("/")[0] if "/" in path else "." for path in pictures}
    source = lists[0] if len(lists) == 1 else tops.pop() if len(tops) == 1 else "."
    if not pictures and not lists:
        source = "photos"
    below = f"{source}/" if source != "." else ""
    inside = [p.removeprefix(below) for p in pictures if p.startswith(below)]
    return FolderContents(
        input=source,
        pictures=len(inside),
        groups=tuple(sorted({path.split("/")[0] for path in inside if "/" in path})),
        backgrounds=tuple(backgrounds[:_MOST_BACKGROUNDS]),
        exceptions="exceptions.csv" if (folder / "exceptions.csv").is_file() else None,
    )


def preset_for(around: FolderContents) -> str:
    """Return a preset that allows the backgrounds that were found."""
    return "shopify" if around.backgrounds else "amazon-main"


@public
def campaign_text(
    name: str, around: FolderContents, *, preset: str, advised_side: int | None = None
) -> str:
    """Return a campaign.toml with comments.

    Parameters
    ----------
    name : of the campaign; what no name may hold is replaced by dashes
    preset : one of `presets.load_presets`
    advised_side : pixels, in place of the preset's, which a background cannot cover

    Examples
    --------
    >>> around = FolderContents(input="photos", pictures=3)
    >>> campaign_text("spring", around, preset="ebay").splitlines()[0]
    '# A campaign of Maskworks. Paths are relative to this file.'
    """
    rules = around.exceptions
    return f"""\
# A campaign of Maskworks. Paths are relative to this file.
#   maskworks run --check campaign.toml   says what would happen, picture by picture
#   maskworks run campaign.toml           does it; running it again does only what is new

[campaign]
name = {_quoted(_name(name))}
currency = "USD"                # ISO 4217

[input]
folder = {_quoted(around.input)}
#   A folder with everything below it, or a CSV file with the columns
#   file, sku, tags, concept (all but file may be empty; tags are separated by ;).
model = "cutout"                # `maskworks models list` shows the others
# refine = "auto"               # edges: auto, fast, fine (slower, for a trimap or hair), off

{_concepts(around)}
[output]
preset = {_quoted(preset)}
{_side(advised_side)}#   One of {_presets()}.
#   Single rules replace those of the preset:
# shadow = "soft"               # none, soft or contact
# align = "bottom"              # centre, bottom or optical
# padding = 0.05                # share of the frame's shorter side
# size = "2000x2000"
# max_bytes = 5_000_000

[quality]
deliver_at = 0.85               # a score below this goes to a person
spot_check = 0.05               # share of the delivered that a person sees all the same
# score_file = "scores.toml"    # what `maskworks calibrate` made of your decisions

{"" if rules else "# "}[exceptions]
{"" if rules else "# "}file = {_quoted(rules or "exceptions.csv")}
#   Pictures that go straight to a retoucher, as CSV:
#     rule,pattern,reason
#     tag,clear packaging,see-through is cut by hand
#     sku,GLS-*,glass
#     glob,swatches/**,no product in the picture

[cost]                          # of one picture
manual = 22.00                  # made by a retoucher
automated = 3.40                # made by this line
baseline = 22.00                # without this line
# review = 0.60                 # a person's look, on top
# flagged = 22.00               # counted while one waits for a decision; by default as manual
"""


def _side(advised_side: int | None) -> str:
    if advised_side is None:
        return ""
    return f"advised_side = {advised_side:<16} # what the smallest background covers\n"


def _presets() -> str:
    """Return the names of the presets, broken into lines of a comment."""
    names = ", ".join(preset.name for preset in load_presets())
    return "\n#   ".join(textwrap.wrap(names, 80, break_on_hyphens=False))


def _concepts(around: FolderContents) -> str:
    if not around.backgrounds:
        first = around.groups[0] if around.groups else "lifestyle"
        return f"""\
# Pictures that share a look, with the backgrounds approved for it: a colour or a picture
# each, and each makes one file of every picture. Without match a concept takes all the
# pictures that no other one matches.
# [[concept]]
# name = "marble"
# match = {_quoted(f"{first}/**")}
# backgrounds = ["bg/marble-a.jpg", "bg/marble-b.jpg", "#f4f1ec"]
"""
    listed = "".join(f"    {_quoted(path)},\n" for path in around.backgrounds)
    return f"""\
# Pictures that share a look, with the backgrounds approved for it: a colour such as "#f4f1ec"
# or a picture each, and each makes one file of every picture. What must stay in the frame of a
# picture is said so, across and down: {{file = "bg/wall.jpg", focus = [0.3, 0.5]}}.
[[concept]]
name = "all"
# match = "lifestyle/**"        # without match: all the pictures that no other concept matches
backgrounds = [
{listed}]
"""


def _pictures(folder: Path) -> Sequence[str]:
    found: list[str] = []
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(here, name).relative_to(folder).as_posix()
            for name in sorted(files)
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
        ]
    return found


def _is_background(path: str) -> bool:
    return any(_BACKGROUNDS.fullmatch(part) for part in path.split("/")[:-1])


def _lists_files(path: Path) -> bool:
    """Whether the first line of a CSV file names a column `file`."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            first = stream.readline(4096)
    except (OSError, UnicodeDecodeError):
        return False
    return "file" in re.split(r"[,;\t]", first.strip().lower())


def _name(text: str) -> str:
    """Return a campaign's name made from that of a folder.

    Examples
    --------
    >>> _name("Spring & Summer (final)")
    'Spring-Summer-final'
    """
    return re.sub(r"[\W_]*[^\w .-][\W_]*", "-", text).strip(" .-_")[:64] or "campaign"


def _quoted(text: str) -> str:
    """Return a text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
