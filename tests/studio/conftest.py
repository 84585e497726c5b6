"""Campaign folders for the tests of the studio."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

CAMPAIGN = """\
[campaign]
name = "spring-skincare"
currency = "USD"

[input]
folder = "photos"
model = "cutout"

[[concept]]
name = "marble"
match = "lifestyle/**"
backgrounds = ["bg/marble-a.png", "bg/marble-b.png", "#f4f1ec"]

[output]
preset = "shopify"
shadow = "soft"

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

EXCEPTIONS = "rule,pattern,reason\ntag,clear packaging,see-through is cut by hand\n"


@dataclass(frozen=True)
class Folder:
    """A campaign's folder and its file."""

    path: Path

    @property
    def file(self) -> Path:
        return self.path / "campaign.toml"

    def picture(self, *names: str) -> Path:
        """Write tiny pictures; return the last one's path."""
        path = self.path
        for name in names:
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shade = sum(map(ord, name)) % 256  # no two backgrounds alike
            Image.new("RGB", (4, 3), (shade, len(name), 0)).save(path)
        return path

    def write(self, text: str, name: str = "campaign.toml") -> Path:
        """Write a text file below the folder."""
        (self.path / name).write_text(text, encoding="utf-8")
        return self.path / name

    def change(self, old: str, new: str) -> Path:
        """Replace a part of the campaign file that must be there."""
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        return self.write(text.replace(old, new))


@pytest.fixture
def campaign_folder(tmp_path) -> Folder:
    """The campaign of the manual: one concept, three backgrounds, two pictures, a rule."""
    folder = Folder(tmp_path / "spring")
    folder.picture("bg/marble-a.png", "bg/marble-b.png")
    folder.picture("photos/lifestyle/a.jpg", "photos/lifestyle/day 2/b.jpg")
    folder.write(EXCEPTIONS, "exceptions.csv")
    folder.write(CAMPAIGN)
    return folder
