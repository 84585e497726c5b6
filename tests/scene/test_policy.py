"""A policy proposes a risk by its first fitting rule, and says what is wrong with it."""

from __future__ import annotations

import pytest

from maskworks.core.errors import UsageError
from maskworks.scene.policy import TopicEvidence, propose, read_policy
from maskworks.scene.record import ContentContext
from maskworks.scene.signals.opening import open_signals
from maskworks.scene.signals.protocol import SIGNAL_NAMES, SignalChoices

HEAD = 'name = "mine"\ndate = 2026-01-02\n'


def rule(**parts):
    rows = {"name": '"r"', "risk": '"bsr002"', **parts}
    return HEAD + "[[rules]]\n" + "".join(f"{key} = {value}\n" for key, value in rows.items())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (rule(categories='["avbNf3"]'), "no category 'avbNf3'; did you mean avbNf2"),
        (rule(categories='["armz"]'), "did you mean arms"),
        (rule(risk='"bsr02"'), "no risk 'bsr02'; did you mean bsr002"),
        (rule(purpose='["newz"]'), "did you mean news"),
        (rule(source='["profesional"]'), "did you mean professional"),
        (rule(least_likelihood="9"), "least_likelihood"),
        (rule(colour='"red"'), "colour"),
        (HEAD + "rules = 3\n", "tables"),
        (HEAD + 'rules = []\n[thresholds]\n"adult picture" = 0.5\n', "did you mean adult pictures"),
        (HEAD + "rules = []\n[thresholds]\nlogos = 5\n", "thresholds.logos"),
        ("name = ", "cannot be read as TOML"),
        ('name = "x"\nrules = []\n', "date"),
    ],
    ids=[
        "id",
        "name",
        "risk",
        "purpose",
        "source",
        "range",
        "unknown key",
        "no tables",
        "signal",
        "threshold",
        "no TOML",
        "no date",
    ],
)
def test_a_wrong_policy_says_what_is_wrong(tmp_path, text, says):
    path = tmp_path / "brand.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=says):
        read_policy(path)


def test_ids_and_names_mean_the_same(tmp_path):
    path = tmp_path / "brand.toml"
    path.write_text(rule(categories='["avbNf2", "death"]', purpose='"1020"'))
    (only,) = read_policy(path).rules
    assert (only.categories, only.purpose) == (("arms", "death"), ("news",))


def evidence(extent="adjacent", category="arms", likelihood=5, *, news=False, kinds=("text",)):
    return TopicEvidence(category, frozenset(kinds), likelihood, extent, all_news=news)


@pytest.mark.parametrize(
    ("found", "context", "risk", "rule_name"),
    [
        (evidence(), {}, "bsr003", "likely, in passing"),
        (evidence("sustained"), {}, "bsr002", "sustained and very likely"),
        (evidence("sustained"), {"purpose": "news"}, "bsr003", "reported as news"),
        (evidence(news=True), {}, "bsr004", "worded as news, passing"),
        (evidence("sustained", "hate"), {}, "bsr001", "hate or terrorism, not in the news"),
        (evidence("sustained", "hate", news=True), {}, "bsr002", "sustained and very likely"),
        (evidence(likelihood=3), {}, "bsr004", "anything else that was found"),
        (evidence(category="adult", kinds=("picture",)), {}, "bsr001", "explicit pictures"),
    ],
    ids=["passing", "sustained", "news", "worded", "hate", "hate in news", "low", "pictures"],
)
def test_the_default_policy_proposes_by_its_first_fitting_rule(found, context, risk, rule_name):
    assert propose(found, ContentContext(**context), read_policy()) == (risk, rule_name)


def test_where_no_rule_fits_nothing_is_proposed(tmp_path):
    path = tmp_path / "brand.toml"
    path.write_text(rule(categories='["hate"]'))
    assert propose(evidence(), ContentContext(), read_policy(path)) == (None, None)


def test_a_finding_that_no_rule_fits_is_told_all_the_same(tmp_path, drawing, capsys):
    from maskworks.apps.cli.main import main

    drawing.write_clip(tmp_path / "a.mp4", [drawing.Drawn(16)])
    (tmp_path / "a.srt").write_text(drawing.SRT, encoding="utf-8")
    (tmp_path / "brand.toml").write_text(rule(categories='["hate"]'))
    words = ["suitability", str(tmp_path / "a.mp4"), "-o", str(tmp_path / "out"), "--no-ocr"]
    assert main([*words, "--policy", str(tmp_path / "brand.toml")]) == 0
    assert (
        "arms adjacent, likelihood 5, proposed risk none, since no rule" in capsys.readouterr().out
    )


def test_a_threshold_of_a_signal_counts_instead_but_narrow_ones_stay_hints(tmp_path):
    path = tmp_path / "brand.toml"
    path.write_text(rule() + '[thresholds]\n"adult pictures" = 0.6\ncodes = 0.1\n')
    policy = read_policy(path)
    assert not policy.is_hint("adult pictures", 0.7, weak=True, narrow=False)
    assert policy.is_hint("adult pictures", 0.5, weak=True, narrow=False)
    assert policy.is_hint("codes", 0.3, weak=True, narrow=True)
    assert policy.is_hint("subtitles", 0.4, weak=False, narrow=False)


def test_the_names_of_signals_are_those_that_are_opened():
    opened = open_signals(SignalChoices(ocr=False, threads=1))
    assert tuple(signal.info.name for signal in opened) == SIGNAL_NAMES
