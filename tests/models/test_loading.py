from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import maskworks.models
from maskworks.core.errors import LicenceError, ModelError, ProviderError
from maskworks.core.values import Image
from maskworks.models import load_model
from maskworks.models.guessing import Guess
from maskworks.models.importing import WeightTerms, import_model
from maskworks.models.spec import OutputSpec


@pytest.fixture
def mine(tiny, rule):
    terms = WeightTerms(licence="CC-BY-NC-4.0")
    matte = OutputSpec(kind="matte")
    what = Guess(family="saliency", input=rule, output=matte)
    return import_model(tiny(), name="mine", what=what, terms=terms)


def test_load_model_opens_what_was_imported_and_predicts(mine):
    model = load_model("mine", threads=1)
    assert model.spec == mine
    found = model.predict(Image(np.full((50, 40, 3), 51, np.uint8)))
    assert found.matte.size == (50, 40)
    assert np.abs(found.matte.alpha - 0.2).max() < 1e-6
    assert found.confidence is None
    assert found.presence is None


def test_load_model_holds_the_licence_gate(mine, monkeypatch):
    with pytest.raises(LicenceError, match=r"'mine' are licensed CC-BY-NC-4\.0"):
        load_model("mine", commercial_only=True)
    monkeypatch.setenv("MASKWORKS_COMMERCIAL_ONLY", "1")
    with pytest.raises(LicenceError):
        load_model("mine")


def test_load_model_never_fetches(server, monkeypatch):
    monkeypatch.setenv("MASKWORKS_MIRROR", server.url)
    with pytest.raises(ModelError, match="models pull u2net"):
        load_model("u2net")
    assert server.asked == []


def test_load_model_never_falls_back_to_another_provider(mine):
    with pytest.raises(ProviderError, match="'openvino' is not available"):
        load_model("mine", provider="openvino")


@pytest.mark.parametrize("name", maskworks.models.__all__)
def test_public_names_exist(name):
    assert getattr(maskworks.models, name).__module__.startswith(
        ("maskworks.models", "collections")
    )


def test_importing_models_imports_nothing_heavy():
    code = (
        "import sys, maskworks.models; "
        "print([m for m in ('onnxruntime', 'pydantic', 'PIL', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
