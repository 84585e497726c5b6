"""Pictures on object stores, read and written through a real S3 server."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from maskworks.apps.cli import main
from maskworks.batch.urls import UrlPath, fetch, list_keys, store_of, to_path
from maskworks.core.errors import UnreadableError, UsageError

SECRET = "s3cr3t-of-the-test"


@pytest.mark.parametrize(
    ("text", "parts", "suffix"),
    [
        ("s3://shop/a/b.JPG", ("s3:", "shop", "a", "b.JPG"), ".JPG"),
        ("gs://shop", ("gs:", "shop"), ""),
        ("memory://shop/x.png", ("memory:", "shop", "x.png"), ".png"),
    ],
)
def test_a_url_is_a_path(text, parts, suffix):
    path = to_path(text)
    assert (str(path), path.parts, path.suffix) == (text, parts, suffix)
    assert pickle.loads(pickle.dumps(path)) == path
    assert type(path / "more") is UrlPath
    assert str(path.parent / "other.tif").startswith(text.rpartition("/")[0])


def test_a_file_url_is_a_path_of_this_machine():
    path = to_path("file:///tmp/a%20b.jpg")
    assert (path, type(path)) == (Path("/tmp/a b.jpg"), type(Path()))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ftp://shop/a.jpg", "is of no store that is known; use s3://"),
        ("s3://shop/a//b.jpg", "has a part that is empty"),
        ("s3://", "names no bucket"),
        (f"s3://AKIA:{SECRET}@shop/a.jpg", "are taken from the environment"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(text, message):
    with pytest.raises(UsageError, match=message) as refused:
        to_path(text)
    assert SECRET not in str(refused.value)


@pytest.fixture
def say(capsys):
    def call(*words):
        code = main([*map(str, words)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def rows_of(text):
    return [json.loads(line) for line in text.splitlines()]


def test_cutouts_go_from_bucket_to_bucket_and_are_resumed(s3, photo, say, tmp_path):
    for number, key in enumerate(["in/a/cat.jpg", "in/b/cat.jpg", "in/cat.jpg"]):
        s3.put(key, photo(number))
    s3.put("in/notes.txt", b"no picture")
    code, out, err = say("cutout", "s3://shop/in", "-o", "s3://shop/out")
    assert code == 0, err
    made = [key for key in s3.names() if key.startswith("out/")]
    assert made == ["out/a/cat.png", "out/b/cat.png", "out/cat.png", "out/manifest.jsonl"]
    assert s3.get("out/cat.png")[:8] == b"\x89PNG\r\n\x1a\n"
    manifest = s3.get("out/manifest.jsonl").decode()
    rows = rows_of(manifest)
    assert [(row["source"], row["output"]) for row in rows] == [
        (f"s3://shop/in/{name}.jpg", f"s3://shop/out/{name}.png")
        for name in ("a/cat", "b/cat", "cat")
    ]
    assert SECRET not in manifest + out + err
    say("cutout", "s3://shop/in", "-o", str(tmp_path / "here"))
    assert (tmp_path / "here/cat.png").read_bytes() == s3.get("out/cat.png")
    s3.put("in/cat.jpg", photo(3))  # changed
    code, out, err = say("cutout", "s3://shop/in", "-o", "s3://shop/out", "--resume")
    assert code == 0, err
    assert "(2 done before)" in out
    assert "-> s3://shop/out/cat.png" in out
    code, out, err = say("cutout", "s3://shop/in", "-o", "s3://shop/out")
    assert (code, err.count("exists already") + out.count("exists already")) == (1, 3)


@pytest.mark.parametrize("where", ["s3://nobody-has-this/in", "s3://nobody-has-this"])
def test_a_bucket_that_does_not_exist_is_said(s3, say, tmp_path, where):
    code, _, err = say("cutout", where, "-o", tmp_path / "out")
    assert (code, "the bucket does not exist" in err) == (2, True), err


def test_an_output_bucket_that_does_not_exist_is_said(s3, photo, say):
    s3.put("in/cat.jpg", photo())
    code, _, err = say("cutout", "s3://shop/in", "-o", "s3://nobody-has-this/out")
    assert (code, "the bucket does not exist" in err) == (2, True), err


def test_a_forbidden_bucket_is_said(s3, photo, say, tmp_path):
    from moto.core import set_initial_no_auth_action_count

    s3.put("in/cat.jpg", photo())

    @set_initial_no_auth_action_count(0)
    def refused():
        return say("cutout", "s3://shop/in", "-o", tmp_path / "out")

    code, _, err = refused()
    assert (code, "forbidden" in err) == (2, True), err
    assert SECRET not in err


def test_a_key_that_vanishes_after_the_listing_is_a_row(s3, photo, tmp_path):
    s3.put("in/cat.jpg", photo())
    (key,) = list_keys(UrlPath("s3:/shop/in"))
    s3.client.delete_object(Bucket="shop", Key="in/cat.jpg")
    with pytest.raises(UnreadableError, match="no such key, or it vanished after it was listed"):
        fetch(key, tmp_path / "cat.jpg", shown=str(key))


def test_a_named_key_that_is_not_there_is_a_row(s3, photo, say, tmp_path):
    s3.put("in/cat.jpg", photo())
    code, _, _ = say(
        "cutout", "s3://shop/in/cat.jpg", "s3://shop/in/gone.jpg", "-o", tmp_path / "out"
    )
    rows = rows_of((tmp_path / "out/manifest.jsonl").read_text())
    assert (code, [row["output"] is None for row in rows]) == (1, [False, True])
    assert "s3://shop/in/gone.jpg: there is no such key" in rows[1]["error"]["message"]


def test_a_listing_comes_page_by_page(s3):
    for number in range(5):
        s3.put(f"in/{number}.jpg", b"x" * number)
    asked = []
    store = to_path("s3://shop")
    whole = store_of("s3").call_s3

    def small_pages(method, **options):
        asked.append(options.get("ContinuationToken"))
        return whole(method, MaxKeys=2, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_of("s3"), "call_s3", small_pages)
        keys = list_keys(store)
        first = next(keys)
        assert (str(first), len(asked)) == ("s3://shop/in/0.jpg", 1)
        rest = list(keys)
    assert [key.stat().st_size for key in rest] == [1, 2, 3, 4]
    assert len(asked) == 3
