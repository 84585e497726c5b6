"""torchvision's own weights by name: `maskworks models pull torchvision:NAME`.

They come as a pickle, which is read without running what is in it (`weights_only`) after its
checksum was seen to be right, and kept as safetensors with a row.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from maskworks.core.errors import ChecksumError, DownloadError, OutputError, UsageError
from maskworks.models import settings
from maskworks.models.checksum import digest
from maskworks.models.class_names import shipped_taxonomy
from maskworks.models.families.torchvision_models import DETECTION, PREFIX, SEMANTIC
from maskworks.models.model_folder import WEIGHTS, own_folder
from maskworks.models.opening import TORCHVISION
from maskworks.models.runtimes.torch import (
    checkpoints_folder,
    fetch_checkpoint,
    load_checkpoint,
    need,
    save_state,
)
from maskworks.models.spec import InputSpec, ModelSpec, OutputSpec

_SIDE = {True: 520, False: 800}
"""The input's short side, pixels, of networks of classes and of objects."""

_STATED = re.compile(r"-([0-9a-f]{8,})\.pth$")


def pull_torchvision(name: str) -> Path:
    """Bring a network of torchvision into ``MASKWORKS_HOME/hub/torchvision/NAME``.

    What torch's own cache holds (``TORCH_HOME``) is taken from there, without a connection.

    Raises
    ------
    UsageError
        If there is no such network.
    DownloadError
        If it cannot be reached; also when MASKWORKS_OFFLINE is set.
    ChecksumError
        If the file is not the one that torchvision names.
    ModelError
        If torchvision is not here.
    OutputError
        If it cannot be written.
    """
    need("torchvision")
    from torchvision.models import get_model_weights

    short = name.removeprefix(TORCHVISION)
    if short not in (*SEMANTIC, *DETECTION):
        raise UsageError(
            f"{name}: torchvision has no such network of labels; choose one of "
            f"{', '.join(TORCHVISION + each for each in (*SEMANTIC, *DETECTION))}"
        )
    weights = get_model_weights(short).DEFAULT
    state = _state(name, weights)
    folder = own_folder(name)
    return _kept(folder, _row(short, weights), state)


def _state(name: str, weights: Any) -> dict[str, Any]:  # noqa: ANN401 - of torchvision
    url = str(weights.url)
    cached = checkpoints_folder() / url.rpartition("/")[2]
    if not cached.is_file():
        if settings.offline():
            remedy = f"unset it, or put {cached.name} into {cached.parent}"
            raise DownloadError(name, "MASKWORKS_OFFLINE forbids connections", remedy)
        try:
            fetch_checkpoint(url)
        except Exception as error:  # of urllib, of torch, or of the socket below
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise DownloadError(name, reason, "check the connection, or copy the file") from error
    stated = _STATED.search(cached.name)
    actual = digest(cached, "sha256")
    if stated is None or not actual.startswith(stated[1]):
        raise ChecksumError(cached, stated[1] if stated else "a checksum in its name", actual)
    return load_checkpoint(cached)


def _row(short: str, weights: Any) -> ModelSpec:  # noqa: ANN401 - of torchvision
    semantic = short in SEMANTIC
    names = _distinct([str(each).strip("_") for each in weights.meta["categories"]])
    shipped = shipped_taxonomy(names) if semantic else None
    classes = {"classes": tuple(names)} if shipped is None else {"taxonomy": shipped.name}
    side = _SIDE[semantic]
    mean, std = (
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)) if semantic else ((0.0,) * 3, (1.0,) * 3)
    )
    data = "COCO, of which networks of classes see the pictures that show VOC's; Flickr's terms"
    return ModelSpec.model_validate(
        {
            "name": short.replace("_", "-"), "title": f"{short} of torchvision",
            "family": "semantic" if semantic else "instance",
            "task": "semantic" if semantic else "instance",
            "architecture": PREFIX + short, "file": WEIGHTS, "sha256": "0" * 64, **classes,
            "input": InputSpec(
                height=side, width=side, resize="pad", scale="255", mean=mean, std=std
            ),
            "output": OutputSpec(kind="class-logits" if semantic else "detections"),
            "licence": "BSD-3-Clause", "commercial": False, "data": data,
            "source": str(weights.url),
        }
    )  # fmt: skip


def _distinct(names: list[str]) -> list[str]:
    """Return names of which those that mean nothing ("N/A") are told apart by their number."""
    return [f"unused {at}" if names.count(name) > 1 else name for at, name in enumerate(names)]


def _kept(folder: Path, spec: ModelSpec, state: dict[str, Any]) -> Path:
    from maskworks.models.exporting import write_row

    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{WEIGHTS}"
        save_state(state, part)
        part.replace(folder / WEIGHTS)
    except OSError as error:
        raise OutputError(
            folder, f"cannot be written ({error.strerror})", "set MASKWORKS_HOME"
        ) from error
    write_row(spec.model_copy(update={"sha256": digest(folder / WEIGHTS, "sha256")}), folder)
    return folder
