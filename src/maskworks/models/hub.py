"""Models of a hub, fetched only when asked: `maskworks models pull hf:OWNER/NAME`."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

from maskworks.core.errors import DownloadError, ModelError
from maskworks.core.extras import how_to_install
from maskworks.models import settings
from maskworks.models.model_folder import folder_of, own_folder

if TYPE_CHECKING:
    from pathlib import Path

WANTED = [
    "*.json",
    "*.safetensors",
    "merges.txt",
    "vocab.txt",
    "classes.txt",
    "LICENSE*",
    "README.md",
]
"""Configurations, tokenizers and safetensors; pickles and code stay where they are."""

_LICENCE = re.compile(r"^license:[ \t]*(\S.*)$", re.MULTILINE)


def pull_hub(name: str) -> Path:
    """Bring a model of the hub into ``MASKWORKS_HOME/hub/OWNER/NAME``, unless it is here.

    What the libraries of Hugging Face keep in their cache is used where it lies.

    Raises
    ------
    DownloadError
        If the hub cannot be reached or has no such model; also when MASKWORKS_OFFLINE is set.
    ModelError
        If huggingface_hub is not here.
    """
    folder = own_folder(name)
    if (held := folder_of(name)) != folder:
        return held  # the libraries of Hugging Face have fetched it before
    if settings.offline():
        remedy = f"unset it, or copy the model's files to {folder}"
        raise DownloadError(name, "MASKWORKS_OFFLINE forbids connections", remedy)
    if find_spec("huggingface_hub") is None:
        raise ModelError(
            f"{name}: needs huggingface_hub, which is not installed; {how_to_install('torch')}"
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


def licence_of(folder: Path) -> str:
    """Return the licence that a hub's folder states, or what says that it states none.

    It stands in the head of its README, ``license: apache-2.0``, or in a file of that name.
    """
    readme = folder / "README.md"
    if readme.is_file():
        head = readme.read_text(encoding="utf-8", errors="replace").split("---")
        if len(head) > 2 and (found := _LICENCE.search(head[1])):
            return found[1].strip(" \"'")
    held = sorted(each.name for each in folder.glob("LICENSE*"))
    return f"in {held[0]}" if held else "not stated; look at the model's page before you use it"
