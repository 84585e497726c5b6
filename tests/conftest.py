"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout, for tests about the project as a whole."""
    return ROOT


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory, monkeypatch):
    """Keep every test away from the models in the user's own cache folders."""
    monkeypatch.setenv("MASKWORKS_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("U2NET_HOME", str(tmp_path_factory.mktemp("u2net")))


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same on every run."""
    return np.random.default_rng(20240501)
