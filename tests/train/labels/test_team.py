"""Two processes train one network, as torchrun starts them."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import torch

from maskworks.apps.cli import main
from maskworks.train.labels.team import ALONE, join_team


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


def test_two_processes_train_one_network_and_it_goes_on_as_two(data, recipe_file, tmp_path, capsys):
    recipe, run = recipe_file(steps="2", dev_steps="2"), tmp_path / "run"
    command = ["train", str(recipe), "--data", str(data), "-o", str(run), "--threads", "1"]
    done = torchrun(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall("pictures to learn from", done.stdout)) == 1  # the leader speaks
    saved = torch.load(run / "last.pt", weights_only=True)
    assert saved["progress"]["pictures"] == 2 * 2 * 2  # steps, views, processes
    assert len(saved["samplers"]) == 2
    states = [each["generator"] for each in saved["samplers"]]
    assert not torch.equal(*states)  # each sees views of its own
    assert (run / "log.csv").read_text().count("\n") == 2

    assert main(command) == 1
    assert "was written by 2 processes, these are 1" in capsys.readouterr().err


def test_one_process_is_a_team_of_one(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert join_team() == ALONE
    assert ALONE.agreed(0.5) == 0.5
    assert ALONE.gathered("a") == ["a"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="of machines without an accelerator")
def test_without_an_accelerator_the_processor_learns():
    assert ALONE.device == torch.device("cpu")
