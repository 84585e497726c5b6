"""Torch as a runtime: a module and its safetensors become a network. Extra `[torch]`.

With `maskworks.models.networks` and training this is the only place that imports torch for
running; nothing here opens a pickle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from maskworks.core.errors import ModelError, NetworkError
from maskworks.core.extras import how_to_install

if TYPE_CHECKING:
    import torch

    from maskworks.models.runtimes.network import Batch, Network, Outputs

Module = Any
"""A torch.nn.Module; its call returns anything."""


def need(package: str) -> None:
    """Raise with the way out unless a package of the extra `[torch]` is here.

    Raises
    ------
    ModelError
    """
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise ModelError(
            f"this model needs {package}, which is not installed; {how_to_install('torch')}"
        )


def checkpoints_folder() -> Path:
    """Return where torch keeps the files it fetched (``TORCH_HOME``); it may not be there."""
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints"


def fetch_checkpoint(url: str) -> None:
    """Fetch a file into torch's own folder, by torch's own client."""
    import torch

    torch.hub.load_state_dict_from_url(url, progress=False, check_hash=True, weights_only=True)


def load_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """Read a pickle of tensors without running what is in it."""
    import torch

    found: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return found


def save_state(state: dict[str, torch.Tensor], path: Path) -> None:
    """Write tensors as safetensors."""
    from safetensors.torch import save_file

    save_file({key: value.contiguous() for key, value in state.items()}, path)


def load_state(path: Path) -> dict[str, torch.Tensor]:
    """Read a safetensors file.

    Raises
    ------
    ModelError
        If it is not there or is something else.
    """
    need("safetensors")
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except Exception as error:
        raise ModelError(
            f"{path}: is not a safetensors file ({' '.join(str(error).split())[:200]}); "
            "export the weights again with `safetensors.torch.save_file`"
        ) from error


def fill(module: Module, state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Load weights into a module, all of them and nothing else.

    Raises
    ------
    ModelError
        If names or shapes differ.
    """
    try:
        module.load_state_dict(dict(state), strict=True)
    except RuntimeError as error:
        lines = str(error).split("\n\t")
        raise ModelError(
            f"{path}: does not fit the architecture ({' '.join(lines[:2])[:300]}); correct the "
            "architecture or the number of classes in model.toml or config.json"
        ) from error


def as_network(
    module: Module, name: str, read: Callable[[Any], Outputs], *, threads: int = 0
) -> Network:
    """Return a module as a network: in evaluation mode, without gradients, on the CPU.

    Parameters
    ----------
    module : torch.nn.Module
        Called with float32 (1, 3, h, w).
    name : str
        What error messages call it.
    read : callable
        Turns what it returns into a tuple of numpy arrays.
    threads : int, >= 0
        0 leaves it to Torch.
    """
    import torch

    module.eval()
    if threads:
        torch.set_num_threads(threads)

    def network(batch: Batch) -> Outputs:
        try:
            with torch.inference_mode():
                return read(module(torch.from_numpy(np.ascontiguousarray(batch))))
        except (RuntimeError, ValueError) as error:
            reason = f"Torch failed ({' '.join(str(error).split())[:200]})"
            raise NetworkError(name, reason) from error

    return network


def to_numpy(tensor: Any) -> np.ndarray[Any, np.dtype[Any]]:  # noqa: ANN401 - a torch.Tensor
    """Return a tensor as a numpy array, floats as float32."""
    found: np.ndarray[Any, np.dtype[Any]]
    found = (tensor.float() if tensor.is_floating_point() else tensor).detach().cpu().numpy()
    return found
