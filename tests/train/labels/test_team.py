"""Two processes train one network, as torchrun starts them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from maskworks.apps.cli import main
from maskworks.train.labels.lesson import Draw
from maskworks.train.labels.loop import LabelRun
from maskworks.train.labels.pace import rate
from maskworks.train.labels.reading import load_set
from maskworks.train.labels.recipe import load_label_recipe
from maskworks.train.labels.team import ALONE, join_team
from maskworks.train.labels.views import Splits, ViewSampler
from maskworks.train.labels.watch import ProgressListener
from maskworks.train.norms import normalised


def torchrun(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command in two processes that meet on a free port of this machine."""
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
        "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", "--local-addr", "127.0.0.1",
        "-m", "maskworks.apps.cli", *words,
    ]  # fmt: skip
    own = {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | own, check=False, timeout=400
    )


def test_two_processes_learn_from_the_mean_of_their_views(data, recipe_file, tmp_path, capsys):
    recipe, run = recipe_file(steps="1", dev_steps="1"), tmp_path / "run"
    command = ["train", str(recipe), "--data", str(data), "-o", str(run), "--threads", "1"]
    done = torchrun(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall("pictures to learn from", done.stdout)) == 1  # the leader speaks
    saved = torch.load(run / "last.pt", weights_only=True)
    assert saved["progress"]["pictures"] == 1 * 2 * 2  # steps, views, processes
    assert len(saved["samplers"]) == 2
    states = [each["generator"] for each in saved["samplers"]]
    assert not torch.equal(*states)  # each sees views of its own
    assert (run / "log.csv").read_text().count("\n") == 2

    loaded = load_label_recipe(recipe)
    splits = Splits(load_set(data, loaded, loaded.train), load_set(data, loaded, loaded.dev))
    watch = ProgressListener(lambda _: None)
    alone = LabelRun(loaded, data, splits, folder=tmp_path / "alone", watch=watch)
    step_of_two(alone)
    for name, tensor in alone.network.named_parameters():
        torch.testing.assert_close(saved["body"][name], tensor.detach(), msg=name)

    assert main(command) == 1
    assert "was written by 2 processes, these are 1" in capsys.readouterr().err


def step_of_two(run: LabelRun) -> None:
    """Take the step that two processes take, in one: the oracle of the test above."""
    recipe, (stage,) = run.recipe, run.recipe.stage
    second = ViewSampler(run.splits.train, recipe.views, unknown=3, seed=recipe.seed + 1000)
    run._mode()
    for sampler in (run.sampler, second):
        batch = sampler.batch(stage)
        seen = replace(batch, pixels=normalised(batch.pixels, recipe))
        (run.lesson(seen, Draw(sampler.generator)) / 2).backward()
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), recipe.clip)
    for group in run.optimizer.param_groups:
        group["lr"] = recipe.lr * rate(0, 0, recipe)
    run.optimizer.step()


@pytest.mark.slow
def test_a_team_goes_on_as_a_team(data, recipe_file, tmp_path):
    run = tmp_path / "run"
    for steps in ("1", "2"):
        recipe = recipe_file(steps=steps, dev_steps="1")
        done = torchrun("train", str(recipe), "--data", str(data), "-o", str(run))
        assert done.returncode == 0, done.stdout + done.stderr
    assert "resumed at step 1" in done.stdout
    saved = torch.load(run / "last.pt", weights_only=True)
    assert saved["progress"]["pictures"] == 2 * 2 * 2


def test_one_process_is_a_team_of_one(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert join_team() == ALONE
    assert ALONE.agreed(0.5) == 0.5
    assert ALONE.gathered("a") == ["a"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="of machines without an accelerator")
def test_without_an_accelerator_the_processor_learns():
    assert ALONE.device == torch.device("cpu")
