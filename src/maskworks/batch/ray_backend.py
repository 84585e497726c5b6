"""Items worked on by the actors of a Ray cluster, through Ray Data.

One actor a core holds the opened model. An item travels as a few hundred bytes, and so does its
row; pictures are read and written by the actor. Ray does an item again whose actor or machine
died, so what an `Opener` does must be fit to be done twice: outputs replace themselves, and an
item of a campaign is recorded once.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING, Any

from maskworks.batch.backends import Item, MapItems, Opener, Row, Share
from maskworks.batch.memory import reuse_memory
from maskworks.batch.workers import PIXELS_IN_HAND, PixelBudget, usable_cores
from maskworks.core.errors import ClusterError, MaskworksError, UsageError
from maskworks.core.version import __version__
from maskworks.models.store import land, locate

if TYPE_CHECKING:
    from maskworks.models.spec import ModelSpec

ACTOR_CPUS = 0.95
"""What an actor asks of Ray: a core, less what Ray's own tasks need to ever get a turn."""

WINDOW = 50_000
"""So many items are in Ray's hands at once: memory does not grow with their number."""

MOST_IN_BLOCK = 8
"""Items that one call of an actor takes, and that are done again if it dies."""

KNOCK_S = 10.0
"""How long a cluster may take to open a connection, seconds."""

OBJECT_STORE_BYTES = 100 << 20
"""Of a Ray of our own: it holds paths, rows and a model's file."""


@dataclass(frozen=True)
class RayBackend:
    """The actors of a Ray cluster; its fields are as `backend_of` takes them."""

    address: str | None = None
    actors: int = 0
    pixels: int = PIXELS_IN_HAND
    models: tuple[ModelSpec, ...] = ()

    def open(self, opener: Opener[Item, Row], count: int) -> MapItems[Item, Row]:
        """Find the cluster, or start one here; send the models' files there.

        Raises
        ------
        UsageError
            If Ray is not installed, or the address is none.
        ClusterError
            If there is no cluster there, or one of other versions.
        """
        ray = _library()
        cluster = _Cluster(ray, self.address, self.actors)
        try:
            sent = [(spec, ray.put(data)) for spec, data in _files(self.models)]
            actors = self.actors or cluster.cores()
            parcel = _Parcel(opener, self.pixels, [spec for spec, _ in sent])
            return _Line(cluster, parcel, [ref for _, ref in sent], max(1, min(actors, count)))
        except BaseException:
            cluster.leave()
            raise


def _library() -> ModuleType:
    # Ray reports its use to its makers, and what its core thinks to stderr, unless told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise UsageError(
            f"--backend ray needs Ray ({error}); run `pip install 'maskworks[ray]'`"
        ) from error
    found: ModuleType = ray
    return found


def _files(models: Iterable[ModelSpec]) -> Iterator[tuple[ModelSpec, bytes]]:
    """Yield the files that do not come with the package and are here."""
    for spec in models:
        path = locate(spec)
        if path is not None and spec.origin != "embedded":
            yield spec, path.read_bytes()


class _Cluster:
    """A connection to Ray, ended by whoever made it."""

    def __init__(self, ray: ModuleType, address: str | None, cores: int) -> None:
        self.ray = ray
        self._mine = not ray.is_initialized()
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        for name in ("ray.data", "ray"):
            logging.getLogger(name).setLevel(logging.ERROR)
        if self._mine:
            with _silent_core():
                _connect(ray, address, cores)

    def cores(self) -> int:
        """Return how many actors have a core of their own, at least one."""
        return max(1, int(self.ray.cluster_resources().get("CPU", 1)))

    def leave(self) -> None:
        """End the connection, and a Ray that was started for it."""
        if self._mine and self.ray.is_initialized():
            self.ray.shutdown()


