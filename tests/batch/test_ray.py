"""The same work on a Ray cluster: row for row what the local backend gives, whatever dies."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

from maskworks.apps.cli import main
from maskworks.batch.backends import LocalBackend
from maskworks.batch.choosing import backend_of
from maskworks.core.errors import UsageError
from maskworks.cutouts.request import CutoutRequest, open_cutting, plan_cutting
from maskworks.labels.request import LabelRequest, open_labelling

pytestmark = [  # Ray's own, of its own names and sockets
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    ray = pytest.importorskip("ray")


@pytest.fixture(scope="module", autouse=True)
def _polite():
    """Ray's workers as nice as the tests, not nicer: on a busy machine they would never run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", str(os.nice(0)))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    if ray.is_initialized():
        ray.shutdown()


@pytest.fixture
def photos(photo, tmp_path):
    """Write so many different photos, and one file that is none."""

    def write(count):
        folder = tmp_path / "photos"
        folder.mkdir()
        for number in range(count):
            (folder / f"{number:04}.jpg").write_bytes(photo(number))
        (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff and no more")
        return folder

    return write


def request_of(folder, out, **options):
    return CutoutRequest(inputs=(str(folder),), output=str(out), **options)


def cut(request, *, after=None):
    """Cut out; `after` gets each row. Return the rows as they came."""
    rows = []
    for row in open_cutting(request).rows(threading.Event()):
        rows.append(row)
        if after is not None:
            after(row)
    return rows


def manifest_of(out):
    """The manifest without what the clock says, and without its own folder."""
    rows = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    return [json.dumps({**row, "seconds": 0}).replace(str(out), "OUT") for row in rows]


def files_of(out):
    return {path.relative_to(out): path.read_bytes() for path in out.rglob("*.png")}


def assert_same(out, other):
    assert manifest_of(out) == manifest_of(other)
    assert files_of(out) == files_of(other)
    assert not list(out.rglob("*.tmp"))


def test_a_ray_of_our_own_gives_what_the_local_backend_gives(photos, tmp_path):
    folder = photos(4)
    here = cut(request_of(folder, tmp_path / "here"))
    there = cut(request_of(folder, tmp_path / "there", backend="ray", threads=1))
    assert sorted(row.source for row in there) == sorted(row.source for row in here)
    assert_same(tmp_path / "there", tmp_path / "here")
    assert not ray.is_initialized(), "what a run starts it ends"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--address", "auto"), "--address auto names a Ray cluster; give `--backend ray`"),
        (("--backend", "ray", "--address", "127.0.0.1:1"), "at 127.0.0.1:1 does not answer"),
        (("--backend", "ray", "--address", "ray://127.0.0.1:1"), "does not answer"),
        (("--backend", "ray", "--address", "there"), "write auto, HOST:PORT or ray://HOST:PORT"),
    ],
)
def test_a_cluster_that_is_not_there_is_said(photos, tmp_path, capsys, options, message):
    code = main(["cutout", str(photos(1)), "-o", str(tmp_path / "out"), *options])
    err = capsys.readouterr().err
    assert (code in (1, 2), message in err, "Traceback" in err) == (True, True, False), err


def test_a_stream_is_refused():
    with pytest.raises(UsageError, match="works on files, and one of these is a stream"):
        open_cutting(CutoutRequest(inputs=("-",), output=None, backend="ray"))


def test_other_versions_are_said():
    from maskworks.batch.ray_backend import _Actor, _explained, _opened

    told = _Actor("0.0.1", b"", [])({"item": b""})
    with pytest.raises(Exception, match=r"has Maskworks .*, this run is of 0\.0\.1; install"):
        _opened(told["row"])
    said = RuntimeError("Version mismatch: The cluster was started with: Ray: 2.9 Python: 3.9")
    assert "runs other versions than this machine" in str(_explained(said, "auto"))


def test_items_and_rows_travel_as_a_few_hundred_bytes(tmp_path):
    from ray import cloudpickle

    plan, _ = plan_cutting(request_of(Path(__file__).parents[2] / "docs/images", tmp_path / "out"))
    assert max(len(cloudpickle.dumps(work)) for work in plan.todo) < 1000


