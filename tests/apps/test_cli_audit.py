from __future__ import annotations

import csv
import io
import json
import re
import sqlite3

import pytest

from maskworks.apps.cli import main
from maskworks.cutouts.scoring.reason import Reason
from maskworks.studio.store import (
    Judgement,
    NewItem,
    Outcome,
    Output,
    add,
    claim,
    decide,
    finish,
    hold,
    open_campaign,
    open_store,
)

COLUMNS = "id,at,campaign,item,source,sku,what,who,why,before,after,details,previous,digest"


@pytest.fixture
def campaign(tmp_path):
    """A campaign's file with its database beside it, which holds another campaign too."""
    path = tmp_path / "spring.toml"
    path.write_text('[campaign]\nname = "spring"\n')
    with open_store(path.with_suffix(".db")) as store:
        for name, source in (("spring", "caf\udce9.jpg"), ("autumn", "=b.jpg")):
            opened = open_campaign(store, name, currency="USD", settings="x")
            with hold(store, opened) as worker:
                new = NewItem(source=source, content="00", settings="x", sku=f"SKU-{name}")
                add(store, worker, [new])
                (item,) = claim(store, worker)
                low = Reason(name="low-score", value=0.5, limit=0.85, text="score 0.5 is low")
                made = Output(path=f"{name}.png", sha256="00", width=1, height=1, bytes=1)
                finish(store, item, Outcome(route="review", reasons=(low,), outputs=(made,)))
            decide(store, item.id, Judgement(decision="accept", who="ana", why="fine\nreally"))
    return path


def run(capsys, *arguments):
    code = main(["audit", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_trail_is_printed_a_line_an_event(capsys, campaign):
    code, out, _ = run(capsys, campaign)
    added, routed, decided = out.splitlines()
    assert code == 0
    assert r" 1 caf\udce9.jpg: added (found with content 00), by " in added
    assert ": routed - -> review (score 0.5 is low), by " in routed
    assert decided.endswith(r": decided review -> deliver (fine\nreally), by ana")


def test_database_may_be_named_and_holds_every_campaign(capsys, campaign):
    database = campaign.with_suffix(".db")
    everything = run(capsys, database)
    assert len(everything[1].splitlines()) == 6
    assert run(capsys, "--database", database) == everything
    assert run(capsys, campaign, "--database", database) == run(capsys, campaign)


@pytest.mark.parametrize("item", ["SKU-autumn", "=b.jpg", "2"])
def test_one_item_is_asked_for_by_number_path_or_sku(capsys, campaign, item):
    _, out, _ = run(capsys, campaign.with_suffix(".db"), "--item", item)
    assert [" 2 =b.jpg: " in line for line in out.splitlines()] == [True] * 3


def test_csv_is_safe_in_a_spreadsheet(capsys, campaign, tmp_path):
    path = tmp_path / "trail.csv"
    assert run(capsys, campaign.with_suffix(".db"), "--csv", path)[:2] == (0, "")
    text = path.read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert text.partition("\n")[0] == COLUMNS
    assert [(row["source"], row["what"], row["before"], row["after"]) for row in rows[-2:]] == [
        ("'=b.jpg", "routed", "", "review"),
        ("'=b.jpg", "decided", "review", "deliver"),
    ]
    assert json.loads(rows[-1]["details"]) == {"cost": None, "decision": "accept"}
    assert rows[-1]["why"] == "fine\nreally"
    assert rows[0]["at"].endswith("+00:00")


def test_json_has_the_same_rows(capsys, campaign, tmp_path):
    path = tmp_path / "trail.json"
    run(capsys, campaign, "--json", path)
    rows = json.loads(path.read_text())
    assert run(capsys, campaign, "--json", "-")[1] == path.read_text()
    assert list(rows[0]) == COLUMNS.split(",")
    assert [(row["what"], row["who"]) for row in rows][-1] == ("decided", "ana")
    assert rows[0]["source"] == r"caf\udce9.jpg"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "name a campaign's .toml file", id="nothing"),
        pytest.param(["none.db"], "there is no database", id="no-database"),
        pytest.param(["none.toml"], "none.toml: cannot be read", id="no-file"),
        pytest.param(["other.toml"], "has no campaign 'other'; there are: 'spring'", id="unknown"),
        pytest.param(["bad.toml"], "has no `name` in a table [campaign]", id="no-name"),
        pytest.param(["spring.toml", "--item", "x"], "no item is 'x'", id="no-item"),
        pytest.param(["spring.db", "--json", "-", "--csv", "-"], "not both", id="both"),
        pytest.param(["spring.db", "--database", "spring.db"], "give one of them", id="two"),
    ],
)
def test_wrong_use_is_said(capsys, campaign, monkeypatch, arguments, message):
    monkeypatch.chdir(campaign.parent)
    (campaign.parent / "bad.toml").write_text("[campaign]\n")
    (campaign.parent / "other.toml").write_text('[campaign]\nname = "other"\n')
    if arguments == ["other.toml"]:
        arguments = ["other.toml", "--database", "spring.db"]
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_chain_is_followed_and_what_was_changed_is_told(capsys, campaign):
    code, out, err = run(capsys, campaign, "--verify")
    assert (code, err) == (0, "")
    assert re.fullmatch(r".*: \d+ events, each as it was written; the last: [0-9a-f]{64}\n", out)
    with sqlite3.connect(campaign.with_suffix(".db")) as connection:
        connection.execute("DROP TRIGGER events_refuse_update")
        connection.execute("UPDATE events SET who = 'eve' WHERE id = 2")
    connection.close()
    code, out, err = run(capsys, campaign, "--verify")
    assert (code, out) == (1, "")
    assert "event 2 is not as it was written; compare with an earlier export" in err
