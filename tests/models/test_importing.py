from __future__ import annotations

import hashlib

import pytest

from maskworks.core.errors import LicenceError, ModelError, NetworkError, UsageError
from maskworks.models.catalogue import load_catalogue
from maskworks.models.guessing import Guess
from maskworks.models.importing import (
    WeightTerms,
    import_model,
    parse_normalisation,
    parse_size,
    to_toml,
)
from maskworks.models.spec import InputSpec, OutputSpec
from maskworks.models.store import models_folder, ready, verify

MATTE = OutputSpec(kind="matte")


@pytest.fixture
def take(tiny, rule):
    """Import a tiny network; any argument can be given."""

    def do(path=None, *, name="mine", terms=None, output=MATTE, force=False, **fields):
        return import_model(
            path or tiny(),
            name=name,
            what=Guess(family="saliency", input=rule.model_copy(update=fields), output=output),
            terms=terms or WeightTerms(licence="MIT", commercial=True),
            force=force,
        )

    return do


def test_import_copies_the_file_and_writes_its_row(take, tiny, cache):
    spec = take()
    assert ready(spec) == models_folder() / "mine.onnx"
    assert ready(spec).read_bytes() == tiny().read_bytes()
    assert spec.sha256 == hashlib.sha256(tiny().read_bytes()).hexdigest()
    assert load_catalogue().find("mine", commercial_only=True) == spec
    assert verify(spec).state == "ok"
    assert sorted(path.name for path in models_folder().iterdir()) == [
        ".imported.lock",
        "mine.onnx",
    ]


def test_import_keeps_what_was_imported_before(take):
    take(name="one")
    take(name="two")
    assert load_catalogue().names[-2:] == ("one", "two")


def test_import_refuses_the_name_of_a_model_that_ships(take):
    for force in (False, True):
        with pytest.raises(ModelError, match="'u2net' is a model that ships with Maskworks"):
            take(name="u2net", force=force)


def test_import_replaces_an_earlier_one_only_by_force(take, tiny):
    take()
    other = tiny("other", gain=0.5)
    with pytest.raises(ModelError, match="'mine' was imported before"):
        take(other)
    assert take(other, force=True).sha256 == hashlib.sha256(other.read_bytes()).hexdigest()
    assert load_catalogue().names.count("mine") == 1


@pytest.mark.parametrize("name", ["", "Mine", "../mine", "a b", "-x", "x" * 65])
def test_import_refuses_a_name_that_cannot_name_a_file(take, name):
    with pytest.raises(UsageError, match="a name has lower-case letters"):
        take(name=name)


def test_import_refuses_a_file_that_is_not_there(take, tmp_path):
    with pytest.raises(UsageError, match="there is no such file"):
        take(tmp_path / "gone.onnx")


def test_import_writes_nothing_of_what_does_not_work(take, tiny, tmp_path, cache):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a network")
    for path, message in [
        (broken, "cannot open it"),
        (tiny("fixed", side=16), "Expected: 16"),
        (tiny("logits", bias=3.0), r"got \[3, 3\]; if these are logits"),
    ]:
        with pytest.raises(ModelError, match=message):
            take(path)
    assert not (cache / "imported.toml").exists()
    assert not models_folder().exists()


def test_import_shows_a_network_another_aspect_where_it_is_to_take_every_aspect(take, tiny):
    area = {"resize": "area", "height": 64, "width": 64}
    assert take(tiny(), **area).input.resize == "area"
    with pytest.raises(ModelError, match="Expected: 64"):
        take(tiny("square", side=64), force=True, **area)


def test_import_takes_logits_that_are_called_so(take, tiny):
    assert take(tiny("logits", bias=3.0), output=OutputSpec(kind="logits")).output.kind == "logits"


def test_import_without_terms_is_not_for_commercial_use(take):
    take(terms=WeightTerms())
    with pytest.raises(LicenceError, match="LicenseRef-unknown"):
        load_catalogue().find("mine", commercial_only=True)


def test_rows_survive_being_written(row, cache):
    odd = row(
        file="tiny.onnx",
        title='Quotes " and \\ and\ttabs\nand lines',
        data="naïve ✂ \x7f \x01",
        bytes=12,
        input=InputSpec(
            height=1, width=2, resize="squash", scale="max", mean=(0.1, 1e-9, 3), std=(1, 2, 1e9)
        ),
    )
    cache.mkdir()
    (cache / "imported.toml").write_text(to_toml([odd]), encoding="utf-8")
    assert load_catalogue().row("tiny") == odd


@pytest.mark.parametrize(
    "text", ["", "0", "320x", "x320", "320x0", "-320", "12345", "3.5", "1x2x3", "8193", "64x9000"]
)
def test_a_size_that_is_none_is_an_error(text):
    with pytest.raises(UsageError, match="an input size is 320 or HEIGHTxWIDTH"):
        parse_size(text)


@pytest.mark.parametrize(
    "text", ["", "imagnet", "1,2,3", "1,2/3,4", "a,b,c/1,1,1", "1,2,3/4,5,6/7"]
)
def test_a_normalisation_that_is_none_is_an_error(text):
    with pytest.raises(UsageError, match="a normalisation is imagenet, half, unit or"):
        parse_normalisation(text)


def test_a_network_error_of_an_import_is_a_model_error():
    assert issubclass(NetworkError, ModelError)
