"""Write u2netp.onnx from published weights: `export_u2netp.py WEIGHTS.safetensors OUT.onnx`."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from maskworks.models.networks.u2net import U2Net


class Published(nn.Module):
    """U2-NetP as its authors export it: the fused map and six sides, each in [0, 1]."""

    def __init__(self, network: U2Net) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Map (1, 3, 320, 320) to seven (1, 1, 320, 320)."""
        return tuple(torch.sigmoid(logits) for logits in self.network(x)[0])


def main(weights: Path, out: Path) -> None:
    """Load, export, land atomically."""
    network = U2Net()
    network.load_state_dict(load_file(weights))
    part = out.with_suffix(".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's, about its own future
        torch.onnx.export(
            Published(network).eval(),
            (torch.zeros(1, 3, 320, 320),),
            str(part),
            input_names=["input.1"],
            output_names=[f"d{i}" for i in range(7)],
            dynamo=False,
        )
    part.replace(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
