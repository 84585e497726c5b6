from __future__ import annotations

import json

import pytest

from maskworks.apps.cli import main
from maskworks.studio.campaign.exceptions import read_exceptions


@pytest.fixture
def decisions(tmp_path):
    rows = [f"{n}.jpg,{'fix' if n < 14 else 'accept'},glass,edges" for n in range(15)]
    rows += [f"w/{n}.jpg,accept,wood," for n in range(15)]
    path = tmp_path / "decisions.csv"
    path.write_text("\n".join(["source,outcome,tags,reason", *rows]) + "\n")
    return path


def test_suggest_prints_lines_that_can_be_added_as_they_are(decisions, tmp_path, capsys):
    assert main(["exceptions", "suggest", str(decisions)]) == 0
    out = capsys.readouterr().out
    assert out.startswith('tag,glass,"14 of 15 reviewed had to be fixed')
    path = tmp_path / "exceptions.csv"
    path.write_text(f"rule,pattern,reason\n{out}")
    assert [rule.name for rule in read_exceptions(path)] == ["tag:glass"]
    assert main(["exceptions", "suggest", str(decisions), "--exceptions", str(path)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no tag, SKU prefix or folder fails surely enough among 30 decisions" in captured.err


def test_suggest_gives_figures_to_machines(decisions, capsys):
    assert main(["exceptions", "suggest", str(decisions), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["rule"], row["pattern"], row["n"], row["failures"]) == ("tag", "glass", 15, 14)
    assert row["interval"] == pytest.approx([0.702, 0.988], abs=1e-3)


def test_suggest_says_what_it_lacks(tmp_path, capsys):
    path = tmp_path / "d.csv"
    path.write_text("source,outcome\n")
    assert main(["exceptions", "suggest", str(path)]) == 2
    assert "there is no decision in it" in capsys.readouterr().err
