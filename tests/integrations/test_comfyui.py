"""The ComfyUI node, in a stub of its loader: ComfyUI itself is in no registry that is reached."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from maskworks.apps.demo.photos import bundled
from maskworks.core.reading import read_picture

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def node(root):
    """What ComfyUI does with a folder in `custom_nodes`: import it, take the mapping, make one."""
    folder = root / "integrations/comfyui/maskworks"
    spec = importlib.util.spec_from_file_location("custom_node", folder / "__init__.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert set(module.NODE_DISPLAY_NAME_MAPPINGS) == set(module.NODE_CLASS_MAPPINGS)
    return module.NODE_CLASS_MAPPINGS["MaskworksCutout"]


def test_the_node_says_what_it_takes_and_gives(node):
    kinds = node.INPUT_TYPES()
    assert kinds["required"] == {"image": ("IMAGE",)}
    assert len(node.RETURN_TYPES) == len(node.RETURN_NAMES) == len(node.OUTPUT_IS_LIST) == 5
    assert callable(getattr(node(), node.FUNCTION))


def test_a_batch_is_cut_out_and_a_wall_has_no_subject(node):
    boots = read_picture(bundled("boots.jpg")).image.pixels
    wall = np.full_like(boots, 128)
    batch = torch.from_numpy(np.stack([boots, wall]).astype(np.float32) / 255)
    call = getattr(node(), node.FUNCTION)
    image, mask, confidence, nothing, status = call(image=batch, edges="fast")
    assert image.shape == batch.shape
    assert mask.shape == batch.shape[:3]
    assert image.dtype == mask.dtype == torch.float32
    assert nothing == [False, True]
    assert status[1] == "no-subject"
    assert 0.1 < float(mask[0].mean()) < 0.9
    assert float(mask[1].max()) == 0
    assert all(0 <= each <= 1 for each in confidence)