class Travelling(LocalBackend):
    """Works here, with what an actor elsewhere would have got."""

    def open(self, opener, count):
        from ray import cloudpickle

        return super().open(pickle.loads(cloudpickle.dumps(opener)), count)


@pytest.mark.parametrize("model", ["otsu", "kmeans"])
def test_what_labels_travels_without_its_open_model(photos, tmp_path, monkeypatch, model):
    folder = photos(2)

    def label(out):
        request = LabelRequest(inputs=(str(folder),), output=str(out), model=model)
        rows = list(open_labelling(request).rows())
        assert sorted(row.status for row in rows) == ["failed", "ok", "ok"]

    label(tmp_path / "here")
    monkeypatch.setattr("maskworks.labels.request.backend_of", lambda *_, **__: Travelling(1))
    label(tmp_path / "there")
    assert_same(tmp_path / "there", tmp_path / "here")


# ---------------------------------------------------------------- full size: make test-slow


@pytest.fixture
def two_nodes():
    """A cluster of two machines, as far as Ray can tell."""
    from ray.cluster_utils import Cluster

    options = {"object_store_memory": 80 << 20, "include_dashboard": False}
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "resources": {"head": 1}, **options}
    )
    cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    yield cluster
    if ray.is_initialized():
        ray.shutdown()
    cluster.shutdown()


def photos_in_full() -> int:
    return int(os.environ.get("MASKWORKS_RAY_PHOTOS", "1000"))


@pytest.mark.slow
def test_a_worker_and_then_a_machine_die_and_nothing_is_lost(
    photos, tmp_path, two_nodes, ray_workers
):
    folder = photos(photos_in_full())
    cut(request_of(folder, tmp_path / "here"))
    total, seen = photos_in_full() + 1, []

    def strike(row):
        seen.append(row.source)
        if len(seen) == total // 4:
            os.kill(ray_workers()[0], signal.SIGKILL)
        elif len(seen) == total // 2:
            two_nodes.remove_node(next(iter(two_nodes.worker_nodes)), allow_graceful=False)

    there = request_of(folder, tmp_path / "there", backend="ray", address=two_nodes.address)
    cut(there, after=strike)
    assert len(seen) == len(set(seen)) == total
    assert_same(tmp_path / "there", tmp_path / "here")


@pytest.mark.slow
def test_a_run_whose_head_is_lost_is_resumed(photos, tmp_path, two_nodes):
    folder, out = photos(40), tmp_path / "there"
    cut(request_of(folder, tmp_path / "here"))
    words = ["cutout", str(folder), "-o", str(out), "-q"]
    command = [sys.executable, "-m", "maskworks.apps.cli", *words, "--backend", "ray"]
    with subprocess.Popen([*command, "--address", two_nodes.address]) as process:
        until = time.monotonic() + 300
        while not (out / "manifest.jsonl").exists() or len(manifest_of(out)) < 3:
            assert time.monotonic() < until
            time.sleep(0.1)
        two_nodes.head_node.kill_all_processes(check_alive=False, allow_graceful=False)
        assert process.wait(timeout=300) != 0
    done = len(manifest_of(out))
    kept = open_cutting(request_of(folder, out, existing="resume"))
    assert 3 <= len(kept.plan.kept) <= done < 41
    for _ in kept.rows(threading.Event()):
        pass
    assert_same(out, tmp_path / "here")


@pytest.mark.slow
def test_back_pressure_holds_the_driver_s_memory_flat(tmp_path):
    from maskworks.batch.ray_backend import WINDOW

    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80 << 20)

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def opener(share):
        return lambda item: item

    taken, most = [0], [0]

    def items():
        for at in range(200_000):
            taken[0] = at
            yield at

    done, first = 0, None
    for _ in backend_of("ray", threads=2).open(opener, 200_000)(items(), threading.Event()):
        done += 1
        most[0] = max(most[0], taken[0] - done)
        if done == 60_000:
            first = resident()
    assert done == 200_000
    assert most[0] <= WINDOW, "no more are taken than one window"
    assert resident() < first * 1.2
