"""docs/security.md: every bound has the default that the code has, and a test that tries it."""

from __future__ import annotations

import re

import pytest

from maskworks.apps.http import bodies, room, service, serving
from maskworks.apps.http.app import STOP_S
from maskworks.apps.http.connections import _FEW_LINES, ANSWER_S, LEAST_CHUNK
from maskworks.apps.http.long_text import MOST_TEXT
from maskworks.apps.http.serving import LATEST_S, config_of
from maskworks.apps.http.sessions import HOURS
from maskworks.apps.http.settings import Bounds, Fetching, ServerSettings
from maskworks.apps.http.work_queue import Places
from maskworks.core import decoder, structure, toml_text
from maskworks.core.png_chunks import _MOST as MOST_INFLATED
from maskworks.core.reading import Limits
from maskworks.labels.reading import apart as readers
from maskworks.scene import apart as clips
from maskworks.scene.text import subtitles
from maskworks.studio.report import thumbnails
from maskworks.studio.store.jobs import SILENT_S
from maskworks.studio.store.reviewing import LEASE_S

BOUNDS = Bounds()
IDLE_S = config_of(object(), ServerSettings()).timeout_keep_alive
HOUR = 3600


def said(number: float, unit: int = 1) -> str:
    return f"{number / unit:,.10g}" if number >= 1000 * unit else f"{number / unit:g}"


def of_key(room: int) -> int:
    return Places(room).share


MB, GB, KB = 1 << 20, 1 << 30, 1 << 10

DEFAULTS = {
    "connections at once": said(BOUNDS.connections),
    "head of a request": f"{BOUNDS.header_seconds:g} s",
    "next piece of an answer": f"{ANSWER_S:g} s",
    "idle connection": f"{IDLE_S} s",
    "requests in the house": said(BOUNDS.places),
    "of these, for one key": "three quarters" if of_key(32) == 24 else "?",
    "uploads of campaigns": f"{BOUNDS.uploads}; {of_key(BOUNDS.uploads)}",
    "followers of events": f"{BOUNDS.streams}; {of_key(BOUNDS.streams)}",
    "time of a request": f"{BOUNDS.seconds:g} s",
    "body of a picture's": f"{said(BOUNDS.upload_bytes, MB)} MB",
    "body of a login": f"{said(bodies.SMALL_BYTES, KB)} kB",
    "speed of a body": f"{said(BOUNDS.bytes_per_second)} bytes/s",
    "files, fields": f"{bodies._FORM_FILES}, {bodies.MOST_FIELDS}",
    "pictures, bytes, time": f"{said(BOUNDS.campaign_pictures)}, "
    f"{said(BOUNDS.campaign_bytes, GB)} GB, {said(BOUNDS.campaign_seconds, HOUR)} h",
    "files, bytes, time": f"{BOUNDS.clips}, {said(BOUNDS.campaign_bytes, GB)} GB, "
    f"{said(BOUNDS.campaign_seconds, HOUR)} h",
    "time of a clip": f"{said(BOUNDS.clip_seconds, HOUR)} h",
    "memory of the process": f"{said(clips._BESIDE_BYTES, GB)} GB and {clips._BYTES_A_PIXEL} "
    "bytes for each pixel of a frame that is allowed",
    "subtitles, policy": f"{said(subtitles._MOST_BYTES, 10**6)} MB, "
    f"{said(toml_text.MOST_CHARACTERS, MB)} MB",
    "body in chunks": said(LEAST_CHUNK),
    "JSON body": f"{said(bodies.MOST_MARKS)}; {bodies.MOST_DEPTH}; "
    f"{said(bodies.MOST_JSON_BYTES, MB)} MB",
    "any text": f"{said(MOST_TEXT, KB)} kB",
    "pixels of a picture": f"{said(BOUNDS.pixels, 10**6)} million",
    "scans of a JPEG": said(structure.MOST_SCANS),
    "markers, chunks": said(structure.MOST_PARTS),
    "profiles and texts": said(structure.MOST_COMPRESSED),
    "metadata of a picture": f"{said(structure.MOST_METADATA_BYTES, MB)} MB",
    "behind the end": f"{said(structure.MOST_TAIL_BYTES)} bytes; a telephone's gain map or film is "
    "cut off",
    "time of a campaign's picture": f"{BOUNDS.picture_seconds:g} s; {Limits().seconds:g} s",
    "time of reading what a report's": f"{thumbnails._SECONDS:g} s",
    "memory of a decoder": f"{said(decoder._BYTES_BESIDE, GB)} GB and {decoder._BYTES_A_PIXEL} "
    f"bytes for each pixel that is allowed; {readers._BYTES_A_BYTE} bytes for each of its file",
    "megapixels a minute": f"{BOUNDS.megapixels_per_minute:g}, none",
    "data folder": f"{said(BOUNDS.data_bytes, GB)} GB; {said(room._LEFT_FREE_BYTES, MB)} MB",
    "addresses fetched": f"{service._FETCH_THREADS}, {service._FETCHES_WAITING}; "
    f"{Fetching().seconds:g} s",
    "lease of an open": f"{LEASE_S:g} s; {HOURS} h",
    "silence of a job": f"{SILENT_S:g} s",
    "stopping": f"{STOP_S:g} s for what is in hand, the process is gone after {LATEST_S:g} s",
    "campaign, preset": f"{said(toml_text.MOST_CHARACTERS, MB)} MB, {toml_text.MOST_KEY_PARTS} "
    "parts of a key",
}
"""By the beginning of each row's name."""

LABELS = {
    "speed of a body": f"after a pause of {BOUNDS.pause_seconds:g} s",
    "body in chunks": f"beyond the first {_FEW_LINES // 2}",
    "profiles and texts": f"{said(MOST_INFLATED, MB)} MB each",
}
"""Numbers in the names of rows."""


@pytest.fixture(scope="module")
def rows(root):
    text = (root / "docs/security.md").read_text()
    table = text[text.index("| of what |") :].partition("\n\n")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]
    ]


def test_every_bound_has_the_default_of_the_code(rows):
    found = {}
    for label, default, *_ in rows:
        (begins,) = [each for each in DEFAULTS if label.startswith(each)]
        found[begins] = default
        assert LABELS.get(begins, "") in label
    assert found == DEFAULTS


def test_every_bound_has_a_test_that_tries_it(rows, root):
    there = "\n".join(path.read_text() for path in (root / "tests").rglob("test_*.py"))
    for label, *_, tests in rows:
        names = re.findall(r"`(\w+)`", tests)
        assert names, label
        for name in names:
            assert f"def {name}(" in there, (label, name)


def test_every_command_of_the_page_names_files_that_exist(root):
    text = (root / "docs/security.md").read_text()
    files = re.findall(r"tests/[\w/]+(?:\.py)?", text)
    assert len(files) > 15
    assert [each for each in files if not (root / each).exists()] == []


def test_stop_is_later_than_the_work_it_waits_for():
    assert serving.LATEST_S > STOP_S
