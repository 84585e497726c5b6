from __future__ import annotations

import json

import pytest

from maskworks.apps.cli import main
from maskworks.studio.store import open_store
from maskworks.studio.store.keys import find_key


@pytest.fixture
def keys(tmp_path, capsys):
    """Run `maskworks keys` on a database; return the exit code and what it printed."""
    database = str(tmp_path / "service.db")

    def run(*arguments):
        code = main(["keys", arguments[0], "--database", database, *arguments[1:]])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    run.database = database
    return run


def test_key_is_shown_once_and_kept_as_a_digest(keys):
    code, secret, _ = keys("add", "shop", "--scope", "cut", "--scope", "jobs", "--quota", "50")
    assert code == 0
    with open_store(keys.database) as store:
        found = find_key(store, secret.strip())
    assert (found.name, found.scopes, found.monthly_credits) == ("shop", ("cut", "jobs"), 50.0)
    with open(keys.database, "rb") as stream:  # noqa: PTH123 - bytes as they lie on the disk
        assert secret.strip().encode() not in stream.read()
    listed = json.loads(keys("list", "--json")[1])
    assert [row["name"] for row in listed] == ["shop"]
    assert secret.strip() not in json.dumps(listed)


def test_revoked_key_counts_no_longer(keys):
    secret = keys("add", "shop")[1].strip()
    assert keys("revoke", "shop")[0] == 0
    with open_store(keys.database) as store:
        assert find_key(store, secret) is None
    assert "revoked" in keys("list")[1]
    code, _, error = keys("revoke", "shop")
    assert code == 2
    assert "no key in use called 'shop'" in error


@pytest.mark.parametrize("words", [["list"], ["revoke", "shop"]])
def test_a_database_that_is_not_there_is_not_made_to_list_its_keys(keys, words, tmp_path):
    code, _, error = keys(*words)
    assert code == 2
    assert "service.db: there is no database" in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["shop", "--scope", "all"], "scopes among cut, jobs, review, admin", id="scope"
        ),
        pytest.param(["shop", "--rate", "-1"], "'--rate': Input should be greater", id="rate"),
        pytest.param(["x" * 101], "1 to 100 characters", id="name"),
    ],
)
def test_wrong_key_is_told(keys, arguments, message):
    code, _, error = keys("add", *arguments)
    assert code == 2
    assert message in error
