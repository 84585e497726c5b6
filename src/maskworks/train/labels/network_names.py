"""The networks that a recipe can name."""

from __future__ import annotations

from maskworks.models.families.torchvision_models import DETECTION, SEMANTIC

OURS = ("espnetv2", "unet")
SMP = "smp/"
TORCHVISION = "torchvision/"
TRANSFORMERS = "transformers/"

MASK2FORMER = f"{TRANSFORMERS}mask2former"

_SMP = (
    "unet",
    "unetplusplus",
    "manet",
    "linknet",
    "fpn",
    "pspnet",
    "pan",
    "deeplabv3",
    "deeplabv3plus",
    "upernet",
    "segformer",
)

_WITH_ENCODER = {
    **dict.fromkeys((SMP + name for name in _SMP), "resnet18 or mit_b0"),
    MASK2FORMER: "swin-tiny or resnet50",
}
"""Networks that are given an encoder, and which they take."""

_WITHOUT = (*OURS, *(TORCHVISION + name for name in (*SEMANTIC, *DETECTION)))


def network_misfit(network: str, encoder: str | None) -> str | None:
    """Return why there is no such network, or None.

    Examples
    --------
    >>> network_misfit("smp/unet", "resnet18"), network_misfit("smp/unet", None)
    (None, "network 'smp/unet' needs encoder, such as resnet18 or mit_b0")
    """
    if network in _WITH_ENCODER:
        if encoder is None:
            return f"network {network!r} needs encoder, such as {_WITH_ENCODER[network]}"
        return None
    if network in _WITHOUT:
        return None if encoder is None else f"network {network!r} takes no encoder; it has one"
    near = next((prefix for prefix in (SMP, TRANSFORMERS) if network.startswith(prefix)), None)
    known = [name for name in _WITH_ENCODER if near and name.startswith(near)]
    shown = known or [*_WITHOUT, MASK2FORMER, f"{SMP}unet", f"{SMP}segformer ..."]
    return f"there is no network {network!r}; choose one of {', '.join(shown)}"