@contextmanager
def _silent_core() -> Iterator[None]:
    """Keep what Ray's core prints past Python while it starts off the terminal."""
    sys.stderr.flush()
    kept, away = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(away, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(away)


def _connect(ray: ModuleType, address: str | None, cores: int) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": True}
    try:
        if address is None:
            ray.init(
                address="local",
                num_cpus=cores or usable_cores(),
                object_store_memory=OBJECT_STORE_BYTES,
                include_dashboard=False,
                **quiet,
            )
        else:
            _knock(address)
            ray.init(address=address, **quiet)
    except Exception as error:
        raise _explained(error, address) from error


def _knock(address: str) -> None:
    """Raise an OSError at once where nobody listens; Ray itself asks for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()
    elif address != "auto":
        raise ValueError(address)


def _explained(error: Exception, address: str | None) -> MaskworksError:
    """Return what Ray says as a sentence with a way out."""
    where = f"the Ray cluster at {address}" if address else "a Ray of this machine's own"
    said = " ".join(str(error).split())
    if "ersion mismatch" in said or "same version" in said or "matching Python" in said:
        return ClusterError(
            f"{where} runs other versions than this machine ({said[:300]}); install the same "
            "Ray and the same Python here and there"
        )
    if isinstance(error, OSError) or "onnect" in said:
        return ClusterError(
            f"{where} does not answer ({said[:200]}); start it with `ray start --head`, check "
            "--address, or leave it out to work on this machine alone"
        )
    if isinstance(error, ValueError):
        return UsageError(
            f"--address {address} is none ({said[:200]}); write auto, HOST:PORT or ray://HOST:PORT"
        )
    return ClusterError(f"{where} cannot be used ({type(error).__name__}: {said[:400]})")


@dataclass(frozen=True, eq=False)
class _Parcel:
    """What an actor is made of, as bytes that it opens itself: so it can say what is wrong."""

    opener: Callable[[Share], Callable[[Any], Any]]
    pixels: int
    models: list[ModelSpec]


class _Actor:
    """Holds the opened model of one core; what goes wrong is its answer."""

    def __init__(self, version: str, parcel: bytes, files: list[Any]) -> None:
        self._do: Callable[[Any], Any] | None = None
        self._error: Exception | None = None
        try:
            if version != __version__:
                raise ClusterError(  # noqa: TRY301 - told with the first item
                    f"a worker of the cluster has Maskworks {__version__}, this run is of "
                    f"{version}; install the same version on every machine"
                )
            self._open(parcel, files)
        except Exception as error:  # noqa: BLE001 - an actor that dies is only started again
            self._error = error

    def _open(self, parcel: bytes, files: list[Any]) -> None:
        import cv2
        import ray

        reuse_memory()
        cv2.setNumThreads(1)
        found: _Parcel = pickle.loads(parcel)  # noqa: S301 - what this run itself has sent
        for spec, file in zip(found.models, files, strict=True):
            land(spec, partial(ray.get, file))
        self._do = found.opener(Share(1, PixelBudget(found.pixels), again=True))

    def __call__(self, row: dict[str, bytes]) -> dict[str, bytes]:
        told: tuple[Any, Exception | None]
        if self._do is None:
            told = (None, self._error)
        else:
            try:
                told = (self._do(pickle.loads(row["item"])), None)  # noqa: S301 - our own run sent it
            except Exception as error:  # noqa: BLE001 - raised where the run was started
                told = (None, error)
        return {"row": pickle.dumps(told)}


@dataclass(frozen=True, eq=False)
class _Line:
    """Maps items to rows, a window of them after the other, then lets go of the cluster."""

    cluster: _Cluster
    parcel: _Parcel
    files: list[Any]
    actors: int

    def __call__(self, items: Iterable[Any], stop: threading.Event) -> Iterator[Any]:
        try:
            waiting = iter(items)
            while not stop.is_set() and (window := list(islice(waiting, WINDOW))):
                yield from self._map(window, stop)
        finally:
            self.cluster.leave()

    def _map(self, items: list[Any], stop: threading.Event) -> Iterator[Any]:
        from ray import cloudpickle
        from ray.data import ActorPoolStrategy

        data = self.cluster.ray.data
        actors = min(self.actors, len(items))
        size = max(1, min(MOST_IN_BLOCK, len(items) // (4 * actors)))
        told = data.from_items(
            [{"item": cloudpickle.dumps(item)} for item in items],
            override_num_blocks=-(-len(items) // size),
        ).map(
            _Actor,
            fn_constructor_args=(__version__, cloudpickle.dumps(self.parcel), self.files),
            compute=ActorPoolStrategy(size=actors),
            num_cpus=ACTOR_CPUS,
        )
        try:
            for row in told.iter_rows():
                yield _opened(row["row"])
                if stop.is_set():
                    return
        except MaskworksError:
            raise
        except Exception as error:
            raise _broken(error) from error


def _opened(told: bytes) -> Any:  # noqa: ANN401 - whatever the opener's function returns
    """Return the row that an actor sent, or raise the error it sent instead."""
    value, error = pickle.loads(told)  # noqa: S301 - our own actor wrote it
    if error is not None:
        raise error
    return value


def _broken(error: Exception) -> Exception:
    """Return what Ray says of workers that cannot go on; other errors are returned as they are."""
    if not type(error).__module__.startswith("ray"):
        return error
    said = " ".join(str(error).split())
    if "No module named 'maskworks" in said:
        return ClusterError(
            "a worker of the cluster has no Maskworks; install it on every machine, in the version "
            f"of this one ({__version__})"
        )
    return ClusterError(
        f"the Ray cluster cannot go on ({type(error).__name__}: {said[-400:]}); what is done is "
        "kept: start it again, and go on with `--resume`"
    )
