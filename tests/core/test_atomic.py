from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from maskworks.core import atomic
from maskworks.core.atomic import write_atomic, write_text_atomic
from maskworks.core.errors import OutputError

MEBIBYTE = 1 << 20

FOREVER = """
import sys
from pathlib import Path
from maskworks.core.atomic import write_atomic
path = Path(sys.argv[1])
print("ready", flush=True)
while True:
    for letter in (b"a", b"b"):
        write_atomic(path, letter * (32 << 20))
"""

LIMITED = """
import resource, sys
from pathlib import Path
from maskworks.core.atomic import write_atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    write_atomic(Path(sys.argv[1]), bytes(4 << 20))
except Exception as error:
    print(type(error).__name__, error)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_write_atomic_writes_and_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a.png"
    for data in (b"first", b"", b"second"):
        write_atomic(path, data)
        assert path.read_bytes() == data
    assert names(tmp_path) == ["a.png"]


def test_write_atomic_gives_the_rights_that_an_ordinary_file_has(tmp_path):
    write_atomic(tmp_path / "a", b"x")
    (tmp_path / "b").write_bytes(b"x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_write_text_atomic_writes_utf_8_and_keeps_line_ends(tmp_path):
    write_text_atomic(tmp_path / "a.txt", "Grün\r\n")
    assert (tmp_path / "a.txt").read_bytes() == b"Gr\xc3\xbcn\r\n"


def test_write_atomic_never_shows_half_a_file_after_kill_9(tmp_path):
    path = tmp_path / "a.bin"
    halves = 0
    for delay in (0.0, 0.02, 0.05, 0.09, 0.14):
        process = subprocess.Popen(
            [sys.executable, "-c", FOREVER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "ready\n"
        while not any(name.startswith(".maskworks-") for name in names(tmp_path)):
            time.sleep(0.001)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if path.exists():
            content = path.read_bytes()
            assert len(content) == 32 * MEBIBYTE
            assert content.count(content[:1]) == len(content)
        for name in names(tmp_path):
            if name != "a.bin":
                halves += (tmp_path / name).stat().st_size < 32 * MEBIBYTE
                (tmp_path / name).unlink()
    assert halves  # else the kills came at harmless moments and nothing was shown


def test_write_atomic_says_that_a_file_is_larger_than_allowed(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "a.bin")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "OutputError" in done.stdout
    assert "is larger than this system allows a file to be; raise `ulimit -f`" in done.stdout
    assert names(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    """A disk of 1 MiB; where it may not be mounted, a `write` that fails like a full one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:

        def fill(path, data):
            path.write_bytes(data[:MEBIBYTE])
            if len(data) > MEBIBYTE:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(atomic, "_write_to_disk", fill)
    yield disk
    if mounted:
        subprocess.run(["umount", str(disk)], check=True)


def test_write_atomic_says_that_the_disk_is_full_and_leaves_the_old_file(small_disk):
    path = small_disk / "a.png"
    write_atomic(path, b"old")
    with pytest.raises(OutputError, match=r"a\.png: the disk is full; make room"):
        write_atomic(path, bytes(4 * MEBIBYTE))
    assert path.read_bytes() == b"old"
    assert names(small_disk) == ["a.png"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param(
            "missing/a.png", "its folder does not exist; create .*missing", id="no-folder"
        ),
        pytest.param("n" * 300 + ".png", "the name is too long; shorten it", id="long-name"),
        pytest.param("folder", "is a folder; choose another name", id="folder"),
        pytest.param("file/a.png", "its parent is a file, not a folder", id="under-a-file"),
        pytest.param("a\0b", "cannot be written .*null", id="nul"),
    ],
)
def test_write_atomic_says_why_it_cannot_write(tmp_path, name, message):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(OutputError, match=message):
        write_atomic(tmp_path / name, b"x")
    assert names(tmp_path) == ["file", "folder"]


def test_write_atomic_says_that_a_folder_may_not_be_written_to(locked_folder, unprivileged):
    with pytest.raises(OutputError, match=r"permission denied.*; choose a folder that you may"):
        write_atomic(locked_folder / "a.png", b"x")


def test_write_atomic_removes_its_file_when_it_is_interrupted(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        write_atomic(tmp_path / "a.png", b"x")
    assert names(tmp_path) == []
