from __future__ import annotations

from maskworks.apps.http.model_cache import ModelCache


def test_model_unused_for_longest_makes_room():
    opened = []

    def load(name):
        opened.append(name)
        return name.upper()

    model_cache = ModelCache(2, load)
    for name in ("a", "b", "a", "c", "a", "b"):
        assert model_cache.get(name) == name.upper()
    assert opened == ["a", "b", "c", "b"]
    assert model_cache.names == ("a", "b")
