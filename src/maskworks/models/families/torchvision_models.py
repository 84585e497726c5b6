"""FCN, DeepLabV3, LR-ASPP and Mask R-CNN as torchvision builds them, from safetensors.

A row's `architecture` is "torchvision/NAME", NAME as torchvision calls its builder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskworks.core.errors import ModelError
from maskworks.models.runtimes.torch import as_network, fill, load_state, need, to_numpy

if TYPE_CHECKING:
    from pathlib import Path

    from maskworks.models.runtimes.network import Network, Outputs
    from maskworks.models.spec import ModelSpec

PREFIX = "torchvision/"

SEMANTIC = (
    "fcn_resnet50",
    "fcn_resnet101",
    "deeplabv3_resnet50",
    "deeplabv3_resnet101",
    "deeplabv3_mobilenet_v3_large",
    "lraspp_mobilenet_v3_large",
)
DETECTION = ("maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2")


def open_torchvision(spec: ModelSpec, file: Path, classes: int, *, threads: int = 0) -> Network:
    """Open torchvision weights as a network.

    Parameters
    ----------
    spec : ModelSpec
        Its `architecture` names the builder.
    file : Path
        A safetensors file with the builder's state dict.
    classes : int
        Of the taxonomy; Mask R-CNN counts a background too if the taxonomy has none.
    threads : int, >= 0

    Returns
    -------
    Network
        Answers (1, C, h, w) logits, or boxes, labels, scores and masks.

    Raises
    ------
    ModelError
        If the architecture is unknown, torchvision is not here, or the file does not fit.
    """
    module = load_torchvision(spec, file, classes)
    read = _detections if spec.family == "instance" else _logits
    return as_network(module, spec.name, read, threads=threads)


def load_torchvision(spec: ModelSpec, file: Path, classes: int) -> Any:  # noqa: ANN401
    """Return the torch.nn.Module of a row, with its weights; see `open_torchvision`."""
    need("torchvision")
    state = load_state(file)
    module = build(spec.architecture or "", _classes_in(state, classes))
    kept = {key: value for key, value in state.items() if not key.startswith("aux_classifier.")}
    fill(module, kept, file)
    return module.eval()


def build(architecture: str, classes: int) -> Any:  # noqa: ANN401 - a torch.nn.Module
    """Return an untrained module of torchvision, without its auxiliary head.

    Raises
    ------
    ModelError
        If the architecture is none of `SEMANTIC` and `DETECTION`.
    """
    from torchvision.models import detection, segmentation

    name = architecture.removeprefix(PREFIX)
    if name in SEMANTIC:
        builder = getattr(segmentation, name)
        if name.startswith("lraspp"):
            return builder(weights=None, weights_backbone=None, num_classes=classes)
        return builder(weights=None, weights_backbone=None, num_classes=classes, aux_loss=False)
    if name in DETECTION:
        builder = getattr(detection, name)
        # Sizes are the row's business, so the builder's own resizing is told to do nothing.
        return builder(
            weights=None,
            weights_backbone=None,
            num_classes=classes,
            min_size=1,
            max_size=1 << 20,
            image_mean=[0.0, 0.0, 0.0],
            image_std=[1.0, 1.0, 1.0],
            _skip_resize=True,
        )
    known = ", ".join(PREFIX + each for each in (*SEMANTIC, *DETECTION))
    raise ModelError(f"there is no architecture {architecture!r}; choose one of {known}")


def _classes_in(state: dict[str, Any], classes: int) -> int:
    """Return how many classes the weights have, background included."""
    predictor = state.get("roi_heads.box_predictor.cls_score.weight")
    return classes if predictor is None else int(predictor.shape[0])


def _logits(answer: Any) -> Outputs:  # noqa: ANN401 - a dictionary of tensors
    return (to_numpy(answer["out"]),)


def _detections(answer: Any) -> Outputs:  # noqa: ANN401 - a list of one dictionary
    found = answer[0]
    return tuple(to_numpy(found[key]) for key in ("boxes", "labels", "scores", "masks"))
