"""Where a recipe starts: the weights of the package, or an encoder trained on ImageNet, by name."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from maskworks.core.errors import UsageError
from maskworks.models.runtimes.torch import need


@dataclass(frozen=True)
class StartingPoint:
    """A network as lines of a recipe, and the weights it starts from."""

    network: str
    weights: str
    about: str


STREET = StartingPoint(
    'network = "espnetv2"             # or "unet", "smp/deeplabv3plus" with encoder = "resnet50", '
    "...\nchannels = 16",
    "maskworks:street",
    "an encoder that comes with Maskworks (Apache-2.0, see its card)",
)


def pretrained(encoder: str) -> StartingPoint:
    """Return a U-Net on an encoder that was trained on ImageNet.

    Parameters
    ----------
    encoder : as segmentation_models_pytorch calls it
        Its table says where the weights lie; nothing is fetched.

    Raises
    ------
    UsageError
        If it has none of this name, or no weights for it.
    ModelError
        If it is not installed.
    """
    need("segmentation_models_pytorch")
    from segmentation_models_pytorch.encoders import encoders

    homes = {
        name: str(known["imagenet"].get("repo_id") or "")
        for name, row in encoders.items()
        if "imagenet" in (known := row.get("pretrained_settings") or {})
    }
    if not homes.get(encoder):
        near = get_close_matches(encoder, homes, 5, 0.4) or ["resnet18", "mobilenet_v2"]
        raise UsageError(
            f"--encoder {encoder}: is none of those with weights of ImageNet, such as "
            f"{', '.join(near)}"
        )
    return StartingPoint(
        'network = "smp/unet"             # or "smp/deeplabv3plus", "smp/fpn", ...\n'
        f'encoder = "{encoder}"',
        f"hf:{homes[encoder]}",
        f"fetched by `maskworks models pull hf:{homes[encoder]}`, which shows its licence",
    )
