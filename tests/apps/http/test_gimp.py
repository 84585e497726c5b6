"""What the GIMP plug-in asks the service for; the plug-in itself is not tested (GIMP 3 only)."""

from __future__ import annotations

import importlib.util
from io import BytesIO

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def service(root):
    path = root / "integrations/gimp/maskworks/service.py"
    spec = importlib.util.spec_from_file_location("gimp_service", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_picture_comes_back_with_alpha_status_and_confidence(service, server, photo):
    content, status, confidence = service.cutout(photo.data, server.url)
    with Image.open(BytesIO(content)) as found:
        alpha = np.asarray(found)[..., 3]
    top, left, bottom, right = photo.box
    assert alpha[(top + bottom) // 2, (left + right) // 2] > 250
    assert alpha[2, 2] < 5
    assert status in ("ok", "review")
    assert 0 < float(confidence) <= 1


def test_what_the_service_refuses_is_told_in_its_words(service, server):
    with pytest.raises(service.ServiceError, match="is not a picture"):
        service.cutout(b"no picture", server.url)


def test_a_service_that_is_not_there_is_told(service):
    with pytest.raises(service.ServiceError, match="maskworks serve"):
        service.cutout(b"", "http://127.0.0.1:9")
