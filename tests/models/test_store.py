from __future__ import annotations

import hashlib
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import pytest

from maskworks.core.errors import ChecksumError, DownloadError, ModelError, OutputError
from maskworks.models import store
from maskworks.models.download import RetryPolicy
from maskworks.models.store import home, locate, models_folder, pull, ready, verify

BODY = bytes(range(256)) * 2048
QUICK = RetryPolicy(tries=2, pause_s=0.001, timeout_s=5)


@pytest.fixture
def remote(server, row):
    """A row whose file the server has under its release name."""
    server.files["tiny-epoch_7.onnx"] = BODY
    return row(BODY, url=f"{server.url}/tiny-epoch_7.onnx", bytes=len(BODY))


def names():
    return sorted(path.name for path in models_folder().iterdir())


def test_home_is_what_the_environment_says(cache):
    assert home() == cache


def test_home_is_the_users_cache_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("MASKWORKS_HOME")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert home() == tmp_path / "x" / "maskworks"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert home() == tmp_path / "person" / ".cache" / "maskworks"


def test_pull_lands_the_file_under_the_models_name_and_leaves_nothing_else(remote):
    path = pull(remote)
    assert path == models_folder() / "tiny.onnx"
    assert path.read_bytes() == BODY
    assert names() == [".tiny.onnx.lock", "tiny.onnx"]
    assert locate(remote) == ready(remote) == path


def test_pull_asks_for_nothing_when_the_file_is_here(remote, server):
    pull(remote)
    pull(remote)
    assert len(server.asked) == 1


def test_pull_replaces_a_file_that_is_damaged(remote):
    path = pull(remote)
    path.write_bytes(b"damaged")
    assert pull(remote).read_bytes() == BODY


def test_pull_force_fetches_anew(remote, server):
    pull(remote)
    pull(remote, force=True)
    assert len(server.asked) == 2


def test_pull_deletes_what_has_the_wrong_checksum(remote, server):
    server.files["tiny-epoch_7.onnx"] = b"x" * len(BODY)
    with pytest.raises(ChecksumError, match=r"tiny.onnx: the checksum is .*pull --force"):
        pull(remote)
    assert names() == [".tiny.onnx.lock"]
    assert locate(remote) is None


def test_pull_checks_md5_too_when_both_are_known(remote, row, server):
    both = row(BODY, url=remote.url, md5=hashlib.md5(b"other").hexdigest())
    with pytest.raises(ChecksumError):
        pull(both)
    alone = row(url=remote.url, sha256=None, md5=hashlib.md5(BODY).hexdigest())
    assert pull(alone).read_bytes() == BODY


def test_pull_keeps_what_came_of_a_broken_download_and_goes_on(remote, server):
    server.break_after = [100_000]
    with pytest.raises(DownloadError):
        pull(remote, policy=RetryPolicy(tries=1, connections=1))
    assert locate(remote) is None
    assert (models_folder() / "tiny.onnx.part").stat().st_size == 100_000
    assert pull(remote, policy=QUICK).read_bytes() == BODY
    assert server.asked[-1][1] == "bytes=100000-"


def test_pull_starts_again_when_the_old_part_was_of_another_file(remote, server):
    server.etag = None
    models_folder().mkdir(parents=True)
    (models_folder() / "tiny.onnx.part").write_bytes(b"other" * 1000)
    assert pull(remote).read_bytes() == BODY
    assert [asked[1] for asked in server.asked] == ["bytes=5000-", None]


def test_pull_says_when_there_is_no_such_file(row, server):
    spec = row(BODY, url=f"{server.url}/gone.onnx")
    with pytest.raises(DownloadError, match="404"):
        pull(spec)
    assert locate(spec) is None


def test_pull_takes_a_mirror_by_url_and_by_setting(row, server, monkeypatch):
    spec = row(BODY, url="http://127.0.0.1:9/v0/tiny-epoch_7.onnx")
    server.files["mirror/tiny-epoch_7.onnx"] = BODY
    assert pull(spec, mirror=f"{server.url}/mirror/").read_bytes() == BODY
    monkeypatch.setenv("MASKWORKS_MIRROR", f"{server.url}/mirror")
    pull(spec, force=True)
    assert [asked[0] for asked in server.asked] == ["/mirror/tiny-epoch_7.onnx"] * 2


@pytest.mark.parametrize("name", ["tiny-epoch_7.onnx", "tiny.onnx"])
def test_pull_takes_a_local_folder_as_mirror_also_offline(remote, tmp_path, monkeypatch, name):
    monkeypatch.setenv("MASKWORKS_OFFLINE", "1")
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb" / name).write_bytes(BODY)
    seen = []
    path = pull(
        remote,
        mirror=str(tmp_path / "usb"),
        progress=lambda here, total: seen.append((here, total)),
    )
    assert path.read_bytes() == BODY
    assert seen == [(len(BODY), len(BODY))]


def test_pull_checks_what_a_local_folder_holds(remote, tmp_path):
    (tmp_path / "tiny.onnx").write_bytes(b"other")
    with pytest.raises(ChecksumError):
        pull(remote, mirror=str(tmp_path))
    with pytest.raises(DownloadError, match="there is no such file"):
        pull(remote, mirror=str(tmp_path / "nowhere"))
    assert locate(remote) is None


