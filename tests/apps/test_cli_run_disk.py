"""`maskworks run` on a disk that is really full, and in folders that really refuse it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from maskworks.apps.cli import main

CAMPAIGN = """\
[campaign]
name = "spring"

[input]
folder = "in"
model = "bright"
refine = "off"

[[concept]]
name = "noise"
backgrounds = ["noise.png"]        # large files, so that a small disk is soon full

[output]
format = "png"

[quality]
deliver_at = 0.0
spot_check = 0.0
"""


@pytest.fixture
def campaign(tmp_path, photos, home):
    """Four good pictures; each makes a file of some 100 kB."""
    noise = np.random.default_rng(7).integers(0, 256, (240, 320, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    for number in range(4):
        photos.write(f"{number}.png", size=(240, 320), level=200 + number)
    (tmp_path / "campaign.toml").write_text(CAMPAIGN)
    return tmp_path


@pytest.fixture
def unprivileged():
    """What makes root obey the rights of files; nothing where we are not root."""
    if os.geteuid():
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root may write everywhere, and there is no setpriv here")
    return ["setpriv", "--bounding-set=-dac_override"]


@pytest.fixture
def small_disk():
    """Return what runs a script where it may mount a disk of its own."""
    for space in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
        if shutil.which("unshare"):
            tried = [*space, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
            if subprocess.run(tried, capture_output=True, check=False).returncode == 0:
                return space
    return pytest.skip("no disk may be mounted here")


@pytest.mark.parametrize(
    ("locked", "message"),
    [
        pytest.param("spring-out", r"spring-out/deliverables.csv: may not be written", id="out"),
        pytest.param(".", "campaign.db: cannot be opened; its folder must exist", id="campaign"),
    ],
)
def test_folder_that_may_not_be_written_is_said_and_the_next_run_goes_on(
    campaign, unprivileged, locked, message
):
    (campaign / "spring-out").mkdir()
    (campaign / locked).chmod(0o555)
    try:
        ended = subprocess.run(
            [*unprivileged, sys.executable, "-m", "maskworks.apps.cli", "run", str(campaign)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        (campaign / locked).chmod(0o755)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert message in ended.stderr
    assert not list((campaign / "spring-out").iterdir())
    assert main(["run", str(campaign)]) == 0
    assert len(list((campaign / "spring-out/deliver").rglob("*.png"))) == 4


@pytest.mark.parametrize(
    ("free_kb", "place"),
    [
        pytest.param(40, "campaign.db: the disk is full; make room, then", id="database"),
        pytest.param(450, ".png: the disk is full; make room or", id="deliverable"),
    ],
)
def test_full_disk_is_said_and_the_next_run_goes_on(
    campaign, tmp_path_factory, small_disk, free_kb, place
):
    disk = tmp_path_factory.mktemp("disk")
    again = f"{sys.executable} -m maskworks.apps.cli run {shlex.quote(str(disk))}"
    script = f"""
        set -e
        mount -t tmpfs -o size=40m tmpfs {shlex.quote(str(disk))}
        cd {shlex.quote(str(disk))}
        cp -r {shlex.quote(str(campaign))}/. .
        used=$(df -k . | awk 'END {{print $3}}')
        mount -o remount,size=$((used + {free_kb}))k .
        {again} >&2 || echo "first $?"
        find . -name '*.tmp'
        mount -o remount,size=40m .
        {again} | tail -n 6
        find spring-out/deliver -name '*.png' -size +20k | wc -l
    """
    ended = subprocess.run(
        [*small_disk, "sh", "-c", script], capture_output=True, text=True, check=False, timeout=240
    )
    said = ended.stdout.splitlines()
    assert said[0] == "first 1", "its own exit code, not that of a crash"
    assert place in ended.stderr
    assert any(line.startswith("4 pictures: 4 deliver, ") for line in said), ended.stderr
    assert said[-1].strip() == "4"
    assert not [line for line in said if line.endswith(".tmp")]
