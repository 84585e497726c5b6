"""U-Net, U-Net++, DeepLabV3+, FPN, PSPNet, UPerNet, SegFormer ... with any encoder: smp.

A folder as `model.save_pretrained` of segmentation_models_pytorch writes it: ``config.json``
with the class of the model and its arguments, and ``model.safetensors``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskworks.core.errors import ModelError
from maskworks.models.runtimes.torch import as_network, fill, load_state, need, to_numpy
from maskworks.models.spec import InputSpec, ModelSpec, OutputSpec, Triple

if TYPE_CHECKING:
    from maskworks.models.runtimes.network import Network

CLASS_KEY = "_model_class"
STRIDE = 32
TRAINED_AT = 512
"""The side that is taken for a tile, since the files do not say at which one it was trained."""

_IMAGENET: tuple[Triple, Triple] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def open_smp(
    folder: Path, config: dict[str, Any], *, threads: int = 0
) -> tuple[ModelSpec, Network]:
    """Open a folder of segmentation_models_pytorch; see `load_smp`."""
    spec, module = load_smp(folder, config)
    network = as_network(module, folder.name, lambda answer: (to_numpy(answer),), threads=threads)
    return spec, network


def load_smp(folder: Path, config: dict[str, Any]) -> tuple[ModelSpec, Any]:
    """Return the row of a folder of segmentation_models_pytorch, and its torch.nn.Module.

    Parameters
    ----------
    config : dict
        What its ``config.json`` says.

    Returns
    -------
    ModelSpec and module
        The row that follows from the configuration; one class means a sigmoid, more a softmax.

    Raises
    ------
    ModelError
        If the library is not here, or the files do not fit together.
    """
    need("segmentation_models_pytorch")
    import segmentation_models_pytorch as smp

    arguments = {key: value for key, value in config.items() if key != CLASS_KEY}
    name = str(config[CLASS_KEY])
    known = {each.__name__: each for each in smp.MODEL_ARCHITECTURES_MAPPING.values()}
    if name not in known:
        raise ModelError(
            f"{folder / 'config.json'}: {name!r} is no model of segmentation_models_pytorch "
            f"{smp.__version__}; it has {', '.join(sorted(known))}"
        )
    file = folder / "model.safetensors"
    try:
        module = known[name](**{**arguments, "encoder_weights": None, "activation": None})
    except (TypeError, ValueError, KeyError) as error:
        raise ModelError(f"{folder / 'config.json'}: {error}; correct it") from error
    fill(module, load_state(file), file)
    return _row(folder, config), module.eval()


def _row(folder: Path, config: dict[str, Any]) -> ModelSpec:
    mean, std = _normalisation(folder)
    classes = int(config.get("classes", 1))
    return ModelSpec(
        name=row_name(folder.name),
        title=f"{config[CLASS_KEY]} with {config.get('encoder_name')}, {folder}",
        family="semantic",
        task="semantic",
        file="model.safetensors",
        sha256="0" * 64,
        input=InputSpec(
            height=TRAINED_AT,
            width=TRAINED_AT,
            resize="keep",
            stride=STRIDE,
            scale="255",
            mean=mean,
            std=std,
        ),
        output=OutputSpec(kind="class-logits" if classes > 1 else "logits"),
        classes=_names(folder, classes),
        licence="LicenseRef-unknown",
        commercial=False,
        data="Not stated by the folder.",
        source=str(folder),
    )


def _normalisation(folder: Path) -> tuple[Triple, Triple]:
    """Return mean and std: what ``preprocessor_config.json`` says, else those of ImageNet.

    The library would fetch them from the hub, which running a model never does.
    """
    path = folder / "preprocessor_config.json"
    if not path.is_file():
        return _IMAGENET
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        (a, b, c), (d, e, f) = said["image_mean"], said["image_std"]
        return (float(a), float(b), float(c)), (float(d), float(e), float(f))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: gives no image_mean and image_std ({error}); correct it"
        ) from error


def _names(folder: Path, classes: int) -> tuple[str, ...]:
    """Return the lines of ``classes.txt``, or numbers; one class has a background beside it."""
    path = folder / "classes.txt"
    count = max(2, classes)
    if path.is_file():
        names = tuple(line.strip() for line in path.read_text().splitlines() if line.strip())
        if len(names) != count:
            raise ModelError(
                f"{path}: has {len(names)} lines, the model {count} classes; write one a class"
            )
        return names
    if classes == 1:
        return ("background", "object")
    return tuple(f"class {at}" for at in range(classes))


def row_name(name: str) -> str:
    """Return a name that may stand in a row."""
    cleaned = "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")
    return cleaned[:64] or "model"