def test_pull_takes_no_other_mirror_than_the_one_named(remote, server):
    with pytest.raises(DownloadError):
        pull(remote, mirror=f"{server.url}/elsewhere", policy=QUICK)
    assert [asked[0] for asked in server.asked] == ["/elsewhere/tiny-epoch_7.onnx"]


@pytest.mark.parametrize("mirror", ["ftp://host/models", "file:///srv/models"])
def test_pull_refuses_a_mirror_of_another_scheme(remote, mirror):
    with pytest.raises(DownloadError, match="only http and https"):
        pull(remote, mirror=mirror)


def test_pull_offline_says_the_ways_out(remote, server, monkeypatch):
    monkeypatch.setenv("MASKWORKS_OFFLINE", "yes")
    with pytest.raises(DownloadError, match=r"MASKWORKS_OFFLINE forbids.*--mirror.*tiny\.onnx"):
        pull(remote)
    assert server.asked == []


def test_pull_needs_no_connection_when_the_file_is_here(remote, monkeypatch):
    pull(remote)
    monkeypatch.setenv("MASKWORKS_OFFLINE", "1")
    assert pull(remote) == ready(remote)


def test_rembgs_folder_is_found_and_its_file_checked(remote, server, tmp_path, monkeypatch):
    monkeypatch.setenv("U2NET_HOME", str(tmp_path / "u2net"))
    theirs = tmp_path / "u2net" / "tiny.onnx"
    theirs.parent.mkdir()
    theirs.write_bytes(BODY)
    assert locate(remote) == ready(remote) == pull(remote) == theirs
    assert server.asked == []
    theirs.write_bytes(b"x" * len(BODY))
    with pytest.raises(ChecksumError):
        ready(remote)
    assert pull(remote) == models_folder() / "tiny.onnx"
    assert ready(remote) == models_folder() / "tiny.onnx"
    assert theirs.read_bytes() == b"x" * len(BODY)


def test_rembgs_default_folder_is_found(remote, tmp_path):
    theirs = tmp_path / "person" / ".u2net" / "tiny.onnx"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(BODY)
    assert ready(remote) == theirs


def test_ready_says_how_to_get_what_is_not_here(remote, row):
    with pytest.raises(ModelError, match=r"not on this machine.*models pull tiny`, 1 MB"):
        ready(remote)
    with pytest.raises(ModelError, match=r"its file is gone .*models import FILE --force"):
        ready(row(BODY, file="tiny.onnx"))


def test_ready_notices_a_file_that_was_cut_short(remote):
    pull(remote).write_bytes(BODY[:1000])
    with pytest.raises(ChecksumError):
        ready(remote)


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(store, "WEIGHTS", folder)
    return folder


def test_embedded_weights_that_are_not_built_say_so(package, row):
    spec = row(file="tiny.onnx", embedded=True, sha256=None)
    for ask in (ready, pull):
        with pytest.raises(ModelError, match=r"not built yet.*maskworks export"):
            ask(spec)
    (package / "tiny.onnx").write_bytes(BODY)  # there, but nobody recorded what it must be
    with pytest.raises(ModelError, match="not built yet"):
        ready(spec)
    assert verify(spec).state == "absent"


def test_embedded_weights_are_checked_when_used(package, row):
    spec = row(BODY, file="tiny.onnx", embedded=True)
    (package / "tiny.onnx").write_bytes(BODY)
    assert ready(spec) == pull(spec) == package / "tiny.onnx"
    (package / "tiny.onnx").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(ChecksumError):
        ready(spec)


def test_verify_tells_right_wrong_and_absent_apart(remote):
    assert verify(remote).state == "absent"
    path = pull(remote)
    assert verify(remote).state == "ok"
    path.write_bytes(b"x" * len(BODY))
    wrong = verify(remote)
    assert (wrong.state, wrong.path, wrong.expected) == ("wrong", path, remote.sha256)
    assert wrong.actual == hashlib.sha256(b"x" * len(BODY)).hexdigest()


def test_pull_sees_beforehand_that_the_disk_is_too_small(remote, server, monkeypatch):
    usage = SimpleNamespace(total=10**6, used=10**6 - 1000, free=1000)
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OutputError, match=r"needs 0.5 MB, the disk has 0.0 MB left"):
        pull(remote)
    assert server.asked == []


def test_pull_says_when_the_folder_cannot_be_made(remote, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("MASKWORKS_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"cannot be written .*MASKWORKS_HOME"):
        pull(remote)


def test_two_processes_pulling_at_once_fetch_it_once(remote, server, cache):
    server.delay_s = 0.5
    script = f"""
        from maskworks.models.spec import ModelSpec
        from maskworks.models.store import pull
        print(pull(ModelSpec.model_validate_json({remote.model_dump_json()!r})))
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [process.communicate(timeout=20)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert printed == [str(models_folder() / "tiny.onnx")] * 2
    assert (models_folder() / "tiny.onnx").read_bytes() == BODY
    assert len(server.asked) == 1
