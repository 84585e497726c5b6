"""Schedules, mixed precision, the average of the weights, and what a run leaves behind."""

from __future__ import annotations

import csv
import math
import re

import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from maskworks.core.errors import RecipeError
from maskworks.train.labels.loop import LabelRun
from maskworks.train.labels.pace import explained, rate
from maskworks.train.labels.reading import load_set
from maskworks.train.labels.recipe import LabelStage, load_label_recipe
from maskworks.train.labels.views import Splits
from maskworks.train.labels.watch import ProgressListener
from maskworks.train.schedule import stage_at


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("poly", lambda done: (1 - done) ** 0.9),
        ("cosine", lambda done: 0.5 * (1 + math.cos(math.pi * done))),
    ],
)
def test_the_rate_falls_by_the_schedule_after_it_has_warmed_up(recipe_file, schedule, expected):
    path = recipe_file(warm_up="4")
    path.write_text(
        path.read_text().replace("warm_up = 4", f'warm_up = 4\nschedule = "{schedule}"')
    )
    recipe = load_label_recipe(path)
    for done in (0.0, 0.3, 0.9, 1.0):
        assert rate(done, 100, recipe) == pytest.approx(expected(done))
    assert [rate(0, step, recipe) for step in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1])


def test_stages_follow_their_shares():
    first, last = (LabelStage(share=s, height=32, width=32, batch=1) for s in (0.25, 0.75))
    found = [stage_at((first, last), at) for at in (0, 0.24, 0.25, 1.0)]
    assert found == [first, first, last, last]


@pytest.mark.parametrize(
    ("batch", "message"),
    [(6, "batch = 3 with accumulate = 2"), (1, "height = 32 halves it")],
)
def test_memory_that_does_not_suffice_is_explained_for_every_device(batch, message):
    stage = LabelStage(share=1, height=64, width=64, batch=batch)
    for said in ("CUDA out of memory. Tried to", "DefaultCPUAllocator: not enough memory"):
        found = explained(RuntimeError(said), stage)
        assert isinstance(found, RecipeError)
        assert message in str(found)
    other = RuntimeError("shapes differ")
    assert explained(other, stage) is other


@pytest.fixture
def begun(data, recipe_file, tmp_path):
    """Begin a run of a recipe whose text is changed first."""

    def begin(*changes: tuple[str, str]) -> LabelRun:
        path = recipe_file()
        for before, after in changes:
            assert before in path.read_text(), before
            path.write_text(path.read_text().replace(before, after))
        recipe = load_label_recipe(path)
        splits = Splits(load_set(data, recipe, recipe.train), load_set(data, recipe, recipe.dev))
        watch = ProgressListener(lambda _: None)
        return LabelRun(recipe, data, splits, folder=tmp_path / "run", watch=watch)

    return begin


def test_half_precision_learns_much_the_same_and_keeps_full_weights(begun):
    full = begun()
    first = full.learn(0)
    half = begun(("lr = 1e-2", 'lr = 1e-2\nprecision = "bfloat16"'))
    assert half.learn(0) == pytest.approx(first, rel=0.05)
    assert {p.dtype for p in half.network.parameters()} == {torch.float32}
    assert half.at.step == 1


def test_the_average_follows_the_weights(begun):
    run = begun(("ema = 0.5", "ema = 0.3"))
    expected = {name: t.detach().clone() for name, t in run.network.named_parameters()}
    for step in range(5):
        run.learn(step / 6)
        keep = min(0.3, (2 + step) / (11 + step))
        for name, now in run.network.named_parameters():
            expected[name] = keep * expected[name] + (1 - keep) * now.detach()
    for name, tensor in expected.items():
        torch.testing.assert_close(run.average[name], tensor)


def test_what_is_frozen_stays(begun):
    run = begun(("ema = 0.5", 'ema = 0.5\nfreeze = ["down.0."]\nfrozen_norm = true'))
    before = {name: t.clone() for name, t in run.network.state_dict().items()}
    run._mode()
    run.learn(0)
    changed = {n for n, t in run.network.state_dict().items() if not torch.equal(t, before[n])}
    assert changed
    assert not [name for name in changed if name.startswith("down.0.") or "running" in name]


def test_accumulating_learns_from_as_many_views_as_a_larger_batch(begun):
    run = begun(("batch = 2", "batch = 1\naccumulate = 4"))
    run.learn(0)
    assert (run.at.step, run.at.pictures) == (1, 4)


def test_accumulating_ends_where_the_larger_batch_does(begun):
    plain = (
        ('class_weights = "balanced"', ""),
        ("lovasz = 1.0", ""),
        ("zoom = [0.7, 1.5]", "zoom = [1.0, 1.5]"),
        ("ema = 0.5", "ema = 0.5\nfrozen_norm = true"),
    )
    ends = []
    for batch in ("batch = 4", "batch = 2\naccumulate = 2"):
        run = begun(("batch = 2", batch), *plain)
        for labels in run.splits.train.labels:
            labels.clamp_(max=2)  # each half knows as many pixels
        run._mode()
        run.learn(0)
        ends.append(run.network.state_dict())
    for name, tensor in ends[0].items():
        torch.testing.assert_close(tensor, ends[1][name], msg=name)


def test_a_run_leaves_a_log_events_and_examples_of_each_score(data, recipe_file, train, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(recipe_file(steps="2", dev_steps="1"), data, tmp_path / "run")
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").read_text().splitlines()))
    assert [row["step"] for row in rows] == ["1", "2"]
    events = EventAccumulator(str(tmp_path / "run" / "events"))
    events.Reload()
    logged = [each.value for each in events.Scalars("dev/mIoU")]
    assert logged == pytest.approx([float(row["dev mIoU"]) for row in rows], abs=1e-5)
    drawn = sorted((tmp_path / "run" / "examples").rglob("*.jpg"))
    assert [path.parent.name for path in drawn] == ["step-000001"] * 3 + ["step-000002"] * 3
    picture = np.asarray(PilImage.open(drawn[0]))
    assert picture.shape[1] >= 3 * 64  # the picture, its truth, the answer


def test_every_step_ticks_with_the_last_dev_score(data, recipe_file, tmp_path):
    from maskworks.train.budget import Budget
    from maskworks.train.labels.run import train_labels

    seen = []
    watch = ProgressListener(lambda _: None, seen.append)
    train_labels(
        recipe_file(steps="3", dev_steps="2"),
        data,
        tmp_path / "run",
        Budget(minutes=5),
        watch=watch,
    )
    assert [tick.step for tick in seen] == [1, 2, 3]
    assert [tick.share for tick in seen] == pytest.approx([1 / 3, 2 / 3, 1])
    assert [tick.dev is None for tick in seen] == [True, True, False]
    assert seen[-1].dev[0] == "mIoU"


def test_a_bar_shows_where_a_run_is_on_a_terminal(monkeypatch, capsys):
    from maskworks.apps.cli import train as command
    from maskworks.train.labels.watch import Tick

    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with command.progress() as (say, tick):
        tick(Tick(0.25, 10, 0.5, 4.0, ("mIoU", 0.71)))
        say("dev mIoU 0.7100 at step 10")
    said = capsys.readouterr().out
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", said)
    assert "dev mIoU 0.7100 at step 10" in plain
    assert "25 %  step 10  loss 0.500  4.0 pictures/s  dev mIoU 0.7100" in plain
