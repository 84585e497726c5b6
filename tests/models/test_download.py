from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from maskworks.core.errors import DownloadError, OutputError
from maskworks.models.download import RetryPolicy, download, part_files

BODY = bytes(range(256)) * 4096  # 1 MiB
QUICK = RetryPolicy(tries=2, pause_s=0.001, timeout_s=5)
ONCE = RetryPolicy(tries=1, connections=1, pause_s=0.001, timeout_s=5)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "tiny.onnx"


def test_download_brings_the_file_and_reports_progress(server, target):
    server.files["tiny.onnx"] = BODY
    seen = []
    part = download(
        f"{server.url}/tiny.onnx", target, progress=lambda here, total: seen.append((here, total))
    )
    assert part.read_bytes() == BODY
    assert not target.exists()
    assert seen[-1] == (len(BODY), len(BODY))
    assert seen == sorted(seen)


def test_download_goes_on_where_the_connection_broke(server, target):
    server.files["tiny.onnx"] = BODY
    server.break_after = [300_000, 200_000]
    part = download(f"{server.url}/tiny.onnx", target, policy=QUICK)
    assert part.read_bytes() == BODY
    assert server.asked == [
        ("/tiny.onnx", None, None),
        ("/tiny.onnx", "bytes=300000-", '"one"'),
        ("/tiny.onnx", "bytes=500000-", '"one"'),
    ]


def test_download_goes_on_after_an_earlier_run_gave_up(server, target):
    server.files["tiny.onnx"] = BODY
    server.break_after = [300_000]
    with pytest.raises(DownloadError, match=r"connection broke.*300,000 bytes are here.*go on"):
        download(f"{server.url}/tiny.onnx", target, policy=ONCE)
    part = download(f"{server.url}/tiny.onnx", target, policy=ONCE)
    assert part.read_bytes() == BODY
    assert server.asked[-1][1] == "bytes=300000-"


def test_download_starts_again_when_the_file_changed_on_the_server(server, target):
    server.files["tiny.onnx"] = BODY
    server.break_after = [300_000]
    with pytest.raises(DownloadError):
        download(f"{server.url}/tiny.onnx", target, policy=ONCE)
    server.files["tiny.onnx"], server.etag = BODY[::-1], '"two"'
    assert download(f"{server.url}/tiny.onnx", target, policy=ONCE).read_bytes() == BODY[::-1]


def test_download_starts_again_when_the_server_ignores_ranges(server, target):
    server.files["tiny.onnx"] = BODY
    server.ranges = False
    server.break_after = [300_000]
    part = download(f"{server.url}/tiny.onnx", target, policy=QUICK)
    assert part.read_bytes() == BODY
    assert server.asked[1][1] == "bytes=300000-"


def test_download_does_without_etag_and_length(server, target):
    server.files["tiny.onnx"] = BODY
    server.etag, server.length = None, False
    assert download(f"{server.url}/tiny.onnx", target, policy=ONCE).read_bytes() == BODY


def test_download_notices_a_break_without_length_by_the_known_size(server, target):
    server.files["tiny.onnx"] = BODY
    server.length, server.break_after = False, [300_000]
    part = download(f"{server.url}/tiny.onnx", target, size=len(BODY), policy=QUICK)
    assert part.read_bytes() == BODY


def test_download_takes_a_part_that_was_complete_already(server, target):
    server.files["tiny.onnx"] = BODY
    part, _ = part_files(target)
    part.write_bytes(BODY)
    assert download(f"{server.url}/tiny.onnx", target, policy=ONCE) == part
    assert part.read_bytes() == BODY


def test_download_throws_a_part_away_that_is_too_long(server, target):
    server.files["tiny.onnx"] = BODY
    part_files(target)[0].write_bytes(BODY + b"more")
    part = download(f"{server.url}/tiny.onnx", target, policy=QUICK)
    assert part.read_bytes() == BODY


def test_download_tries_again_when_the_server_is_busy(server, target):
    server.files["tiny.onnx"] = BODY
    server.statuses = [503, 429]
    policy = RetryPolicy(tries=3, pause_s=0.001)
    assert download(f"{server.url}/tiny.onnx", target, policy=policy).read_bytes() == BODY


def test_download_gives_up_at_once_when_there_is_no_such_file(server, target):
    with pytest.raises(DownloadError, match=r"answered 404 .*check the address"):
        download(f"{server.url}/tiny.onnx", target, policy=QUICK)
    assert len(server.asked) == 1


def test_download_refuses_a_file_of_another_size_before_taking_it(server, target):
    server.files["tiny.onnx"] = b"<html>Please log in</html>"
    with pytest.raises(DownloadError, match=r"has 26 bytes, the catalogue says 1,048,576"):
        download(f"{server.url}/tiny.onnx", target, size=len(BODY), policy=QUICK)


def test_download_gives_up_when_nobody_listens(target):
    with pytest.raises(DownloadError, match="no connection"):
        download("http://127.0.0.1:9/tiny.onnx", target, policy=QUICK)


@pytest.mark.parametrize("url", ["ftp://host/x.onnx", "file:///etc/passwd", "x.onnx"])
def test_download_refuses_other_schemes(url, target):
    with pytest.raises(DownloadError, match="only http and https"):
        download(url, target)


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_download_follows_no_redirect_to_another_scheme(server, target, place):
    server.redirect = place
    with pytest.raises(DownloadError):
        download(f"{server.url}/tiny.onnx", target, policy=ONCE)
    assert not part_files(target)[0].exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_download_says_the_disk_is_full_and_goes_on_later(server, target):
    server.files["tiny.onnx"] = BODY
    script = f"""
        import resource
        from pathlib import Path
        from maskworks.core.errors import OutputError
        from maskworks.models.download import download
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        try:
            download({server.url + "/tiny.onnx"!r}, Path({str(target)!r}))
        except OutputError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert "the disk is full" in done.stdout
    assert "MASKWORKS_HOME" in done.stdout
    assert part_files(target)[0].stat().st_size == 300_000
    assert download(f"{server.url}/tiny.onnx", target, policy=ONCE).read_bytes() == BODY
    assert server.asked[-1][1] == "bytes=300000-"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 512 KiB, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_download_says_a_real_small_disk_is_full(server, small_disk):
    server.files["tiny.onnx"] = BODY
    target = small_disk / "tiny.onnx"
    with pytest.raises(OutputError, match=r"disk is full \(No space left"):
        download(f"{server.url}/tiny.onnx", target, policy=ONCE)
    assert not target.exists()
