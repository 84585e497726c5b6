from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from maskworks.studio.store import processes
from maskworks.studio.store.processes import (
    STALE_AFTER,
    is_alive,
    is_dead,
    silence,
    this_process,
)

HERE = this_process()
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_process_names_itself():
    assert HERE.pid == os.getpid()
    assert HERE.name == f"{HERE.user}@{HERE.host} (process {HERE.pid})"
    assert this_process() == HERE


@pytest.mark.parametrize(
    ("change", "alive"),
    [
        pytest.param({}, True, id="this-one"),
        pytest.param({"started": "1"}, False, id="its-number-was-given-away"),
        pytest.param({"pid": 2**22 + 1}, False, id="no-such-number"),
        pytest.param({"host": "elsewhere"}, None, id="another-host"),
        pytest.param({"machine": "other"}, None, id="another-boot-or-container"),
        pytest.param({"machine": ""}, None, id="a-system-that-does-not-tell"),
        pytest.param({"started": ""}, None, id="start-unknown"),
    ],
)
def test_what_can_be_seen_of_a_process(change, alive):
    assert is_alive(replace(HERE, **change), HERE) is alive


def test_process_that_ended_is_dead_even_before_its_parent_looks():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    began = replace(HERE, pid=child.pid, started=processes._started(child.pid))
    assert is_alive(began, HERE) is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
    assert is_alive(began, HERE) is False
    child.communicate()
    assert is_alive(began, HERE) is False


@pytest.mark.parametrize(
    ("change", "silent", "dead"),
    [
        pytest.param({}, timedelta(days=9), False, id="seen-alive"),
        pytest.param({"pid": 2**22 + 1}, timedelta(), True, id="seen-dead"),
        pytest.param({"host": "elsewhere"}, STALE_AFTER, False, id="unseen-and-spoke"),
        pytest.param({"host": "elsewhere"}, STALE_AFTER * 2, True, id="unseen-and-silent"),
    ],
)
def test_what_is_seen_counts_more_than_silence(change, silent, dead):
    assert is_dead(replace(HERE, **change), HERE, silent=silent) is dead


def test_clock_that_was_set_back_makes_nobody_silent():
    assert silence(NOW + timedelta(hours=1), NOW) == timedelta()
    assert silence(NOW - timedelta(hours=1), NOW) == timedelta(hours=1)
