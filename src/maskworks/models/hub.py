"""Models of a hub, fetched only when asked: `maskworks models pull hf:OWNER/NAME`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from maskworks.core.errors import DownloadError, ModelError
from maskworks.models import settings
from maskworks.models.model_folder import folder_of

if TYPE_CHECKING:
    from pathlib import Path

WANTED = ["*.json", "*.safetensors", "merges.txt", "vocab.txt", "classes.txt", "LICENSE*"]
"""Configurations, tokenizers and safetensors; pickles and code stay where they are."""


def pull_hub(name: str) -> Path:
    """Bring a model of the hub into ``MASKWORKS_HOME/hub/OWNER/NAME``.

    Raises
    ------
    DownloadError
        If the hub cannot be reached or has no such model; also when MASKWORKS_OFFLINE is set.
    ModelError
        If huggingface_hub is not here.
    """
    folder = folder_of(name)
    if settings.offline():
        remedy = f"unset it, or copy the model's files to {folder}"
        raise DownloadError(name, "MASKWORKS_OFFLINE forbids connections", remedy)
    if find_spec("huggingface_hub") is None:
        raise ModelError(
            f"{name}: needs huggingface_hub, which is not installed; "
            "`pip install 'maskworks[torch]'` brings it"
        )
    from huggingface_hub import snapshot_download

    owner_and_name = "/".join(folder.parts[-2:])
    try:
        snapshot_download(owner_and_name, local_dir=folder, allow_patterns=WANTED)
    except Exception as error:  # the library raises its own and those of two HTTP clients
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        remedy = f"check the name and the connection, or copy the model's files to {folder}"
        raise DownloadError(name, reason, remedy) from error
    return folder
