"""The backend that a run asks for by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.batch.backends import Backend, BackendName, LocalBackend
from maskworks.batch.workers import PIXELS_IN_HAND
from maskworks.core.errors import UsageError

if TYPE_CHECKING:
    from maskworks.models.spec import ModelSpec


def backend_of(
    name: BackendName,
    address: str | None = None,
    *,
    threads: int = 0,
    pixels: int = PIXELS_IN_HAND,
    models: tuple[ModelSpec, ...] = (),
) -> Backend:
    """Return the backend of a name.

    Parameters
    ----------
    name : "local" or "ray"
    address : str, optional
        Of a Ray cluster: ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``; by default a Ray of
        our own is started on this machine, and ended with the run.
    threads : int
        Cores to use here, or actors on Ray; 0 takes all, or one a core of the cluster.
    pixels : int
        How many pixels each process may have in hand.
    models : tuple of ModelSpec
        Models whose file goes along to machines that do not have it.

    Raises
    ------
    UsageError
        If an address is given for the local backend.
    """
    if name == "local":
        if address is not None:
            raise UsageError(
                f"--address {address} names a Ray cluster; give `--backend ray` with it"
            )
        return LocalBackend(threads, pixels)
    from maskworks.batch.ray_backend import RayBackend

    return RayBackend(address, actors=threads, pixels=pixels, models=models)
