"""Maskworks for ComfyUI: a node that cuts the subject out and says how sure it is.

Copy this folder into ComfyUI's ``custom_nodes``; `maskworks` must be installed in its Python.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch

import maskworks as mw


class MaskworksCutout:
    """Cut the subject out of each picture of a batch.

    `image` has the subject's own colours, without the old background's; `mask` is 1 inside it.
    `confidence` (the expected IoU; 0 where the model has none), `no_subject` and `status` ("ok",
    "review", "no-subject") are lists with an entry a picture.
    """

    CATEGORY = "mask"
    FUNCTION = "cut_out"
    RETURN_TYPES = ("IMAGE", "MASK", "FLOAT", "BOOLEAN", "STRING")
    RETURN_NAMES = ("image", "mask", "confidence", "no_subject", "status")
    OUTPUT_IS_LIST = (False, False, True, True, True)
    EDGES: ClassVar = ("auto", "fine", "fast", "off")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - ComfyUI asks for this name
        """Return what the node takes, in ComfyUI's terms."""
        share = {"default": 0.0, "min": 0.0, "max": 1.0, "step": 0.01}
        return {
            "required": {"image": ("IMAGE",)},
            "optional": {
                "model": ("STRING", {"default": "cutout"}),
                "edges": (list(cls.EDGES), {"default": "auto"}),
                "min_confidence": ("FLOAT", share),
            },
        }

    def cut_out(
        self,
        image: torch.Tensor,
        model: str = "cutout",
        edges: str = "auto",
        min_confidence: float = 0.0,
    ) -> tuple[torch.Tensor, torch.Tensor, list[float], list[bool], list[str]]:
        """Cut a batch out.

        Parameters
        ----------
        image : float (B, H, W, 3) in [0, 1]

        Returns
        -------
        image float32 (B, H, W, 3), mask float32 (B, H, W), and three lists of B
        """
        options = mw.RefineOptions(method=edges)
        cuts = []
        for picture in image:
            pixels = (picture.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
            cut = mw.cutout(pixels, model, refinement=options, min_confidence=min_confidence)
            cuts.append(cut)
        empty = [cut.status == "no-subject" for cut in cuts]
        mattes = [
            np.zeros_like(cut.matte.alpha) if nothing else cut.matte.alpha
            for cut, nothing in zip(cuts, empty, strict=True)
        ]
        colours = np.stack([cut.foreground.pixels for cut in cuts]).astype(np.float32) / 255
        return (
            torch.from_numpy(colours),
            torch.from_numpy(np.stack(mattes)),
            [cut.confidence or 0.0 for cut in cuts],
            empty,
            [cut.status for cut in cuts],
        )


NODE_CLASS_MAPPINGS = {"MaskworksCutout": MaskworksCutout}
NODE_DISPLAY_NAME_MAPPINGS = {"MaskworksCutout": "Cut out (Maskworks)"}
